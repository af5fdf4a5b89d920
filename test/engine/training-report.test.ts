/** The training report: intervals that do not keep what they promise show, and so do the worst networks and odd profiles. */
import { trainPredictor } from '../../src/engine';
import { SUM } from '../../src/engine/composition';
import { type FeatureName, featurize, type KernelFeatures } from '../../src/engine/features';
import type { Composed } from '../../src/engine/fit-composition';
import { linearModel } from '../../src/engine/kernel-model';
import { planKernels } from '../../src/engine/plan';
import { createRandom } from '../../src/engine/random';
import { reportImportance, reportNetworks } from '../../src/engine/training-report';
import { createSyntheticData, permuteKernels, SYNTHETIC_SCENARIO } from '../testkit/synthetic-profile';

/** Fifty networks of 100 us in five folds, predicted with given relative errors. */
function composed(errorOf: (network: number) => number): Composed {
  const numbers = Array.from({ length: 50 }, (_, i) => i);
  return {
    composition: SUM,
    kinds: new Map(),
    names: numbers.map((i) => `network-${i}`),
    predictedUs: numbers.map((i) => 100 * (1 + errorOf(i))),
    measuredUs: numbers.map(() => 100),
  };
}
const folds = new Map(Array.from({ length: 50 }, (_, i) => [`network-${i}`, i % 5]));

describe('calibration', () => {
  test('of errors that are alike in all folds is near the level', () => {
    const random = createRandom(1);
    const { calibration } = reportNetworks(
      composed(() => 0.2 * (random.uniform() - 0.5)),
      folds,
    );
    for (const { level, covered } of calibration) expect(Math.abs(covered - level)).toBeLessThan(0.1);
    const widths = calibration.map(({ relativeWidth }) => relativeWidth);
    expect(widths).toEqual([...widths].sort((a, b) => a - b));
    // Errors within 10 % either way.
    expect(widths[widths.length - 1]).toBeLessThan(1.1 / 0.9 - 1 + 0.02);
  });

  test('shows a fold that the others say nothing about: a fifth of the networks lies outside every interval', () => {
    const { calibration } = reportNetworks(
      composed((i) => (i % 5 === 0 ? 0.5 : 0.01 + 0.0001 * i)),
      folds,
    );
    for (const { covered } of calibration) expect(covered).toBeLessThanOrEqual(0.8);
    expect(calibration[calibration.length - 1].covered).toBeCloseTo(0.8, 9);
  });
});

test('networks come by their error, largest first, with what was predicted and measured', () => {
  const { worstNetworks, networks, endToEnd } = reportNetworks(
    composed((i) => (i === 7 ? -0.6 : i === 20 ? 0.4 : 0.001 * i)),
    folds,
  );
  expect(networks).toBe(50);
  expect(worstNetworks).toHaveLength(50);
  const worst = worstNetworks.slice(0, 5).map(({ network }) => network);
  expect(worst).toEqual([7, 20, 49, 48, 47].map((i) => `network-${i}`));
  expect(worstNetworks[0]).toEqual({ network: 'network-7', predictedUs: expect.closeTo(40, 9), measuredUs: 100 });
  expect(endToEnd.mape).toBeGreaterThan(2);
});

const data = createSyntheticData(10, 0, 2);

describe('importance', () => {
  const byKind = new Map<string, KernelFeatures[]>();
  for (const graph of data.graphs.values()) {
    const plan = planKernels(graph, 'onnxruntime-cpu');
    featurize(plan).forEach((features, i) => {
      const { kind } = plan.kernels[i];
      byKind.set(kind, [...(byKind.get(kind) ?? []), features]);
    });
  }

  test('ranks what the latency depends on first, and what it does not depend on at exactly 0', () => {
    const model = linearModel(
      [{ term: 'kernels' }, { term: 'multiplyAccumulates' }, { term: 'outputElements' }],
      [1, 1e-3, 1e-6],
      0,
    );
    const importance = reportImportance(new Map([['convolution', model]]), byKind, 1);
    expect(importance.slice(0, 2).map(({ feature }) => feature)).toEqual(['multiplyAccumulates', 'outputElements']);
    expect(importance[1].change).toBeGreaterThan(0);
    expect(importance.slice(2).every(({ change }) => change === 0)).toBe(true);
  });

  test('of a trained predictor: the work first, what no kernel differs in last', async () => {
    const request = { scenario: SYNTHETIC_SCENARIO, learner: 'lasso', seed: 1, graphs: data.graphs } as const;
    const { report } = await trainPredictor({ ...request, profiles: [{ sha256: 'ab', profile: data.profile }] });
    const changes = new Map<FeatureName, number>(report.importance.map(({ feature, change }) => [feature, change]));
    expect(['multiplyAccumulates', 'activationElements']).toContain(report.importance[0].feature);
    // The law has no place for padding.
    for (const feature of ['paddingHeight', 'paddingWidth', 'fusedOps'] as const) expect(changes.get(feature)).toBe(0);
  });
});

test('permuted rows are told, and cost little: exchanges find them', async () => {
  const request = { scenario: SYNTHETIC_SCENARIO, learner: 'lasso', seed: 1, graphs: data.graphs } as const;
  const kernels = permuteKernels(data.profile.kernels, 3, createRandom(1));
  const train = async (profile: typeof data.profile) =>
    (await trainPredictor({ ...request, profiles: [{ sha256: 'ab', profile }] })).report;
  const [inOrder, permuted] = [await train(data.profile), await train({ ...data.profile, kernels })];
  expect(inOrder.dropped).toEqual([]);
  expect(permuted.dropped).toEqual([expect.stringMatching(/^kernel rows: latencies stand on the wrong kernels/)]);
  expect([inOrder.sources[0].permuted, permuted.sources[0].permuted]).toEqual([false, true]);
  expect(permuted.endToEnd.mape).toBeLessThan(3 * inOrder.endToEnd.mape + 3);
});
