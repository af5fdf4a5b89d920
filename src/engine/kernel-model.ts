/**
 * The model of one kernel kind: a sum of terms, each a linear base and what a learner found on top of it.
 *
 *     term = max(weights . columns, floorUs) * exp(factor(columns)) * clip(1 + correction(columns), 0.1, 4)
 *     latencyUs = sum of terms
 *
 * A training from one source has one term a kind; where two sources are blended, each has its own. `factor` is learned from
 * measured kernels, `correction` from measured networks. One form for all learners, so that composition, export and serving
 * know one thing; the exported ONNX file computes it.
 */
import { type Column, columnName, type KernelFeatures, termValue } from './features';
import type { Matrix } from './matrix';
import { predictRegressor, type Regressor } from './regressor';

export interface KernelModel {
  /** What the model reads of a kernel, in order. */
  readonly columns: readonly Column[];
  readonly terms: readonly ModelTerm[];
}

export interface ModelTerm {
  /** Microseconds per unit of each column. */
  readonly weights: Float32Array;
  /** The linear base is never less: 0, or a fraction of the smallest latency that training saw. */
  readonly floorUs: number;
  /** Logarithm of a factor on the base. */
  readonly factor?: Regressor;
  /** Relative change of what comes before. */
  readonly correction?: Regressor;
}

/** A model of one term, as fits make it. */
export type SingleModel = KernelModel & { readonly terms: readonly [ModelTerm] };

/** A fitted function and the columns that the positions in its `reads` count in. */
export interface FittedRegressor {
  readonly columns: readonly Column[];
  readonly regressor: Regressor;
}

/** A correction never makes a kernel faster or slower than by these. */
export const SMALLEST_CORRECTION = 0.1;
export const LARGEST_CORRECTION = 4;

/** A model that is linear. Columns without weight are left out, but one: every kind has an input in the exported file. */
export function linearModel(columns: readonly Column[], weights: ArrayLike<number>, floorUs: number): SingleModel {
  const used = columns.flatMap((column, j) => (weights[j] > 0 ? [{ column, weight: weights[j] }] : []));
  const kept = used.length > 0 ? used : [{ column: columns[0], weight: 0 }];
  const term = { weights: Float32Array.from(kept, ({ weight }) => weight), floorUs };
  return { columns: kept.map(({ column }) => column), terms: [term] };
}

/** A model with a factor or a correction, which reads its own columns. */
export function withRegressor(
  { columns, terms: [term] }: SingleModel,
  place: 'factor' | 'correction',
  { columns: wanted, regressor }: FittedRegressor,
): SingleModel {
  const union = new ColumnUnion(columns);
  const positions = union.add(wanted);
  const reads = regressor.reads.map((position) => positions[position]);
  const weights = new Float32Array(union.columns.length);
  weights.set(term.weights);
  return { columns: union.columns, terms: [{ ...term, weights, [place]: { ...regressor, reads } }] };
}

/** The weighted sum of models. */
export function blendModels(parts: readonly { readonly model: KernelModel; readonly share: number }[]): KernelModel {
  const union = new ColumnUnion([]);
  const placed = parts.map(({ model, share }) => ({ model, share, positions: union.add(model.columns) }));
  const terms = placed.flatMap(({ model, share, positions }) => {
    const moved = (regressor: Regressor | undefined) =>
      regressor && { ...regressor, reads: regressor.reads.map((position) => positions[position]) };
    return model.terms.map(({ weights, floorUs, factor, correction }): ModelTerm => {
      const spread = new Float32Array(union.columns.length);
      for (const [j, position] of positions.entries()) spread[position] = share * weights[j];
      return { weights: spread, floorUs: share * floorUs, factor: moved(factor), correction: moved(correction) };
    });
  });
  return { columns: union.columns, terms };
}

/** The weighted sum of linear models without floors, as one linear model. */
export function sumLinear(parts: readonly { readonly model: SingleModel; readonly share: number }[]): SingleModel {
  const { columns, terms } = blendModels(parts);
  const weights = columns.map((_, j) => terms.reduce((sum, term) => sum + term.weights[j], 0));
  return linearModel(columns, weights, 0);
}

/** Columns, each once. */
class ColumnUnion {
  readonly columns: Column[];
  readonly #positions: Map<string, number>;

  constructor(columns: readonly Column[]) {
    this.columns = [...columns];
    this.#positions = new Map(columns.map((column, j) => [columnName(column), j]));
  }

  /** The positions of the columns, added behind the others where they are new. */
  add(wanted: readonly Column[]): number[] {
    return wanted.map((column) => {
      const name = columnName(column);
      const position = this.#positions.get(name) ?? this.columns.push(column) - 1;
      this.#positions.set(name, position);
      return position;
    });
  }
}

/** What the model of `columns` reads of each kernel: one row a kernel. */
export function columnMatrix(columns: readonly Column[], kernels: readonly KernelFeatures[]): Matrix {
  const values = new Float32Array(kernels.length * columns.length);
  let at = 0;
  for (const kernel of kernels) for (const column of columns) values[at++] = termValue(column, kernel);
  return { rows: kernels.length, columns: columns.length, values };
}

/** Latency of each kernel, microseconds. */
export function predictKernels(model: KernelModel, kernels: readonly KernelFeatures[]): Float64Array {
  const matrix = columnMatrix(model.columns, kernels);
  const latencies = new Float64Array(kernels.length);
  for (const term of model.terms) {
    predictTerm(term, matrix).forEach((latency, i) => {
      latencies[i] += latency;
    });
  }
  return latencies;
}

function predictTerm({ weights, floorUs, factor, correction }: ModelTerm, matrix: Matrix): Float64Array {
  const { rows, columns, values } = matrix;
  const latencies = new Float64Array(rows);
  for (let i = 0; i < rows; i++) {
    let sum = 0;
    for (let j = 0; j < columns; j++) sum += values[i * columns + j] * weights[j];
    latencies[i] = Math.max(sum, floorUs);
  }
  if (factor) {
    predictRegressor(factor, matrix).forEach((value, i) => {
      latencies[i] *= Math.exp(value);
    });
  }
  if (correction) {
    predictRegressor(correction, matrix).forEach((value, i) => {
      latencies[i] *= Math.min(LARGEST_CORRECTION, Math.max(SMALLEST_CORRECTION, 1 + value));
    });
  }
  return latencies;
}
