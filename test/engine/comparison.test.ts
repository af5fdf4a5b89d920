/**
 * Comparisons of two versions: the whole against an independent computation in Python, the parts against what is known of
 * them.
 */
import {
  type Comparison,
  compareColumns,
  comparePlans,
  compareVersions,
  createRandom,
  differencesOf,
  type EvaluatedNetwork,
  type EvaluatedPrediction,
  evaluatePrediction,
  kendallTau,
  type NetworkPrediction,
  pairedBootstrap,
  planKernels,
} from '../../src/engine';
import { createSyntheticData } from '../testkit/synthetic-profile';
import golden from './golden/comparison.json';

interface Row {
  readonly network: string;
  readonly scenario: string;
  readonly measuredUs: number;
  readonly aUs: number;
  readonly bUs: number;
}

function prediction(latencyUs: number, kinds: EvaluatedPrediction['kinds'] = []): EvaluatedPrediction {
  const intervals = [0.5, 0.9].map((level) => ({
    level,
    lowerUs: latencyUs * (1 - level / 10),
    upperUs: latencyUs * (1 + level / 10),
  }));
  return { latencyUs, coverage: 1, intervals, kinds };
}

function evaluated({ network, scenario, measuredUs, aUs, bUs }: Row): EvaluatedNetwork {
  return { network, scenario, measuredUs, kinds: [], a: prediction(aUs), b: prediction(bUs) };
}

/** What compare_in_python.py says of a comparison. */
function summary({ difference, scenarios }: Comparison) {
  const interval = ({ mean, lower, upper, margin, verdict }: Comparison['difference']) => ({
    mean,
    lower,
    upper,
    margin,
    verdict,
  });
  return {
    difference: interval(difference),
    scenarios: scenarios.map(({ scenario, a, b, flips, ...each }) => ({
      scenario,
      a: { ...a.error, kendallTau: a.kendallTau },
      b: { ...b.error, kendallTau: b.kendallTau },
      difference: interval(each.difference),
      flippedByA: flips.byA,
      flippedByB: flips.byB,
    })),
  };
}

/** The same with numbers to ten digits: sums are taken in another order. */
const rounded = (value: object) =>
  JSON.parse(JSON.stringify(value, (_, each) => (typeof each === 'number' ? Number(each.toPrecision(10)) : each)));

describe('two versions', () => {
  const rows = golden.rows.map(evaluated);
  const comparison = compareVersions(rows, { seed: golden.seed });

  test('are what an independent computation says: errors, orders, interval, verdict', () => {
    expect(rounded(summary(comparison))).toEqual(rounded(golden.expected));
    expect(comparison.scenarios.map(({ difference }) => difference.verdict)).toEqual(['WORSE', 'NO_DIFFERENCE']);
  });

  test('are compared alike whatever the order of the rows; exchanged, the difference changes its sign', () => {
    expect(compareVersions([...rows].reverse(), { seed: golden.seed })).toEqual(comparison);
    const exchanged = compareVersions(
      rows.map(({ a, b, ...row }) => ({ ...row, a: b, b: a })),
      { seed: golden.seed },
    );
    expect(exchanged.scenarios.map(({ difference }) => difference.verdict)).toEqual(['BETTER', 'NO_DIFFERENCE']);
    expect(exchanged.difference.lower).toBeCloseTo(-comparison.difference.upper, 9);
    expect(exchanged.worstMovers).toHaveLength(comparison.bestMovers.length);
  });

  test('show the networks that moved most, worst first', () => {
    const changes = comparison.networks.map(({ change }) => change).sort((x, y) => y - x);
    expect(comparison.networks).toHaveLength(39);
    expect(comparison.worstMovers.map(({ change }) => change)).toEqual(changes.slice(0, 10));
    expect(comparison.bestMovers.map(({ change }) => change)).toEqual(changes.slice(-10).reverse());
    for (const { aUs, bUs, measuredUs, aError, bError, change } of comparison.worstMovers) {
      expect(aUs).toBeCloseTo(measuredUs * (1 + aError / 100), 6);
      expect(bUs).toBeCloseTo(measuredUs * (1 + bError / 100), 6);
      expect(change).toBeCloseTo(Math.abs(bError) - Math.abs(aError), 9);
    }
  });

  test('show pairs whose order flips, the gravest first', () => {
    const three = [100, 200, 300].map(
      (measuredUs, i): Row => ({
        network: `n${i}`,
        scenario: 's',
        measuredUs,
        aUs: [100, 200, 150][i],
        bUs: [250, 200, 220][i],
      }),
    );
    const { flips } = compareVersions(three.map(evaluated), { seed: 1 }).scenarios[0];
    expect(flips).toEqual({
      pairs: 3,
      byA: 1,
      byB: 2,
      gravest: [
        { faster: 'n0', slower: 'n2', measuredGap: 200, flippedByA: false, flippedByB: true },
        { faster: 'n0', slower: 'n1', measuredGap: 100, flippedByA: false, flippedByB: true },
        { faster: 'n1', slower: 'n2', measuredGap: 50, flippedByA: true, flippedByB: false },
      ],
    });
  });

  test('show errors by kernel kind where kernels were measured, and shares in any case', () => {
    const row: EvaluatedNetwork = {
      network: 'n',
      scenario: 's',
      measuredUs: 100,
      kinds: [{ kind: 'conv', latencyUs: 80 }],
      a: prediction(100, [
        { kind: 'conv', latencyUs: 60 },
        { kind: 'pool', latencyUs: 20 },
      ]),
      b: prediction(100, [{ kind: 'conv', latencyUs: 88 }]),
    };
    expect(compareVersions([row], { seed: 1 }).scenarios[0].kinds).toEqual([
      {
        kind: 'conv',
        networks: 1,
        measuredShare: 1,
        a: { mape: 25, share: 0.75 },
        b: { mape: expect.closeTo(10), share: 1 },
      },
      { kind: 'pool', networks: 0, measuredShare: 0, a: { mape: null, share: 0.25 }, b: { mape: null, share: 0 } },
    ]);
  });

  test('show how often the intervals of each level hold the truth', () => {
    // 5 % either way at level 0.5, 9 % at 0.9; predictions are off by 0, 7 and 20 %.
    const three = [100, 107, 120].map(
      (aUs, i): Row => ({ network: `n${i}`, scenario: 's', measuredUs: 100, aUs, bUs: 100 }),
    );
    const { a, b } = compareVersions(three.map(evaluated), { seed: 1 }).scenarios[0];
    expect(a.calibration.map(({ level, covered }) => [level, covered])).toEqual([
      [0.5, 1 / 3],
      [0.9, 2 / 3],
    ]);
    expect(b.calibration.map(({ covered }) => covered)).toEqual([1, 1]);
    expect(b.calibration[1].relativeWidth).toBeCloseTo(1.09 / 0.91 - 1, 9);
    expect(a.kendallTau).toBeNull();
  });
});

test('the interval of many differences is that of the large-sample theory', () => {
  const random = createRandom(5);
  const differences = Array.from({ length: 80 }, () => random.uniform() + random.uniform() - 0.9);
  const { mean, lower, upper } = pairedBootstrap(differences, 0, { seed: 3 });
  const variance = differences.reduce((sum, each) => sum + (each - mean) ** 2, 0) / differences.length;
  const half = 1.96 * Math.sqrt(variance / differences.length);
  expect(Math.abs(lower - (mean - half)) / half).toBeLessThan(0.1);
  expect(Math.abs(upper - (mean + half)) / half).toBeLessThan(0.1);
  expect(pairedBootstrap(differences, 0, { seed: 3, level: 0.5, resamples: 500 }).upper).toBeLessThan(upper);
});

test('of fewer than six networks there is no verdict', () => {
  expect(pairedBootstrap([-1, -1, -1, -1, -1], 0, { seed: 1 })).toMatchObject({ upper: -1, verdict: 'NO_DIFFERENCE' });
  expect(pairedBootstrap([-1, -1, -1, -1, -1, -1], 0, { seed: 1 }).verdict).toBe('BETTER');
});

test('a difference that does not count is none, however sure it is', () => {
  const alike = [0.2, 0.2, 0.2, 0.2, 0.2, 0.2];
  expect(pairedBootstrap(alike, 0.25, { seed: 1 })).toMatchObject({
    lower: expect.closeTo(0.2),
    verdict: 'NO_DIFFERENCE',
  });
  expect(pairedBootstrap(alike, 0.15, { seed: 1 }).verdict).toBe('WORSE');
});

test.each([
  [[1, 2, 3], [10, 20, 30], 1],
  [[1, 2, 3], [3, 2, 1], -1],
  [[1, 2, 2, 3], [1, 2, 3, 4], 5 / Math.sqrt(30)],
  [[1, 1], [1, 2], null],
])('Kendall tau-b of %j and %j', (a, b, expected) => {
  const tau = kendallTau(a, b);
  if (expected === null) expect(tau).toBeNull();
  else expect(tau).toBeCloseTo(expected, 12);
});

test("a prediction's kernels are taken out of their composition, its intervals at every level", () => {
  const kernel = { kind: 'conv', fused: [], ops: [], reason: '', coverage: 'trained' as const };
  const given: NetworkPrediction = {
    network: 'n',
    scenario: 's',
    latencyUs: 100,
    fixedUs: 6,
    interval: { lowerUs: 0, upperUs: 0, level: 0.9 },
    coverage: 1,
    kernels: [
      { ...kernel, latencyUs: 34 },
      { ...kernel, latencyUs: 60 },
    ],
  };
  const composition = { kernelFactor: 2, perKernelUs: 4, fixedUs: 6 };
  const radii = [0.5, 0.9].map((level) => ({ level, logRadius: Math.log(1 + level) }));
  const { kinds, intervals } = evaluatePrediction(given, { radii, composition });
  expect(kinds).toEqual([{ kind: 'conv', latencyUs: 15 + 28 }]);
  expect(intervals.map(({ level, upperUs }) => [level, upperUs])).toEqual([
    [0.5, expect.closeTo(150, 9)],
    [0.9, expect.closeTo(190, 9)],
  ]);
});

test('networks over scenarios: orders, and how far every two agree', () => {
  const columns = [
    [3, 1, 2],
    [30, 10, 20],
    [1, 2, 3],
  ].map((latenciesUs) => ({ latenciesUs }));
  expect(compareColumns(columns)).toEqual({
    orders: [
      [1, 2, 0],
      [1, 2, 0],
      [0, 1, 2],
    ],
    agreements: [
      { first: 0, second: 1, kendallTau: 1 },
      { first: 0, second: 2, kendallTau: expect.closeTo(-1 / 3) },
      { first: 1, second: 2, kendallTau: expect.closeTo(-1 / 3) },
    ],
  });
});

test('two runtimes for one network: what both launch, and what one launches for the same ops', () => {
  const [graph] = createSyntheticData(1, 0, 1).graphs.values();
  const plans = ['tflite-gpu/adreno-640', 'tflite-gpu/mali-g76', 'tflite-cpu'].map((runtime) =>
    planKernels(graph, runtime),
  );
  const [adreno, mali, cpu] = plans;
  for (const other of [mali, cpu]) {
    const { same, onlyInA, onlyInB } = comparePlans(adreno, other);
    expect(same.length + onlyInA.length).toBe(adreno.kernels.length);
    expect(same.length + onlyInB.length).toBe(other.kernels.length);
    // What is done by one is done by the other, by other kernels.
    const done = (kernels: readonly { readonly ops: readonly string[] }[]) => kernels.flatMap(({ ops }) => ops).sort();
    expect(done(onlyInA)).toEqual(done(onlyInB));
  }
  expect(comparePlans(adreno, adreno)).toMatchObject({ onlyInA: [], onlyInB: [] });
  const { runtimeA, runtimeB, onlyInA } = comparePlans(adreno, cpu);
  expect([runtimeA, runtimeB]).toEqual([adreno.runtime, cpu.runtime]);
  expect(onlyInA.length).toBeGreaterThan(0);
});

test('what versions differ in: data, networks and only the settings that are not the same', () => {
  const a = { datasets: ['x', 'y'], networks: ['n1', 'n2'], settings: { learner: 'boosting', rules: 'r@1' } };
  const b = { datasets: ['y'], networks: ['n2', 'n3'], settings: { learner: 'forest', rules: 'r@1', seed: '2' } };
  expect(differencesOf(a, b)).toEqual({
    datasets: { onlyInA: ['x'], onlyInB: [] },
    networks: { onlyInA: ['n1'], onlyInB: ['n3'] },
    settings: [
      { name: 'learner', a: 'boosting', b: 'forest' },
      { name: 'seed', a: null, b: '2' },
    ],
  });
});
