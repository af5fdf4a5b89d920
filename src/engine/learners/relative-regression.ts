/**
 * Non-negative linear regression on relative errors, for few rows and many overlapping columns: the elastic net on rows
 * divided by their target, columns scaled to a root mean square of 1, reweighted towards the absolute error, which is what
 * a mean absolute percentage error counts, and if asked away from rows that the others contradict. Weights come back in the
 * target's unit per unit of the column.
 */
import { lassoPath } from './lasso';
import { robustWeights } from './robust-weights';
import { checkTrainingRows, type NumericRows, requireArgument } from './validation';

export interface RelativeRegressionOptions {
  /** One a column: columns of the same unit have scales that can be compared. */
  readonly units: readonly string[];
  /** Weight of the 1-norm. Default 1e-3. */
  readonly alpha?: number;
  /** Weight of the squared 2-norm: overlapping columns share their weight. Default 3e-3. */
  readonly ridge?: number;
  /** Whether rows that the others contradict lose their weight in the end. Default false. */
  readonly robust?: boolean;
  /** One a row, above 0. Default all equal. */
  readonly sampleWeights?: ArrayLike<number>;
  readonly signal?: AbortSignal;
}

/** Reweightings by 1 / |relative residual|, each from the fit before (iteratively reweighted least squares). */
const REWEIGHTINGS = 4;
/** The same for a robust fit: two, which are a good start, and robust ones. */
const ROBUST_START = 2;
const ROBUST_REWEIGHTINGS = 4;
/** Residuals below this count as this: rows cannot gain weight without bound. */
const SMALLEST_RESIDUAL = 0.05;
/**
 * A column's scale is at least this share of the largest of its unit. Without it a weight learned from a few tiny kernels
 * is penalised by their size and may grow to what ruins the first network that has a large one.
 */
const SMALLEST_SCALE = 0.01;

/**
 * @param x non-negative columns
 * @param y above zero, for example latencies in microseconds
 * @returns one weight a column, zero or more
 * @throws EngineError INSUFFICIENT_DATA, CANCELLED
 */
export function fitRelativeRegression(
  x: NumericRows,
  y: ArrayLike<number>,
  options: RelativeRegressionOptions,
): Float64Array {
  const { units, alpha = 1e-3, ridge = 3e-3, robust = false, signal } = options;
  const own = options.sampleWeights ?? new Float64Array(x.rows).fill(1);
  checkTrainingRows(x, y);
  requireArgument(units.length === x.columns, 'options.units.length', units.length, `${x.columns}, one a column`);
  const { rows, columns } = x;
  const values = new Float64Array(rows * columns);
  for (let i = 0; i < rows; i++) {
    requireArgument(y[i] > 0, `y[${i}]`, y[i], 'a number above 0');
    for (let j = 0; j < columns; j++) values[i * columns + j] = x.values[i * columns + j] / y[i];
  }
  const scales = columnScales(values, rows, units);
  for (let i = 0; i < values.length; i++) values[i] /= scales[i % columns];
  const scaled = { rows, columns, values };
  const ones = new Float64Array(rows).fill(1);
  let sampleWeights: Float64Array = Float64Array.from(own);
  let weights: Float64Array = new Float64Array(columns);
  const [absolute, all] = robust ? [ROBUST_START, ROBUST_START + ROBUST_REWEIGHTINGS] : [REWEIGHTINGS, REWEIGHTINGS];
  for (let pass = 0; pass <= all; pass++) {
    const fit = {
      nonNegative: true,
      fitIntercept: false,
      tolerance: 1e-5,
      maxIterations: 2000,
      sampleWeights,
      ridge,
      start: weights,
      signal,
    };
    weights = lassoPath(scaled, ones, [alpha], fit)[0].weights;
    const residuals = residualsOf(scaled, weights);
    const trust = pass < absolute ? inverses(residuals) : robustWeights(residuals);
    sampleWeights = trust.map((weight, i) => weight * own[i]);
  }
  return weights.map((weight, j) => weight / scales[j]);
}

/** What each column is divided by: its root mean square, or a share of the largest of its unit. */
export function columnScales(values: Float64Array, rows: number, units: readonly string[]): Float64Array {
  const columns = units.length;
  const scales = new Float64Array(columns);
  for (let i = 0; i < values.length; i++) scales[i % columns] += values[i] * values[i];
  const largest = new Map<string, number>();
  for (let j = 0; j < columns; j++) {
    scales[j] = Math.sqrt(scales[j] / rows);
    largest.set(units[j], Math.max(largest.get(units[j]) ?? 0, scales[j]));
  }
  return scales.map((scale, j) => (scale === 0 ? 1 : Math.max(scale, SMALLEST_SCALE * largest.get(units[j])!)));
}

/** What the weights leave of targets of 1. */
function residualsOf({ rows, columns, values }: NumericRows, weights: Float64Array): Float64Array {
  const residuals = new Float64Array(rows);
  for (let i = 0; i < rows; i++) {
    let residual = -1;
    for (let j = 0; j < columns; j++) residual += values[i * columns + j] * weights[j];
    residuals[i] = residual;
  }
  return residuals;
}

function inverses(residuals: Float64Array): Float64Array {
  return residuals.map((residual) => 1 / Math.max(Math.abs(residual), SMALLEST_RESIDUAL));
}
