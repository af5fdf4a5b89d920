/**
 * Folds of trainings in threads: the same file as in one thread, trainings that do not wait for each other forever, and an
 * end soon after a cancellation or a refusal.
 */
import path from 'node:path';
import { buildDemoNetworks } from '../src/cli/demo-networks';
import { type Profile, type TrainingProgress, trainPredictor } from '../src/engine';
import { EnginePool } from '../src/engine-pool';
import { FoldThreads } from '../src/fold-threads';
import { createSyntheticData, SYNTHETIC_SCENARIO } from './testkit/synthetic-profile';

const PROGRAM = path.join(__dirname, 'testkit/engine-thread.cjs');
const NETWORKS = 12;
const SEED = 3;

const { graphs, profile } = createSyntheticData(NETWORKS, 0.02, SEED);
const networks = [...buildDemoNetworks(NETWORKS, SEED)].map((network) => ({ ...network, bindings: {} }));
const asked = { scenario: SYNTHETIC_SCENARIO, learner: 'auto', seed: SEED, searched: 0 } as const;
const request = (trained: Profile = profile) => ({ ...asked, profiles: [{ sha256: 'ab12', profile: trained }] });
const never = new AbortController().signal;

let inOneThread: Buffer;
beforeAll(async () => {
  inOneThread = Buffer.from((await trainPredictor({ ...request(), graphs })).onnx);
}, 120_000);

test.each([1, 2])(
  '%p threads give the bytes that one gives, and progress never goes back',
  async (threads) => {
    const pool = new EnginePool(PROGRAM, threads);
    const seen: TrainingProgress[] = [];
    const options = { signal: never, onProgress: (progress: TrainingProgress) => seen.push(progress) };
    const { onnx, report } = await pool.train({ ...request(), networks }, options);
    await pool.stop();
    expect(inOneThread.equals(onnx)).toBe(true);
    const fractions = seen.map(({ fraction }) => fraction);
    expect(fractions).toEqual([...fractions].sort((a, b) => a - b));
    // A line at least for each of five folds of five learners.
    expect(seen.filter(({ step }) => step === 'cross-validating').length).toBeGreaterThanOrEqual(25);
    expect(report.sources[0].choices[0].candidates).toHaveLength(5);
  },
  120_000,
);

test('a training in the calling thread gives the same bytes', async () => {
  const folds = new FoldThreads(PROGRAM, 2);
  const { onnx } = await trainPredictor({ ...request(), graphs, runFold: folds.runner() });
  await folds.stop();
  expect(inOneThread.equals(onnx)).toBe(true);
}, 120_000);

test('more trainings than threads all end', async () => {
  const pool = new EnginePool(PROGRAM, 1);
  const endToEnd: Profile = { ...profile, kernels: [] };
  const options = { signal: never, onProgress: () => {} };
  const trainings = Array.from({ length: 3 }, () => pool.train({ ...request(endToEnd), networks }, options));
  const [first, ...others] = (await Promise.all(trainings)).map(({ onnx }) => Buffer.from(onnx));
  for (const other of others) expect(other.equals(first)).toBe(true);
  await pool.stop();
}, 120_000);

test('cancelled while folds run, it ends, and the threads are free', async () => {
  const pool = new EnginePool(PROGRAM, 2);
  const controller = new AbortController();
  const fractions: number[] = [];
  const onProgress = ({ step, fraction }: TrainingProgress) => {
    fractions.push(fraction);
    if (step === 'cross-validating') controller.abort();
  };
  const searching = { ...request(), searched: 32, networks };
  await expect(pool.train(searching, { signal: controller.signal, onProgress })).rejects.toMatchObject({
    code: 'CANCELLED',
  });
  expect(Math.max(...fractions)).toBeLessThan(0.5);
  await pool.stop();
}, 120_000);

test('a refusal comes through', async () => {
  const pool = new EnginePool(PROGRAM, 2);
  const few: Profile = { ...profile, networks: profile.networks.slice(0, 3), kernels: [] };
  const options = { signal: never, onProgress: () => {} };
  await expect(pool.train({ ...request(few), networks }, options)).rejects.toMatchObject({
    name: 'EngineError',
    code: 'INSUFFICIENT_DATA',
  });
  await pool.stop();
}, 120_000);
