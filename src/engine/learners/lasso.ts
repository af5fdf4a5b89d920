/**
 * The Lasso: linear predictors with few weights, fitted to rows of features and one target a row, in float64.
 * What it minimises is scikit-learn's, so that an alpha means the same in both:
 *
 *     1 / (2 n) * sum_i s_i * (y_i - x_i . w - b)^2  +  alpha * |w|_1  +  ridge / 2 * |w|_2^2,
 *
 * sample weights s rescaled to sum to n. With a ridge it is the elastic net (Zou and Hastie 2005).
 *
 * `fitRelativeLasso` is the setting for latencies: errors count relative to the latency, and work costs time.
 * This file knows no feature by name and chooses no alpha: cross-validation does, with `lassoPath`.
 */
import { EngineError } from '../errors';
import { descend } from './coordinate-descent';
import { leastSquares } from './least-squares';
import { checkSampleWeights, checkTrainingRows, type NumericRows, requireArgument } from './validation';

export interface LassoPathOptions {
  /** Keeps every weight at zero or more. Default false. */
  readonly nonNegative?: boolean;
  /** One a row, zero or more; only their ratios matter. Default all equal. */
  readonly sampleWeights?: ArrayLike<number>;
  /** Weight of the squared penalty, zero or more: columns that say the same share their weight. Default 0. */
  readonly ridge?: number;
  /** Default true. */
  readonly fitIntercept?: boolean;
  /** At most so many sweeps over the columns for one alpha. Default 10,000. */
  readonly maxIterations?: number;
  /** Duality gap to stop at, relative to the targets' sum of squares. Default 1e-10. */
  readonly tolerance?: number;
  /** Weights to start from, one a column: near the minimum it is reached sooner. Default all 0. */
  readonly start?: ArrayLike<number>;
  readonly signal?: AbortSignal;
}

export interface LassoOptions extends LassoPathOptions {
  /** Weight of the penalty, zero or more. */
  readonly alpha: number;
}

/** The relative setting fixes the target, the sample weights and the intercept. */
export type RelativeLassoPathOptions = Pick<LassoPathOptions, 'nonNegative' | 'maxIterations' | 'tolerance' | 'signal'>;
export type RelativeLassoOptions = RelativeLassoPathOptions & Pick<LassoOptions, 'alpha'>;

/** A prediction is `intercept + sum_j weights[j] * x[j]`, in the target's unit. */
export interface LassoModel {
  readonly alpha: number;
  /** One a column: the target's unit per unit of the feature. */
  readonly weights: Float64Array;
  readonly intercept: number;
  /** Sweeps over the columns that it took. */
  readonly iterations: number;
  /** Reached duality gap, relative to the targets' sum of squares. */
  readonly dualityGap: number;
  /** False if it ran out of iterations: the weights are the best so far. */
  readonly converged: boolean;
}

/**
 * Fits one Lasso.
 * @throws EngineError INSUFFICIENT_DATA for no rows or values that are not finite, CANCELLED
 * @throws InvalidArgumentError for lengths that disagree or an option outside its range
 */
export function fitLasso(x: NumericRows, y: ArrayLike<number>, options: LassoOptions): LassoModel {
  return lassoPath(x, y, [options.alpha], options)[0];
}

/**
 * Fits one Lasso for every alpha, each started from the one before, and returns them in the same order.
 * @param alphas from largest to smallest
 * @throws as `fitLasso`
 */
export function lassoPath(
  x: NumericRows,
  y: ArrayLike<number>,
  alphas: readonly number[],
  options: LassoPathOptions = {},
): LassoModel[] {
  const { nonNegative = false, sampleWeights, ridge = 0, fitIntercept = true, signal } = options;
  const { maxIterations = 10_000, tolerance = 1e-10 } = options;
  const { rows, columns } = x;
  checkTrainingRows(x, y);
  checkSampleWeights(sampleWeights, rows);
  checkAlphas(alphas);
  requireArgument(maxIterations >= 1, 'options.maxIterations', maxIterations, 'at least 1');
  requireArgument(Number.isFinite(ridge) && ridge >= 0, 'options.ridge', ridge, 'a finite number of at least 0');
  const { start } = options;
  requireArgument(
    !start || start.length === columns,
    'options.start.length',
    start?.length,
    `${columns}, one a column`,
  );
  requireArgument(tolerance > 0, 'options.tolerance', tolerance, 'a number above 0');

  const shares = normalizedWeights(sampleWeights, rows);
  const centre = fitIntercept ? weightedMeans(x, y, shares) : { columns: new Float64Array(columns), target: 0 };
  const design = new Float64Array(rows * columns);
  const target = new Float64Array(rows);
  for (let i = 0; i < rows; i++) {
    const root = Math.sqrt(shares[i]);
    target[i] = root * (y[i] - centre.target);
    for (let j = 0; j < columns; j++) {
      design[j * rows + i] = root * (x.values[i * columns + j] - centre.columns[j]);
    }
  }
  if (fitIntercept) clearConstantColumns(design, centre.columns, rows);
  const problem = leastSquares(design, target, columns, ridge * rows);
  const weights = Float64Array.from({ length: columns }, (_, j) => options.start?.[j] ?? 0);
  return alphas.map((alpha) => {
    const limits = { nonNegative, maxIterations, tolerance, signal };
    const result = descend(problem, weights, { penalty: alpha * rows, ...limits });
    let intercept = centre.target;
    for (let j = 0; j < columns; j++) intercept -= weights[j] * centre.columns[j];
    return { alpha, weights: weights.slice(), intercept, ...result };
  });
}

/**
 * Fits weights so that `sum_j weights[j] * x[j]` is near y in proportion: rows and targets are divided by y, columns
 * are brought to a mean size of 1 so that alpha means the same for all of them, and weights are zero or more (unless
 * `nonNegative` is false). No intercept: a column of ones is one. Weights come back in the target's unit per unit of
 * the feature.
 * @param y above zero, for example latencies in microseconds
 * @throws as `fitLasso`, and EngineError INSUFFICIENT_DATA for a target that is not above zero
 */
export function fitRelativeLasso(x: NumericRows, y: ArrayLike<number>, options: RelativeLassoOptions): LassoModel {
  return relativeLassoPath(x, y, [options.alpha], options)[0];
}

/**
 * `fitRelativeLasso` for every alpha, each started from the one before.
 * @param alphas from largest to smallest
 * @throws as `fitRelativeLasso`
 */
export function relativeLassoPath(
  x: NumericRows,
  y: ArrayLike<number>,
  alphas: readonly number[],
  { nonNegative = true, ...limits }: RelativeLassoPathOptions = {},
): LassoModel[] {
  checkTrainingRows(x, y);
  const { rows, columns } = x;
  const scaled = new Float64Array(rows * columns);
  const size = new Float64Array(columns);
  for (let i = 0; i < rows; i++) {
    if (y[i] <= 0) {
      const message = `A target is ${y[i]}; relative errors need targets above 0.`;
      throw new EngineError('INSUFFICIENT_DATA', message, `y, row ${i}`, 'Leave the row out, or repair the value.');
    }
    for (let j = 0; j < columns; j++) {
      const value = x.values[i * columns + j] / y[i];
      scaled[i * columns + j] = value;
      size[j] += Math.abs(value) / rows;
    }
  }
  for (let j = 0; j < columns; j++) if (size[j] === 0) size[j] = 1;
  for (let i = 0; i < scaled.length; i++) scaled[i] /= size[i % columns];
  const ones = new Float64Array(rows).fill(1);
  const models = lassoPath({ rows, columns, values: scaled }, ones, alphas, {
    ...limits,
    nonNegative,
    fitIntercept: false,
  });
  return models.map((model) => ({ ...model, weights: model.weights.map((weight, j) => weight / size[j]) }));
}

/** The model's prediction for every row, in the target's unit. */
export function predictLasso(model: LassoModel, x: NumericRows): Float64Array {
  const { weights, intercept } = model;
  const { rows, columns, values } = x;
  requireArgument(columns === weights.length, 'x.columns', columns, `${weights.length}, as in training`);
  const predictions = new Float64Array(rows).fill(intercept);
  for (let i = 0; i < rows; i++) {
    for (let j = 0; j < columns; j++) predictions[i] += weights[j] * values[i * columns + j];
  }
  return predictions;
}

function checkAlphas(alphas: readonly number[]): void {
  alphas.forEach((alpha, i) => {
    requireArgument(Number.isFinite(alpha) && alpha >= 0, 'alpha', alpha, 'a finite number of at least 0');
    requireArgument(i === 0 || alpha <= alphas[i - 1], `alphas[${i}]`, alpha, 'alphas from largest to smallest');
  });
}

/** Sample weights rescaled to sum to the number of rows. */
function normalizedWeights(weights: ArrayLike<number> | undefined, rows: number): Float64Array {
  if (!weights) return new Float64Array(rows).fill(1);
  let sum = 0;
  for (let i = 0; i < rows; i++) sum += weights[i];
  return Float64Array.from(weights, (weight) => (weight * rows) / sum);
}

/** What centring leaves of a constant column is rounding, and must not get a weight. */
function clearConstantColumns(design: Float64Array, means: Float64Array, rows: number): void {
  for (let j = 0; j < means.length; j++) {
    const column = design.subarray(j * rows, (j + 1) * rows);
    const rounding = 1e-13 * Math.abs(means[j]);
    if (column.every((value) => Math.abs(value) <= rounding)) column.fill(0);
  }
}

function weightedMeans(x: NumericRows, y: ArrayLike<number>, shares: Float64Array) {
  const { rows, columns, values } = x;
  const means = new Float64Array(columns);
  let target = 0;
  for (let i = 0; i < rows; i++) {
    const share = shares[i] / rows;
    target += share * y[i];
    for (let j = 0; j < columns; j++) means[j] += share * values[i * columns + j];
  }
  return { columns: means, target };
}
