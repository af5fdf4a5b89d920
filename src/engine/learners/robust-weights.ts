/**
 * Weights that take rows less seriously the less they fit, for iteratively reweighted least squares.
 * Source: Holland and Welsch, "Robust Regression Using Iteratively Reweighted Least-Squares", Communications in Statistics
 * 1977 (Cauchy's weight function).
 */

/** Residuals of this many times the median have half the weight of those that fit. */
const HALF_WEIGHT = 5;
/** The median of relative residuals counts as at least this: rows that all fit are not told apart by rounding. */
const SMALLEST_MEDIAN = 0.01;

/**
 * Cauchy weights, each above 0 and at most 1.
 *
 * @param residuals relative ones, without unit
 */
export function robustWeights(residuals: ArrayLike<number>): Float64Array {
  const sizes = Float64Array.from(residuals, Math.abs);
  const median = Math.max(SMALLEST_MEDIAN, sizes.slice().sort()[sizes.length >> 1]);
  return sizes.map((size) => 1 / (1 + (size / (HALF_WEIGHT * median)) ** 2));
}
