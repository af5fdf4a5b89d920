/**
 * Every learner, from every source: it trains, its file computes what was trained in onnxruntime and in plain Python, and
 * the same request gives the same bytes.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import path from 'node:path';
import {
  featurize,
  LEARNERS,
  type Learner,
  loadPredictor,
  type Profile,
  planKernels,
  type TrainedPredictor,
  trainPredictor,
} from '../../src/engine';
import { candidatesOf } from '../../src/engine/learner';
import { createRandom } from '../../src/engine/random';
import { createSyntheticData, SYNTHETIC_SCENARIO } from '../testkit/synthetic-profile';

const PYTHON = path.join(process.env.FUSECAST_CACHE ?? path.join(homedir(), '.cache/fusecast'), 'python/bin/python');
const testWithPython = existsSync(PYTHON) || process.env.CI === 'true' ? test : test.skip;

/** Few and with few kernels: what is learned of them is tested elsewhere. */
const data = createSyntheticData(30, 0.02, 4);
const names = [...data.graphs.keys()];
const kernelCount = (name: string) => data.profile.kernels.filter(({ network }) => network === name).length;
const smallest = names.sort((a, b) => kernelCount(a) - kernelCount(b)).slice(0, 10);
const { harnesses, networks, kernels } = data.profile;
const both: Profile = {
  harnesses,
  networks: networks.filter(({ network }) => smallest.includes(network)),
  kernels: kernels.filter(({ network }) => smallest.includes(network)),
};
const sources: Readonly<Record<string, Profile>> = {
  'kernel rows': { ...both, networks: [] },
  'end-to-end rows': { ...both, kernels: [] },
};

function train(learner: Learner, profile: Profile, seed = 1): Promise<TrainedPredictor> {
  const { graphs } = data;
  return trainPredictor({ scenario: SYNTHETIC_SCENARIO, learner, seed, profiles: [{ sha256: 'ab', profile }], graphs });
}

/** Latencies of networks, those that training saw and others, in plain Python. */
function predictInPython(onnx: Uint8Array): Record<string, number> {
  const folder = mkdtempSync(path.join(tmpdir(), 'fusecast-python-'));
  try {
    const [file, given] = [path.join(folder, 'predictor.onnx'), path.join(folder, 'features.json')];
    const planned = [...data.graphs].map(([name, graph]) => {
      const plan = planKernels(graph, 'onnxruntime-cpu');
      const features = featurize(plan);
      return [name, plan.kernels.map(({ kind }, i) => ({ kind, features: features[i] }))] as const;
    });
    writeFileSync(file, onnx);
    writeFileSync(given, JSON.stringify(Object.fromEntries(planned)));
    const program = path.join(__dirname, 'golden/predict_in_python.py');
    return JSON.parse(
      execFileSync(PYTHON, [program, file, given], { env: { ...process.env, OMP_NUM_THREADS: '1' } }).toString(),
    );
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** By learner, from both sources. */
const files = new Map<Learner, Uint8Array>();

describe.each(LEARNERS)('%s', (learner) => {
  test.each(Object.keys(sources))('trains from %s alone', async (source) => {
    const { report } = await train(learner, sources[source]);
    expect(report.sources).toMatchObject([{ name: source, networks: 10, share: 1, permuted: false }]);
    // Of ten networks, whose latencies span a factor of more than ten.
    expect(report.endToEnd.mape).toBeLessThan(50);
    expect(report.exportDifference).toBeGreaterThan(0);
    expect(report.exportDifference).toBeLessThan(1e-5);
    const tried = candidatesOf(learner, 0, createRandom(1)).map((candidate) => candidate.learner);
    for (const { kind, chosen, candidates } of report.sources[0].choices) {
      expect(kind === null).toBe(source === 'end-to-end rows');
      expect(candidates.map((candidate) => candidate.learner).sort()).toEqual([...tried].sort());
      const errors = candidates.map(({ mape }) => mape);
      expect(errors).toEqual([...errors].sort((a, b) => a - b));
      expect(chosen).toEqual({ learner: candidates[0].learner, settings: candidates[0].settings });
    }
  });

  test('trains from both, the same bytes by the same seed', async () => {
    const { onnx, report } = await train(learner, both);
    expect(report.sources.map(({ name }) => name)).toEqual(['kernel rows', 'end-to-end rows']);
    expect(report.exportDifference).toBeLessThan(1e-5);
    const again = await train(learner, both);
    expect(Buffer.from(again.onnx).equals(Buffer.from(onnx))).toBe(true);
    expect(again.report).toEqual(report);
    files.set(learner, onnx);
  });

  testWithPython(`says the same in Python (${PYTHON})`, async () => {
    const onnx = files.get(learner)!;
    const predictor = await loadPredictor(onnx);
    const predictions = await predictor.predict([...data.graphs.values()]);
    await predictor.release();
    const inPython = predictInPython(onnx);
    expect(predictions.map(({ network }) => network).sort()).toEqual(Object.keys(inPython).sort());
    for (const { network, latencyUs } of predictions) {
      expect(Math.abs(inPython[network] / latencyUs - 1)).toBeLessThan(1e-5);
    }
  });
});
