/**
 * Shape rules of convolutions, pools, matrix products and of the ops that change the size of an image. Each follows the operator's text in the ONNX specification (onnx/docs/Operators.md); the NCHW layout is ONNX's own.
 */
import { broadcast, type OpReader, type ShapeRule } from './shape-reader';

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

/**
 * Shape of a convolution's output.
 *
 * @param weightAt which input is the weight; the first input is what it slides over
 */
export function convolutionShape(op: OpReader, weightAt = 1): number[] {
  const input = op.shape(0);
  const weight = op.shape(weightAt, input.length);
  const groups = op.integer('group', 1);
  if (input.length < 3) throw op.invalid(`input 0 has shape [${input}]; at least 3 dimensions were expected`);
  if (groups < 1 || weight[1] * groups !== input[1] || weight[0] % groups !== 0) {
    throw op.invalid(`weight [${weight}] in ${groups} groups does not fit ${input[1]} input channels`);
  }
  const kernel = op.integers('kernel_shape') ?? weight.slice(2);
  if (kernel.some((size, i) => size !== weight[2 + i]))
    throw op.invalid(`kernel_shape [${kernel}] contradicts weight [${weight}]`);
  const spatial = windows(op, input, kernel).map((window, i) => slide(op, input[2 + i], window, false));
  return [input[0], weight[0], ...spatial];
}

const conv: ShapeRule = (op) => [{ type: op.input(0).type, shape: convolutionShape(op) }];

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

/** Shape of what a pool makes of an input in NCHW. */
export function poolShape(op: OpReader, input: readonly number[]): number[] {
  const kernel = op.integers('kernel_shape');
  if (!kernel) throw op.invalid('kernel_shape is missing');
  const ceil = op.integer('ceil_mode', 0) === 1;
  return [input[0], input[1], ...windows(op, input, kernel).map((window, i) => slide(op, input[2 + i], window, ceil))];
}

const pool: ShapeRule = (op) => {
  const shape = poolShape(op, op.shape(0));
  return [
    { type: op.input(0).type, shape },
    { type: 'int64', shape },
  ];
};

const globalPool: ShapeRule = (op) => {
  const input = op.shape(0);
  return [{ type: op.input(0).type, shape: input.map((dimension, i) => (i < 2 ? dimension : 1)) }];
};

/** Rows and columns of a Gemm of input 0 by input `rightAt`. */
export function gemmShape(op: OpReader, rightAt = 1): number[] {
  const [a, b] = [op.shape(0, 2), op.shape(rightAt, 2)];
  const [rows, depth] = op.integer('transA', 0) ? [a[1], a[0]] : a;
  const [depthOfB, columns] = op.integer('transB', 0) ? [b[1], b[0]] : b;
  if (depth !== depthOfB) throw op.invalid(`[${a}] and [${b}] cannot be multiplied`);
  return [rows, columns];
}

const gemm: ShapeRule = (op) => [{ type: op.input(0).type, shape: gemmShape(op) }];

/** Shape of a product of matrices, of which all but the last two dimensions broadcast; a vector is a row, or a column. */
export function productShape(op: OpReader, a: readonly number[], b: readonly number[]): number[] {
  if (a.length === 0 || b.length === 0) throw op.invalid('a matrix product needs at least one dimension');
  const left = a.length === 1 ? [1, a[0]] : a;
  const right = b.length === 1 ? [b[0], 1] : b;
  if (left[left.length - 1] !== right[right.length - 2]) throw op.invalid(`[${a}] and [${b}] cannot be multiplied`);
  const shape = broadcast(left.slice(0, -2), right.slice(0, -2), op);
  if (a.length > 1) shape.push(left[left.length - 2]);
  if (b.length > 1) shape.push(right[right.length - 1]);
  return shape;
}

const matMul: ShapeRule = (op) => [{ type: op.input(0).type, shape: productShape(op, op.shape(0), op.shape(1)) }];

export const pad: ShapeRule = (op) => {
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

export const COMPUTING_RULES: Readonly<Record<string, ShapeRule>> = {
  Conv: conv,
  'com.microsoft.FusedConv': conv,
  DeformConv: conv,
  ConvTranspose: convTranspose,
  AveragePool: pool,
  MaxPool: pool,
  LpPool: pool,
  GlobalAveragePool: globalPool,
  GlobalMaxPool: globalPool,
  GlobalLpPool: globalPool,
  Gemm: gemm,
  'com.microsoft.FusedGemm': gemm,
  MatMul: matMul,
  Pad: pad,
  'com.microsoft.Pad': pad,
  Resize: resize,
  Upsample: resize,
  DepthToSpace: depthToSpace,
  SpaceToDepth: spaceToDepth,
};
