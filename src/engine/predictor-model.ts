/**
 * A whole trained predictor version as plain data: the kernel models of one scenario, how kernels compose, how far off it
 * tends to be, and what it saw. Training makes it, export.ts writes it, predictor.ts reads it back.
 */

import type { Composition } from './composition';
import type { FeatureName, KernelFeatures } from './features';
import { groupBy } from './grouping';
import type { ConformalRadius } from './intervals';
import { type KernelModel, predictKernels } from './kernel-model';

/** Name that the fallback model goes by among the kinds: no kernel kind can have it. */
export const FALLBACK = '*';

export interface PredictorModel {
  readonly scenario: string;
  /** Rule pack that plans kernels for it, with version. */
  readonly runtime: string;
  /** By kernel kind; FALLBACK predicts the kinds that training never saw. */
  readonly kinds: ReadonlyMap<string, KernelModel>;
  /** Smallest and largest value of every feature that training saw, per kind. */
  readonly hulls: ReadonlyMap<string, Hull>;
  readonly composition: Composition;
  readonly radii: readonly ConformalRadius[];
  /** Median relative standard deviation of the measurements, if the profile tells: no predictor can be better. */
  readonly noiseFloor: number | null;
}

export type Hull = Readonly<Partial<Record<FeatureName, readonly [number, number]>>>;

/** `trained`: inside what training saw of the kind; `extrapolated`: outside; `unmodelled`: a kind that it never saw. */
export type KernelCoverage = 'trained' | 'extrapolated' | 'unmodelled';

/** Smallest box around the features of each kind. */
export function hullOf(features: readonly KernelFeatures[]): Hull {
  const hull: Partial<Record<FeatureName, [number, number]>> = {};
  for (const kernel of features) {
    for (const [name, value] of Object.entries(kernel) as [FeatureName, number][]) {
      const [low, high] = hull[name] ?? [value, value];
      hull[name] = [Math.min(low, value), Math.max(high, value)];
    }
  }
  return hull;
}

/** Positions of kernels by their kind. */
export function groupByKind(kernels: readonly { readonly kind: string }[]): Map<string, number[]> {
  return groupBy(kernels.keys(), (i) => kernels[i].kind);
}

/**
 * Latency of each kernel, in the order given, microseconds: what the exported file computes, in float64.
 *
 * @param features in the order of the kernels
 */
export function predictEach(
  kinds: ReadonlyMap<string, KernelModel>,
  kernels: readonly { readonly kind: string }[],
  features: readonly KernelFeatures[],
): Float64Array {
  const latencies = new Float64Array(kernels.length);
  for (const [kind, positions] of groupByKind(kernels)) {
    const predicted = predictKernels(
      kinds.get(kind) ?? kinds.get(FALLBACK)!,
      positions.map((i) => features[i]),
    );
    positions.forEach((position, i) => {
      latencies[position] = predicted[i];
    });
  }
  return latencies;
}
