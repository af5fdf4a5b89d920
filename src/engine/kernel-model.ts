/**
 * The model of one kernel kind: a linear base, and on top of it what learners found that is not linear.
 *
 *     latencyUs = max(weights . columns, floorUs) * exp(factor(columns)) * clip(1 + correction(columns), 0.1, 4)
 *
 * `factor` is learned from measured kernels, `correction` from measured networks. One form for all learners, so that
 * composition, export and serving know one thing; the exported ONNX file computes it.
 */
import { type Column, columnName, type KernelFeatures, termValue } from './features';
import type { Matrix } from './matrix';
import { predictRegressor, type Regressor } from './regressor';

export interface KernelModel {
  /** What the model reads of a kernel, in order. */
  readonly columns: readonly Column[];
  /** Microseconds per unit of each column. */
  readonly weights: Float32Array;
  /** The linear base is never less: 0, or a fraction of the smallest latency that training saw. */
  readonly floorUs: number;
  /** Logarithm of a factor on the base. */
  readonly factor?: Regressor;
  /** Relative change of what comes before. */
  readonly correction?: Regressor;
}

/** A correction never makes a kernel faster or slower than by these. */
export const SMALLEST_CORRECTION = 0.1;
export const LARGEST_CORRECTION = 4;

/** What the model of `columns` reads of each kernel: one row a kernel. */
export function columnMatrix(columns: readonly Column[], kernels: readonly KernelFeatures[]): Matrix {
  const values = new Float32Array(kernels.length * columns.length);
  let at = 0;
  for (const kernel of kernels) for (const column of columns) values[at++] = termValue(column, kernel);
  return { rows: kernels.length, columns: columns.length, values };
}

/** A model that reads more columns, which change nothing yet; `positions` says where the wanted ones stand in it. */
export function widen(model: KernelModel, wanted: readonly Column[]): { model: KernelModel; positions: number[] } {
  const columns = [...model.columns];
  const known = new Map(columns.map((column, j) => [columnName(column), j]));
  const positions = wanted.map((column) => {
    const name = columnName(column);
    const position = known.get(name) ?? columns.push(column) - 1;
    known.set(name, position);
    return position;
  });
  const weights = new Float32Array(columns.length);
  weights.set(model.weights);
  return { model: { ...model, columns, weights }, positions };
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
  if (model.factor) {
    const factors = predictRegressor(model.factor, matrix);
    for (let i = 0; i < latencies.length; i++) latencies[i] *= Math.exp(factors[i]);
  }
  if (model.correction) {
    const corrections = predictRegressor(model.correction, matrix);
    for (let i = 0; i < latencies.length; i++) {
      latencies[i] *= Math.min(LARGEST_CORRECTION, Math.max(SMALLEST_CORRECTION, 1 + corrections[i]));
    }
  }
  return latencies;
}
