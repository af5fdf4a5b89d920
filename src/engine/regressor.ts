/**
 * What a kernel model has on top of its linear base: a function of the kernel's columns that a learner fitted, as plain
 * data. One type for all learners, so that models, export and serving know one thing.
 */
import { type Perceptron, predictPerceptron } from './learners/perceptron';
import { predictEnsemble, type TreeEnsemble } from './learners/tree';
import type { Matrix } from './matrix';

/** `reads` are the positions of the columns that the function sees, in its order. */
export type Regressor =
  | { readonly form: 'trees'; readonly reads: readonly number[]; readonly ensemble: TreeEnsemble }
  | { readonly form: 'perceptron'; readonly reads: readonly number[]; readonly perceptron: Perceptron }
  | { readonly form: 'sizes'; readonly reads: readonly number[]; readonly sizes: SizeProcess };

/**
 * The posterior mean of a Gaussian process for kernels of one kind. It reads three sizes s and then J indicators i:
 *
 *     z = log(max(s, 1)) . transform + offset
 *     g = sum over j of i_j (constants_j + sum over m of exp(-|z - support_m|^2) weights_mj)
 */
export interface SizeProcess {
  /** [size][coordinate]. */
  readonly transform: Float32Array;
  /** One a coordinate: brings them near 0, where float32 tells them apart best. */
  readonly offset: Float32Array;
  /** [point][coordinate]. */
  readonly support: Float32Array;
  /** One an indicator. */
  readonly constants: Float32Array;
  /** [point][indicator]. */
  readonly weights: Float32Array;
}

/** Sizes that a SizeProcess reads, and coordinates that it makes of them. */
export const SIZES = 3;

/** The function's value for every row of a model's columns. */
export function predictRegressor(regressor: Regressor, columns: Matrix): Float64Array {
  const seen = select(columns, regressor.reads);
  if (regressor.form === 'trees') return predictEnsemble(regressor.ensemble, seen);
  if (regressor.form === 'perceptron') return predictPerceptron(regressor.perceptron, seen);
  return predictSizes(regressor.sizes, seen);
}

function select({ rows, columns, values }: Matrix, reads: readonly number[]): Matrix {
  const selected = new Float32Array(rows * reads.length);
  for (let i = 0; i < rows; i++) {
    for (let j = 0; j < reads.length; j++) selected[i * reads.length + j] = values[i * columns + reads[j]];
  }
  return { rows, columns: reads.length, values: selected };
}

/** Coordinates of the kernel whose sizes begin at `at`. */
export function sizeCoordinates(
  { transform, offset }: Pick<SizeProcess, 'transform' | 'offset'>,
  sizes: ArrayLike<number>,
  at: number,
): Float64Array {
  const coordinates = Float64Array.from(offset);
  for (let k = 0; k < SIZES; k++) {
    const logarithm = Math.log(Math.max(1, sizes[at + k]));
    for (let c = 0; c < SIZES; c++) coordinates[c] += logarithm * transform[k * SIZES + c];
  }
  return coordinates;
}

function predictSizes({ transform, offset, support, constants, weights }: SizeProcess, x: Matrix): Float64Array {
  const indicators = constants.length;
  const points = support.length / SIZES;
  const sums = new Float64Array(indicators);
  const predictions = new Float64Array(x.rows);
  for (let i = 0; i < x.rows; i++) {
    const row = i * x.columns;
    const coordinates = sizeCoordinates({ transform, offset }, x.values, row);
    sums.set(constants);
    for (let m = 0; m < points; m++) {
      let distance2 = 0;
      for (let c = 0; c < SIZES; c++) distance2 += (coordinates[c] - support[m * SIZES + c]) ** 2;
      const similarity = Math.exp(-distance2);
      for (let j = 0; j < indicators; j++) sums[j] += similarity * weights[m * indicators + j];
    }
    for (let j = 0; j < indicators; j++) predictions[i] += x.values[row + SIZES + j] * sums[j];
  }
  return predictions;
}
