/** Calibrations: known lines are found, outliers do not carry them away, and errors after are those of unseen networks. */
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import {
  applyCalibration,
  type CalibrationPoint,
  compareHarness,
  createRandom,
  fitCalibration,
  type Graph,
  loadPredictor,
  type NetworkPrediction,
  readNetwork,
  trainPredictor,
} from '../../src/engine';
import type { Random } from '../../src/engine/random';
import { readProfile } from '../../src/profiles';
import { describeWithShared, SHARED } from '../testkit/shared';

/** Reach of the intervals either way, as a ratio: a deviation of some 6 %. */
const REACH = 1.1;
const FIXED_US = 200;

function predictionOf(latencyUs: number, network = `network-${latencyUs}`): NetworkPrediction {
  const kernel = { kind: 'convolution', fused: [], ops: ['conv'], reason: '', coverage: 'trained' } as const;
  return {
    network,
    scenario: 'tflite/phone/gpu/float',
    latencyUs,
    fixedUs: FIXED_US,
    interval: { lowerUs: latencyUs / REACH, upperUs: latencyUs * REACH, level: 0.9 },
    coverage: 1,
    kernels: [0.25, 0.75].map((share) => ({ ...kernel, latencyUs: share * (latencyUs - FIXED_US) })),
  };
}

function points(predicted: readonly number[], measure: (latencyUs: number) => number): CalibrationPoint[] {
  return predicted.map((latencyUs) => ({ prediction: predictionOf(latencyUs), measuredUs: measure(latencyUs) }));
}

const SIZES = [1000, 2000, 5000, 12_000, 40_000];

describe('the line', () => {
  test.each([
    ['a factor', 1.4, 0],
    ['a factor and an offset', 1.4, 900],
    ['an offset alone', 1, 3000],
    ['an offset that takes a part of the fixed cost away', 1.2, -150],
  ])('%s is found exactly where nothing disturbs', (_what, factor, offsetUs) => {
    const fit = fitCalibration(points(SIZES, (latencyUs) => factor * latencyUs + offsetUs));
    expect(fit.factor).toBeCloseTo(factor, 6);
    expect(fit.offsetUs / 1000).toBeCloseTo(offsetUs / 1000, 5);
    expect(fit.errorAfter.mape).toBeLessThan(1e-4);
    expect(fit.networks.map(({ isOutlier }) => isOutlier)).toEqual(SIZES.map(() => false));
  });

  test('networks of one size give a factor alone', () => {
    const fit = fitCalibration(points([1000, 1000.1, 1000.2, 999.9], (latencyUs) => latencyUs + 500));
    expect(fit).toMatchObject({ offsetUs: 0, factor: expect.closeTo(1.5, 3) });
  });

  test('an offset never takes more away than the fixed cost, so that no part of a latency is below zero', () => {
    const fit = fitCalibration(points(SIZES, (latencyUs) => Math.max(50, latencyUs - 900)));
    expect(fit.offsetUs).toBeGreaterThanOrEqual(-fit.factor * FIXED_US * (1 + 1e-12));
    const { fixedUs, interval } = applyCalibration(predictionOf(FIXED_US + 1), fit);
    expect(fixedUs).toBeGreaterThanOrEqual(0);
    expect(interval.lowerUs).toBeGreaterThanOrEqual(0);
  });

  test('one measurement that is off by a factor of three is named, and moves the factor by less than 5 %', () => {
    const measured = points([...SIZES, 70_000], (latencyUs) => 1.4 * latencyUs * (latencyUs === 5000 ? 3 : 1));
    const { networks, factor, offsetUs } = fitCalibration(measured);
    expect(networks.filter(({ isOutlier }) => isOutlier).map(({ network }) => network)).toEqual(['network-5000']);
    expect((factor * 40_000 + offsetUs) / (1.4 * 40_000)).toBeCloseTo(1, 1);
    expect(Math.abs(factor / 1.4 - 1)).toBeLessThan(0.05);
  });

  test('the error after is that of networks left out: fitting noise does not make it small', () => {
    const random = createRandom(3);
    const measured = points(SIZES.slice(0, 3), (latencyUs) => latencyUs * (0.7 + 0.6 * random.uniform()));
    const { errorAfter, networks } = fitCalibration(measured);
    const inside = networks.map(({ calibratedUs, measuredUs }) => Math.abs(calibratedUs / measuredUs - 1));
    expect(errorAfter.mape).toBeGreaterThan(100 * Math.min(...inside));
    const heldOut = networks.map(({ heldOutUs, measuredUs }) => Math.abs(heldOutUs / measuredUs - 1));
    expect(errorAfter.mape).toBeCloseTo((100 * heldOut.reduce((sum, error) => sum + error)) / 3, 9);
  });

  test.each([
    [2, 'INSUFFICIENT_DATA', /2 measured networks.*at least 3/],
    [51, 'LIMIT_EXCEEDED', /51 measured networks.*at most 50/],
  ])('%i networks are refused', (count, code, message) => {
    const measured = points(
      Array.from({ length: count }, (_, i) => 1000 * (i + 1)),
      (latencyUs) => latencyUs,
    );
    expect(() => fitCalibration(measured)).toThrow(
      expect.objectContaining({ code, message: expect.stringMatching(message) }),
    );
  });
});

describe('a calibrated prediction', () => {
  test('is the line of the latency, and its parts still sum up to it', () => {
    const fit = { factor: 1.4, offsetUs: 700, widening: 1 };
    const { latencyUs, fixedUs, kernels, interval } = applyCalibration(predictionOf(5000), fit);
    expect(latencyUs).toBeCloseTo(1.4 * 5000 + 700, 9);
    expect(fixedUs).toBeCloseTo(1.4 * FIXED_US + 700, 9);
    expect(kernels.reduce((sum, kernel) => sum + kernel.latencyUs, fixedUs)).toBeCloseTo(latencyUs, 9);
    expect(interval).toMatchObject({ upperUs: expect.closeTo(1.4 * 5000 * REACH + 700, 6), level: 0.9 });
  });

  test('has a wider interval where left-out networks contradict the interval of the version', () => {
    const random = createRandom(5);
    const sizes = Array.from({ length: 10 }, (_, i) => 1000 * 1.5 ** i);
    const noise = (deviation: number) => () => 1 + deviation * Math.sqrt(12) * (random.uniform() - 0.5);
    const fitWith = (draw: () => number) => fitCalibration(points(sizes, (latencyUs) => 1.4 * latencyUs * draw()));
    const [quiet, noisy] = [fitWith(noise(0.03)), fitWith(noise(0.3))];
    expect(quiet.widening).toBeLessThan(1.15);
    expect(noisy.widening).toBeGreaterThan(2);
    const upperUs = (widening: number) => applyCalibration(predictionOf(5000), { ...quiet, widening }).interval.upperUs;
    expect(upperUs(2)).toBeGreaterThan(upperUs(1));
  });
});

test('harness fields that differ from every one of the training are named with both values', () => {
  const training = [
    { threads: 1, statistic: 'median', affinity: '0-3' },
    { threads: 2, statistic: 'median' },
  ] as const;
  const own = { threads: 4, statistic: 'median', governor: 'powersave', affinity: '4-7' } as const;
  expect(compareHarness(own, training)).toEqual([
    'threads is 4 here and 1 or 2 in what the version was trained on.',
    'affinity is 4-7 here and 0-3 in what the version was trained on.',
  ]);
  expect(compareHarness({ threads: 2 }, training)).toEqual([]);
});

/** The benchmark as somebody else might measure it: 1.4 times as slow, and a tenth of the median latency on top. */
const FACTOR = 1.4;
const OFFSET_SHARE = 0.1;
const DRAWS = 20;
const SCENARIOS = [
  'tflite/s10/2med/float',
  'tflite/iphone7/gpu/float',
  'tflite/s10/2large/quant',
  'torch/pixel4/1large1med/float',
  'torch/onefusion/1small/float',
  'torch/pixel4/2small/quant',
];

describeWithShared('on the benchmark', () => {
  test('5 networks of a scaled and offset profile bring 40 % error below twice the uncalibrated error', async () => {
    const errors = { uncalibrated: 0, before: 0, after: 0, said: 0, inside: 0 };
    for (const scenario of SCENARIOS) {
      const held = await predictHeldOut(scenario);
      const ofScenario = { uncalibrated: 0, before: 0, after: 0, said: 0, inside: 0 };
      const random = createRandom(11);
      for (let draw = 0; draw < DRAWS; draw++) {
        const result = calibrateOnce(held, random);
        for (const key of Object.keys(errors) as (keyof typeof errors)[]) ofScenario[key] += result[key] / DRAWS;
      }
      expect({ scenario, ...ofScenario, isGood: ofScenario.after < 2 * ofScenario.uncalibrated }).toMatchObject({
        isGood: true,
      });
      for (const key of Object.keys(errors) as (keyof typeof errors)[])
        errors[key] += ofScenario[key] / SCENARIOS.length;
    }
    expect(errors.before).toBeGreaterThan(0.33);
    expect(errors.after).toBeLessThan(1.5 * errors.uncalibrated);
    // What it says of itself is what becomes of it, and rather too much than too little: it was made with one network less.
    expect(errors.said / errors.after).toBeGreaterThan(0.9);
    expect(errors.said / errors.after).toBeLessThan(1.6);
    expect(errors.inside).toBeGreaterThan(0.82);
  }, 120_000);
});

interface HeldOut {
  readonly prediction: NetworkPrediction;
  readonly latencyUs: number;
}

/** Trains on three fifths of a scenario's networks and predicts the others. */
async function predictHeldOut(scenario: string): Promise<HeldOut[]> {
  const [runtime] = scenario.split('/');
  const file = path.join(SHARED, 'data/mobile-ml-benchmark', `${runtime}_cnn_e2e.csv`);
  const { harnesses, networks } = await readProfile(file);
  const graphs = readGraphs();
  const rows = networks.filter((row) => row.scenario === scenario && graphs.has(row.network));
  const order = shuffled(rows, createRandom(7));
  const training = order.slice(0, Math.round(0.6 * order.length));
  const profile = { harnesses, networks: training, kernels: [] };
  const profiles = [{ sha256: 'ab12', profile }];
  const { onnx } = await trainPredictor({ scenario, learner: 'lasso', seed: 1, profiles, graphs });
  const predictor = await loadPredictor(onnx);
  const held = order.slice(training.length);
  const predictions = await predictor.predict(held.map(({ network }) => graphs.get(network)!));
  await predictor.release();
  return held.map(({ latencyUs }, i) => ({ latencyUs, prediction: predictions[i] }));
}

let known: Map<string, Graph> | undefined;

function readGraphs(): Map<string, Graph> {
  const folder = path.join(SHARED, 'networks/onnx');
  known ??= new Map(
    readdirSync(folder).map((file) => {
      const name = path.basename(file, '.onnx');
      return [name, readNetwork(readFileSync(path.join(folder, file)), { name })];
    }),
  );
  return known;
}

/** Calibrates with five networks and predicts the others as somebody else measures them. */
function calibrateOnce(held: readonly HeldOut[], random: Random) {
  const sorted = held.map(({ latencyUs }) => latencyUs).sort((a, b) => a - b);
  const offsetUs = OFFSET_SHARE * sorted[sorted.length >> 1];
  const measured = held.map(({ prediction, latencyUs }) => ({ prediction, measuredUs: FACTOR * latencyUs + offsetUs }));
  const order = shuffled(measured, random);
  const fit = fitCalibration(order.slice(0, 5));
  const others = order.slice(5);
  const calibrated = others.map(({ prediction }) => applyCalibration(prediction, fit));
  const meanOf = (values: readonly number[]) => values.reduce((sum, value) => sum + value) / values.length;
  return {
    uncalibrated: meanOf(held.map(({ prediction, latencyUs }) => Math.abs(prediction.latencyUs / latencyUs - 1))),
    before: meanOf(others.map(({ prediction, measuredUs }) => Math.abs(prediction.latencyUs / measuredUs - 1))),
    after: meanOf(others.map(({ measuredUs }, i) => Math.abs(calibrated[i].latencyUs / measuredUs - 1))),
    said: fit.errorAfter.mape / 100,
    inside: meanOf(
      others.map(({ measuredUs }, i) =>
        Number(measuredUs >= calibrated[i].interval.lowerUs && measuredUs <= calibrated[i].interval.upperUs),
      ),
    ),
  };
}

function shuffled<T>(values: readonly T[], random: Random): T[] {
  const order = [...values];
  for (let i = order.length - 1; i > 0; i--) {
    const j = random.below(i + 1);
    [order[i], order[j]] = [order[j], order[i]];
  }
  return order;
}
