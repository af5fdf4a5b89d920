/**
 * Kernel rows that stand on the wrong kernels: some runtimes run branches in another order than their profile lists them, so
 * that latencies are permuted within a network while their sum is right (seen on PyTorch Mobile's Metal backend). Exchanging
 * two of a network's rows is then worth it where both fit their kernels much better.
 */
import { groupBy } from './grouping';
import type { KernelRow } from './training-rows';

/** Rows are exchanged only with others at most so many rows of their kind away. */
const REACH = 12;
/** Each of two rows must come closer to its prediction by this factor, on average. */
const SMALLEST_GAIN = 2 * Math.log(1.3);
/**
 * Shares of the error that exchanges must remove. A linear or smooth model that learned from permuted rows shows little of it
 * (Metal's 4 to 25 %, by learner; others 0 to 5 %); one that put them in order first shows it clearly (41 to 55 %; others 6 %
 * at most).
 */
const SUSPICIOUS_SHARE = 0.03;
const PERMUTED_SHARE = 0.15;

/**
 * Latencies after all worthwhile exchanges within the rows of one network and kind, best first.
 *
 * @param predictedUs one a row, above 0
 * @returns one a row, microseconds
 */
export function exchangeLatencies(rows: readonly KernelRow[], predictedUs: ArrayLike<number>): Float64Array {
  const latencies = Float64Array.from(rows, ({ latencyUs }) => latencyUs);
  const groups = groupBy(rows.keys(), (i) => `${rows[i].network}\n${rows[i].kind}`);
  const error = (row: number, latency: number) => Math.abs(Math.log(latency / predictedUs[row]));
  for (const group of groups.values()) {
    for (;;) {
      let best = SMALLEST_GAIN;
      let pair: readonly [number, number] | undefined;
      for (let a = 0; a < group.length; a++) {
        for (let b = a + 1; b <= Math.min(a + REACH, group.length - 1); b++) {
          const [i, j] = [group[a], group[b]];
          const now = error(i, latencies[i]) + error(j, latencies[j]);
          const gain = now - error(i, latencies[j]) - error(j, latencies[i]);
          if (gain > best) [best, pair] = [gain, [i, j]];
        }
      }
      if (!pair) break;
      const [i, j] = pair;
      [latencies[i], latencies[j]] = [latencies[j], latencies[i]];
    }
  }
  return latencies;
}

/**
 * Share of the mean logarithmic error that exchanges remove, 0 to 1.
 *
 * @param predictedUs one a row, by models that did not see the row; NaN leaves it out
 */
export function permutedShare(rows: readonly KernelRow[], predictedUs: ArrayLike<number>): number {
  const known = rows.flatMap((_, i) => (predictedUs[i] > 0 ? [i] : []));
  const kept = known.map((i) => rows[i]);
  const predicted = known.map((i) => predictedUs[i]);
  const sum = (latencies: ArrayLike<number>) =>
    predicted.reduce((total, latency, i) => total + Math.abs(Math.log(latencies[i] / latency)), 0);
  const listed = sum(kept.map(({ latencyUs }) => latencyUs));
  return listed === 0 ? 0 : 1 - sum(exchangeLatencies(kept, predicted)) / listed;
}

/**
 * Whether rows may be permuted, so that it is worth fitting again with exchanges.
 *
 * @param predictedUs by models that learned from the rows as listed
 */
export function mayBePermuted(rows: readonly KernelRow[], predictedUs: ArrayLike<number>): boolean {
  return permutedShare(rows, predictedUs) > SUSPICIOUS_SHARE;
}

/**
 * Whether rows are permuted.
 *
 * @param predictedUs by models that learned from rows in the order that suits them best
 */
export function isPermuted(rows: readonly KernelRow[], predictedUs: ArrayLike<number>): boolean {
  return permutedShare(rows, predictedUs) > PERMUTED_SHARE;
}
