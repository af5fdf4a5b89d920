/**
 * Learns from whole-network latencies what a predictor leaves over: a relative change of every kernel's latency. What is left
 * of a network is the sum of its kernels' changes, each weighted by the kernel's share of the latency: a bag (learners/bags).
 */
import type { KernelFeatures } from './features';
import { fitProcesses } from './fit-process';
import { type KernelModel, widen } from './kernel-model';
import type { Bags } from './learners/bags';

/** A network's kernels with the latencies that a predictor gives them, and what was measured of the whole. */
export interface PredictedNetwork {
  readonly kernels: readonly { readonly kind: string }[];
  /** In the order of the kernels. */
  readonly features: readonly KernelFeatures[];
  /** Microseconds, one a kernel. */
  readonly kernelsUs: Float64Array;
  /** End to end as predicted, with all that is in no kernel, microseconds. */
  readonly predictedUs: number;
  /** End to end, microseconds. */
  readonly measuredUs: number;
  /** How much the measurement counts, above 0. */
  readonly weight: number;
}

/**
 * The models with the correction that the networks ask for. Kernels of kinds without a model stay as they are.
 *
 * @throws EngineError CANCELLED
 */
export function correctModels(
  models: ReadonlyMap<string, KernelModel>,
  networks: readonly PredictedNetwork[],
  signal?: AbortSignal,
): Map<string, KernelModel> {
  const kinds = new Map<string, { features: KernelFeatures[]; rows: number[] }>();
  const bag: number[] = [];
  const share: number[] = [];
  networks.forEach(({ kernels, features, kernelsUs, predictedUs, measuredUs }, i) => {
    // Relative to what was measured; of networks predicted too slow, shares would add up to more than 1.
    const whole = Math.max(predictedUs, measuredUs);
    kernels.forEach(({ kind }, k) => {
      if (!models.has(kind)) return;
      const rows = kinds.get(kind) ?? { features: [], rows: [] };
      kinds.set(kind, rows);
      rows.features.push(features[k]);
      rows.rows.push(bag.length);
      bag.push(i);
      share.push(kernelsUs[k] / whole);
    });
  });
  const bags: Bags = {
    bag: Int32Array.from(bag),
    share: Float64Array.from(share),
    residual: Float64Array.from(networks, ({ predictedUs, measuredUs }) => {
      return (measuredUs - predictedUs) / Math.max(predictedUs, measuredUs);
    }),
    weight: Float64Array.from(networks, ({ weight, predictedUs, measuredUs }) => {
      return weight * Math.max(1, predictedUs / measuredUs) ** 2;
    }),
  };
  const corrected = new Map(models);
  for (const [kind, { columns, process }] of fitProcesses(kinds, bags, signal)) {
    const { model, positions } = widen(models.get(kind)!, columns);
    corrected.set(kind, { ...model, correction: { form: 'process', reads: positions, process } });
  }
  return corrected;
}
