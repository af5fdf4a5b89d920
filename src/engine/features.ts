/**
 * The one place that says what a predictor can see of a kernel: the names of its features, with their units, and how they
 * are computed from a graph. Profile rows carry the same features under the same names (formats/).
 */
import type { Graph, Op, Tensor } from './graph';
import { tensorInputs } from './quantized-inputs';
import { elementCount, OpReader } from './shape-reader';
import { spatialPadding } from './shape-rules';

export const FEATURES = {
  inputHeight: 'pixels',
  inputWidth: 'pixels',
  inputChannels: 'channels',
  outputHeight: 'pixels',
  outputWidth: 'pixels',
  outputChannels: 'channels',
  kernelHeight: 'pixels',
  kernelWidth: 'pixels',
  strideHeight: 'pixels',
  strideWidth: 'pixels',
  dilation: 'pixels',
  groups: 'groups',
  paddingHeight: 'pixels, both sides together',
  paddingWidth: 'pixels, both sides together',
  inputs: 'run-time tensors read',
  inputElements: 'elements, all run-time inputs together',
  outputElements: 'elements',
  weightElements: 'elements',
  multiplyAccumulates: 'multiply-accumulates',
  fusedOps: 'ops fused behind the first',
  /** From here on derived from those above. */
  activationElements: 'elements, run-time inputs and outputs together',
  arithmeticIntensity: 'multiply-accumulates per element read or written',
  paddedMultiplyAccumulates:
    'multiply-accumulates with channels and pixels rounded up to what vector units take at once',
  roofline16: 'the larger of multiply-accumulates / 16 and elements moved',
  roofline64: 'the larger of multiply-accumulates / 64 and elements moved',
} as const;

export type FeatureName = keyof typeof FEATURES;

export const FEATURE_NAMES = Object.keys(FEATURES) as readonly FeatureName[];

export type KernelFeatures = Readonly<Record<FeatureName, number>>;

/**
 * One number that a linear predictor reads of a kernel: a feature, or 1 for its mere existence, for every kernel or only
 * for those with a certain window.
 */
export interface Column {
  readonly term: FeatureName | 'kernels';
  /** The window that the kernel must have; 0 for all others. */
  readonly window?: WindowShape;
}

/** What tells the variants of a convolution apart: runtimes have a code path of its own for many of them. */
export interface WindowShape {
  readonly kernelHeight: number;
  /** Any stride, if left out. */
  readonly strideHeight?: number;
}

/** `multiplyAccumulates`; with `[kernel 3]` or `[kernel 3, stride 2]` behind it where a window is asked for. */
export function columnName({ term, window }: Column): string {
  if (!window) return term;
  const stride = window.strideHeight === undefined ? '' : `, stride ${window.strideHeight}`;
  return `${term}[kernel ${window.kernelHeight}${stride}]`;
}

/** Value of a column for one kernel. */
export function termValue({ term, window }: Column, kernel: KernelFeatures): number {
  if (window) {
    const { kernelHeight, strideHeight = kernel.strideHeight } = window;
    if (kernelHeight !== kernel.kernelHeight || strideHeight !== kernel.strideHeight) return 0;
  }
  return term === 'kernels' ? 1 : kernel[term];
}

/** What of a kernel its features depend on. */
interface FeaturedKernel {
  readonly first: Op;
  readonly fused: readonly string[];
}

/** Features of every kernel of a plan, in its order. */
export function featurize(plan: {
  readonly graph: Graph;
  readonly kernels: readonly FeaturedKernel[];
}): KernelFeatures[] {
  return plan.kernels.map((kernel) => kernelFeatures(plan.graph, kernel));
}

type DerivedFeature =
  | 'activationElements'
  | 'arithmeticIntensity'
  | 'paddedMultiplyAccumulates'
  | 'roofline16'
  | 'roofline64';
type GivenFeature = Exclude<FeatureName, DerivedFeature>;

/** Completes the features that a graph or a profile row gives; NaN for a derived one whose sources are not given. */
export function deriveFeatures<T extends Partial<Record<GivenFeature, number>>>(
  given: T,
): T & Record<DerivedFeature, number> {
  return derive({
    ...given,
    activationElements: NaN,
    arithmeticIntensity: NaN,
    paddedMultiplyAccumulates: NaN,
    roofline16: NaN,
    roofline64: NaN,
  });
}

/** Fills in the derived features in place. */
function derive<T extends Partial<Record<GivenFeature, number>> & Record<DerivedFeature, number>>(features: T): T {
  const { inputElements = NaN, outputElements = NaN, weightElements = NaN, multiplyAccumulates = NaN } = features;
  const elementsMoved = inputElements + outputElements + weightElements;
  features.activationElements = inputElements + outputElements;
  features.arithmeticIntensity = elementsMoved === 0 ? 0 : multiplyAccumulates / elementsMoved;
  features.paddedMultiplyAccumulates = paddedMultiplyAccumulates(features);
  features.roofline16 = Math.max(multiplyAccumulates / 16, elementsMoved);
  features.roofline64 = Math.max(multiplyAccumulates / 64, elementsMoved);
  return features;
}

/**
 * Work as vector units do it: output channels in eights, input channels of a group in fours, output pixels in eights
 * (depthwise: in fours). The tiles of XNNPACK's and QNNPACK's ARM kernels (f32-gemm 4x8 and 6x8, dwconv c8).
 */
function paddedMultiplyAccumulates(given: Partial<Record<GivenFeature, number>>): number {
  const {
    multiplyAccumulates = NaN,
    outputElements = NaN,
    outputChannels = NaN,
    outputHeight = NaN,
    outputWidth = NaN,
  } = given;
  const { kernelHeight = NaN, kernelWidth = NaN, groups = NaN } = given;
  if (multiplyAccumulates === 0) return 0;
  const window = kernelHeight * kernelWidth;
  const depth = multiplyAccumulates / (outputElements * window);
  const depthwise = groups > 1 && depth === 1;
  const pixels = roundUp(outputHeight * outputWidth, depthwise ? 4 : 8);
  return roundUp(outputChannels, 8) * pixels * (depthwise ? 1 : roundUp(depth, 4)) * window;
}

function roundUp(value: number, multiple: number): number {
  return Math.ceil(value / multiple) * multiple;
}

/** Features of one kernel, which need not be part of a plan. */
export function kernelFeatures(graph: Graph, { first, fused }: FeaturedKernel): KernelFeatures {
  const output = graph.tensors.get(first.outputs[0])!;
  let input: Tensor | undefined;
  let inputs = 0;
  let inputElements = 0;
  let weightElements = 0;
  const isTensor = tensorInputs(first.type);
  for (let i = 0; i < first.inputs.length; i++) {
    const name = first.inputs[i];
    if (!name || (isTensor && !isTensor(i))) continue;
    const tensor = graph.tensors.get(name)!;
    const elements = elementCount(tensor.shape);
    if (tensor.constant) {
      weightElements += elements;
    } else {
      input ??= tensor;
      inputs++;
      inputElements += elements;
    }
  }
  let outputElements = 0;
  for (const name of first.outputs) outputElements += elementCount(graph.tensors.get(name)?.shape ?? [0]);
  const from = spatialExtent(graph, input ?? graph.tensors.get(first.inputs[0]) ?? output);
  const to = spatialExtent(graph, output);
  const window = slidingWindow(graph, first);
  // One literal with every name in the same order: engines give all kernels' features one hidden class.
  return derive({
    inputHeight: from.height,
    inputWidth: from.width,
    inputChannels: from.channels,
    outputHeight: to.height,
    outputWidth: to.width,
    outputChannels: to.channels,
    kernelHeight: window.kernelHeight,
    kernelWidth: window.kernelWidth,
    strideHeight: window.strideHeight,
    strideWidth: window.strideWidth,
    dilation: window.dilation,
    groups: window.groups,
    paddingHeight: window.paddingHeight,
    paddingWidth: window.paddingWidth,
    inputs,
    inputElements,
    outputElements,
    weightElements,
    multiplyAccumulates: countMultiplyAccumulates(graph, first, window),
    fusedOps: fused.length,
    activationElements: 0,
    arithmeticIntensity: 0,
    paddedMultiplyAccumulates: 0,
    roofline16: 0,
    roofline64: 0,
  });
}

/** Height, width and channels of an activation; tensors of fewer than 3 dimensions have their last one as channels. */
function spatialExtent(graph: Graph, { shape }: Tensor): { height: number; width: number; channels: number } {
  if (shape.length < 3) return { height: 1, width: 1, channels: shape[shape.length - 1] ?? 1 };
  const [channels, height, width = 1] =
    graph.layout === 'NCHW' ? shape.slice(1) : [shape[shape.length - 1], ...shape.slice(1, -1)];
  return { height, width, channels };
}

type Window = Pick<
  KernelFeatures,
  | 'kernelHeight'
  | 'kernelWidth'
  | 'strideHeight'
  | 'strideWidth'
  | 'dilation'
  | 'groups'
  | 'paddingHeight'
  | 'paddingWidth'
>;

/** The window of an op that has none. */
export const NO_WINDOW: Window = {
  kernelHeight: 1,
  kernelWidth: 1,
  strideHeight: 1,
  strideWidth: 1,
  dilation: 1,
  groups: 1,
  paddingHeight: 0,
  paddingWidth: 0,
};

/** Where the weights stand among the inputs of convolutions: behind scale and zero point in QLinearConv. */
const CONVOLUTION_WEIGHTS: Readonly<Record<string, number>> = {
  Conv: 1,
  ConvInteger: 1,
  QLinearConv: 3,
  'com.microsoft.FusedConv': 1,
};

/** The same for matrix products whose weights may be transposed, and for those of a batch. */
const GEMM_WEIGHTS: Readonly<Record<string, number>> = {
  Gemm: 1,
  'com.microsoft.FusedGemm': 1,
  'com.microsoft.QGemm': 3,
};
const MATRIX_PRODUCTS = new Set([
  'MatMul',
  'MatMulInteger',
  'QLinearMatMul',
  'com.microsoft.FusedMatMul',
  'com.microsoft.MatMulIntegerToFloat',
]);

const WINDOWED = new Set([...Object.keys(CONVOLUTION_WEIGHTS), 'ConvTranspose', 'DepthwisePointwiseConv']);
const POOLS = new Set(['MaxPool', 'AveragePool', 'LpPool', 'com.microsoft.QLinearAveragePool']);
const GLOBAL_POOLS = new Set(['GlobalAveragePool', 'GlobalMaxPool', 'com.microsoft.QLinearGlobalAveragePool']);

/** The sliding window of a convolution or pool; 1 x 1 for every other op. */
function slidingWindow(graph: Graph, op: Op): Window {
  if (!WINDOWED.has(op.type) && !POOLS.has(op.type)) return NO_WINDOW;
  const reader = new OpReader(op, graph.tensors);
  const kernel = reader.integers('kernel_shape') ?? reader.shape(CONVOLUTION_WEIGHTS[op.type] ?? 1).slice(2);
  const strides = reader.integers('strides') ?? [];
  const padding = spatialPadding(reader, kernel);
  return {
    kernelHeight: kernel[0],
    kernelWidth: kernel[1] ?? 1,
    strideHeight: strides[0] ?? 1,
    strideWidth: strides[1] ?? 1,
    dilation: reader.integers('dilations')?.[0] ?? 1,
    groups: reader.integer('group', 1),
    paddingHeight: padding[0],
    paddingWidth: padding[1] ?? 0,
  };
}

/** Multiplications that are followed by an addition: of convolutions, pools and matrix products; 0 for other ops. */
function countMultiplyAccumulates(graph: Graph, op: Op, window: Window): number {
  const shapeOf = (name: string) => graph.tensors.get(name)!.shape;
  const outputs = elementCount(shapeOf(op.outputs[0]));
  const weights = CONVOLUTION_WEIGHTS[op.type];
  if (weights !== undefined) return outputs * elementCount(shapeOf(op.inputs[weights]).slice(1));
  if (op.type === 'DepthwisePointwiseConv') {
    // Both convolutions work on the output's pixels: each weight once a pixel.
    const filters = op.inputs.filter((name) => name && shapeOf(name).length === 4 && graph.tensors.get(name)!.constant);
    const channels = shapeOf(filters[filters.length - 1])[0];
    return (outputs / channels) * filters.reduce((sum, name) => sum + elementCount(shapeOf(name)), 0);
  }
  if (op.type === 'ConvTranspose')
    return elementCount(shapeOf(op.inputs[0])) * elementCount(shapeOf(op.inputs[1]).slice(1));
  const matrix = GEMM_WEIGHTS[op.type];
  if (matrix !== undefined) {
    // The weight's depth, because a fully connected op may read an input of more than two dimensions as rows.
    const [rows, columns] = shapeOf(op.inputs[matrix]);
    return outputs * (op.attributes.transB === 1 ? columns : rows);
  }
  if (MATRIX_PRODUCTS.has(op.type)) {
    const left = shapeOf(op.inputs[0]);
    if (op.attributes.transA !== 1) return outputs * left[left.length - 1];
    // transBatchA has turned in the first dimension before: it is the depth once the last two change places.
    return outputs * (op.attributes.transBatchA === 1 ? left[0] : left[left.length - 2]);
  }
  if (POOLS.has(op.type)) return outputs * window.kernelHeight * window.kernelWidth;
  if (GLOBAL_POOLS.has(op.type) || isSpatialMean(graph, op)) {
    return elementCount(shapeOf(op.inputs[0]));
  }
  return 0;
}

/** A mean over height and width is a global pool by another name. */
function isSpatialMean(graph: Graph, op: Op): boolean {
  if (op.type !== 'ReduceMean') return false;
  const reader = new OpReader(op, graph.tensors);
  const rank = reader.shape(0).length;
  const axes = (reader.integers('axes') ?? reader.optionalInput(1)?.values)?.map((axis) => reader.axis(axis, rank));
  const spatial = graph.layout === 'NCHW' ? [2, 3] : [1, 2];
  return rank === 4 && axes?.length === 2 && spatial.every((axis) => axes.includes(axis));
}
