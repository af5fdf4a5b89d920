/**
 * Shape rules of elementwise ops, normalisations and reductions, as the operators' texts in the ONNX specification and in
 * onnxruntime's docs/ContribOperators.md (domain com.microsoft) say.
 */
import type { ElementType } from './graph';
import { broadcast, type InferredTensor, type ShapeRule } from './shape-reader';

export const sameAsFirst: ShapeRule = (op) => [{ type: op.input(0).type, shape: op.shape(0) }];

/** Broadcast over all inputs. */
const broadcasting: ShapeRule = (op) => {
  let shape: readonly number[] = op.shape(0);
  for (let i = 1; i < op.inputCount; i++) shape = broadcast(shape, op.shape(i), op);
  return [{ type: op.input(0).type, shape }];
};

const batchNormalization: ShapeRule = (op) => {
  const statistics: InferredTensor = { type: op.input(3).type, shape: op.shape(3) };
  return [{ type: op.input(0).type, shape: op.shape(0) }, statistics, statistics];
};

const layerNormalization: ShapeRule = (op) => {
  const shape = op.shape(0);
  const axis = op.axis(op.integer('axis', -1), shape.length);
  const statistics: InferredTensor = {
    type: 'float32',
    shape: shape.map((dimension, i) => (i < axis ? dimension : 1)),
  };
  return [{ type: op.input(0).type, shape }, statistics, statistics];
};

/** Unlike LayerNormalization it centres nothing, so it has no mean to give. */
const simplifiedLayerNormalization: ShapeRule = (op) => {
  const [output, , inverseDeviation] = layerNormalization(op);
  return [output, inverseDeviation];
};

/** With a second output that is the sum of the input and its skip connection. */
const skipLayerNormalization: ShapeRule = (op) => {
  const [output, mean, inverseDeviation] = layerNormalization(op);
  return [output, mean, inverseDeviation, output];
};

/** A tensor of the first input's shape; its type is an attribute's, else the input's. */
const ofSameShape: ShapeRule = (op) => {
  const { type, shape } = op.input(0);
  return [{ type: op.text('dtype', type) as ElementType, shape }];
};

const question: ShapeRule = (op) => [{ type: 'bool', shape: op.shape(0) }];

const dropout: ShapeRule = (op) => [
  { type: op.input(0).type, shape: op.shape(0) },
  { type: 'bool', shape: op.shape(0) },
];

/** `fold` reckons with the values of a vector, if they are known: exporters multiply dimensions so. */
function reduction(fold?: (a: number, b: number) => number): ShapeRule {
  return (op) => {
    const { type, shape, values } = op.input(0);
    const named = op.integers('axes') ?? op.optionalValues(1) ?? [];
    if (named.length === 0 && op.integer('noop_with_empty_axes', 0)) return sameAsFirst(op);
    // No axes are all axes.
    const axes = new Set(
      named.length > 0 ? named.map((axis) => op.axis(axis, shape.length)) : shape.map((_, axis) => axis),
    );
    const keep = op.integer('keepdims', 1) === 1;
    const reduced = keep ? shape.map((size, i) => (axes.has(i) ? 1 : size)) : shape.filter((_, i) => !axes.has(i));
    const whole = shape.length === 1 && axes.size === 1 && shape[0] > 0;
    return [{ type, shape: reduced, values: whole && fold && values ? [values.reduce(fold)] : undefined }];
  };
}

const argument: ShapeRule = (op) => {
  const shape = op.shape(0);
  const axis = op.axis(op.integer('axis', 0), shape.length);
  const keep = op.integer('keepdims', 1) === 1;
  return [
    {
      type: 'int64',
      shape: keep ? shape.map((size, i) => (i === axis ? 1 : size)) : shape.filter((_, i) => i !== axis),
    },
  ];
};

const UNARY = [
  'Acos',
  'Acosh',
  'Asin',
  'Asinh',
  'Atan',
  'Atanh',
  'BitwiseNot',
  'Celu',
  'Clip',
  'Cos',
  'Cosh',
  'CumProd',
  'CumSum',
  'Elu',
  'Erf',
  'Exp',
  'Gelu',
  'HardSigmoid',
  'HardSwish',
  'Hardmax',
  'InstanceNormalization',
  'LRN',
  'LeakyRelu',
  'Log',
  'LogSoftmax',
  'LpNormalization',
  'MeanVarianceNormalization',
  'Mish',
  'RMSNormalization',
  'Reciprocal',
  'Relu',
  'ReverseSequence',
  'RotaryEmbedding',
  'Round',
  'Selu',
  'Sigmoid',
  'Shrink',
  'Sign',
  'Sin',
  'Sinh',
  'Softmax',
  'Softplus',
  'Softsign',
  'Swish',
  'Tan',
  'Tanh',
  'ThresholdedRelu',
  'Trilu',
  'GroupNormalization',
  'com.microsoft.BiasGelu',
  'com.microsoft.FastGelu',
  'com.microsoft.Gelu',
  'com.microsoft.QuickGelu',
  'com.microsoft.RotaryEmbedding',
  'com.microsoft.Trilu',
];

const REDUCTIONS = ['L1', 'L2', 'LogSum', 'LogSumExp', 'Mean', 'SumSquare'];

export const ELEMENTWISE_RULES: Readonly<Record<string, ShapeRule>> = {
  BatchNormalization: batchNormalization,
  LayerNormalization: layerNormalization,
  SimplifiedLayerNormalization: simplifiedLayerNormalization,
  'com.microsoft.SkipLayerNormalization': skipLayerNormalization,
  'com.microsoft.SkipSimplifiedLayerNormalization': skipLayerNormalization,
  Dropout: dropout,
  ArgMax: argument,
  ArgMin: argument,
  IsInf: question,
  IsNaN: question,
  Bernoulli: ofSameShape,
  EyeLike: ofSameShape,
  RandomNormalLike: ofSameShape,
  RandomUniformLike: ofSameShape,
  PRelu: sameAsFirst,
  ...Object.fromEntries(UNARY.map((type) => [type, sameAsFirst])),
  ...Object.fromEntries(REDUCTIONS.map((name) => [`Reduce${name}`, reduction()])),
  ReduceMax: reduction((a, b) => Math.max(a, b)),
  ReduceMin: reduction((a, b) => Math.min(a, b)),
  ReduceProd: reduction((a, b) => a * b),
  ReduceSum: reduction((a, b) => a + b),
  ...Object.fromEntries(
    ['BitShift', 'BitwiseAnd', 'BitwiseOr', 'BitwiseXor', 'Mean', 'Sum'].map((type) => [type, broadcasting]),
  ),
};
