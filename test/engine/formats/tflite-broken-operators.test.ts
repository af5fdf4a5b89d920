/** The TFLite reader on operators that do not hold together, or are not read, and on dynamic dimensions without values. */
import { convOptions, int32s, smallFile, withOperator, withTensor } from '../../testkit/tflite-files';
import { type BrokenFile, testRefusals } from '../../testkit/tflite-refusals';

const OPERATORS: readonly BrokenFile[] = [
  {
    what: 'an op of the user',
    file: withOperator(1, { builtin: 'CUSTOM FlexErf' }),
    code: 'UNSUPPORTED_OP',
    message: 'CUSTOM FlexErf, which makes tensor means, is not one of the operators that are read',
    where: 'op custom_1 (CUSTOM FlexErf)',
    remedy: /builtin operators only/,
  },
  {
    what: 'an op of the schema that is not read',
    file: withOperator(1, { builtin: 'LSTM' }),
    code: 'UNSUPPORTED_OP',
    message: 'LSTM, which makes tensor means, is not one of the operators that are read',
    where: 'op lstm_1 (LSTM)',
  },
  {
    what: 'an op of a newer schema',
    file: withOperator(1, { builtin: 300 }),
    code: 'UNSUPPORTED_OP',
    message: 'BUILTIN 300, which makes tensor means, is not one of the operators that are read',
    where: 'op builtin_1 (BUILTIN 300)',
  },
  {
    what: 'an op that reads what is made later',
    file: withOperator(0, { inputs: [5, 1, 2] }),
    code: 'MALFORMED_FILE',
    message: 'tensor means is read before any op makes it',
    where: 'op conv_2d_0 (CONV_2D)',
  },
  {
    what: 'a tensor that is made twice',
    file: withOperator(1, { outputs: [3] }),
    code: 'MALFORMED_FILE',
    message: 'tensor features is made twice',
    where: 'op mean_1 (MEAN)',
  },
  {
    what: 'an op that makes a graph input',
    file: withOperator(1, { outputs: [0] }),
    code: 'MALFORMED_FILE',
    message: 'tensor image is made twice',
    where: 'op mean_1 (MEAN)',
  },
  {
    what: 'a convolution without a weight',
    file: withOperator(0, { inputs: [0] }),
    code: 'MALFORMED_FILE',
    message: 'the op has inputs [0]; 2 to 3 were expected',
    where: 'op conv_2d_0 (CONV_2D)',
  },
  {
    what: 'a weight that is left out',
    file: withOperator(0, { inputs: [0, -1, 2] }),
    code: 'MALFORMED_FILE',
    message: 'the op has inputs [0,-1,2]; 2 to 3 were expected',
  },
  {
    what: 'a convolution of four inputs',
    file: withOperator(0, { inputs: [0, 1, 2, 2] }),
    code: 'MALFORMED_FILE',
    message: 'the op has inputs [0,1,2,2]; 2 to 3 were expected',
  },
  {
    what: 'a concatenation of nothing',
    file: withOperator(1, { builtin: 'CONCATENATION', inputs: [] }),
    code: 'MALFORMED_FILE',
    message: 'the op has inputs []; at least 1 were expected',
  },
  {
    what: 'an op without outputs',
    file: withOperator(1, { outputs: [] }),
    code: 'MALFORMED_FILE',
    message: 'the op makes no output',
    where: 'op mean_1 (MEAN)',
  },
  {
    what: 'a stride of 0',
    file: withOperator(0, { options: convOptions(0) }),
    code: 'INVALID_SHAPE',
    message: 'kernel [3,3], strides [0,0] and dilations [1,1] must be at least 1',
    where: 'op conv_2d_0 (CONV_2D)',
  },
  {
    what: 'a fused activation that does not exist',
    file: withOperator(0, { options: convOptions(2, 9) }),
    code: 'MALFORMED_FILE',
    message: 'fused activation 9 does not exist',
    where: 'op conv_2d_0 (Conv)',
  },
  {
    what: 'a weight of two dimensions',
    file: withTensor(1, { shape: [4, 27] }),
    code: 'INVALID_SHAPE',
    message: 'tensor weight has shape [4,27]; 4 dimensions were expected',
    where: 'op conv_2d_0 (CONV_2D)',
  },
  {
    what: 'a weight of other channels',
    file: withTensor(1, { shape: [3, 3, 3, 4] }),
    code: 'INVALID_SHAPE',
    message: 'weight [3,3,3,4] does not fit 3 input channels',
  },
  {
    what: 'a depthwise weight of other channels',
    file: withOperator(0, { builtin: 'DEPTHWISE_CONV_2D', options: { ...convOptions(), union: 2 } }),
    code: 'INVALID_SHAPE',
    message: 'depthwise weight [4,3,3,3] does not fit 3 input channels',
  },
  {
    what: 'a weight that is a graph input',
    file: smallFile({ inputs: [0, 1] }),
    code: 'UNSUPPORTED_OP',
    message: 'tensor weight, the weight, is computed at run time',
    where: 'op conv_2d_0 (CONV_2D)',
    remedy: /constant weights/,
  },
  {
    what: 'axes without bytes',
    file: withTensor(4, { data: undefined }),
    code: 'INVALID_SHAPE',
    message: 'the op depends on the values of tensor axes, which are not in the file',
    where: 'op mean_1 (MEAN)',
    remedy: /256 bytes/,
  },
  {
    what: 'an axis that does not exist',
    file: withTensor(4, { data: int32s(1, 4) }),
    code: 'INVALID_SHAPE',
    message: 'axis 4 is outside the 4 dimensions',
    where: 'op mean_1 (MEAN)',
  },
];

const DYNAMIC = withTensor(0, { signature: [-1, 9, 8, 3] });

const BINDINGS: readonly BrokenFile[] = [
  {
    what: 'a dynamic dimension',
    file: DYNAMIC,
    code: 'UNBOUND_DIMENSION',
    message: 'dimension image.0 of input image is dynamic',
    where: 'image',
    remedy: /Bind it, for example image\.0=1/,
  },
  {
    what: 'a binding to half an image',
    file: DYNAMIC,
    bindings: { 'image.0': 0.5 },
    code: 'UNBOUND_DIMENSION',
    message: 'binding image.0=0.5 is not a whole number of at least 1',
    where: 'image.0',
  },
  {
    what: 'a binding of a static dimension',
    file: DYNAMIC,
    bindings: { 'image.0': 1, 'image.1': 9 },
    code: 'UNKNOWN_NAME',
    message: 'binding image.1 names no dynamic dimension of the network',
    where: 'image.1',
    remedy: /Dynamic dimensions: image\.0\./,
  },
  {
    what: 'a batch larger than any device',
    file: DYNAMIC,
    bindings: { 'image.0': 2 ** 40 },
    code: 'MALFORMED_FILE',
    message: 'graph input image has shape [1099511627776,9,8,3]',
    where: 'tensor image',
  },
];

describe('operators', () => testRefusals(OPERATORS));

describe('bindings', () => testRefusals(BINDINGS));
