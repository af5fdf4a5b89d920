/**
 * An exported predictor in use: what a prediction says, and that the file alone says the same in another language.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import {
  featurize,
  type Graph,
  type LoadedPredictor,
  loadPredictor,
  planKernels,
  readMetadata,
  readNetwork,
  trainPredictor,
} from '../../src/engine';
import { decodeOnnx } from '../../src/engine/formats/onnx-decoder';
import { encodeOnnx } from '../../src/engine/formats/onnx-encoder';
import { createRandom } from '../../src/engine/random';
import { fusionNetworks } from '../testkit/fusion-networks';
import { GraphDraft } from '../testkit/networks';
import { createSyntheticData, SYNTHETIC_SCENARIO } from '../testkit/synthetic-profile';

const data = createSyntheticData(12, 0.02, 4);
const graphs = [...data.graphs.values()];
const trained = new Map<string, Uint8Array>();
const predictors = new Map<string, LoadedPredictor>();
const LEARNERS = ['lasso', 'boosting'] as const;

beforeAll(async () => {
  for (const learner of LEARNERS) {
    const profiles = [{ sha256: 'cd34', profile: data.profile }];
    const request = { scenario: SYNTHETIC_SCENARIO, learner, seed: 1, profiles, graphs: data.graphs };
    const { onnx } = await trainPredictor(request);
    trained.set(learner, onnx);
    predictors.set(learner, await loadPredictor(onnx));
  }
});

afterAll(async () => {
  for (const predictor of predictors.values()) await predictor.release();
});

/** A transposed convolution, whose kind no network of the demo has, between two convolutions. */
function unheardOf(): Graph {
  const draft = new GraphDraft('unheard-of', [1, 8, 16, 16], createRandom(1));
  const x = draft.op('Relu', [draft.conv(draft.input, 8, 8)]);
  const larger = draft.op('ConvTranspose', [x, draft.weights(8, 8, 2, 2)], { strides: [2, 2] });
  return readNetwork(draft.finish([draft.conv(larger, 8, 8)]), { name: draft.name });
}

describe.each(LEARNERS)('a prediction by %s', (learner) => {
  test('kernels and the fixed part sum up to the latency, inside its interval', async () => {
    for (const prediction of await predictors.get(learner)!.predict(graphs)) {
      const { latencyUs, fixedUs, kernels, interval, coverage } = prediction;
      const sum = kernels.reduce((total, kernel) => total + kernel.latencyUs, fixedUs);
      expect(sum / latencyUs).toBeCloseTo(1, 6);
      expect(interval.level).toBe(0.9);
      expect(interval.lowerUs).toBeLessThan(latencyUs);
      expect(interval.upperUs).toBeGreaterThan(latencyUs);
      // All networks were seen in training.
      expect(coverage).toBe(1);
      expect(kernels.every((kernel) => kernel.coverage === 'trained' && kernel.latencyUs > 0)).toBe(true);
    }
  });

  test('many networks in one call are predicted as one by one', async () => {
    const predictor = predictors.get(learner)!;
    const together = await predictor.predict(graphs);
    for (const [i, graph] of graphs.entries()) expect(await predictor.predict([graph])).toEqual([together[i]]);
    expect(await predictor.predict([])).toEqual([]);
  });

  test('latencies alone are those of the predictions, also of batches that take many runs', async () => {
    const predictor = predictors.get(learner)!;
    const many = Array.from({ length: 1000 }, (_, i) => graphs[i % graphs.length]);
    const predictions = await predictor.predict(many);
    expect(predictions.reduce((sum, { kernels }) => sum + kernels.length, 0)).toBeGreaterThan(8192);
    expect([...(await predictor.predictLatencies(many))]).toEqual(predictions.map(({ latencyUs }) => latencyUs));
    const [alone] = await predictor.predictLatencies([graphs[0]]);
    expect(predictions.map(({ latencyUs }) => latencyUs / alone)[996]).toBeCloseTo(1, 6);
    expect(await predictor.predictLatencies([])).toEqual(new Float64Array());
  });

  test('intervals grow with the level', async () => {
    const widths = await Promise.all(
      [0.5, 0.8, 0.9, 0.95].map(async (level) => {
        const [{ interval }] = await predictors.get(learner)!.predict([graphs[0]], { level });
        expect(interval.level).toBe(level);
        return interval.upperUs - interval.lowerUs;
      }),
    );
    expect(widths).toEqual([...widths].sort((a, b) => a - b));
    await expect(predictors.get(learner)!.predict([graphs[0]], { level: 0.7 })).rejects.toMatchObject({
      code: 'UNKNOWN_NAME',
      where: 'level',
      remedy: 'Levels: 0.5, 0.8, 0.9, 0.95.',
    });
  });

  test('a kind that training never saw is unmodelled, and not free', async () => {
    const [{ kernels, coverage, latencyUs }] = await predictors.get(learner)!.predict([unheardOf()]);
    const transposed = kernels.find(({ kind }) => kind === 'conv_transpose')!;
    expect(transposed.coverage).toBe('unmodelled');
    expect(transposed.latencyUs).toBeGreaterThan(0);
    expect(coverage).toBeLessThan(1);
    expect(latencyUs).toBeGreaterThan(kernels[0].latencyUs);
  });

  test('a kernel far outside of training is extrapolated', async () => {
    const draft = new GraphDraft('wide', [1, 8, 400, 400], createRandom(1));
    const wide = readNetwork(draft.finish([draft.conv(draft.input, 8, 512)]), { name: 'wide' });
    const [{ kernels, coverage }] = await predictors.get(learner)!.predict([wide]);
    expect(kernels.map((kernel) => kernel.coverage)).toEqual(['extrapolated']);
    expect(coverage).toBe(0);
  });
});

describe('the file', () => {
  test('says where it comes from and what it reads', () => {
    const metadata = readMetadata(trained.get('boosting')!);
    expect(metadata).toMatchObject({
      scenario: SYNTHETIC_SCENARIO,
      learner: 'boosting',
      seed: 1,
      datasets: ['cd34'],
      harnesses: [{ threads: 1, statistic: 'median' }],
    });
    expect(Object.keys(metadata.kinds)).toEqual(expect.arrayContaining(['*', 'convolution', 'gemm']));
    for (const columns of Object.values(metadata.kinds)) {
      for (const { term } of columns)
        if (term !== 'kernels') expect(metadata.features[term]).toEqual(expect.any(String));
    }
  });

  const refused = { name: 'EngineError', code: 'INVALID_PREDICTOR' };

  test('another ONNX file is no predictor', async () => {
    const [{ bytes }] = fusionNetworks(1);
    await expect(loadPredictor(bytes)).rejects.toMatchObject({ ...refused, remedy: 'Give a file that training made.' });
  });

  test('nor are broken bytes', async () => {
    await expect(loadPredictor(new Uint8Array())).rejects.toMatchObject({ code: 'MALFORMED_FILE' });
    const cut = trained.get('lasso')!.subarray(0, 500);
    await expect(loadPredictor(cut)).rejects.toMatchObject({ name: 'EngineError' });
  });

  test.each([
    ['no JSON', '{"formatVersion": 1', /not/],
    ['JSON of another kind', 'null', /format undefined/],
    ['a later format', '{"formatVersion": 99}', /format 99/],
  ])('with metadata that is %s it is refused', async (_, value, message) => {
    const model = decodeOnnx(trained.get('lasso')!);
    model.metadataProps = [{ key: 'fusecast', value }];
    const bytes = encodeOnnx(model);
    await expect(loadPredictor(bytes)).rejects.toMatchObject({ ...refused, message: expect.stringMatching(message) });
  });
});

const python = path.join(process.env.FUSECAST_CACHE ?? path.join(os.homedir(), '.cache/fusecast'), 'python/bin/python');
const testWithPython = existsSync(python) || process.env.CI === 'true' ? test : test.skip;

testWithPython.each(LEARNERS)(`the file of %s says the same in Python (${python})`, async (learner) => {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'fusecast-python-'));
  try {
    const networks = [...graphs, unheardOf()];
    const kernels = networks.map((graph) => {
      const plan = planKernels(graph, predictors.get(learner)!.runtime);
      const features = featurize(plan);
      return [graph.name, plan.kernels.map(({ kind }, i) => ({ kind, features: features[i] }))];
    });
    const [file, given] = [path.join(folder, 'predictor.onnx'), path.join(folder, 'features.json')];
    writeFileSync(file, trained.get(learner)!);
    writeFileSync(given, JSON.stringify(Object.fromEntries(kernels)));
    const program = path.join(__dirname, 'golden/predict_in_python.py');
    const printed = execFileSync(python, [program, file, given], { env: { ...process.env, OMP_NUM_THREADS: '1' } });
    const latencies: Record<string, number> = JSON.parse(printed.toString());
    for (const { network, latencyUs } of await predictors.get(learner)!.predict(networks)) {
      expect(Math.abs(latencies[network] / latencyUs - 1)).toBeLessThan(1e-6);
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
});
