/**
 * The two sources of truth that kernel models can be fitted to, behind one shape: measured kernels, whose sum a composition
 * turns into the end-to-end latency, and whole networks alone, whose fit includes the composition.
 */
import {
  type Composition,
  type CompositionWithUnlisted,
  composeWithUnlisted,
  fitComposition,
  type KernelTotalWithUnlisted,
  SUM,
} from './composition';
import { EngineError } from './errors';
import { fitEndToEnd, type MeasuredNetwork } from './fit-end-to-end';
import { fitKernelRows, type Learner } from './fit-kernel-rows';
import type { KernelModel } from './kernel-model';
import { SHARED_COLUMNS } from './linear-columns';
import type { KernelRow, TrainingRows } from './training-rows';

/** Networks below which neither an error nor an interval can be stated. */
const FEWEST_NETWORKS = 5;

export interface Fit {
  /** By kernel kind, FALLBACK among them. */
  readonly kinds: ReadonlyMap<string, KernelModel>;
  /** Microseconds that a run costs whatever the network, as far as the fit itself knows them. */
  readonly fixedUs: number;
}

export interface FitOptions {
  readonly learner: Learner;
  readonly seed: number;
  readonly signal?: AbortSignal;
}

/** One network's kernels as models predicted that were trained without it. */
export interface HeldNetwork extends KernelTotalWithUnlisted {
  readonly fixedUs: number;
  readonly measuredUs: number;
}

/** Whole networks out of fold, and the composition that the final model has. */
export interface Composed {
  readonly composition: Composition;
  /** What the end-to-end latencies say of the kinds that no kernel row is of, if there are any. */
  readonly unlisted?: KernelModel;
  readonly predictedUs: readonly number[];
  readonly measuredUs: readonly number[];
}

export interface Source {
  readonly name: 'kernel rows' | 'end-to-end rows';
  /** Names of the networks that folds are dealt from. */
  readonly groups: readonly string[];
  /** Fits on the networks that `include` accepts. */
  fit(include: (network: string) => boolean, options: FitOptions): Fit;
  compose(held: ReadonlyMap<string, HeldNetwork>, folds: ReadonlyMap<string, number>, fixedUs: number): Composed;
}

/**
 * Kernel rows where they are of enough networks, else end-to-end rows.
 *
 * @throws EngineError INSUFFICIENT_DATA
 */
export function chooseSource(rows: TrainingRows, learner: Learner): Source {
  const withKernels = [...new Set(rows.kernels.map(({ network }) => network))];
  if (withKernels.length >= FEWEST_NETWORKS) return kernelRows(rows.kernels, withKernels);
  const measured = rows.networks.filter((network): network is MeasuredNetwork => network.latencyUs !== undefined);
  if (measured.length < FEWEST_NETWORKS) {
    throw new EngineError(
      'INSUFFICIENT_DATA',
      `there are usable kernel rows of ${withKernels.length} networks and end-to-end rows of ${measured.length} networks with a graph; ${FEWEST_NETWORKS} of either are needed`,
      undefined,
      [...rows.dropped, 'Upload the graphs of the measured networks, or measure more of them.'].join(' '),
    );
  }
  if (learner !== 'lasso' && learner !== 'gaussianProcess') {
    throw new EngineError(
      'INSUFFICIENT_DATA',
      `learner boosting needs kernel rows of ${FEWEST_NETWORKS} networks; there are usable ones of ${withKernels.length}`,
      undefined,
      [...rows.dropped, 'Use learner lasso, which also trains from end-to-end rows alone.'].join(' '),
    );
  }
  return endToEndRows(measured);
}

function kernelRows(rows: readonly KernelRow[], groups: readonly string[]): Source {
  return {
    name: 'kernel rows',
    groups,
    fit: (include, options) => ({
      kinds: fitKernelRows(
        rows.filter(({ network }) => include(network)),
        options,
      ),
      fixedUs: 0,
    }),
    compose(held, folds) {
      // Each network's composition is fitted without its fold, so that its error is out of fold too.
      const names = [...held.keys()];
      const fitted = (include: (name: string) => boolean) => {
        const chosen = names.filter(include).map((name) => held.get(name)!);
        const latencies = chosen.map(({ measuredUs }) => measuredUs);
        return fitComposition(chosen, latencies);
      };
      const byFold = new Map(
        [...new Set(folds.values())].map((fold) => [fold, fitted((name) => folds.get(name) !== fold)]),
      );
      const all = fitted(() => true);
      return {
        composition: all.composition,
        unlisted: unlistedModel(all),
        predictedUs: names.map((name) => composeWithUnlisted(byFold.get(folds.get(name)!)!, held.get(name)!)),
        measuredUs: names.map((name) => held.get(name)!.measuredUs),
      };
    },
  };
}

/** The model of unlisted kernels, in the units of kernel latencies: the composition's factor comes on top. */
function unlistedModel({ composition, unlistedWeights }: CompositionWithUnlisted): KernelModel | undefined {
  if (unlistedWeights.length === 0 || composition.kernelFactor === 0) return undefined;
  const weights = Float32Array.from(unlistedWeights, (weight) => weight / composition.kernelFactor);
  return { columns: SHARED_COLUMNS, weights, floorUs: 0 };
}

function endToEndRows(networks: readonly MeasuredNetwork[]): Source {
  return {
    name: 'end-to-end rows',
    groups: networks.map(({ name }) => name),
    fit: (include, { learner, signal }) =>
      fitEndToEnd(
        networks.filter(({ name }) => include(name)),
        learner,
        signal,
      ),
    compose(held, _folds, fixedUs) {
      const networksHeld = [...held.values()];
      return {
        composition: { ...SUM, fixedUs },
        predictedUs: networksHeld.map((network) => network.kernelsUs + network.fixedUs),
        measuredUs: networksHeld.map(({ measuredUs }) => measuredUs),
      };
    },
  };
}
