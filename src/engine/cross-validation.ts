/**
 * Cross-validation grouped by network: what models say of kernels and networks that they were trained without.
 */
import type { KernelTotalWithUnlisted } from './composition';
import { throwIfCancelled } from './errors';
import { type KernelFeatures, termValue } from './features';
import type { KernelModel } from './kernel-model';
import { SHARED_COLUMNS } from './linear-columns';
import { mean } from './metrics';
import type { KernelPlan } from './plan';
import { predictEach } from './predictor-model';
import type { FitOptions, HeldNetwork, Source } from './sources';
import type { KernelRow, TrainingRows } from './training-rows';

export interface OutOfFold {
  readonly networks: ReadonlyMap<string, HeldNetwork>;
  /** Absolute relative error of each predicted kernel row, by kind. */
  readonly kernelErrors: ReadonlyMap<string, readonly number[]>;
}

/**
 * Fits once per fold and predicts what the fold holds.
 *
 * @param folds the fold of each network of `source.groups`
 * @param onFold called before each fold with the share that is done
 */
export async function crossValidate(
  rows: TrainingRows,
  source: Source,
  folds: ReadonlyMap<string, number>,
  options: FitOptions,
  onFold: (done: number) => void,
): Promise<OutOfFold> {
  const networks = new Map<string, HeldNetwork>();
  const kernelErrors = new Map<string, number[]>();
  const listed = source.name === 'kernel rows' ? new Set(rows.kernels.map(({ kind }) => kind)) : undefined;
  const count = Math.max(...folds.values()) + 1;
  for (let fold = 0; fold < count; fold++) {
    onFold(fold / count);
    // A turn of the event loop, in which a cancellation can arrive.
    await new Promise((resolve) => setImmediate(resolve));
    throwIfCancelled(options.signal);
    const { kinds, fixedUs } = source.fit((network) => folds.get(network) !== fold, options);
    const held = (network: string) => folds.get(network) === fold;
    const heldRows = source.name === 'kernel rows' ? rows.kernels.filter(({ network }) => held(network)) : [];
    const predicted = predictEach(
      kinds,
      heldRows,
      heldRows.map(({ features }) => features),
    );
    heldRows.forEach(({ kind, latencyUs }, i) => {
      const errors = kernelErrors.get(kind) ?? [];
      errors.push(Math.abs(predicted[i] - latencyUs) / latencyUs);
      kernelErrors.set(kind, errors);
    });
    for (const { name, plan, features, latencyUs } of rows.networks) {
      if (!held(name) || latencyUs === undefined) continue;
      networks.set(name, { ...totalOf(kinds, listed, plan, features), fixedUs, measuredUs: latencyUs });
    }
    if (!rows.networks.some(({ latencyUs }) => latencyUs !== undefined)) addSums(networks, heldRows, predicted);
  }
  return { networks, kernelErrors };
}

/** A network's kernels, summed: those of listed kinds by their latency, the others by the columns that tell what they do. */
function totalOf(
  kinds: ReadonlyMap<string, KernelModel>,
  listed: ReadonlySet<string> | undefined,
  plan: KernelPlan,
  features: readonly KernelFeatures[],
): KernelTotalWithUnlisted {
  let kernelsUs = 0;
  const unlisted = new Float64Array(SHARED_COLUMNS.length);
  predictEach(kinds, plan.kernels, features).forEach((latency, i) => {
    if (!listed || listed.has(plan.kernels[i].kind)) {
      kernelsUs += latency;
      return;
    }
    SHARED_COLUMNS.forEach((column, j) => {
      unlisted[j] += termValue(column, features[i]);
    });
  });
  return { kernelsUs, kernels: features.length, unlisted };
}

/** Without any end-to-end row a network's truth is the sum of its measured kernels. */
function addSums(networks: Map<string, HeldNetwork>, rows: readonly KernelRow[], predicted: Float64Array): void {
  rows.forEach(({ network, latencyUs }, i) => {
    const sum = networks.get(network) ?? { kernelsUs: 0, kernels: 0, unlisted: [], fixedUs: 0, measuredUs: 0 };
    networks.set(network, {
      kernelsUs: sum.kernelsUs + predicted[i],
      kernels: sum.kernels + 1,
      unlisted: [],
      fixedUs: 0,
      measuredUs: sum.measuredUs + latencyUs,
    });
  });
}

/** Mean absolute percentage error of each kind, percent. */
export function kernelKindErrors({ kernelErrors }: OutOfFold): { kind: string; rows: number; mape: number }[] {
  return [...kernelErrors]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([kind, errors]) => ({ kind, rows: errors.length, mape: 100 * mean(errors) }));
}
