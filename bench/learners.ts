/**
 * npm run bench:learners: training time and held-out error of boosting, forests and perceptrons beside LightGBM and
 * scikit-learn, one thread each, on the same rows in the same run: kernel rows of the benchmark in ../shared, and synthetic
 * ones. Times are wall clock, the fastest of some fits. The results go to bench/results/learners.json.
 */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { createRandom, FEATURE_NAMES } from '../src/engine';
import { fitBoosting } from '../src/engine/learners/boosting';
import { fitForest } from '../src/engine/learners/forest';
import { predictPerceptron } from '../src/engine/learners/perceptron';
import { fitPerceptron } from '../src/engine/learners/perceptron-training';
import { predictEnsemble } from '../src/engine/learners/tree';
import type { Matrix } from '../src/engine/matrix';
import { gatherTrainingRows } from '../src/engine/training-rows';
import { readProfile } from '../src/profiles';
import { python, ROOT, requireShared, SHARED } from './peer';

/** Training may take this many times LightGBM's wall time. */
const SLOWEST = 2;
/** Of the held-out error of scikit-learn. */
const WORST = { boosting: Infinity, forest: 1.02, perceptron: 1.1 };
type Name = keyof typeof WORST;
/** Both sides take turns this often, so that what else the machine does slows both down. */
const TURNS = { boosting: 3, forest: 1, perceptron: 1 };
/** Fits of one turn. */
const REPETITIONS = { boosting: 3, forest: 2, perceptron: 1 };
const BOOSTING = { trees: 400, learningRate: 0.04, maxLeaves: 31, minSamplesLeaf: 5 };
const FOREST = { trees: 50, minSamplesLeaf: 2, columnSubsample: 0.5 };
const PERCEPTRON = { hiddenLayers: [64, 64], epochs: 20, batchSize: 32, learningRate: 3e-3, l2: 1e-4 };
const OPTIONS = { boosting: BOOSTING, forest: FOREST, perceptron: PERCEPTRON };

interface Problem {
  readonly name: string;
  readonly x: Matrix;
  readonly y: readonly number[];
  readonly held: Matrix;
  readonly truth: readonly number[];
}

type Fit = (x: Matrix, y: readonly number[]) => (rows: Matrix) => Float64Array;

const FITS: Record<Name, Fit> = {
  boosting: (x, y) => {
    const ensemble = fitBoosting(x, y, BOOSTING);
    return (rows) => predictEnsemble(ensemble, rows);
  },
  forest: (x, y) => {
    const ensemble = fitForest(x, y, FOREST);
    return (rows) => predictEnsemble(ensemble, rows);
  },
  perceptron: (x, y) => {
    const model = fitPerceptron(x, y, { ...PERCEPTRON, logarithm: true });
    return (rows) => predictPerceptron(model, rows);
  },
};

interface Measured {
  readonly ms: number;
  readonly error: number;
}

function matrixOf(rows: readonly (readonly number[])[]): Matrix {
  return { rows: rows.length, columns: rows[0].length, values: Float32Array.from(rows.flat()) };
}

/** Friedman 1991 with seven columns that say nothing. */
function synthetic(rows: number, columns: number): Problem {
  const random = createRandom(1);
  const points = Array.from({ length: rows + 4000 }, () => Array.from({ length: columns }, () => random.uniform()));
  const targets = points.map(([a, b, c, d, e]) => {
    const noise = random.uniform() + random.uniform() + random.uniform() - 1.5;
    return 10 * Math.sin(Math.PI * a * b) + 20 * (c - 0.5) ** 2 + 10 * d + 5 * e + 2 * noise;
  });
  return {
    name: `synthetic ${rows} x ${columns}`,
    x: matrixOf(points.slice(0, rows)),
    y: targets.slice(0, rows),
    held: matrixOf(points.slice(rows)),
    truth: targets.slice(rows),
  };
}

/** Logarithms of a scenario's kernel latencies, of one kind or all; every fifth network is held out. */
function kernels(scenario: string, profile: Awaited<ReturnType<typeof readProfile>>, kind?: string): Problem {
  const { kernels: all } = gatherTrainingRows(scenario, [profile], new Map());
  const rows = all.filter((row) => kind === undefined || row.kind === kind);
  const networks = [...new Set(all.map(({ network }) => network))].sort();
  const heldOut = new Set(networks.filter((_, i) => i % 5 === 0));
  const part = (isHeld: boolean) => rows.filter(({ network }) => heldOut.has(network) === isHeld);
  const x = (isHeld: boolean) =>
    matrixOf(part(isHeld).map(({ features }) => FEATURE_NAMES.map((name) => features[name])));
  const y = (isHeld: boolean) => part(isHeld).map(({ latencyUs }) => Math.log(latencyUs));
  return { name: `${scenario} ${kind ?? 'all kernels'}`, x: x(false), y: y(false), held: x(true), truth: y(true) };
}

function measure(fit: Fit, { x, y, held, truth }: Problem, repetitions: number): Measured {
  fit(x, y); // Compiled code is what is compared.
  let ms = Infinity;
  let predict = fit(x, y);
  for (let i = 0; i < repetitions; i++) {
    const began = performance.now();
    predict = fit(x, y);
    ms = Math.min(ms, performance.now() - began);
  }
  const error = predict(held).reduce((sum, value, i) => sum + (value - truth[i]) ** 2, 0) / truth.length;
  return { ms, error };
}

async function measurePeer(learner: Name, problem: Problem): Promise<Measured> {
  const plain = (matrix: Matrix) => ({ ...matrix, values: Array.from(matrix.values) });
  const task = {
    learner,
    options: OPTIONS[learner],
    repetitions: REPETITIONS[learner],
    problem: { ...problem, x: plain(problem.x), held: plain(problem.held) },
  };
  const folder = await mkdtemp(path.join(os.tmpdir(), 'fusecast-learners-'));
  try {
    const file = path.join(folder, 'task.json');
    await writeFile(file, JSON.stringify(task));
    return JSON.parse(await python(path.join(ROOT, 'bench/learners.py'), file));
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** Both sides in turn; the fastest fit of each. */
async function compare(learner: Name, problem: Problem): Promise<{ own: Measured; other: Measured }> {
  const own: Measured[] = [];
  const other: Measured[] = [];
  for (let turn = 0; turn < TURNS[learner]; turn++) {
    other.push(await measurePeer(learner, problem));
    own.push(measure(FITS[learner], problem, REPETITIONS[learner]));
  }
  const fastest = (sides: readonly Measured[]) => sides.reduce((best, side) => (side.ms < best.ms ? side : best));
  return { own: fastest(own), other: fastest(other) };
}

async function main(): Promise<void> {
  requireShared();
  const profile = await readProfile(path.join(SHARED, 'data/mobile-ml-benchmark/tflite_cnn_ops_gpu.csv'));
  const problems = [
    synthetic(20_000, 12),
    kernels('tflite/pixel4/gpu/float', profile),
    kernels('tflite/iphonexs/gpu/float', profile),
    kernels('tflite/pixel4/gpu/float', profile, 'convolution_2d'),
    kernels('tflite/a03s/gpu/float', profile, 'depthwise_convolution'),
  ];
  const rows = [];
  for (const problem of problems) {
    for (const learner of Object.keys(FITS) as Name[]) {
      const { own, other } = await compare(learner, problem);
      rows.push({
        data: problem.name,
        rows: problem.x.rows,
        learner,
        ms: Number(own.ms.toFixed(1)),
        peerMs: Number(other.ms.toFixed(1)),
        timeRatio: Number((own.ms / other.ms).toFixed(2)),
        error: Number(own.error.toPrecision(4)),
        peerError: Number(other.error.toPrecision(4)),
        errorRatio: Number((own.error / other.error).toFixed(3)),
      });
    }
  }
  console.table(rows);
  const results = path.join(ROOT, 'bench/results');
  await mkdir(results, { recursive: true });
  await writeFile(path.join(results, 'learners.json'), `${JSON.stringify({ rows }, null, 1)}\n`);
  const slow = rows.filter(({ learner, timeRatio }) => learner === 'boosting' && timeRatio > SLOWEST);
  const wrong = rows.filter(({ learner, errorRatio }) => errorRatio > WORST[learner]);
  for (const { data, learner } of [...slow, ...wrong]) console.error(`missed: ${learner} on ${data}`);
  if (slow.length + wrong.length > 0) process.exitCode = 1;
}

main().catch((error) => {
  console.error(error);
  process.exitCode = 1;
});
