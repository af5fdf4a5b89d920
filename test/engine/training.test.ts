/**
 * Training end to end on networks whose latencies follow a known law: what is learned, what is reported, what is refused.
 */

import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import {
  type Graph,
  type Learner,
  loadPredictor,
  type Profile,
  readNetwork,
  type TrainingRequest,
  trainPredictor,
} from '../../src/engine';
import { readProfile } from '../../src/profiles';
import { describeWithShared, SHARED } from '../testkit/shared';
import { createSyntheticData, SYNTHETIC_SCENARIO } from '../testkit/synthetic-profile';

const data = createSyntheticData(36, 0.02, 1);
const names = [...data.graphs.keys()];
/** The last network of every family: no training here sees them. */
const heldOut = new Set(names.slice(-6));
const { harnesses, networks, kernels } = data.profile;
const training: Profile = {
  harnesses,
  networks: networks.filter(({ network }) => !heldOut.has(network)),
  kernels: kernels.filter(({ network }) => !heldOut.has(network)),
};
const endToEndOnly: Profile = { ...training, kernels: [] };

function request(profile: Profile, changes: Partial<TrainingRequest> = {}): TrainingRequest {
  return {
    scenario: SYNTHETIC_SCENARIO,
    learner: 'lasso',
    seed: 1,
    profiles: [{ sha256: 'ab12', profile }],
    graphs: data.graphs,
    ...changes,
  };
}

/** Mean absolute percentage error on the networks that were kept out, against the law without noise. */
async function heldOutError(onnx: Uint8Array): Promise<number> {
  const predictor = await loadPredictor(onnx);
  const predictions = await predictor.predict([...heldOut].map((name) => data.graphs.get(name)!));
  await predictor.release();
  const errors = predictions.map(({ network, latencyUs }) => {
    const truth = data.truth.get(network)!;
    return Math.abs(latencyUs - truth) / truth;
  });
  return (100 * errors.reduce((sum, error) => sum + error, 0)) / errors.length;
}

describe('what is learned', () => {
  test('from end-to-end rows alone: networks never seen within 8 %', async () => {
    const { onnx, report } = await trainPredictor(request(endToEndOnly));
    // 30 networks of six families, whose latencies span a factor of a hundred.
    expect(await heldOutError(onnx)).toBeLessThan(8);
    expect(report).toMatchObject({
      sources: [{ name: 'end-to-end rows', networks: 30, share: 1, permuted: false }],
      networks: 30,
      kernelRows: 0,
      kernelKinds: [],
      composition: { kernelFactor: 1, perKernelUs: 0 },
    });
    // Folds leave 24 networks to learn from, of six families.
    expect(report.endToEnd.mape).toBeLessThan(10);
  });

  test.each<[Learner, number]>([
    ['lasso', 3],
    ['boosting', 3],
  ])('from kernel rows by %s: networks never seen within %p %%', async (learner, percent) => {
    const { onnx, report } = await trainPredictor(request(training, { learner }));
    expect(await heldOutError(onnx)).toBeLessThan(percent);
    const names = report.sources.map(({ name }) => name);
    expect(names).toEqual(['kernel rows', 'end-to-end rows']);
    expect(report).toMatchObject({ learner, networks: 30, kernelRows: training.kernels.length });
    expect(report.endToEnd.mape).toBeLessThan(4);
    for (const { kind, rows, mape } of report.kernelKinds) {
      // A kind of few networks may have lost most of them to one fold.
      if (rows >= 40) expect({ kind, mape, close: mape < 4 }).toEqual({ kind, mape, close: true });
    }
    // The law: dispatch and constant are not in the kernels' own rows.
    const { kernelFactor, perKernelUs, fixedUs } = report.composition;
    expect(kernelFactor).toBeGreaterThan(0.9);
    expect(kernelFactor).toBeLessThan(1.1);
    expect(perKernelUs * 30 + fixedUs).toBeGreaterThan(40);
    expect(perKernelUs * 30 + fixedUs).toBeLessThan(130);
  });

  test('without end-to-end rows kernels simply add up', async () => {
    const { report } = await trainPredictor(request({ ...training, networks: [] }));
    expect(report).toMatchObject({ sources: [{ name: 'kernel rows', share: 1 }], noiseFloor: null });
    expect(report.composition.kernelFactor).toBeCloseTo(1, 1);
    expect(report.endToEnd.mape).toBeLessThan(4);
  });
});

describe('the report', () => {
  test('says how well the data can be known, and that the file computes what was trained', async () => {
    const { report } = await trainPredictor(request(endToEndOnly, { learner: 'lasso' }));
    expect(report.noiseFloor).toBeCloseTo(0.02, 2);
    expect(report.exportDifference).toBeLessThan(1e-5);
    expect(report).toMatchObject({ scenario: SYNTHETIC_SCENARIO, seed: 1, datasets: ['ab12'], dropped: [] });
  });

  test('names what was left out', async () => {
    const [first, second] = training.networks;
    const graphs = new Map([...data.graphs].filter(([name]) => name !== first.network && name !== second.network));
    const { report } = await trainPredictor(request(endToEndOnly, { graphs }));
    expect(report.networks).toBe(28);
    expect(report.dropped.join(' ')).toMatch(/2 networks without a graph/);
    expect(report.dropped.join(' ')).toContain(first.network);
  });
});

describe('the same request', () => {
  test('gives the same bytes, another seed others', async () => {
    const few = (profile: Profile): Profile => ({
      ...profile,
      kernels: profile.kernels.filter(({ network }) => names.indexOf(network) < 6),
    });
    const train = async (seed: number) => Buffer.from((await trainPredictor(request(few(training), { seed }))).onnx);
    const [once, again, other] = [await train(1), await train(1), await train(2)];
    expect(again.equals(once)).toBe(true);
    expect(other.equals(once)).toBe(false);
  });
});

describe('refusals', () => {
  const few: Profile = { ...endToEndOnly, networks: endToEndOnly.networks.slice(0, 4) };

  test.each<[string, TrainingRequest, object]>([
    [
      'no row of the scenario',
      request(training, { scenario: 'onnxruntime/other/1large/float' }),
      {
        code: 'INSUFFICIENT_DATA',
        where: 'onnxruntime/other/1large/float',
        remedy: `Scenarios in them: ${SYNTHETIC_SCENARIO}.`,
      },
    ],
    [
      'too few networks',
      request(few),
      { code: 'INSUFFICIENT_DATA', message: expect.stringMatching(/of 0 networks and end-to-end rows of 4 networks/) },
    ],
    [
      'no graphs',
      request(endToEndOnly, { graphs: new Map<string, Graph>() }),
      { code: 'INSUFFICIENT_DATA', remedy: expect.stringContaining('30 networks without a graph') },
    ],
    [
      'an unknown learner',
      request(training, { learner: 'oracle' as Learner }),
      { code: 'UNKNOWN_NAME', where: 'learner', remedy: expect.stringContaining('lasso') },
    ],
    [
      'a scenario that is none',
      request(training, { scenario: 'pixel4' }),
      { code: expect.stringMatching(/UNKNOWN_NAME|INSUFFICIENT_DATA/) },
    ],
    ['a signal raised before', request(training, { signal: AbortSignal.abort() }), { code: 'CANCELLED' }],
  ])('%s', async (_, refused, expected) => {
    await expect(trainPredictor(refused)).rejects.toMatchObject({ name: 'EngineError', ...expected });
  });
});

describeWithShared('the benchmark, end to end', () => {
  test('tflite/pixel4/1large/float is predicted better than the reference predicts its class', async () => {
    const folder = path.join(SHARED, 'networks/onnx');
    const graphs = new Map(
      readdirSync(folder).map((file) => {
        const name = path.basename(file, '.onnx');
        return [name, readNetwork(readFileSync(path.join(folder, file)), { name })];
      }),
    );
    const profile = await readProfile(path.join(SHARED, 'data/mobile-ml-benchmark/tflite_cnn_e2e.csv'));
    const { report } = await trainPredictor(request(profile, { scenario: 'tflite/pixel4/1large/float', graphs }));
    // reference/README.md: mean of the 42 scenarios of TFLite in floats.
    expect(report.endToEnd.mape).toBeLessThan(4.4);
    expect(report.networks).toBe(65);
  });
});
