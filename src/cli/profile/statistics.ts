/**
 * What is said of many runs of one network: a latency and how far it spreads. Knows numbers only.
 */
import type { Statistic } from '../../engine';

/** For sorting numbers. */
export function ascending(a: number, b: number): number {
  return a - b;
}

/** The middle of numbers in ascending order; between two, their mean. NaN of none. */
export function median(sorted: readonly number[]): number {
  return quantile(sorted, 0.5);
}

/** Interpolated between the two numbers next to it, as NumPy does. */
function quantile(sorted: readonly number[], share: number): number {
  const at = share * (sorted.length - 1);
  const below = Math.floor(at);
  const above = Math.min(below + 1, sorted.length - 1);
  return sorted[below] + (at - below) * (sorted[above] - sorted[below]);
}

/** Makes the median absolute deviation of normally distributed numbers their standard deviation. */
const NORMAL = 1.4826;

export interface Spread {
  readonly minimumUs: number;
  readonly medianUs: number;
  /** Median distance from the median: half of the runs are nearer. */
  readonly medianAbsoluteDeviationUs: number;
  /** Between a quarter and three quarters of the runs. */
  readonly interquartileUs: readonly [number, number];
}

/** Statistics that a few interrupted runs do not change. @param sorted latencies in ascending order, microseconds, at least one */
export function spreadOf(sorted: readonly number[]): Spread {
  const medianUs = median(sorted);
  return {
    minimumUs: sorted[0],
    medianUs,
    medianAbsoluteDeviationUs: median(sorted.map((latency) => Math.abs(latency - medianUs)).sort(ascending)),
    interquartileUs: [quantile(sorted, 0.25), quantile(sorted, 0.75)],
  };
}

interface Summary {
  readonly latencyUs: number;
  readonly deviationUs?: number;
}

/**
 * One latency of all runs of all rounds, and its deviation: for the minimum that of the fastest quarter of the fastest
 * round (every longer run was interrupted), for the median 1.4826 times the median absolute deviation, for the mean the
 * standard deviation.
 *
 * @param rounds latencies of each round in ascending order, microseconds
 */
export function summarize(rounds: readonly (readonly number[])[], statistic: Statistic): Summary {
  if (statistic === 'minimum') {
    const fastest = rounds.reduce((best, round) => (round[0] < best[0] ? round : best));
    return { latencyUs: fastest[0], ...deviationOf(fastest.slice(0, Math.max(2, fastest.length >> 2))) };
  }
  const all = rounds.flat().sort(ascending);
  if (statistic === 'mean') {
    return { latencyUs: all.reduce((sum, latency) => sum + latency, 0) / all.length, ...deviationOf(all) };
  }
  const { medianUs, medianAbsoluteDeviationUs } = spreadOf(all);
  return { latencyUs: medianUs, ...(all.length > 1 && { deviationUs: NORMAL * medianAbsoluteDeviationUs }) };
}

/** The standard deviation; nothing of a single run. */
function deviationOf(latencies: readonly number[]): { deviationUs?: number } {
  if (latencies.length < 2) return {};
  const mean = latencies.reduce((sum, latency) => sum + latency, 0) / latencies.length;
  const squares = latencies.reduce((sum, latency) => sum + (latency - mean) ** 2, 0);
  return { deviationUs: Math.sqrt(squares / (latencies.length - 1)) };
}
