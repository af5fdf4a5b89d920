/**
 * npm run bench:speed: how long predictions take of networks whose plans are known, by loaded predictors, beside the bare
 * onnxruntime runs inside them and beside a scikit-learn pipeline a kernel kind (speed.py) in the same run, one thread
 * each; and how long all end-to-end scenarios of ../shared take to train and export. Times are wall clock, the fastest of
 * some rounds. The results go to bench/results/speed.json.
 */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import Piscina from 'piscina';
import {
  FEATURE_NAMES,
  featurize,
  type Graph,
  type Learner,
  openSession,
  planKernels,
  readMetadata,
  trainPredictor,
} from '../src/engine';
import { LoadedPredictor } from '../src/engine/predictor';
import { featuresByKind, gatherTrainingRows } from '../src/engine/training-rows';
import { readProfile } from '../src/profiles';
import { python, ROOT, requireShared } from './peer';
import { profileFile, readGraphs } from './speed-networks';
import type { TrainingTask } from './speed-thread';

const GPU = 'tflite/pixel4/gpu/float';
/** Learner, rows and scenario of each predictor that is measured. */
const PREDICTORS = [
  ['lasso', 'tflite_cnn_ops_gpu', GPU],
  ['boosting', 'tflite_cnn_ops_gpu', GPU],
  ['forest', 'tflite_cnn_ops_gpu', GPU],
  ['lasso', 'tflite_cnn_e2e', 'tflite/pixel4/1large/float'],
  ['gaussianProcess', 'tflite_cnn_e2e', 'tflite/pixel4/1large/float'],
] as const;

const ROUNDS = 15;
/** The batch holds every network this often. */
const COPIES = 10;

const MAXIMUM_ONE_MS = 1;
const MINIMUM_NETWORKS_A_SECOND: Partial<Record<Learner, number>> = { boosting: 1000, lasso: 20_000 };
const MAXIMUM_OVERHEAD = 0.3;
const MINIMUM_PEER_RATIO = 100;
const MAXIMUM_TRAINING_SECONDS = 180;

/** Microseconds a network, and those of them inside onnxruntime. */
interface Timing {
  readonly us: number;
  readonly onnxruntimeUs: number;
}

interface Measured {
  /** The median network, alone, explained kernel by kernel. */
  readonly one: Timing;
  /** All networks in one call, explained kernel by kernel. */
  readonly batch: Timing;
  /** All networks in one call, latencies alone. */
  readonly latencies: Timing;
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[values.length >> 1];
}

async function measure(onnx: Uint8Array, graphs: readonly Graph[]): Promise<Measured> {
  const session = await openSession(onnx);
  let insideMs = 0;
  const run: typeof session.run = async (feeds) => {
    const began = performance.now();
    const outputs = await session.run(feeds);
    insideMs += performance.now() - began;
    return outputs;
  };
  const predictor = new LoadedPredictor(readMetadata(onnx), { ...session, run });
  const fastest = async (networks: number, task: () => Promise<unknown>): Promise<Timing> => {
    const rounds: Timing[] = [];
    for (let i = 0; i < ROUNDS; i++) {
      insideMs = 0;
      const began = performance.now();
      await task();
      const us = (1000 * (performance.now() - began)) / networks;
      rounds.push({ us, onnxruntimeUs: (1000 * insideMs) / networks });
    }
    return rounds.reduce((best, round) => (round.us < best.us ? round : best));
  };
  const many = Array.from({ length: COPIES }, () => graphs).flat();
  for (let i = 0; i < 3; i++) await predictor.predict(many); // Plans are known, and code is compiled, from here on.
  const alone: Timing[] = [];
  for (const graph of graphs) alone.push(await fastest(1, () => predictor.predict([graph])));
  const batch = await fastest(many.length, () => predictor.predict(many));
  const latencies = await fastest(many.length, () => predictor.predictLatencies(many));
  await predictor.release();
  const one = { us: median(alone.map(({ us }) => us)), onnxruntimeUs: median(alone.map((t) => t.onnxruntimeUs)) };
  return { one, batch, latencies };
}

/** Microseconds a network by learner, of a pipeline a kernel kind trained on the scenario's kernel rows. */
async function runPeer(graphs: ReadonlyMap<string, Graph>): Promise<Record<string, number>> {
  const { kernels, runtime } = gatherTrainingRows(GPU, [await readProfile(profileFile('tflite_cnn_ops_gpu'))], graphs);
  const values = (features: Readonly<Record<string, number>>) => FEATURE_NAMES.map((name) => features[name]);
  const rows: Record<string, { x: number[][]; y: number[] }> = {};
  for (const { kind, features, latencyUs } of kernels) {
    rows[kind] ??= { x: [], y: [] };
    rows[kind].x.push(values(features));
    rows[kind].y.push(latencyUs);
  }
  const networks = [...graphs.values()].map((graph) => {
    const plan = planKernels(graph, runtime);
    const features = featurize(plan);
    const byKind = featuresByKind(plan.kernels.map(({ kind }, i) => ({ kind, features: features[i] })));
    return Object.fromEntries([...byKind].map(([kind, found]) => [kind, found.map(values)]));
  });
  const folder = await mkdtemp(path.join(os.tmpdir(), 'fusecast-speed-'));
  try {
    const file = path.join(folder, 'task.json');
    await writeFile(file, JSON.stringify({ rows, networks }));
    return JSON.parse(await python(path.join(ROOT, 'bench/speed.py'), file));
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** Seconds that all end-to-end scenarios take to train and export. */
async function trainAll(): Promise<{ scenarios: number; threads: number; seconds: number }> {
  const tasks: TrainingTask[] = [];
  for (const name of ['tflite_cnn_e2e', 'torch_cnn_e2e']) {
    const file = profileFile(name);
    const { networks } = await readProfile(file);
    for (const scenario of new Set(networks.map((row) => row.scenario))) tasks.push({ file, scenario });
  }
  const threads = os.availableParallelism();
  const began = performance.now();
  const pool = new Piscina<TrainingTask, number>({
    filename: path.join(__dirname, 'speed-thread.js'),
    maxThreads: threads,
  });
  await Promise.all(tasks.map((task) => pool.run(task)));
  const seconds = (performance.now() - began) / 1000;
  await pool.close();
  return { scenarios: tasks.length, threads, seconds: Number(seconds.toFixed(1)) };
}

async function main(): Promise<void> {
  requireShared();
  const graphs = readGraphs();
  const peer = await runPeer(graphs);
  const rows = [];
  for (const [learner, table, scenario] of PREDICTORS) {
    const profiles = [{ sha256: '', profile: await readProfile(profileFile(table)) }];
    const { onnx } = await trainPredictor({ scenario, learner, seed: 1, profiles, graphs });
    const { one, batch, latencies } = await measure(onnx, [...graphs.values()]);
    const peerUs = scenario === GPU ? peer[learner] : undefined;
    const overhead = ({ us, onnxruntimeUs }: Timing) => Number((us / onnxruntimeUs - 1).toFixed(2));
    rows.push({
      learner,
      scenario,
      oneMs: Number((one.us / 1000).toFixed(3)),
      oneOverhead: overhead(one),
      explainedUs: Number(batch.us.toFixed(1)),
      latenciesUs: Number(latencies.us.toFixed(1)),
      batchOnnxruntimeUs: Number(latencies.onnxruntimeUs.toFixed(1)),
      batchOverhead: overhead(latencies),
      networksASecond: Math.round(1e6 / latencies.us),
      peerUs: peerUs && Math.round(peerUs),
      peerRatio: peerUs && Math.round(peerUs / latencies.us),
      peerRatioOne: peerUs && Math.round(peerUs / one.us),
    });
  }
  console.table(rows);
  const training = await trainAll();
  console.log(training);

  const missed = rows.flatMap(({ learner, scenario, ...row }) => {
    const wrong = [
      row.oneMs > MAXIMUM_ONE_MS && `one network takes ${row.oneMs} ms`,
      row.oneOverhead > MAXIMUM_OVERHEAD && `overhead ${row.oneOverhead} on one network`,
      row.batchOverhead > MAXIMUM_OVERHEAD && `overhead ${row.batchOverhead} on a batch`,
      row.networksASecond < (MINIMUM_NETWORKS_A_SECOND[learner] ?? 0) && `${row.networksASecond} networks/s`,
      row.peerRatio !== undefined && row.peerRatio < MINIMUM_PEER_RATIO && `${row.peerRatio} times the peer's speed`,
    ];
    return wrong.filter((text) => text !== false).map((text) => `${learner} on ${scenario}: ${text}`);
  });
  if (training.seconds > MAXIMUM_TRAINING_SECONDS) missed.push(`training takes ${training.seconds} s`);
  const results = path.join(ROOT, 'bench/results');
  await mkdir(results, { recursive: true });
  await writeFile(path.join(results, 'speed.json'), `${JSON.stringify({ rows, training, missed }, null, 1)}\n`);
  for (const text of missed) console.error(`missed: ${text}`);
  if (missed.length > 0) process.exitCode = 1;
}

main().catch((error) => {
  console.error(error);
  process.exitCode = 1;
});
