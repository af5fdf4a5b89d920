/**
 * How often two trainings that differ by seed only are called different: 100 repetitions, each with networks of its own held
 * out, two versions of one scenario trained on the others with two seeds, and compared on the held-out ones. The verdict must
 * be NO_DIFFERENCE in 90 of them at least. Result: results/comparison-seeds.json. Run: npm run bench:comparison-seeds
 * [-- REPETITIONS LEARNER].
 */
import { readdirSync, readFileSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import {
  type Comparison,
  compareVersions,
  createRandom,
  type EvaluatedNetwork,
  type EvaluatedPrediction,
  evaluatePrediction,
  type Graph,
  type Learner,
  loadPredictor,
  type Profile,
  readNetwork,
  trainPredictor,
} from '../src/engine';
import { readProfile } from '../src/profiles';
import { MEASUREMENTS, NETWORKS, ROOT, requireShared } from './peer';

const SCENARIO = 'tflite/s10/gpu/float';
const HELD_OUT = 20;
/** Share of the repetitions that must be called the same. */
const BAR = 0.9;

async function main(): Promise<void> {
  requireShared();
  const repetitions = Number(process.argv[2] ?? 100);
  const learner = (process.argv[3] ?? 'forest') as Learner;
  const profile = await readRows();
  const graphs = new Map(
    profile.networks.map(({ network: name }) => [
      name,
      readNetwork(readFileSync(path.join(NETWORKS, `${name}.onnx`)), { name }),
    ]),
  );
  const rows: object[] = [];
  let same = 0;
  let sameByIntervalAlone = 0;
  for (let repetition = 0; repetition < repetitions; repetition++) {
    const { difference, scenarios } = await repeat(profile, graphs, learner, repetition);
    const { mean, lower, upper, margin, verdict } = difference;
    same += Number(verdict === 'NO_DIFFERENCE');
    sameByIntervalAlone += Number(lower <= 0 && upper >= 0);
    const [{ a, b }] = scenarios;
    const figures = { mean, lower, upper, margin, mapeA: a.error.mape, mapeB: b.error.mape };
    const rounded = Object.entries(figures).map(([name, value]) => [name, Number(value.toFixed(3))]);
    rows.push({ repetition, verdict, ...Object.fromEntries(rounded) });
    console.log(rows[repetition]);
  }
  const summary = { scenario: SCENARIO, learner, repetitions, heldOut: HELD_OUT, same, sameByIntervalAlone };
  console.log(summary);
  const results = path.join(ROOT, 'bench/results');
  await mkdir(results, { recursive: true });
  await writeFile(path.join(results, 'comparison-seeds.json'), `${JSON.stringify({ summary, rows }, null, 1)}\n`);
  if (same < BAR * repetitions)
    throw new Error(`${same} of ${repetitions} are the same, expected ${BAR * repetitions}.`);
}

/** End-to-end rows of the scenario, of networks whose graphs are known. */
async function readRows(): Promise<Profile> {
  const known = new Set(readdirSync(NETWORKS).map((file) => path.basename(file, '.onnx')));
  const { networks, harnesses } = await readProfile(path.join(MEASUREMENTS, 'tflite_cnn_e2e.csv'));
  const own = networks.filter(({ scenario, network }) => scenario === SCENARIO && known.has(network));
  return { harnesses, networks: own, kernels: [] };
}

async function repeat(
  profile: Profile,
  graphs: ReadonlyMap<string, Graph>,
  learner: Learner,
  repetition: number,
): Promise<Comparison> {
  const random = createRandom(repetition);
  const networks = [...profile.networks];
  const held = Array.from({ length: HELD_OUT }, () => networks.splice(random.below(networks.length), 1)[0]);
  const profiles = [{ sha256: '', profile: { ...profile, networks } }];
  const predict = async (seed: number): Promise<EvaluatedPrediction[]> => {
    const { onnx } = await trainPredictor({ scenario: SCENARIO, learner, seed, profiles, graphs });
    const predictor = await loadPredictor(onnx);
    const predictions = await predictor.predict(held.map(({ network }) => graphs.get(network)!));
    await predictor.release();
    return predictions.map((prediction) => evaluatePrediction(prediction, predictor.metadata));
  };
  const a = await predict(2 * repetition + 1);
  const b = await predict(2 * repetition + 2);
  const rows = held.map(
    ({ network, scenario, latencyUs: measuredUs }, i): EvaluatedNetwork => ({
      network,
      scenario,
      measuredUs,
      kinds: [],
      a: a[i],
      b: b[i],
    }),
  );
  return compareVersions(rows, { seed: repetition });
}

void main();
