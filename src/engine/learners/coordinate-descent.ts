/**
 * The solver under the Lasso: minimises  1/2 |t - A w|^2 + penalty * |w|_1, optionally with w >= 0.
 * It knows nothing of samples' weights, intercepts or units: `lasso.ts` folds those into A and t.
 *
 * Cyclic coordinate descent with covariance updates (Friedman, Hastie, Tibshirani 2010, section 2.2). Between rounds
 * of sweeps, the quadratic that the current signs define is solved exactly: on collinear columns, which sums of
 * features are, coordinate descent alone would take tens of thousands of sweeps.
 * It stops by the duality gap (Kim et al. 2007), relative to |t|^2, as scikit-learn does.
 */
import { throwIfCancelled } from '../errors';
import { gramColumn, type LeastSquares, refreshResidual } from './least-squares';
import { supportStep } from './support-step';

export interface DescentOptions {
  /** Weight of the 1-norm, zero or more. */
  readonly penalty: number;
  readonly nonNegative: boolean;
  /** At most so many sweeps over the coordinates. */
  readonly maxIterations: number;
  /** Duality gap to reach, as a share of |t|^2. */
  readonly tolerance: number;
  readonly signal?: AbortSignal;
}

export interface DescentResult {
  /** Sweeps that were done. */
  readonly iterations: number;
  /** As a share of |t|^2. */
  readonly dualityGap: number;
  readonly converged: boolean;
}

/** Sweeps of the first round; each later round is twice as long, so the exact solves stay few. */
const FIRST_ROUND = 4;

/**
 * Moves `weights` to the minimum, from where they stand.
 * @param weights one a column; changed in place
 * @throws EngineError CANCELLED
 */
export function descend(problem: LeastSquares, weights: Float64Array, options: DescentOptions): DescentResult {
  const { columns, targetNorm2 } = problem;
  const { maxIterations, signal } = options;
  const gap = options.tolerance * targetNorm2;
  const residual = new Float64Array(columns);
  refreshResidual(problem, weights, residual);
  let reached = optimalityGap(problem, weights, residual, options);
  let iterations = 0;
  const all = Int32Array.from({ length: columns }, (_, j) => j);
  for (let round = FIRST_ROUND; reached > gap && iterations < maxIterations; round *= 2) {
    throwIfCancelled(signal);
    sweep(problem, weights, residual, options, all);
    iterations++;
    const support = all.filter((j) => weights[j] !== 0);
    for (let i = 1; i < round && iterations < maxIterations; i++, iterations++) {
      if (!sweep(problem, weights, residual, options, support)) break;
    }
    // Recomputed, because sweeps over the support left the other columns' as it was, and many updates leave rounding.
    refreshResidual(problem, weights, residual);
    supportStep(problem, weights, residual, options.penalty);
    reached = optimalityGap(problem, weights, residual, options);
  }
  return { iterations, dualityGap: targetNorm2 === 0 ? 0 : reached / targetNorm2, converged: reached <= gap };
}

/** One pass over some coordinates; the residual is kept up to date for those. Returns whether any of them moved. */
function sweep(
  problem: LeastSquares,
  weights: Float64Array,
  residual: Float64Array,
  { penalty, nonNegative }: DescentOptions,
  members: Int32Array,
): boolean {
  const { norm2 } = problem;
  let moved = false;
  for (let a = 0; a < members.length; a++) {
    const j = members[a];
    const before = weights[j];
    if (norm2[j] === 0) continue;
    const pull = residual[j] + norm2[j] * before;
    let after = 0;
    if (pull > penalty) after = (pull - penalty) / norm2[j];
    else if (!nonNegative && pull < -penalty) after = (pull + penalty) / norm2[j];
    if (after === before) continue;
    moved = true;
    weights[j] = after;
    const change = after - before;
    const column = gramColumn(problem, j);
    for (let b = 0; b < members.length; b++) residual[members[b]] -= change * column[members[b]];
  }
  return moved;
}

/**
 * How far the objective may still be from its minimum. With a penalty, the duality gap: an upper bound. Without one
 * no scaled residual is dual feasible, so it is the most that one coordinate alone could still gain.
 */
function optimalityGap(
  problem: LeastSquares,
  weights: Float64Array,
  residual: Float64Array,
  { penalty, nonNegative }: DescentOptions,
): number {
  const { columns, correlation, norm2, targetNorm2 } = problem;
  if (penalty === 0) {
    let gain = 0;
    for (let j = 0; j < columns; j++) {
      if (norm2[j] === 0 || (nonNegative && weights[j] === 0 && residual[j] < 0)) continue;
      gain = Math.max(gain, residual[j] ** 2 / norm2[j]);
    }
    return gain;
  }
  let norm1 = 0;
  let fitted = 0; // w'A't
  let leftover = 0; // w'A'(t - A w)
  let dualNorm = 0;
  for (let j = 0; j < columns; j++) {
    norm1 += Math.abs(weights[j]);
    fitted += weights[j] * correlation[j];
    leftover += weights[j] * residual[j];
    dualNorm = Math.max(dualNorm, nonNegative ? residual[j] : Math.abs(residual[j]));
  }
  const residualNorm2 = Math.max(0, targetNorm2 - fitted - leftover);
  const shrink = dualNorm > penalty ? penalty / dualNorm : 1;
  const residualTarget = targetNorm2 - fitted; // (t - A w)'t
  return 0.5 * residualNorm2 * (1 + shrink * shrink) + penalty * norm1 - shrink * residualTarget;
}
