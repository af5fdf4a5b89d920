/**
 * The vocabulary of networks: a Graph of Ops and Tensors. Readers (formats/) make graphs, shapes.ts completes them,
 * rule packs (runtimes/) turn them into kernel plans. ONNX operator names are the vocabulary of op types whatever the
 * file's format, because they are the widest published set; a reader of another format maps its own onto them.
 */

export type ElementType =
  | 'float32'
  | 'float16'
  | 'bfloat16'
  | 'float64'
  | 'float8e4m3fn'
  | 'float8e4m3fnuz'
  | 'float8e5m2'
  | 'float8e5m2fnuz'
  | 'float8e8m0'
  | 'float6e2m3'
  | 'float6e3m2'
  | 'float4e2m1'
  | 'complex64'
  | 'complex128'
  | 'int2'
  | 'int4'
  | 'int8'
  | 'int16'
  | 'int32'
  | 'int64'
  | 'uint2'
  | 'uint4'
  | 'uint8'
  | 'uint16'
  | 'uint32'
  | 'uint64'
  | 'bool'
  | 'string';

export interface Tensor {
  readonly name: string;
  type: ElementType;
  /** Static dimensions, in the graph's layout. A scalar has none. */
  shape: readonly number[];
  /** True if the tensor is a weight or another constant of the file, whether its bytes are there or not. */
  readonly constant: boolean;
  /** Values of a small constant (shapes, axes, clip bounds), if the file has them. */
  readonly values?: readonly number[];
}

export type AttributeValue = number | string | readonly number[] | readonly string[] | ConstantValue;

export interface ConstantValue {
  readonly type: ElementType;
  readonly shape: readonly number[];
  readonly values?: readonly number[];
}

export interface Op {
  /** The file's name for the op, or `type_index` where it has none. */
  readonly name: string;
  /** ONNX operator name; operators of another domain are written `domain.Name`. */
  readonly type: string;
  /** Names of tensors; an optional input that is left out is the empty string. */
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes: Readonly<Record<string, AttributeValue>>;
  /** What a runtime's rewriting put into the op. */
  readonly merged?: Merged;
}

/** Ops that a runtime put into one that stayed. */
export interface Merged {
  /** Names of the ops, in the order in which they were merged. */
  readonly ops: readonly string[];
  readonly reasons: readonly string[];
}

export interface Graph {
  readonly name: string;
  readonly format: 'onnx' | 'tflite';
  /** Where the channels of a 4-dimensional activation stand. */
  readonly layout: 'NCHW' | 'NHWC';
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  /** In execution order: every input of an op is a graph input, a constant or an output of an earlier op. */
  readonly ops: readonly Op[];
  readonly tensors: ReadonlyMap<string, Tensor>;
}

/** `GlobalAveragePool` as `global_average_pool`; a domain's dots become underscores. */
export function snakeCase(name: string): string {
  // Nearly all ops have one word: two replacements for each would be a part of planning that one can measure.
  if (ONE_WORD.test(name)) return name.toLowerCase();
  return name
    .replace(/([a-z0-9])([A-Z])/g, '$1_$2')
    .replace(/\W+/g, '_')
    .toLowerCase();
}

const ONE_WORD = /^[A-Z]?[a-z]*$/;
