/**
 * Statistics of paired comparisons: the bootstrap interval of a mean difference with its verdict. Must not know what is
 * compared.
 */
import { mean, quantile } from './metrics';
import { createRandom } from './random';

/** What a comparison says of B against A at the interval's level. */
export const VERDICTS = ['BETTER', 'WORSE', 'NO_DIFFERENCE'] as const;
export type Verdict = (typeof VERDICTS)[number];

export interface BootstrapOptions {
  /** Seeds the resampling: the same differences and seed give the same interval. */
  readonly seed: number;
  /** Confidence of the interval, 0 to 1. Default 0.95. */
  readonly level?: number;
  /** Default 10,000. */
  readonly resamples?: number;
}

/** Differences up to this share of the mean error of both versions are none that counts. */
const RELATIVE_MARGIN = 0.05;

/**
 * The region of practical equivalence of two errors, percentage points. An interval over networks knows nothing of the
 * chance in training: two trainings that differ by seed only are really two versions, and given networks enough one is a
 * little better, by up to 5 % of their error (bench/comparison-seeds.ts). Nobody should promote for that. Source: Benavoli,
 * Corani, Demsar and Zaffalon, "Time for a change", JMLR 2017, section 4.
 */
export function equivalenceMargin(errorA: number, errorB: number): number {
  return (RELATIVE_MARGIN * (errorA + errorB)) / 2;
}

/** The mean of paired differences (B minus A; here percentage points of error) and how sure it is. */
export interface PairedDifference {
  readonly mean: number;
  /** Percentile interval of the bootstrap. */
  readonly lower: number;
  readonly upper: number;
  readonly level: number;
  /** Pairs: networks. */
  readonly networks: number;
  readonly resamples: number;
  /** Differences up to it are none that counts. */
  readonly margin: number;
  /** BETTER if the whole interval is below minus the margin (B errs less), WORSE if it is above the margin. */
  readonly verdict: Verdict;
}

const DEFAULT_CONFIDENCE = 0.95;
const RESAMPLES = 10_000;

/**
 * Pairs below which no verdict but NO_DIFFERENCE is given: even if five of five differences have one sign, chance does as
 * much in 1 of 16 cases (two-sided sign test), which is more than 5 %; and a percentile interval of so few is too narrow.
 */
export const FEWEST_FOR_VERDICT = 6;

/**
 * Paired bootstrap: resamples the differences with replacement and takes the percentiles of their means (Efron and
 * Tibshirani, "An Introduction to the Bootstrap", chapter 13; quantiles by linear interpolation, type 7). Each resample
 * draws `differences.length` positions by `createRandom(seed).below`, one resample after the other.
 *
 * @param differences B minus A, one of each network; less is better. At least one
 * @param margin differences up to it are none that counts
 */
export function pairedBootstrap(
  differences: readonly number[],
  margin: number,
  { seed, level = DEFAULT_CONFIDENCE, resamples = RESAMPLES }: BootstrapOptions,
): PairedDifference {
  const random = createRandom(seed);
  const networks = differences.length;
  const means: number[] = [];
  for (let i = 0; i < resamples; i++) {
    let sum = 0;
    for (let drawn = 0; drawn < networks; drawn++) sum += differences[random.below(networks)];
    means.push(sum / networks);
  }
  const tail = (1 - level) / 2;
  const lower = quantile(means, tail);
  const upper = quantile(means, 1 - tail);
  return {
    mean: mean(differences),
    lower,
    upper,
    level,
    networks,
    resamples,
    margin,
    verdict: networks < FEWEST_FOR_VERDICT ? 'NO_DIFFERENCE' : verdictOf(lower, upper, margin),
  };
}

function verdictOf(lower: number, upper: number, margin: number): Verdict {
  if (upper < -margin) return 'BETTER';
  return lower > margin ? 'WORSE' : 'NO_DIFFERENCE';
}
