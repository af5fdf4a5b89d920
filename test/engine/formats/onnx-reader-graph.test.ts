/** Graphs inside of well-formed ONNX files that the reader refuses, each with its place and remedy. */
import { ATTRIBUTE_TYPES } from '../../../src/engine/formats/onnx-schema';
import { changed, setAttribute, testBrokenFiles } from '../../testkit/onnx-files';

const subgraph = (opType: string) =>
  changed(({ node }) => {
    node[1] = { ...node[1], opType, input: ['convolved'] };
  });

testBrokenFiles([
  {
    what: 'an unknown op',
    bytes: subgraph('Frobnicate'),
    code: 'UNSUPPORTED_OP',
    message: 'op type Frobnicate has no shape rule',
    where: 'op flat (Frobnicate)',
    remedy: /Replace the op/,
  },
  {
    what: 'an op named like a method of every object',
    bytes: subgraph('toString'),
    code: 'UNSUPPORTED_OP',
    message: 'op type toString has no shape rule',
    where: 'op flat (toString)',
  },
  {
    what: 'an op of another domain',
    bytes: changed(({ node }) => {
      node[1] = { ...node[1], domain: 'com.example', opType: 'Relu', name: '' };
    }),
    code: 'UNSUPPORTED_OP',
    message: 'op type com.example.Relu has no shape rule',
    where: 'op com.example.Relu_1 (com.example.Relu)',
  },
  ...['If', 'Loop', 'Scan'].map((type) => ({
    what: `control flow by ${type}`,
    bytes: subgraph(type),
    code: 'UNSUPPORTED_OP',
    message: `${type} decides at run time what is computed`,
    where: `op flat (${type})`,
    remedy: /branch that runs on the device/,
  })),
  {
    what: 'an attribute that holds a graph',
    bytes: changed((graph) => setAttribute(graph, { name: 'body', type: ATTRIBUTE_TYPES.graph })),
    code: 'UNSUPPORTED_OP',
    message: 'attribute body has type 5, which is not read',
    where: 'op conv (Conv)',
  },
  {
    what: 'an initializer that stands twice',
    bytes: changed(({ initializer }) => initializer.push(initializer[0])),
    code: 'MALFORMED_FILE',
    message: 'initializer weight stands twice',
    where: 'weight',
    remedy: /^Check /,
  },
  {
    what: 'an initializer of negative size',
    bytes: changed(({ initializer }) => {
      initializer[0].dims = [4, 3, -3, -3];
    }),
    code: 'MALFORMED_FILE',
    message: 'a tensor has shape [4,3,-3,-3]',
    where: 'weight',
    remedy: /^Check /,
  },
  {
    what: 'an initializer of 2^60 elements',
    bytes: changed(({ initializer }) => {
      initializer[0].dims = [2 ** 30, 2 ** 30];
    }),
    code: 'MALFORMED_FILE',
    message: 'a tensor has shape [1073741824,1073741824]',
    where: 'weight',
  },
  {
    what: 'an initializer with too few values',
    bytes: changed(({ initializer }) => {
      initializer[1].rawData = initializer[1].rawData!.subarray(0, 8);
    }),
    code: 'MALFORMED_FILE',
    message: 'a tensor of shape [2] of int64 has 8 bytes; 16 were expected',
    where: 'target',
    remedy: /^Check /,
  },
  {
    what: 'an initializer of a type without a number',
    bytes: changed(({ initializer }) => {
      initializer[0].dataType = 99;
    }),
    code: 'UNSUPPORTED_FORMAT',
    message: 'element type 99 is not supported',
    where: 'weight',
    remedy: /float32/,
  },
  {
    what: 'a tensor that is made twice',
    bytes: changed(({ node }) => {
      node[1].output = ['convolved'];
    }),
    code: 'MALFORMED_FILE',
    message: 'tensor convolved is made twice',
    where: 'op flat (Reshape)',
    remedy: /^Check /,
  },
  {
    what: 'a tensor that is read before it is made',
    bytes: changed(({ node }) => node.reverse()),
    code: 'MALFORMED_FILE',
    message: 'tensor convolved is read before any op makes it',
    where: 'op flat (Reshape)',
    remedy: /^Check /,
  },
  {
    what: 'an op that makes nothing',
    bytes: changed(({ node }) => {
      node[1].output = [];
    }),
    code: 'MALFORMED_FILE',
    message: 'the op makes no first output',
    where: 'op flat (Reshape)',
  },
  {
    what: 'an output that no op makes',
    bytes: changed(({ output }) => {
      output[0].name = 'elsewhere';
    }),
    code: 'MALFORMED_FILE',
    message: 'graph output elsewhere is made by no op',
    where: 'elsewhere',
    remedy: /^Check /,
  },
  {
    what: 'an output too many',
    bytes: changed(({ node }) => {
      node[1].output = ['output', 'more'];
    }),
    code: 'INVALID_SHAPE',
    message: 'output 1 (more) is not one that Reshape makes',
    where: 'op flat (Reshape)',
  },
  {
    what: 'a weight of other channels than its input',
    bytes: changed(({ initializer }) => {
      initializer[0].dims = [4, 9, 3, 1];
    }),
    code: 'INVALID_SHAPE',
    message: 'weight [4,9,3,1] in 1 groups does not fit 3 input channels',
    where: 'op conv (Conv)',
    remedy: /file contradicts itself/,
  },
  {
    what: 'a window that contradicts the weight',
    bytes: changed((graph) => setAttribute(graph, { name: 'kernel_shape', type: ATTRIBUTE_TYPES.ints, ints: [5, 5] })),
    code: 'INVALID_SHAPE',
    message: 'kernel_shape [5,5] contradicts weight [4,3,3,3]',
    where: 'op conv (Conv)',
  },
  {
    what: 'an attribute of the wrong type',
    bytes: changed((graph) => setAttribute(graph, { name: 'strides', type: ATTRIBUTE_TYPES.float, f: 2 })),
    code: 'INVALID_SHAPE',
    message: 'attribute strides is not a list of numbers',
    where: 'op conv (Conv)',
  },
  {
    what: 'a shape whose constant was left out',
    bytes: changed(({ initializer }) => {
      delete initializer[1].rawData;
      initializer[1].dataLocation = 1;
    }),
    code: 'INVALID_SHAPE',
    message: 'the shape depends on the values of tensor target, which are not a constant of the file',
    where: 'op flat (Reshape)',
    remedy: /keep small constants/,
  },
]);
