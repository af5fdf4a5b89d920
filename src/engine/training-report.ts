/**
 * What a training says of its result, so that a reader can judge it: how good, how sure, on what grounds, from where.
 */

import type { Composition } from './composition';
import type { SourceName } from './cross-validation';
import { FEATURE_NAMES, type FeatureName, type KernelFeatures } from './features';
import type { Composed } from './fit-composition';
import { groupBy, sortedByName } from './grouping';
import { type Calibration, calibrate } from './intervals';
import { type KernelModel, predictKernels } from './kernel-model';
import type { Learner } from './learner';
import { type ErrorSummary, mean, summarizeErrors } from './metrics';
import type { Harness } from './profile';
import { createRandom } from './random';
import type { Choice, OutOfFold } from './selection';
import type { KernelRow } from './training-rows';

export interface TrainingReport {
  readonly scenario: string;
  readonly runtime: string;
  readonly learner: Learner;
  /** What the models were fitted to: kernel rows, end-to-end rows, or both. */
  readonly sources: readonly SourceReport[];
  readonly seed: number;
  readonly engineVersion: string;
  /** SHA-256 of the datasets. */
  readonly datasets: readonly string[];
  /** How they were measured. */
  readonly harnesses: readonly Harness[];
  readonly networks: number;
  readonly kernelRows: number;
  /** Cross-validated, grouped by network: whole networks. */
  readonly endToEnd: ErrorSummary;
  /** Whole networks, largest error first; REPORTED_NETWORKS at most. */
  readonly worstNetworks: readonly NetworkError[];
  /** How often the intervals of networks that they were not made from hold the truth. */
  readonly calibration: readonly Calibration[];
  /** Cross-validated: single kernels, per kind. Empty when trained from end-to-end rows. */
  readonly kernelKinds: readonly KernelKindError[];
  /** How much the latency depends on each feature, most important first. */
  readonly importance: readonly FeatureImportance[];
  readonly composition: Composition;
  /** Median relative standard deviation of the measurements, or null. */
  readonly noiseFloor: number | null;
  /** What was left out and why, in sentences. */
  readonly dropped: readonly string[];
  /** Largest relative difference between the trained model and the exported file. */
  readonly exportDifference: number;
}

export interface SourceReport {
  readonly name: SourceName;
  /** Networks that its error is of. */
  readonly networks: number;
  /** Mean absolute percentage error of whole networks, cross-validated, percent. */
  readonly mape: number;
  /** Its share of the prediction, 0 to 1: rows that do not explain the whole count little. */
  readonly share: number;
  /** Whether rows stood on the wrong kernels of their networks, and were exchanged. */
  readonly permuted: boolean;
  /** Which learner was taken, with the errors of all that were tried. */
  readonly choices: readonly Choice[];
}

export interface NetworkError {
  readonly network: string;
  /** Microseconds, by models that did not see the network. */
  readonly predictedUs: number;
  readonly measuredUs: number;
}

export interface KernelKindError {
  readonly kind: string;
  readonly rows: number;
  /** Mean absolute percentage error, percent. */
  readonly mape: number;
}

export interface FeatureImportance {
  readonly feature: FeatureName;
  /** Mean relative change of a kernel's latency when it has another kernel's value, percent. */
  readonly change: number;
}

/** Whole networks that a report names, at most. */
const REPORTED_NETWORKS = 500;
/** Kernels of a kind that importance is measured on, at most. */
const IMPORTANCE_KERNELS = 200;

/** What cross-validation says of whole networks. */
export function reportNetworks(
  { names, predictedUs, measuredUs }: Composed,
  folds: ReadonlyMap<string, number>,
): Pick<TrainingReport, 'networks' | 'endToEnd' | 'worstNetworks' | 'calibration'> {
  const errors = predictedUs.map((predicted, i) => Math.abs(predicted - measuredUs[i]) / measuredUs[i]);
  const order = names.map((_, i) => i).sort((a, b) => errors[b] - errors[a]);
  const foldOf = names.map((name) => folds.get(name)!);
  return {
    networks: names.length,
    endToEnd: summarizeErrors(errors),
    worstNetworks: order
      .slice(0, REPORTED_NETWORKS)
      .map((i) => ({ network: names[i], predictedUs: predictedUs[i], measuredUs: measuredUs[i] })),
    calibration: calibrate(predictedUs, measuredUs, foldOf),
  };
}

/** What cross-validation says of single kernels. */
export function reportKernels(rows: readonly KernelRow[], { rowsUs }: OutOfFold): KernelKindError[] {
  const errors = rows
    .map(({ kind, latencyUs }, i) => ({ kind, error: Math.abs(rowsUs[i] - latencyUs) / latencyUs }))
    .filter(({ error }) => !Number.isNaN(error));
  return sortedByName(groupBy(errors, ({ kind }) => kind)).map(([kind, ofKind]) => ({
    kind,
    rows: ofKind.length,
    mape: 100 * mean(ofKind.map(({ error }) => error)),
  }));
}

/**
 * Permutation importance (Breiman 2001, section 10): each feature in turn is dealt anew among the kernels of each kind.
 *
 * @param features the training's kernels, per kind
 */
export function reportImportance(
  kinds: ReadonlyMap<string, KernelModel>,
  features: ReadonlyMap<string, readonly KernelFeatures[]>,
  seed: number,
): FeatureImportance[] {
  const random = createRandom(seed);
  const changes = new Map<FeatureName, number[]>(FEATURE_NAMES.map((name) => [name, []]));
  for (const [kind, all] of features) {
    const model = kinds.get(kind);
    if (!model) continue;
    const stride = Math.ceil(all.length / IMPORTANCE_KERNELS);
    const kernels = all.filter((_, i) => i % stride === 0);
    const predicted = predictKernels(model, kernels);
    for (const [name, ofFeature] of changes) {
      const dealt = kernels.map((kernel) => ({ ...kernel, [name]: kernels[random.below(kernels.length)][name] }));
      const permuted = predictKernels(model, dealt);
      predicted.forEach((latency, i) => {
        if (latency > 0) ofFeature.push(Math.abs(permuted[i] - latency) / latency);
      });
    }
  }
  return [...changes]
    .map(([feature, ofFeature]) => ({ feature, change: ofFeature.length > 0 ? 100 * mean(ofFeature) : 0 }))
    .sort((a, b) => b.change - a.change);
}
