/**
 * Shape rules of the ops that compute: convolutions, pools, matrix products, normalisation, elementwise ops, reductions.
 * Each follows the operator's text in the ONNX specification (onnx/docs/Operators.md); the NCHW layout is ONNX's own.
 */
import type { ElementType } from './graph';
import { broadcast, type InferredTensor, type OpReader, type ShapeRule } from './shape-reader';

/** What a sliding window does to one spatial dimension. */
interface Window {
  readonly kernel: number;
  readonly stride: number;
  readonly dilation: number;
  /** Both sides together. */
  readonly padding: number;
  readonly paddingBefore: number;
}

const AUTOMATIC_PADDING = ['NOTSET', 'VALID', 'SAME_UPPER', 'SAME_LOWER'];

function windows(op: OpReader, input: readonly number[], kernelShape: readonly number[]): Window[] {
  const rank = kernelShape.length;
  if (rank !== input.length - 2) throw op.invalid(`a window [${kernelShape}] does not fit input [${input}]`);
  const strides = op.integers('strides') ?? new Array<number>(rank).fill(1);
  const dilations = op.integers('dilations') ?? new Array<number>(rank).fill(1);
  const pads = op.integers('pads') ?? new Array<number>(2 * rank).fill(0);
  if (strides.length !== rank || dilations.length !== rank || pads.length !== 2 * rank) {
    throw op.invalid(
      `strides [${strides}], dilations [${dilations}] and pads [${pads}] do not fit ${rank} spatial dimensions`,
    );
  }
  const autoPad = op.text('auto_pad', 'NOTSET');
  if (!AUTOMATIC_PADDING.includes(autoPad)) throw op.invalid(`auto_pad is ${autoPad}`);
  return kernelShape.map((kernel, i) => {
    const stride = strides[i];
    const dilation = dilations[i];
    if (kernel < 1 || stride < 1 || dilation < 1)
      throw op.invalid(`kernel ${kernel}, stride ${stride} and dilation ${dilation} must be at least 1`);
    const reach = (kernel - 1) * dilation + 1;
    if (autoPad === 'NOTSET') {
      return { kernel, stride, dilation, padding: pads[i] + pads[i + rank], paddingBefore: pads[i] };
    }
    // A transposed convolution multiplies the size by the stride, where others divide it by the stride and round up.
    const same =
      op.op.type === 'ConvTranspose'
        ? reach - stride + (op.integers('output_padding')?.[i] ?? 0)
        : (Math.ceil(input[2 + i] / stride) - 1) * stride + reach - input[2 + i];
    const padding = autoPad === 'VALID' ? 0 : Math.max(0, same);
    const paddingBefore = autoPad === 'SAME_LOWER' ? Math.ceil(padding / 2) : Math.floor(padding / 2);
    return { kernel, stride, dilation, padding, paddingBefore };
  });
}

/** Total padding (begin + end) of each spatial dimension of a convolution or pool, `auto_pad` resolved. */
export function spatialPadding(op: OpReader, kernelShape: readonly number[]): number[] {
  return windows(op, op.shape(0), kernelShape).map((window) => window.padding);
}

function slide(op: OpReader, size: number, window: Window, ceil: boolean): number {
  const { kernel, stride, dilation, padding, paddingBefore } = window;
  const free = size + padding - ((kernel - 1) * dilation + 1);
  if (free < 0)
    throw op.invalid(
      `a window of ${kernel} (dilation ${dilation}) does not fit ${size} elements with ${padding} of padding`,
    );
  if (!ceil) return Math.floor(free / stride) + 1;
  // A last window that would start inside the end padding is dropped (operator MaxPool, ceil_mode; onnxruntime does so,
  // onnx's own shape inference forgets it for unequal pads).
  const count = Math.ceil(free / stride) + 1;
  return (count - 1) * stride >= size + paddingBefore ? count - 1 : count;
}

const conv: ShapeRule = (op) => {
  const input = op.shape(0);
  const weight = op.shape(1, input.length);
  const groups = op.integer('group', 1);
  if (input.length < 3) throw op.invalid(`input 0 has shape [${input}]; at least 3 dimensions were expected`);
  if (groups < 1 || weight[1] * groups !== input[1] || weight[0] % groups !== 0) {
    throw op.invalid(`weight [${weight}] in ${groups} groups does not fit ${input[1]} input channels`);
  }
  const kernel = op.integers('kernel_shape') ?? weight.slice(2);
  if (kernel.some((size, i) => size !== weight[2 + i]))
    throw op.invalid(`kernel_shape [${kernel}] contradicts weight [${weight}]`);
  const spatial = windows(op, input, kernel).map((window, i) => slide(op, input[2 + i], window, false));
  return [{ type: op.input(0).type, shape: [input[0], weight[0], ...spatial] }];
};

const convTranspose: ShapeRule = (op) => {
  const input = op.shape(0);
  const weight = op.shape(1, input.length);
  if (weight[0] !== input[1]) throw op.invalid(`weight [${weight}] does not fit ${input[1]} input channels`);
  const kernel = op.integers('kernel_shape') ?? weight.slice(2);
  const extra = op.integers('output_padding') ?? kernel.map(() => 0);
  const given = op.integers('output_shape');
  if (extra.length !== kernel.length || (given && given.length !== kernel.length)) {
    throw op.invalid(`output_padding [${extra}] and output_shape [${given ?? ''}] do not fit kernel [${kernel}]`);
  }
  const spatial = windows(op, input, kernel).map(({ stride, kernel: size, dilation, padding }, i) =>
    given ? given[i] : (input[2 + i] - 1) * stride + extra[i] + (size - 1) * dilation + 1 - padding,
  );
  return [{ type: op.input(0).type, shape: [input[0], weight[1] * op.integer('group', 1), ...spatial] }];
};

const pool: ShapeRule = (op) => {
  const input = op.shape(0);
  const kernel = op.integers('kernel_shape');
  if (!kernel) throw op.invalid('kernel_shape is missing');
  const ceil = op.integer('ceil_mode', 0) === 1;
  const shape = [
    input[0],
    input[1],
    ...windows(op, input, kernel).map((window, i) => slide(op, input[2 + i], window, ceil)),
  ];
  return [
    { type: op.input(0).type, shape },
    { type: 'int64', shape },
  ];
};

const globalPool: ShapeRule = (op) => {
  const input = op.shape(0);
  return [{ type: op.input(0).type, shape: input.map((dimension, i) => (i < 2 ? dimension : 1)) }];
};

const gemm: ShapeRule = (op) => {
  const [a, b] = [op.shape(0, 2), op.shape(1, 2)];
  const [rows, depth] = op.integer('transA', 0) ? [a[1], a[0]] : a;
  const [depthOfB, columns] = op.integer('transB', 0) ? [b[1], b[0]] : b;
  if (depth !== depthOfB) throw op.invalid(`[${a}] and [${b}] cannot be multiplied`);
  return [{ type: op.input(0).type, shape: [rows, columns] }];
};

const matMul: ShapeRule = (op) => {
  const [a, b] = [op.shape(0), op.shape(1)];
  if (a.length === 0 || b.length === 0) throw op.invalid('a matrix product needs at least one dimension');
  const left = a.length === 1 ? [1, a[0]] : a;
  const right = b.length === 1 ? [b[0], 1] : b;
  if (left[left.length - 1] !== right[right.length - 2]) throw op.invalid(`[${a}] and [${b}] cannot be multiplied`);
  const shape = broadcast(left.slice(0, -2), right.slice(0, -2), op);
  if (a.length > 1) shape.push(left[left.length - 2]);
  if (b.length > 1) shape.push(right[right.length - 1]);
  return [{ type: op.input(0).type, shape }];
};

const sameAsFirst: ShapeRule = (op) => [{ type: op.input(0).type, shape: op.shape(0) }];

/** Broadcast over all inputs; the type is the first's unless the op says otherwise. */
function broadcasting(type?: ElementType): ShapeRule {
  return (op) => {
    let shape: readonly number[] = op.shape(0);
    for (let i = 1; i < op.inputCount; i++) shape = broadcast(shape, op.shape(i), op);
    return [{ type: type ?? op.input(0).type, shape }];
  };
}

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

const pad: ShapeRule = (op) => {
  const shape = op.shape(0);
  const pads = op.integers('pads') ?? op.values(1);
  const axes = op.optionalValues(3)?.map((axis) => op.axis(axis, shape.length)) ?? shape.map((_, i) => i);
  if (pads.length !== 2 * axes.length) throw op.invalid(`pads [${pads}] do not fit ${axes.length} axes`);
  const padded = [...shape];
  axes.forEach((axis, i) => {
    padded[axis] += pads[i] + pads[i + axes.length];
  });
  return [{ type: op.input(0).type, shape: padded }];
};

const resize: ShapeRule = (op) => {
  const { type, shape } = op.input(0);
  // Upsample has (X) and an attribute or (X, scales), Resize 10 (X, scales), Resize 11 and later (X, roi, scales, sizes).
  const [scalesAt, sizesAt] = op.inputCount <= 2 ? [1, 3] : [2, 3];
  const axes = op.integers('axes')?.map((axis) => op.axis(axis, shape.length)) ?? shape.map((_, i) => i);
  const sizes = op.optionalInput(sizesAt) ? op.values(sizesAt) : [];
  const factors = sizes.length > 0 ? sizes : (op.numbers('scales') ?? op.values(scalesAt));
  if (factors.length !== axes.length) {
    throw op.invalid(`${sizes.length > 0 ? 'sizes' : 'scales'} [${factors}] do not fit ${axes.length} axes`);
  }
  const resized = [...shape];
  const ratios = axes.map((axis, i) => sizes[i] / shape[axis]);
  const policy = op.text('keep_aspect_ratio_policy', 'stretch');
  const ratio = policy === 'not_larger' ? Math.min(...ratios) : Math.max(...ratios);
  axes.forEach((axis, i) => {
    // float32 as runtimes multiply: 10 * 0.7 is 7 there, and 6.9999999 in float64.
    if (sizes.length === 0) resized[axis] = Math.floor(Math.fround(shape[axis] * factors[i]));
    else resized[axis] = policy === 'stretch' ? sizes[i] : Math.round(ratio * shape[axis]);
  });
  return [{ type, shape: resized }];
};

const depthToSpace: ShapeRule = (op) => {
  const [batch, channels, height, width] = op.shape(0, 4);
  const block = op.integer('blocksize', 1);
  return [{ type: op.input(0).type, shape: [batch, channels / (block * block), height * block, width * block] }];
};

const spaceToDepth: ShapeRule = (op) => {
  const [batch, channels, height, width] = op.shape(0, 4);
  const block = op.integer('blocksize', 1);
  return [{ type: op.input(0).type, shape: [batch, channels * block * block, height / block, width / block] }];
};

const UNARY = [
  'Abs',
  'Acos',
  'Asin',
  'Atan',
  'Celu',
  'Clip',
  'Cos',
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
  'Reciprocal',
  'Relu',
  'Round',
  'Selu',
  'Sigmoid',
  'Sign',
  'Sin',
  'Softmax',
  'Softplus',
  'Softsign',
  'Sqrt',
  'Swish',
  'Tan',
  'Tanh',
  'ThresholdedRelu',
  'GroupNormalization',
];

const REDUCTIONS = ['L1', 'L2', 'LogSum', 'LogSumExp', 'Mean', 'SumSquare'];

export const COMPUTING_RULES: Readonly<Record<string, ShapeRule>> = {
  Conv: conv,
  ConvTranspose: convTranspose,
  AveragePool: pool,
  MaxPool: pool,
  LpPool: pool,
  GlobalAveragePool: globalPool,
  GlobalMaxPool: globalPool,
  Gemm: gemm,
  MatMul: matMul,
  BatchNormalization: batchNormalization,
  LayerNormalization: layerNormalization,
  Dropout: dropout,
  ArgMax: argument,
  ArgMin: argument,
  Pad: pad,
  Resize: resize,
  Upsample: resize,
  DepthToSpace: depthToSpace,
  SpaceToDepth: spaceToDepth,
  PRelu: sameAsFirst,
  ...Object.fromEntries(UNARY.map((type) => [type, sameAsFirst])),
  ...Object.fromEntries(REDUCTIONS.map((name) => [`Reduce${name}`, reduction()])),
  ReduceMax: reduction((a, b) => Math.max(a, b)),
  ReduceMin: reduction((a, b) => Math.min(a, b)),
  ReduceProd: reduction((a, b) => a * b),
  ReduceSum: reduction((a, b) => a + b),
  ...Object.fromEntries(['Mean', 'Mod', 'Pow', 'Sum', 'BitShift'].map((type) => [type, broadcasting()])),
  ...Object.fromEntries(
    ['And', 'Greater', 'GreaterOrEqual', 'Less', 'LessOrEqual', 'Or', 'Xor'].map((type) => [
      type,
      broadcasting('bool'),
    ]),
  ),
};
