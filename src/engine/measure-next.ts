/**
 * Which networks to measure next: those from which a predictor would learn most, chosen one after the other as if each had
 * been measured, whatever its latency turns out to be. No latency is read, so it works before anything is measured.
 *
 * A measurement removes uncertainty about the network itself and about all that resemble it (measure-next-covariance.ts).
 * Choosing by the first alone (D-optimal) picks oddities, by the second alone (A-optimal: Cohn, Ghahramani and Jordan,
 * "Active Learning with Statistical Models", 1996) picks the middle of the crowd and leaves rare kernels unseen, which
 * predictors pay for dearly; the product of both does better than either on the benchmark in ../shared.
 */
import { EngineError } from './errors';
import { featurize } from './features';
import type { Graph } from './graph';
import { covarianceOfNetworks } from './measure-next-covariance';
import { type AddedKernels, addedKernels, KnownKernels, reasonOf } from './measure-next-reason';
import { planKernels } from './plan';
import { resolveRuntime } from './runtimes/registry';
import type { PlannedNetwork } from './training-rows';

export interface MeasureNextRequest {
  /** Rules that plan kernels, as `resolveRuntime` takes them. */
  readonly runtime: string;
  /** Networks that may be measured. */
  readonly candidates: readonly Graph[];
  /** Networks that are measured already: only what they are made of counts. */
  readonly measured: readonly Graph[];
  /** How many to choose, 1 or more; there may be fewer candidates. */
  readonly count: number;
}

export interface NextMeasurement {
  readonly network: string;
  /** Its position among the candidates. */
  readonly candidate: number;
  /**
   * What measuring it is expected to remove, percent of the variance (of relative errors, over all candidates) that
   * nothing measured leaves. A matter of the model's prior: how far errors fall depends on the device.
   */
  readonly expectedGain: number;
  /** Percent of that variance that is left when it and those before it are measured. */
  readonly varianceLeft: number;
  /** What it adds to the kernels known before it, most of its work first. */
  readonly adds: readonly AddedKernels[];
  /** The same in words. */
  readonly reason: string;
}

export interface MeasureNextAnswer {
  /** Of the rules, with its version and GPU. */
  readonly runtime: string;
  readonly candidates: number;
  readonly measured: number;
  /** Percent of the variance that the networks measured already leave; 100 if there is none. */
  readonly varianceBefore: number;
  /** In the order to measure them in. */
  readonly networks: readonly NextMeasurement[];
}

/** Networks that are compared with each other, at most: time grows with the square. */
export const MAXIMUM_COMPARED_NETWORKS = 1000;

/** Variance of a measurement and of all that no model explains, in units of a network's mean variance. */
const NOISE = 0.01;

/** @throws EngineError INSUFFICIENT_DATA without candidates, LIMIT_EXCEEDED, UNKNOWN_NAME */
export function measureNext({ runtime, candidates, measured, count }: MeasureNextRequest): MeasureNextAnswer {
  const all = candidates.length + measured.length;
  if (candidates.length === 0) {
    const remedy = 'Name networks that are not measured yet.';
    throw new EngineError('INSUFFICIENT_DATA', 'there is no network to choose from', 'candidates', remedy);
  }
  if (all > MAXIMUM_COMPARED_NETWORKS) {
    const message = `${all} networks are to be compared; at most ${MAXIMUM_COMPARED_NETWORKS} are`;
    throw new EngineError('LIMIT_EXCEEDED', message, 'candidates', 'Leave some of the candidates out.');
  }
  const networks = [...candidates, ...measured].map((graph) => planNetwork(graph, runtime));
  const positions = candidates.map((_, i) => i);
  const uncertainty = new Uncertainty(covarianceOfNetworks(networks), networks.length);
  const prior = uncertainty.mean(positions);
  const known = new KnownKernels();
  for (let i = candidates.length; i < networks.length; i++) {
    uncertainty.measure(i);
    known.add(networks[i]);
  }
  const percentLeft = () => (100 * uncertainty.mean(positions)) / prior;
  const varianceBefore = percentLeft();
  let varianceLeft = varianceBefore;
  const left = new Set(positions);
  const chosen: NextMeasurement[] = [];
  while (left.size > 0 && chosen.length < count) {
    const best = uncertainty.mostTelling([...left], positions);
    left.delete(best);
    uncertainty.measure(best);
    const before = varianceLeft;
    varianceLeft = percentLeft();
    const adds = addedKernels(networks[best], known);
    chosen.push({
      network: networks[best].name,
      candidate: best,
      expectedGain: before - varianceLeft,
      varianceLeft,
      adds,
      reason: reasonOf(adds, known),
    });
    known.add(networks[best]);
  }
  const { name } = resolveRuntime(runtime);
  return { runtime: name, candidates: candidates.length, measured: measured.length, varianceBefore, networks: chosen };
}

function planNetwork(graph: Graph, runtime: string): PlannedNetwork {
  const plan = planKernels(graph, runtime);
  return { name: graph.name, kernels: plan.kernels, features: featurize(plan) };
}

/** What is not known of networks: the covariance of their errors, given those that are measured. */
class Uncertainty {
  constructor(
    private readonly covariance: Float64Array,
    private readonly size: number,
  ) {}

  /** Mean variance of networks. */
  mean(positions: readonly number[]): number {
    return positions.reduce((sum, i) => sum + this.covariance[i * this.size + i], 0) / positions.length;
  }

  /** Conditions on a measurement of a network: a matrix of rank one less. */
  measure(position: number): void {
    const { covariance, size } = this;
    const row = covariance.slice(position * size, (position + 1) * size);
    const variance = row[position] + NOISE;
    for (let i = 0; i < size; i++) {
      const factor = row[i] / variance;
      for (let j = 0; j < size; j++) covariance[i * size + j] -= factor * row[j];
    }
  }

  /**
   * Of the candidates, that with the largest product of its own standard deviation and of the mean absolute change that
   * measuring it is expected to make to all targets; the first of equals.
   */
  mostTelling(candidates: readonly number[], targets: readonly number[]): number {
    const { covariance, size } = this;
    let best = candidates[0];
    let most = -1;
    for (const candidate of candidates) {
      const variance = covariance[candidate * size + candidate];
      let change = 0;
      for (const target of targets) change += Math.abs(covariance[candidate * size + target]);
      const score = change * Math.sqrt(variance / (variance + NOISE));
      if (score <= most) continue;
      best = candidate;
      most = score;
    }
    return best;
  }
}
