/**
 * The fixture manifest: small files of both formats, sound and broken, each with the plan or the refusal that it must give.
 * A plan is written as its kernels in order, `kind+fused`; a refusal as its code and where.
 */
import { ATTRIBUTE_TYPES } from '../../src/engine/formats/onnx-schema';
import { fusionNetworks } from './fusion-networks';
import { changed, setAttribute, setDimension, wholeFile } from './onnx-files';
import { convOptions, int32s, smallFile, withOperator, withTensor, writeTflite } from './tflite-files';
import { quantizedNetworks, transformerNetworks } from './transformer-networks';

const NETWORKS = new Map(
  [...fusionNetworks(1), ...transformerNetworks(1), ...quantizedNetworks(1)].map(({ name, bytes }) => [name, bytes]),
);

type Row = readonly [name: string, bytes: Uint8Array, expected: string];

const named = (expected: Readonly<Record<string, string>>): Row[] =>
  Object.entries(expected).map(([name, plan]) => [name, NETWORKS.get(name)!, plan]);

/** Planned for onnxruntime on a CPU. */
export const ONNX: readonly Row[] = [
  ['a convolution and a reshape', wholeFile(), 'convolution reshape'],
  ...named({
    'batch normalization with one reader': 'convolution+relu',
    'batch normalization behind an activation': 'convolution+relu batch_normalization',
    'per-channel mul and add': 'convolution',
    'a factor per pixel of the last axis': 'convolution mul',
    'clip with bounds': 'convolution+clip',
    'swish of a convolution': 'convolution quick_gelu',
    'hard swish of a convolution': 'convolution hard_sigmoid mul',
    'convolution is an output too': 'convolution relu',
    'relu then clip behind a pool': 'convolution global_average_pool clip',
    'identity and dropout between': 'convolution+relu',
    'pad before a convolution': 'convolution convolution',
    'pad with two readers': 'convolution pad convolution convolution add',
    'the same op twice': 'convolution max_pool relu convolution convolution mul',
    'two branches and a sum': 'convolution relu pointwise_convolution grouped_convolution add relu',
    'depthwise and transposed convolution':
      'convolution depthwise_convolution+relu conv_transpose batch_normalization relu',
    'a shuffle of channels': 'convolution reshape transpose reshape convolution',
    'split, concat and slice': 'convolution split relu concat slice',
    'ops that do nothing': 'convolution slice relu',
    'shape arithmetic': 'convolution reshape relu',
    'gemm with relu': 'global_average_pool flatten gemm+relu',
    'gemm with clip': 'global_average_pool flatten gemm clip',
    'matmul and add': 'global_average_pool flatten gemm+relu',
    'matmul and batch normalization': 'global_average_pool flatten gemm',
  }),
];

/** Planned op by op. */
export const PLAIN: readonly Row[] = named({
  'layer normalization': 'relu reduce_mean sub pow reduce_mean add sqrt div mul add',
  gelu: 'relu div erf add mul mul',
  'LayerNormalization behind a sum': 'relu tanh add layer_normalization',
  attention:
    'relu mat_mul add transpose mat_mul add transpose mat_mul div softmax mat_mul add transpose mat_mul transpose mat_mul add',
  'quantised convolution': 'quantize_linear dequantize_linear convolution quantize_linear dequantize_linear',
  'quantised net':
    'quantize_linear dequantize_linear convolution relu quantize_linear dequantize_linear pointwise_convolution quantize_linear dequantize_linear add quantize_linear dequantize_linear global_average_pool quantize_linear dequantize_linear',
});

/** Planned for TFLite on an Adreno 640. */
export const TFLITE: readonly Row[] = [
  ['conv and mean', writeTflite(smallFile()), 'convolution_2d+relu mean'],
  ['conv without activation', writeTflite(withOperator(0, { options: convOptions(2, 0) })), 'convolution_2d mean'],
  ['conv with relu', writeTflite(withOperator(0, { options: convOptions(2, 1) })), 'convolution_2d+relu mean'],
  ['conv without bias', writeTflite(withOperator(0, { inputs: [0, 1] })), 'convolution_2d+relu mean'],
  [
    'int8 weights',
    writeTflite(withTensor(1, { type: 'int8', data: new Uint8Array(108), scales: [0.1] })),
    'convolution_2d+relu mean',
  ],
  ['weights left out', writeTflite(withTensor(1, { data: undefined })), 'convolution_2d+relu mean'],
  [
    'a signature that fixes the batch',
    writeTflite(withTensor(0, { signature: [1, 9, 8, 3] })),
    'convolution_2d+relu mean',
  ],
];

const whole = wholeFile();
const wholeTflite = writeTflite(smallFile());

export const BROKEN: readonly Row[] = [
  ['no bytes', new Uint8Array(), 'MALFORMED_FILE'],
  ['text', Buffer.from('not a network'), 'MALFORMED_FILE byte 1'],
  ['ONNX cut in half', whole.subarray(0, whole.length >> 1), 'MALFORMED_FILE byte 15'],
  ['ONNX without its last byte', whole.subarray(0, whole.length - 1), 'MALFORMED_FILE byte 670'],
  [
    'ONNX without a graph',
    changed((_, model) => {
      delete model.graph;
    }),
    'MALFORMED_FILE fixture',
  ],
  [
    'ONNX without ops',
    changed((graph) => {
      graph.node = [];
    }),
    'MALFORMED_FILE fixture',
  ],
  [
    'ONNX without operator set',
    changed((_, model) => {
      model.opsetImport = [];
    }),
    'MALFORMED_FILE fixture',
  ],
  [
    'ONNX of operator set 5',
    changed((_, model) => {
      model.opsetImport = [{ version: 5 }];
    }),
    'UNSUPPORTED_FORMAT fixture',
  ],
  [
    'ONNX of operator set 99',
    changed((_, model) => {
      model.opsetImport = [{ version: 99 }];
    }),
    'UNSUPPORTED_FORMAT fixture',
  ],
  ['an unbound batch', changed((graph) => setDimension(graph, 0, { dimParam: 'batch' })), 'UNBOUND_DIMENSION input'],
  ['a nameless dynamic height', changed((graph) => setDimension(graph, 2, {})), 'UNBOUND_DIMENSION input'],
  ['a huge input', changed((graph) => setDimension(graph, 0, { dimValue: 2 ** 45 })), 'MALFORMED_FILE input'],
  [
    'an unknown op',
    changed((graph) => {
      graph.node[0].opType = 'Convolve';
    }),
    'UNSUPPORTED_OP op conv (Convolve)',
  ],
  [
    'an op of an unknown domain',
    changed((graph) => {
      graph.node[0].domain = 'acme';
    }),
    'UNSUPPORTED_OP op conv (acme.Conv)',
  ],
  [
    'a loop',
    changed((graph) => {
      graph.node[0].opType = 'Loop';
    }),
    'UNSUPPORTED_OP op conv (Loop)',
  ],
  [
    'a branch',
    changed((graph) => {
      graph.node[0].opType = 'If';
    }),
    'UNSUPPORTED_OP op conv (If)',
  ],
  [
    'a missing input',
    changed((graph) => {
      graph.node[0].input = ['input'];
    }),
    'INVALID_SHAPE op conv (Conv)',
  ],
  [
    'an input that nothing makes',
    changed((graph) => {
      graph.node[0].input[0] = 'ghost';
    }),
    'MALFORMED_FILE op conv (Conv)',
  ],
  ['ops out of order', changed((graph) => graph.node.reverse()), 'MALFORMED_FILE op flat (Reshape)'],
  [
    'a tensor made twice',
    changed((graph) => {
      graph.node[1].output = ['convolved'];
    }),
    'MALFORMED_FILE op flat (Reshape)',
  ],
  [
    'an output that nothing makes',
    changed((graph) => {
      graph.output[0].name = 'ghost';
    }),
    'MALFORMED_FILE ghost',
  ],
  [
    'a stride of 0',
    changed((graph) => setAttribute(graph, { name: 'strides', type: ATTRIBUTE_TYPES.ints, ints: [0, 1] })),
    'INVALID_SHAPE op conv (Conv)',
  ],
  [
    'groups that do not divide',
    changed((graph) => setAttribute(graph, { name: 'group', type: ATTRIBUTE_TYPES.int, i: 2 })),
    'INVALID_SHAPE op conv (Conv)',
  ],
  [
    'a group that is a text',
    changed((graph) => setAttribute(graph, { name: 'group', type: ATTRIBUTE_TYPES.string, s: Buffer.from('2') })),
    'INVALID_SHAPE op conv (Conv)',
  ],
  [
    'a window wider than the image',
    changed((graph) => {
      graph.input[0].type!.tensorType!.shape!.dim[2] = { dimValue: 2 };
    }),
    'INVALID_SHAPE op conv (Conv)',
  ],
  [
    'a target that does not fit',
    changed((graph) => {
      graph.initializer[1].rawData = new Uint8Array(BigInt64Array.of(7n, -1n).buffer);
    }),
    'INVALID_SHAPE op flat (Reshape)',
  ],
  [
    'a target without its bytes',
    changed((graph) => {
      graph.initializer[1].dataLocation = 1;
    }),
    'INVALID_SHAPE op flat (Reshape)',
  ],
  [
    'too few values',
    changed((graph) => {
      graph.initializer[0].rawData = new Uint8Array(8);
    }),
    'MALFORMED_FILE weight',
  ],
  [
    'an element type of the future',
    changed((graph) => {
      graph.initializer[0].dataType = 77;
    }),
    'UNSUPPORTED_FORMAT weight',
  ],
  [
    'a weight that stands twice',
    changed((graph) => {
      graph.initializer.push(graph.initializer[0]);
    }),
    'MALFORMED_FILE weight',
  ],
  ['TFLite cut in half', wholeTflite.subarray(0, wholeTflite.length >> 1), 'MALFORMED_FILE byte 1228 (Model.buffers)'],
  ['TFLite of another version', writeTflite(smallFile({ identifier: 'TFL2' })), 'MALFORMED_FILE byte 1'],
  ['two subgraphs', writeTflite(smallFile({ subgraphs: 2 })), 'UNSUPPORTED_FORMAT Model.subgraphs'],
  ['no subgraph', writeTflite(smallFile({ subgraphs: 0 })), 'MALFORMED_FILE byte 32 (Model.subgraphs)'],
  [
    'TFLite with an unknown operator',
    writeTflite(withOperator(0, { builtin: 9999 })),
    'UNSUPPORTED_OP op builtin_0 (BUILTIN 9999)',
  ],
  [
    'TFLite with an operator of its own',
    writeTflite(withOperator(0, { builtin: 'CUSTOM Mine' })),
    'UNSUPPORTED_OP op custom_0 (CUSTOM Mine)',
  ],
  [
    'TFLite with an input that does not exist',
    writeTflite(withOperator(0, { inputs: [0, 99, 2] })),
    'MALFORMED_FILE byte 324 (Operator.inputs)',
  ],
  [
    'TFLite with a missing weight',
    writeTflite(withOperator(0, { inputs: [0] })),
    'MALFORMED_FILE op conv_2d_0 (CONV_2D)',
  ],
  [
    'TFLite with a stride of 0',
    writeTflite(withOperator(0, { options: convOptions(0) })),
    'INVALID_SHAPE op conv_2d_0 (CONV_2D)',
  ],
  [
    'TFLite weight that does not fit',
    writeTflite(withTensor(1, { shape: [4, 3, 3, 2] })),
    'MALFORMED_FILE byte 784 (Buffer.data)',
  ],
  ['TFLite axes outside', writeTflite(withTensor(4, { data: int32s(1, 9) })), 'INVALID_SHAPE op mean_1 (MEAN)'],
  [
    'TFLite with a dynamic batch',
    writeTflite(withTensor(0, { shape: [1, 9, 8, 3], signature: [-1, 9, 8, 3] })),
    'UNBOUND_DIMENSION image',
  ],
  [
    'TFLite with a negative dimension',
    writeTflite(withTensor(0, { shape: [1, -9, 8, 3] })),
    'MALFORMED_FILE byte 640 (Tensor.shape)',
  ],
];
