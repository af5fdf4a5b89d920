/**
 * One scenario of the accuracy bench, in a worker thread: fits without each fold in turn, predicts the fold.
 */
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { readNetwork, runtimeOfScenario } from '../src/engine';
import { featurize } from '../src/engine/features';
import { fitEndToEnd } from '../src/engine/fit-end-to-end';
import { candidatesOf } from '../src/engine/learner';
import { planKernels } from '../src/engine/plan';
import { predictEach } from '../src/engine/predictor-model';
import { createRandom } from '../src/engine/random';
import type { PlannedNetwork } from '../src/engine/training-rows';

export interface AccuracyTask {
  /** Folder of the networks' ONNX files. */
  readonly networks: string;
  readonly scenario: string;
  /** Measured latency of each network, microseconds, in the order that folds count in. */
  readonly latencies: readonly (readonly [network: string, latencyUs: number, relativeDeviation: number | undefined])[];
  /** Positions that each fold holds. */
  readonly folds: readonly (readonly number[])[];
}

/** Absolute relative error of each network, predicted by a fit that did not see it. */
export type AccuracyResult = readonly (readonly [network: string, error: number])[];

/** Plans by runtime, made once a thread. */
const PLANNED = new Map<string, Map<string, PlannedNetwork>>();

function plannedNetworks(folder: string, runtime: string): Map<string, PlannedNetwork> {
  let planned = PLANNED.get(runtime);
  if (!planned) {
    planned = new Map(
      readdirSync(folder).map((file) => {
        const name = path.basename(file, '.onnx');
        const plan = planKernels(readNetwork(readFileSync(path.join(folder, file)), { name }), runtime);
        return [name, { name, kernels: plan.kernels, features: featurize(plan) }];
      }),
    );
    PLANNED.set(runtime, planned);
  }
  return planned;
}

const [candidate] = candidatesOf('gaussianProcess', 0, createRandom(0));

export default function crossValidate({ networks, scenario, latencies, folds }: AccuracyTask): AccuracyResult {
  const planned = plannedNetworks(networks, runtimeOfScenario(scenario));
  const errors: [string, number][] = [];
  for (const fold of folds) {
    const held = new Set(fold);
    const training = latencies
      .filter((_, i) => !held.has(i))
      .map(([name, latencyUs, relativeDeviation]) => ({ ...planned.get(name)!, latencyUs, relativeDeviation }));
    const { kinds, fixedUs } = fitEndToEnd(training, candidate, { seed: 0 });
    for (const i of fold) {
      const [name, latencyUs] = latencies[i];
      const { kernels, features } = planned.get(name)!;
      const predicted = predictEach(kinds, kernels, features).reduce((sum, value) => sum + value, fixedUs);
      errors.push([name, Math.abs(predicted - latencyUs) / latencyUs]);
    }
  }
  return errors;
}
