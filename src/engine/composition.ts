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
  /** Latencies of the kernels that have a model of their kind. */
  readonly kernelsUs: number;
  /** All kernels. */
  readonly kernels: number;
}

/** The same for kernels of kinds that no profile row has: sums of the columns that predict them. */
export interface KernelTotalWithUnlisted extends KernelTotal {
  readonly unlisted: ArrayLike<number>;
}

/** A composition, and what the unlisted kernels cost besides: microseconds per unit of each column. */
export interface CompositionWithUnlisted {
  readonly composition: Composition;
  /** Empty if there are no unlisted kernels. */
  readonly unlistedWeights: readonly number[];
}

/** End-to-end latency of a network, microseconds. */
export function compose(
  { kernelFactor, perKernelUs, fixedUs }: Composition,
  { kernelsUs, kernels }: KernelTotal,
): number {
  return kernelFactor * kernelsUs + perKernelUs * kernels + fixedUs;
}

/**
 * Fits the composition by least squares with 1 / end-to-end weights. Runtimes launch kernels that their profiles leave out
 * (padding, resizing, stand-alone elementwise ops on TFLite's GPU delegate): what those cost is told from the end-to-end
 * latencies too.
 *
 * @param totals of out-of-fold kernel predictions, one a network
 * @param latenciesUs measured end to end, microseconds, in the same order
 */
export function fitComposition(
  totals: readonly KernelTotalWithUnlisted[],
  latenciesUs: readonly number[],
): CompositionWithUnlisted {
  if (totals.length === 0) return { composition: SUM, unlistedWeights: [] };
  const hasUnlisted = totals.some(({ unlisted }) => Array.from(unlisted).some((value) => value > 0));
  const row = ({ kernelsUs, kernels, unlisted }: KernelTotalWithUnlisted) => {
    if (totals.length < NETWORKS_FOR_ALL_TERMS) return [kernelsUs];
    return [kernelsUs, kernels, 1, ...(hasUnlisted ? Array.from(unlisted) : [])];
  };
  const values = totals.flatMap(row);
  const columns = values.length / totals.length;
  const { weights } = fitRelativeLasso({ rows: totals.length, columns, values }, latenciesUs, { alpha: 0 });
  const [kernelFactor, perKernelUs = 0, fixedUs = 0, ...unlistedWeights] = weights;
  return { composition: { kernelFactor, perKernelUs, fixedUs }, unlistedWeights };
}

/** End-to-end latency with the unlisted kernels, microseconds. */
export function composeWithUnlisted(
  { composition, unlistedWeights }: CompositionWithUnlisted,
  total: KernelTotalWithUnlisted,
): number {
  return unlistedWeights.reduce((sum, weight, j) => sum + weight * total.unlisted[j], compose(composition, total));
}
