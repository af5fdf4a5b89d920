/**
 * Prediction intervals by split conformal prediction: the spread of grouped out-of-fold errors, with the finite-sample
 * correction. Errors are ratios, so an interval is a factor below and above the prediction.
 * Source: Lei et al., "Distribution-Free Predictive Inference for Regression", JASA 2018.
 */

export interface ConformalRadius {
  /** Coverage that the interval promises, 0 to 1. */
  readonly level: number;
  /** The interval is latency / exp(radius) to latency * exp(radius). */
  readonly logRadius: number;
}

export const INTERVAL_LEVELS = [0.5, 0.8, 0.9, 0.95] as const;

/** The level that a prediction shows unless asked for another. */
export const DEFAULT_LEVEL = 0.9;

/**
 * Radii of all levels from out-of-fold predictions.
 *
 * @param predictedUs out of fold, microseconds
 * @param measuredUs in the same order
 */
export function conformalRadii(predictedUs: readonly number[], measuredUs: readonly number[]): ConformalRadius[] {
  const scores = predictedUs.map((predicted, i) => Math.abs(Math.log(measuredUs[i] / predicted))).sort((a, b) => a - b);
  return INTERVAL_LEVELS.map((level) => {
    // The ceil((n + 1) * level)-th smallest score covers a new one with probability of at least `level`; with too few
    // scores for that the largest is the best that can be said.
    const rank = Math.min(scores.length, Math.ceil((scores.length + 1) * level));
    return { level, logRadius: scores[rank - 1] };
  });
}

/**
 * Factors either way that hold the truth of kernels whose kind training never saw, by level. Measured on three profiles of
 * the benchmark by leaving out each kernel kind in turn: these factors hold for most of 30 kinds, and were 1.1 to 130.
 */
const UNMODELLED_FACTORS: Readonly<Record<number, number>> = { 0.5: 2, 0.8: 3, 0.9: 4, 0.95: 5 };

/**
 * Lower and upper end around a latency, microseconds.
 *
 * @param unmodelledUs the part of the latency that comes from kernels of kinds that training never saw
 */
export function intervalAround(
  latencyUs: number,
  radii: readonly ConformalRadius[],
  level: number = DEFAULT_LEVEL,
  unmodelledUs = 0,
) {
  const factor = Math.exp(radii.find((each) => each.level === level)?.logRadius ?? 0);
  const wide = Math.max(factor, UNMODELLED_FACTORS[level] ?? 1);
  const modelledUs = latencyUs - unmodelledUs;
  return {
    lowerUs: modelledUs / factor + unmodelledUs / wide,
    upperUs: modelledUs * factor + unmodelledUs * wide,
    level,
  };
}

export interface Calibration {
  /** Coverage that the interval promises, 0 to 1. */
  readonly level: number;
  /** Share of networks that it held, each with the radius that the other folds' errors give, 0 to 1. */
  readonly covered: number;
  /** Upper over lower end of the final interval, less 1. */
  readonly relativeWidth: number;
}

/** How well intervals keep what they promise: those of each fold are made from the others. */
export function calibrate(
  predictedUs: readonly number[],
  measuredUs: readonly number[],
  foldOf: readonly number[],
): Calibration[] {
  const folds = new Set(foldOf);
  const covered = INTERVAL_LEVELS.map(() => 0);
  for (const fold of folds) {
    const others = foldOf.flatMap((other, i) => (other === fold ? [] : [i]));
    const radii = conformalRadii(
      others.map((i) => predictedUs[i]),
      others.map((i) => measuredUs[i]),
    );
    foldOf.forEach((own, i) => {
      if (own !== fold) return;
      radii.forEach(({ logRadius }, level) => {
        if (Math.abs(Math.log(measuredUs[i] / predictedUs[i])) <= logRadius) covered[level] += 1;
      });
    });
  }
  return conformalRadii(predictedUs, measuredUs).map(({ level, logRadius }, i) => ({
    level,
    covered: covered[i] / foldOf.length,
    relativeWidth: Math.exp(2 * logRadius) - 1,
  }));
}
