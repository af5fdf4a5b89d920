/**
 * What the accuracy bench does in a worker thread. Each exported function is one task; none knows what a bar is, or what
 * the reference says.
 */
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import {
  type Graph,
  type Learner,
  loadPredictor,
  type NetworkMeasurement,
  type Profile,
  readNetwork,
  runtimeOfScenario,
  type TrainingReport,
  trainPredictor,
} from '../src/engine';
import type { Fit } from '../src/engine/cross-validation';
import { featurize } from '../src/engine/features';
import { fitBorrowed } from '../src/engine/fit-borrowed';
import { fitEndToEnd } from '../src/engine/fit-end-to-end';
import { type CandidateLearner, defaultCandidate } from '../src/engine/learner';
import { mean } from '../src/engine/metrics';
import { planKernels } from '../src/engine/plan';
import { predictEach } from '../src/engine/predictor-model';
import { gatherTrainingRows, isMeasured, type PlannedNetwork } from '../src/engine/training-rows';
import { NETWORKS } from './peer';

/** Positions of the rows that a fit sees, and of those that it predicts. */
export interface Split {
  readonly training: readonly number[];
  readonly held: readonly number[];
}

export interface SplitsTask {
  /** End-to-end rows of one scenario, a network each. */
  readonly rows: readonly NetworkMeasurement[];
  readonly splits: readonly Split[];
  readonly learner: Learner;
}

/** Microseconds, by split, in the order of its held rows. */
export type Predictions = readonly (readonly number[])[];

export interface DeviceTask {
  readonly scenario: string;
  readonly profile: Profile;
  readonly learner: Learner;
  readonly seed: number;
}

export interface NewDeviceTask {
  readonly scenario: string;
  /** The scenario's rows of its measured networks, and other scenarios' rows. */
  readonly rows: readonly NetworkMeasurement[];
  /** The scenario's rows of networks that are in no other row. */
  readonly held: readonly NetworkMeasurement[];
}

let graphs: Map<string, Graph> | undefined;

/** All networks, read once a thread. */
function readGraphs(): Map<string, Graph> {
  graphs ??= new Map(
    readdirSync(NETWORKS).map((file) => {
      const name = path.basename(file, '.onnx');
      return [name, readNetwork(readFileSync(path.join(NETWORKS, file)), { name })];
    }),
  );
  return graphs;
}

/** Plans by runtime, made once a thread. */
const PLANNED = new Map<string, Map<string, PlannedNetwork>>();

function planNetworks(runtime: string): Map<string, PlannedNetwork> {
  const known = PLANNED.get(runtime);
  if (known) return known;
  const planned = new Map(
    [...readGraphs()].map(([name, graph]) => {
      const plan = planKernels(graph, runtime);
      return [name, { name, kernels: plan.kernels, features: featurize(plan) }];
    }),
  );
  PLANNED.set(runtime, planned);
  return planned;
}

/** Fits one learner to the training rows of each split, and predicts the others. */
export function fitSplits({ rows, splits, learner }: SplitsTask & { readonly learner: CandidateLearner }): Predictions {
  const planned = planNetworks(runtimeOfScenario(rows[0].scenario));
  const candidate = defaultCandidate(learner);
  const measured = rows.map(({ network, latencyUs, deviationUs }) => ({
    ...planned.get(network)!,
    latencyUs,
    relativeDeviation: deviationUs === undefined ? undefined : deviationUs / latencyUs,
  }));
  return splits.map(({ training, held }) => {
    const { kinds, fixedUs } = fitEndToEnd(
      training.map((i) => measured[i]),
      candidate,
      { seed: 0 },
    );
    return held.map((i) =>
      predictEach(kinds, measured[i].kernels, measured[i].features).reduce((sum, value) => sum + value, fixedUs),
    );
  });
}

/** The same as a user does it: a whole training, with cross-validation inside, to an ONNX file that predicts the others. */
export async function trainSplits({ rows, splits, learner }: SplitsTask): Promise<Predictions> {
  const all = readGraphs();
  const predictions: number[][] = [];
  for (const { training, held } of splits) {
    const profile: Profile = { harnesses: [], networks: training.map((i) => rows[i]), kernels: [] };
    const { onnx } = await trainPredictor({
      scenario: rows[0].scenario,
      learner,
      seed: 0,
      profiles: [{ sha256: '', profile }],
      graphs: all,
    });
    const predictor = await loadPredictor(onnx);
    const predicted = await predictor.predict(held.map((i) => all.get(rows[i].network)!));
    await predictor.release();
    predictions.push(predicted.map(({ latencyUs }) => latencyUs));
  }
  return predictions;
}

/** Trains one device from all rows that there are, and says how good cross-validation finds the result. */
export async function trainDevice({ scenario, profile, learner, seed }: DeviceTask): Promise<TrainingReport> {
  const profiles = [{ sha256: '', profile }];
  const { report } = await trainPredictor({ scenario, learner, seed, profiles, graphs: readGraphs() });
  return report;
}

/** Mean errors of the held networks on a device of which few networks were measured: 0 and more. */
export function fitNewDevice({ scenario, rows, held }: NewDeviceTask): { own: number; borrowed: number } {
  const profile: Profile = { harnesses: [], networks: rows, kernels: [] };
  const { networks, siblings } = gatherTrainingRows(scenario, [profile], readGraphs());
  const measured = networks.filter(isMeasured);
  const planned = planNetworks(runtimeOfScenario(scenario));
  const candidate = defaultCandidate('gaussianProcess');
  const errorOf = ({ kinds, fixedUs }: Fit) =>
    mean(
      held.map(({ network, latencyUs }) => {
        const { kernels, features } = planned.get(network)!;
        const predictedUs = predictEach(kinds, kernels, features).reduce((sum, value) => sum + value, fixedUs);
        return Math.abs(predictedUs - latencyUs) / latencyUs;
      }),
    );
  return {
    own: errorOf(fitEndToEnd(measured, candidate, { seed: 0 })),
    borrowed: errorOf(fitBorrowed(measured, siblings, candidate, { seed: 0 })),
  };
}
