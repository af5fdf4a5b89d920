/**
 * Learns from whole-network latencies what a predictor leaves over: a relative change of every kernel's latency. What is left
 * of a network is the sum of its kernels' changes, each weighted by the kernel's share of the latency: a bag (learners/bags).
 */
import { throwIfCancelled } from './errors';
import type { KernelFeatures } from './features';
import { fitProcesses } from './fit-process';
import { fitToBags, type RegressorCandidate, type RegressorOptions } from './fit-regressor';
import { columnMatrix, type FittedRegressor, type SingleModel, withRegressor } from './kernel-model';
import { type Bags, sumBags } from './learners/bags';
import { predictRegressor } from './regressor';

/** A network's kernels with the latencies that a predictor gives them, and what was measured of the whole. */
export interface PredictedNetwork {
  readonly kernels: readonly { readonly kind: string }[];
  /** In the order of the kernels. */
  readonly features: readonly KernelFeatures[];
  /** Microseconds, one a kernel. */
  readonly kernelsUs: ArrayLike<number>;
  /** End to end as predicted, with all that is in no kernel, microseconds. */
  readonly predictedUs: number;
  /** End to end, microseconds. */
  readonly measuredUs: number;
  /** How much the measurement counts, above 0. */
  readonly weight: number;
}

/** Passes over all kinds; kinds change little after the first. */
const CYCLES = 2;

/** The bags' rows of one kind. */
interface KindRows {
  readonly features: KernelFeatures[];
  readonly rows: number[];
}

/**
 * The models with the correction that the networks ask for. Kernels of kinds without a model stay as they are.
 *
 * @throws EngineError CANCELLED
 */
export function correctModels(
  models: ReadonlyMap<string, SingleModel>,
  networks: readonly PredictedNetwork[],
  candidate: RegressorCandidate,
  options: RegressorOptions,
): Map<string, SingleModel> {
  const { kinds, bags } = bagNetworks(models, networks);
  const corrections: ReadonlyMap<string, FittedRegressor> =
    candidate.learner === 'gaussianProcess'
      ? fitProcesses(kinds, bags, candidate.settings, options.signal)
      : fitByTurns(kinds, bags, candidate, options);
  const corrected = new Map(models);
  for (const [kind, fitted] of corrections) {
    corrected.set(kind, withRegressor(models.get(kind)!, 'correction', fitted));
  }
  return corrected;
}

function bagNetworks(
  models: ReadonlyMap<string, SingleModel>,
  networks: readonly PredictedNetwork[],
): { kinds: Map<string, KindRows>; bags: Bags } {
  const kinds = new Map<string, KindRows>();
  const bag: number[] = [];
  const share: number[] = [];
  // Relative to what was measured; of networks that are predicted too slow, shares would add up to more than 1.
  const wholes = networks.map(({ predictedUs, measuredUs }) => Math.max(predictedUs, measuredUs));
  networks.forEach(({ kernels, features, kernelsUs }, i) => {
    kernels.forEach(({ kind }, k) => {
      if (!models.has(kind)) return;
      const ofKind = kinds.get(kind) ?? { features: [], rows: [] };
      kinds.set(kind, ofKind);
      ofKind.features.push(features[k]);
      ofKind.rows.push(bag.length);
      bag.push(i);
      share.push(kernelsUs[k] / wholes[i]);
    });
  });
  const bags: Bags = {
    bag: Int32Array.from(bag),
    share: Float64Array.from(share),
    residual: Float64Array.from(networks, ({ predictedUs, measuredUs }, i) => (measuredUs - predictedUs) / wholes[i]),
    weight: Float64Array.from(networks, ({ weight, measuredUs }, i) => weight * (wholes[i] / measuredUs) ** 2),
  };
  return { kinds, bags };
}

/**
 * Backfitting: each kind in turn is fitted to what the others leave of the bags.
 * Source: Buja, Hastie and Tibshirani, "Linear Smoothers and Additive Models", Annals of Statistics 1989.
 */
function fitByTurns(
  kinds: ReadonlyMap<string, KindRows>,
  bags: Bags,
  candidate: Exclude<RegressorCandidate, { learner: 'gaussianProcess' }>,
  options: RegressorOptions,
): Map<string, FittedRegressor> {
  const fitted = new Map<string, FittedRegressor>();
  const predictions = new Float64Array(bags.bag.length);
  const sums = new Float64Array(bags.residual.length);
  for (let cycle = 0; cycle < CYCLES; cycle++) {
    for (const [kind, { features, rows }] of kinds) {
      throwIfCancelled(options.signal);
      for (const row of rows) predictions[row] = 0;
      sumBags(bags, predictions, sums);
      const ofKind: Bags = {
        bag: Int32Array.from(rows, (row) => bags.bag[row]),
        share: Float64Array.from(rows, (row) => bags.share[row]),
        residual: bags.residual.map((value, i) => value - sums[i]),
        weight: bags.weight,
      };
      if (!ofKind.share.some((share) => share > 0)) continue;
      const fit = fitToBags(candidate, features, ofKind, options);
      if (!fit) continue;
      fitted.set(kind, fit);
      predictRegressor(fit.regressor, columnMatrix(fit.columns, features)).forEach((value, i) => {
        predictions[rows[i]] = value;
      });
    }
  }
  return fitted;
}
