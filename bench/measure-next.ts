/**
 * npm run bench:measure-next: what measuring chosen networks teaches, against random ones, on the benchmark in ../shared. In
 * each of 20 draws 20 networks are held out; of the others 15 are chosen by the engine, which sees graphs alone, or drawn,
 * and so are 25. Ten scenarios: of each runtime and number type, CPU and GPU, the first and others evenly spread.
 * Result: bench/results/measure-next.json. It ends with a status other than 0 if the chosen 15 are worse than the random 25.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { createRandom, type Graph, measureNext, parseScenario, readNetwork, runtimeOfScenario } from '../src/engine';
import { featurize } from '../src/engine/features';
import { fitEndToEnd } from '../src/engine/fit-end-to-end';
import { defaultCandidate } from '../src/engine/learner';
import { mean } from '../src/engine/metrics';
import { planKernels } from '../src/engine/plan';
import { predictEach } from '../src/engine/predictor-model';
import { shuffle } from '../src/engine/random';
import type { MeasuredNetwork } from '../src/engine/training-rows';
import { RESULTS, readScenarios, rounded, type ScenarioRows } from './accuracy-data';
import { NETWORKS, python, ROOT, requireShared } from './peer';

const SEEDS = 20;
const HELD = 20;
const CHOSEN = 15;
const RANDOM = 25;
/** Scenarios of each group of runtime, CPU or GPU, and number type. */
const TAKEN: Readonly<Record<string, number>> = {
  'tflite gpu float': 2,
  'torch gpu float': 2,
  'tflite cpu float': 2,
  'tflite cpu quant': 2,
  'torch cpu float': 1,
  'torch cpu quant': 1,
};

/** Mean absolute errors on the held networks, percent. */
interface Errors {
  readonly chosen15: number;
  readonly random15: number;
  readonly chosen25: number;
  readonly random25: number;
}

function takeScenarios(all: readonly ScenarioRows[]): ScenarioRows[] {
  return Object.entries(TAKEN).flatMap(([group, count]) => {
    const members = all.filter(({ scenario }) => {
      const { runtime, processor, type } = parseScenario(scenario);
      return group === `${runtime} ${processor === 'gpu' ? 'gpu' : 'cpu'} ${type}`;
    });
    return Array.from({ length: count }, (_, i) => members[Math.floor((i * members.length) / count)]);
  });
}

function measureScenario({ scenario, rows }: ScenarioRows, graphs: ReadonlyMap<string, Graph>): Errors {
  const runtime = runtimeOfScenario(scenario);
  const networks = rows.map(({ network, latencyUs, deviationUs }): MeasuredNetwork => {
    const plan = planKernels(graphs.get(network)!, runtime);
    const relativeDeviation = deviationUs === undefined ? undefined : deviationUs / latencyUs;
    return { name: network, kernels: plan.kernels, features: featurize(plan), latencyUs, relativeDeviation };
  });
  const errors = Array.from({ length: SEEDS }, (_, seed): Errors => {
    const order = shuffle([...networks], createRandom(seed));
    const held = order.slice(0, HELD);
    const rest = order.slice(HELD);
    const candidates = rest.map(({ name }) => graphs.get(name)!);
    const answer = measureNext({ runtime, candidates, measured: [], count: RANDOM });
    const chosen = answer.networks.map(({ network }) => rest.find(({ name }) => name === network)!);
    return {
      chosen15: errorOf(chosen.slice(0, CHOSEN), held),
      random15: errorOf(rest.slice(0, CHOSEN), held),
      chosen25: errorOf(chosen, held),
      random25: errorOf(rest.slice(0, RANDOM), held),
    };
  });
  return meanErrors(errors);
}

function errorOf(training: readonly MeasuredNetwork[], held: readonly MeasuredNetwork[]): number {
  const { kinds, fixedUs } = fitEndToEnd(training, defaultCandidate('gaussianProcess'), { seed: 0 });
  const errors = held.map(({ kernels, features, latencyUs }) => {
    const predictedUs = predictEach(kinds, kernels, features).reduce((sum, value) => sum + value, fixedUs);
    return Math.abs(predictedUs - latencyUs) / latencyUs;
  });
  return 100 * mean(errors);
}

function meanErrors(errors: readonly Errors[]): Errors {
  const of = (name: keyof Errors) => rounded(mean(errors.map((each) => each[name])));
  return { chosen15: of('chosen15'), random15: of('random15'), chosen25: of('chosen25'), random25: of('random25') };
}

async function main(): Promise<void> {
  requireShared();
  const graphs = new Map(
    readdirSync(NETWORKS).map((file) => {
      const name = path.basename(file, '.onnx');
      return [name, readNetwork(readFileSync(path.join(NETWORKS, file)), { name })];
    }),
  );
  const scenarios = takeScenarios(await readScenarios()).map((rows) => ({
    scenario: rows.scenario,
    ...measureScenario(rows, graphs),
  }));
  const all = meanErrors(scenarios);
  console.table([...scenarios, { scenario: 'mean', ...all }]);
  await mkdir(RESULTS, { recursive: true });
  const file = path.join(RESULTS, 'measure-next.json');
  await writeFile(file, `${JSON.stringify({ seeds: SEEDS, held: HELD, mean: all, scenarios }, null, 1)}\n`);
  await python(path.join(ROOT, 'bench/plots.py'), RESULTS);
  if (all.chosen15 <= all.random25) return;
  console.error(
    `missed: ${CHOSEN} chosen networks have ${all.chosen15} %, above ${all.random25} % of ${RANDOM} random ones`,
  );
  process.exitCode = 1;
}

main().catch((error) => {
  console.error(error);
  process.exitCode = 1;
});
