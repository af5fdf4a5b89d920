/**
 * What the shapes of an onnxruntime node event say of its kernel, in our words. Attributes (strides, padding, dilation)
 * are not in the event and are left out; the network's graph has them.
 */
import type { FeatureName } from '../features';
import { snakeCase } from '../graph';

type Features = Partial<Record<FeatureName, number>>;

export interface TensorShape {
  /** onnxruntime's name of the element type, for example `float`. */
  readonly type: string;
  readonly shape: readonly number[];
}

export interface NodeShapes {
  /** In the order of the op's inputs, constants included. */
  readonly inputs: readonly TensorShape[];
  readonly outputs: readonly TensorShape[];
  /** Bytes of the inputs that are computed at run time (`activation_size`). */
  readonly runTimeBytes: number | undefined;
  /** Bytes of the inputs that are constants (`parameter_size`). */
  readonly constantBytes: number | undefined;
}

const ELEMENT_BYTES: Readonly<Record<string, number>> = {
  float: 4,
  float16: 2,
  bfloat16: 2,
  double: 8,
  bool: 1,
  int8: 1,
  int16: 2,
  int32: 4,
  int64: 8,
  uint8: 1,
  uint16: 2,
  uint32: 4,
  uint64: 8,
};

/** Ops that onnxruntime's optimiser makes of others; the kernel is of the kind of the op that it does first. */
const FIRST_OP: Readonly<Record<string, string>> = { FusedConv: 'Conv', FusedGemm: 'Gemm', FusedMatMul: 'MatMul' };

/**
 * Kernel kind of a node, spelled as plans spell it (engine/plan.ts): a convolution by its groups and its window, another
 * op by its name. The kind of a convolution whose weights the event does not list is plainly `convolution`.
 */
export function kindOfNode(op: string, { inputs }: NodeShapes): string {
  const first = FIRST_OP[op] ?? op;
  if (first !== 'Conv') return snakeCase(first);
  const weights = inputs[1]?.shape ?? [];
  const groups = (inputs[0]?.shape[1] ?? 1) / (weights[1] ?? 1);
  if (groups > 1) return weights[1] === 1 && weights[0]! >= groups ? 'depthwise_convolution' : 'grouped_convolution';
  return weights.length > 2 && weights.slice(2).every((size) => size === 1) ? 'pointwise_convolution' : 'convolution';
}

/**
 * Reads `[{"float":[1,3,32,32]},{"float":[8,3,3,3]}]`; an optional input that is left out is `{}` and is passed over.
 * @returns undefined if the value is not of that form
 */
export function parseShapes(value: unknown): readonly TensorShape[] | undefined {
  if (!Array.isArray(value)) return undefined;
  const shapes: TensorShape[] = [];
  for (const item of value) {
    if (typeof item !== 'object' || item === null) return undefined;
    for (const [type, shape] of Object.entries(item)) {
      const valid = Array.isArray(shape) && shape.every((size) => Number.isSafeInteger(size) && size >= 0);
      if (!valid) return undefined;
      shapes.push({ type, shape });
    }
  }
  return shapes;
}

/** What is certain of a kernel; see FEATURES for names and units. Elements include the batch. */
export function featuresOfNode(op: string, shapes: NodeShapes): Features {
  const { inputs, outputs } = shapes;
  const features: Features = {
    ...imageOf('input', inputs[0]),
    ...imageOf('output', outputs[0]),
    ...runTimeInputs(shapes),
  };
  if (outputs.length > 0) features.outputElements = sum(outputs.map(elements));
  const first = FIRST_OP[op] ?? op;
  const work =
    first === 'Conv' ? convolution(shapes) : first === 'Gemm' || first === 'MatMul' ? matrixProduct(shapes) : {};
  // Shapes that contradict each other give fractions; such a feature is not known.
  const entries = Object.entries({ ...features, ...work });
  return Object.fromEntries(entries.filter(([, value]) => Number.isSafeInteger(value)));
}

/** Height, width and channels of an NCHW activation. */
function imageOf(side: 'input' | 'output', tensor: TensorShape | undefined): Features {
  if (tensor?.shape.length !== 4) return {};
  const [, channels, height, width] = tensor.shape as readonly [number, number, number, number];
  return { [`${side}Height`]: height, [`${side}Width`]: width, [`${side}Channels`]: channels };
}

/** The event does not say which inputs are constants, but how many bytes those have: enough where all are of one type. */
function runTimeInputs({ inputs, runTimeBytes, constantBytes }: NodeShapes): Features {
  const [first] = inputs;
  const elementBytes = first === undefined ? undefined : ELEMENT_BYTES[first.type];
  const uniform = inputs.every(({ type }) => type === first?.type);
  const features: Features = {};
  if (runTimeBytes !== undefined && elementBytes !== undefined && uniform) {
    features.inputElements = runTimeBytes / elementBytes;
  }
  if (constantBytes === 0) features.inputs = inputs.length;
  return features;
}

/** Inputs are image [N, C, H, W], weights [M, C / groups, kH, kW] and possibly bias and a tensor to add. */
function convolution({ inputs, outputs, constantBytes }: NodeShapes): Features {
  const [image, weights] = inputs;
  const [output] = outputs;
  // Weights that were packed ahead are not listed, and another input may stand in their place.
  if (image?.shape.length !== 4 || weights?.shape.length !== 4 || weights.shape[0] !== output?.shape[1]) return {};
  const [, groupChannels, kernelHeight, kernelWidth] = weights.shape as readonly [number, number, number, number];
  return {
    kernelHeight,
    kernelWidth,
    groups: image.shape[1]! / groupChannels,
    multiplyAccumulates: elements(output!) * groupChannels * kernelHeight * kernelWidth,
    // Weights and bias, as in a graph.
    ...(constantBytes ? { weightElements: constantBytes / (ELEMENT_BYTES[weights.type] ?? Number.NaN) } : {}),
  };
}

/** A is a matrix of M x K, transposed or not, the output M x N. B is not listed where it was packed ahead. */
function matrixProduct({ inputs: [a], outputs: [output] }: NodeShapes): Features {
  if (a?.shape.length !== 2 || output?.shape.length !== 2) return {};
  return { multiplyAccumulates: elements(a) * output.shape[1]! };
}

function elements({ shape }: TensorShape): number {
  return shape.reduce((product, size) => product * size, 1);
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
