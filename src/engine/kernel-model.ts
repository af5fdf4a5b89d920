/**
 * The model of one kernel kind: a linear base, and for boosting a tree ensemble that corrects it.
 *
 *     latencyUs = max(weights . columns, floorUs) * exp(trees(columns))
 *
 * One form for all learners, so that composition, export and serving know one thing. Training objects (learners/) are
 * turned into it by the fits; the exported ONNX file computes it.
 */
import { type Column, type KernelFeatures, termValue } from './features';
import { predictEnsemble, type TreeEnsemble } from './learners/tree';
import type { Matrix } from './matrix';

export interface KernelModel {
  /** What the model reads of a kernel, in order. */
  readonly columns: readonly Column[];
  /** Microseconds per unit of each column. */
  readonly weights: Float32Array;
  /** The linear base is never less: 0, or a fraction of the smallest latency that training saw. */
  readonly floorUs: number;
  /** Logarithm of the factor on the base. */
  readonly trees?: TreeEnsemble;
}

/** What the model of `columns` reads of each kernel: one row a kernel. */
export function columnMatrix(columns: readonly Column[], kernels: readonly KernelFeatures[]): Matrix {
  const values = new Float32Array(kernels.length * columns.length);
  let at = 0;
  for (const kernel of kernels) for (const column of columns) values[at++] = termValue(column, kernel);
  return { rows: kernels.length, columns: columns.length, values };
}

/** The linear base of each row of a column matrix, microseconds. */
export function linearLatencies({ weights, floorUs }: KernelModel, { rows, columns, values }: Matrix): Float64Array {
  const latencies = new Float64Array(rows);
  for (let i = 0; i < rows; i++) {
    let sum = 0;
    for (let j = 0; j < columns; j++) sum += values[i * columns + j] * weights[j];
    latencies[i] = Math.max(sum, floorUs);
  }
  return latencies;
}

/** Latency of each kernel, microseconds. */
export function predictKernels(model: KernelModel, kernels: readonly KernelFeatures[]): Float64Array {
  const matrix = columnMatrix(model.columns, kernels);
  const latencies = linearLatencies(model, matrix);
  if (model.trees) {
    const corrections = predictEnsemble(model.trees, matrix);
    for (let i = 0; i < latencies.length; i++) latencies[i] *= Math.exp(corrections[i]);
  }
  return latencies;
}
