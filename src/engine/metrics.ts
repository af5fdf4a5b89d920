/**
 * Error measures and cross-validation folds. Errors are relative: a small network's latency counts like a large one's.
 */
import { type Random, shuffle } from './random';

export interface ErrorSummary {
  /** Mean absolute percentage error, percent. */
  readonly mape: number;
  /** Median absolute percentage error, percent. */
  readonly medianApe: number;
  /** Share of predictions within 10 % of the truth, 0 to 1. */
  readonly within10: number;
}

/** Summary of absolute relative errors |predicted - true| / true. */
export function summarizeErrors(errors: readonly number[]): ErrorSummary {
  return {
    mape: 100 * mean(errors),
    medianApe: 100 * quantile(errors, 0.5),
    within10: mean(errors.map((error) => Number(error <= 0.1))),
  };
}

export function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** Quantile by linear interpolation between order statistics (Hyndman and Fan's type 7, NumPy's default). */
export function quantile(values: readonly number[], probability: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  const at = (sorted.length - 1) * probability;
  const low = Math.floor(at);
  return sorted[low] + (at - low) * ((sorted[low + 1] ?? sorted[low]) - sorted[low]);
}

/**
 * Deals groups (networks) into folds of nearly equal size, in random order: rows of one network never stand on both sides.
 *
 * @returns the fold of each group, 0 to count - 1
 */
export function dealFolds(groups: readonly string[], count: number, random: Random): Map<string, number> {
  const order = shuffle([...groups].sort(), random);
  return new Map(order.map((group, i) => [group, i % count]));
}
