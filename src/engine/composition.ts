/**
 * Composition: how kernel latencies become the end-to-end latency. Summing even the true kernel times misses it by 14 to
 * 48 % on phone GPUs (dispatch, unlisted kernels, overlap); a line in the sum and the number of kernels leaves 1 to 5 %.
 * Non-negative, so that more kernels never predict less time.
 */
import { fitRelativeLasso } from './learners/lasso';

export interface Composition {
  /** Factor on the sum of kernel latencies. */
  readonly kernelFactor: number;
  /** Microseconds that each kernel adds: dispatch. */
  readonly perKernelUs: number;
  /** Microseconds that a run costs whatever the network. */
  readonly fixedUs: number;
}

/** Kernel latencies simply add up: used where no end-to-end row says otherwise. */
export const SUM: Composition = { kernelFactor: 1, perKernelUs: 0, fixedUs: 0 };

/** Networks below which the dispatch and fixed terms cannot be told from the factor. */
const NETWORKS_FOR_ALL_TERMS = 8;

/** One network's kernels, summed. */
export interface KernelTotal {
  readonly kernelsUs: number;
  readonly kernels: number;
}

/** End-to-end latency of a network, microseconds. */
export function compose(
  { kernelFactor, perKernelUs, fixedUs }: Composition,
  { kernelsUs, kernels }: KernelTotal,
): number {
  return kernelFactor * kernelsUs + perKernelUs * kernels + fixedUs;
}

/**
 * Fits the composition by least squares with 1 / end-to-end weights.
 *
 * @param totals of out-of-fold kernel predictions, one a network
 * @param latenciesUs measured end to end, microseconds, in the same order
 */
export function fitComposition(totals: readonly KernelTotal[], latenciesUs: readonly number[]): Composition {
  if (totals.length === 0) return SUM;
  const columns = totals.length < NETWORKS_FOR_ALL_TERMS ? 1 : 3;
  const values = totals.flatMap(({ kernelsUs, kernels }) => [kernelsUs, kernels, 1].slice(0, columns));
  const { weights } = fitRelativeLasso({ rows: totals.length, columns, values }, latenciesUs, { alpha: 0 });
  const [kernelFactor, perKernelUs = 0, fixedUs = 0] = weights;
  return { kernelFactor, perKernelUs, fixedUs };
}
