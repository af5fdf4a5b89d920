/**
 * Networks from bytes, and what can be said of one at a glance.
 */
import { featurize } from './features';
import type { ReadOptions } from './formats/dimension-bindings';
import { readOnnx } from './formats/onnx-reader';
import { isTflite } from './formats/tflite-model';
import { readTflite } from './formats/tflite-reader';
import type { Graph } from './graph';
import { planKernels } from './plan';
import { PLAIN } from './runtimes/plain';
import { elementCount } from './shape-reader';

/**
 * Reads a network file of any supported format. What the bytes say of themselves decides which, not the file's name.
 *
 * @throws EngineError MALFORMED_FILE, UNSUPPORTED_FORMAT, UNSUPPORTED_OP, UNBOUND_DIMENSION, UNKNOWN_NAME or INVALID_SHAPE
 */
export function readNetwork(bytes: Uint8Array, options: ReadOptions): Graph {
  return isTflite(bytes) ? readTflite(bytes, options) : readOnnx(bytes, options);
}

export interface NetworkDescription {
  readonly format: Graph['format'];
  /** Ops that compute at run time. */
  readonly ops: number;
  /** Elements of all weights. */
  readonly parameters: number;
  readonly multiplyAccumulates: number;
  readonly inputs: readonly { readonly name: string; readonly type: string; readonly shape: readonly number[] }[];
}

export function describeNetwork(graph: Graph): NetworkDescription {
  const plan = planKernels(graph, PLAIN.runtime);
  const made = new Set(graph.ops.flatMap(({ outputs }) => outputs));
  // Whole numbers are shapes and axes, scalars are bounds and factors.
  const weights = [...graph.tensors.values()].filter(
    ({ name, constant, type, shape }) =>
      constant && shape.length > 0 && !/^(u?int(32|64)|bool|string)$/.test(type) && !made.has(name),
  );
  return {
    format: graph.format,
    ops: plan.kernels.length,
    parameters: weights.reduce((sum, { shape }) => sum + elementCount(shape), 0),
    multiplyAccumulates: featurize(plan).reduce((sum, kernel) => sum + kernel.multiplyAccumulates, 0),
    inputs: graph.inputs.map((name) => {
      const { type, shape } = graph.tensors.get(name)!;
      return { name, type, shape };
    }),
  };
}
