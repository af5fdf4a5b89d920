/**
 * Cross-validation grouped by network: what models say of kernels and networks that they were trained without, for every
 * candidate of a training. Each fit is a task of plain data, so that a caller may run many at a time in threads.
 */
import type { KernelFeatures } from './features';
import { fitBorrowed } from './fit-borrowed';
import { fitEndToEnd } from './fit-end-to-end';
import { fitKernelRows } from './fit-kernel-rows';
import type { RegressorOptions } from './fit-regressor';
import type { KernelModel } from './kernel-model';
import type { Candidate } from './learner';
import { predictEach } from './predictor-model';
import { isMeasured, type TrainingRows } from './training-rows';

/** What kernel models can be fitted to: measured kernels, whole networks alone, or those of other scenarios besides. */
export type SourceName = 'kernel rows' | 'end-to-end rows' | 'other scenarios';

export interface Fit {
  /** By kernel kind, FALLBACK among them. */
  readonly kinds: ReadonlyMap<string, KernelModel>;
  /** Microseconds that a run costs whatever the network, as far as the fit itself knows them. */
  readonly fixedUs: number;
}

/** A fit without one fold, and the prediction of that fold. */
export interface FoldTask {
  readonly source: SourceName;
  readonly rows: Pick<TrainingRows, 'networks' | 'kernels' | 'siblings'>;
  /** The fold of each network. */
  readonly folds: ReadonlyMap<string, number>;
  readonly fold: number;
  readonly candidate: Candidate;
  /** Whether kernel rows may stand on the wrong kernels of their network. */
  readonly permuted: boolean;
  readonly seed: number;
}

export interface FoldResult {
  readonly fixedUs: number;
  /** Microseconds, one for each of the held kernel rows (`heldRows`). Empty for end-to-end rows. */
  readonly rowsUs: Float64Array;
  /** Microseconds, one a kernel, of each held network that was measured end to end. */
  readonly networksUs: ReadonlyMap<string, Float64Array>;
}

/** Fits on the networks that `include` accepts. @throws EngineError INSUFFICIENT_DATA, CANCELLED */
export function fitSource(
  { source, rows, candidate, permuted }: Pick<FoldTask, 'source' | 'rows' | 'candidate' | 'permuted'>,
  include: (network: string) => boolean,
  options: RegressorOptions,
): Fit {
  if (source === 'kernel rows') {
    const kernels = rows.kernels.filter(({ network }) => include(network));
    return { kinds: fitKernelRows(kernels, candidate, permuted, options), fixedUs: 0 };
  }
  const networks = rows.networks.filter(isMeasured).filter(({ name }) => include(name));
  if (source === 'end-to-end rows') return fitEndToEnd(networks, candidate, options);
  // A network that is held is held in every scenario: what is predicted of it is as of one that nobody measured.
  const siblings = rows.siblings.map((sibling) => sibling.filter(({ name }) => include(name)));
  return fitBorrowed(networks, siblings, candidate, options);
}

/** Positions of the kernel rows that a fold holds. */
export function heldRows({
  rows,
  folds,
  fold,
}: Pick<FoldTask, 'folds' | 'fold'> & { readonly rows: Pick<TrainingRows, 'kernels'> }): number[] {
  return rows.kernels.flatMap(({ network }, i) => (folds.get(network) === fold ? [i] : []));
}

/** Runs one task. @throws EngineError INSUFFICIENT_DATA, CANCELLED */
export function runFold(task: FoldTask, signal?: AbortSignal): FoldResult {
  const { source, rows, folds, fold, seed } = task;
  const { kinds, fixedUs } = fitSource(task, (network) => folds.get(network) !== fold, { seed, signal });
  const held = source === 'kernel rows' ? heldRows(task).map((i) => rows.kernels[i]) : [];
  const features = held.map((row): KernelFeatures => row.features);
  const networks = rows.networks.filter((network) => isMeasured(network) && folds.get(network.name) === fold);
  return {
    fixedUs,
    rowsUs: predictEach(kinds, held, features),
    networksUs: new Map(
      networks.map((network) => [network.name, predictEach(kinds, network.kernels, network.features)]),
    ),
  };
}
