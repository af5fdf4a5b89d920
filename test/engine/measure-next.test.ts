/**
 * The choice of networks to measure: what it prefers on networks whose answer is known, what it says of them, and that it
 * beats chance on networks whose latencies follow a known law. The benchmark's own figures: npm run bench:measure-next.
 */
import { buildDemoNetworks } from '../../src/cli/demo-networks';
import { NetworkBuilder } from '../../src/cli/network-builder';
import { createRandom, type Graph, measureNext, readNetwork } from '../../src/engine';
import { fitEndToEnd } from '../../src/engine/fit-end-to-end';
import { defaultCandidate } from '../../src/engine/learner';
import { covarianceOfNetworks } from '../../src/engine/measure-next-covariance';
import { predictEach } from '../../src/engine/predictor-model';
import { gatherTrainingRows, isMeasured, type MeasuredNetwork } from '../../src/engine/training-rows';
import { createSyntheticData, SYNTHETIC_SCENARIO } from '../testkit/synthetic-profile';

const RUNTIME = 'onnxruntime-cpu';

/** A network of convolutions of one window; every `depthwise`-th is depthwise. */
function plain(name: string, channels: number, kernel = 3, depthwise = false): Graph {
  const random = createRandom(1);
  const builder = new NetworkBuilder(name, 32, () => random.uniform());
  let x = builder.convolution(builder.input(), channels, { kernel });
  for (let i = 0; i < 3; i++) x = builder.convolution(x, channels, { kernel, groups: depthwise ? channels : 1 });
  return readNetwork(builder.classify(x, 10), { name });
}

const twins = Array.from({ length: 6 }, (_, i) => plain(`twin${i}`, 32));
const other = plain('other', 32, 3, true);
const demo = [...buildDemoNetworks(24, 3)].map(({ name, bytes }) => readNetwork(bytes, { name }));

describe('the choice', () => {
  test('takes one of networks that are alike, and then what is unlike it', () => {
    const { networks } = measureNext({ runtime: RUNTIME, candidates: [...twins, other], measured: [], count: 2 });
    expect(networks.map(({ network }) => network).sort()).toEqual(['other', 'twin0']);
  });

  test('does not take what is as good as measured', () => {
    const request = { runtime: RUNTIME, candidates: [...twins.slice(1), other], measured: [twins[0]], count: 1 };
    const [next] = measureNext(request).networks;
    expect(next.network).toBe('other');
    expect(next.adds.map(({ kind, newKind }) => [kind, newKind])).toContainEqual(['depthwise_convolution', true]);
    expect(next.reason).toMatch(/^First with depthwise_convolution \(\d+ % of its work\)\./);
  });

  test('says which windows and sizes are new of kinds that are known', () => {
    const request = { runtime: RUNTIME, candidates: [plain('wide', 256, 5)], measured: [twins[0]], count: 1 };
    const [{ adds, reason }] = measureNext(request).networks;
    expect(adds[0].windows).toEqual(['5x5 stride 1']);
    expect(adds[0].ranges).toContainEqual({
      feature: 'outputChannels',
      smallest: 256,
      largest: 256,
      knownSmallest: 32,
      knownLargest: 32,
    });
    expect(reason).toContain('up to 256 output channels (known: 32)');
  });

  test('expects gains that add up to what is no longer left', () => {
    const answer = measureNext({ runtime: RUNTIME, candidates: demo, measured: [], count: demo.length + 5 });
    expect(answer.varianceBefore).toBeCloseTo(100, 9);
    expect(new Set(answer.networks.map(({ network }) => network)).size).toBe(demo.length);
    let left = 100;
    for (const { expectedGain, varianceLeft } of answer.networks) {
      expect(expectedGain).toBeGreaterThan(0);
      left -= expectedGain;
      expect(varianceLeft).toBeCloseTo(left, 6);
    }
    expect(left).toBeLessThan(10);
  });

  test('does not depend on the order of the candidates', () => {
    const choose = (candidates: readonly Graph[]) =>
      measureNext({ runtime: RUNTIME, candidates, measured: [], count: 6 }).networks.map(({ network }) => network);
    expect(choose([...demo].reverse())).toEqual(choose(demo));
  });

  test('refuses to choose from nothing', () => {
    expect(() => measureNext({ runtime: RUNTIME, candidates: [], measured: demo, count: 1 })).toThrow(
      expect.objectContaining({ code: 'INSUFFICIENT_DATA', where: 'candidates' }),
    );
  });
});

test('the covariance is symmetric, with a mean variance of 1', () => {
  const data = createSyntheticData(10, 0, 2);
  const { networks } = gatherTrainingRows(SYNTHETIC_SCENARIO, [data.profile], data.graphs);
  const covariance = covarianceOfNetworks(networks);
  const at = (i: number, j: number) => covariance[i * networks.length + j];
  expect(networks.reduce((sum, _, i) => sum + at(i, i), 0) / networks.length).toBeCloseTo(1, 9);
  networks.forEach((_, i) => {
    networks.forEach((__, j) => {
      expect(at(i, j)).toBeCloseTo(at(j, i), 9);
      expect(at(i, j) ** 2).toBeLessThanOrEqual(at(i, i) * at(j, j) * (1 + 1e-9));
    });
  });
});

test('eight chosen networks teach more than eight random ones', () => {
  const data = createSyntheticData(60, 0.01, 4);
  const all = gatherTrainingRows(SYNTHETIC_SCENARIO, [{ ...data.profile, kernels: [] }], data.graphs).networks;
  const measured = all.filter(isMeasured);
  const errorOf = (training: readonly MeasuredNetwork[], held: readonly MeasuredNetwork[]) => {
    const { kinds, fixedUs } = fitEndToEnd(training, defaultCandidate('lasso'), { seed: 1 });
    const errors = held.map(({ kernels, features, latencyUs }) => {
      const predicted = predictEach(kinds, kernels, features).reduce((sum, value) => sum + value, fixedUs);
      return Math.abs(predicted - latencyUs) / latencyUs;
    });
    return errors.reduce((sum, error) => sum + error, 0) / errors.length;
  };
  let chosen = 0;
  let random = 0;
  for (let seed = 0; seed < 8; seed++) {
    const order = shuffled(measured, seed);
    const held = order.slice(0, 15);
    const rest = order.slice(15);
    const candidates = rest.map(({ name }) => data.graphs.get(name)!);
    const { networks } = measureNext({ runtime: RUNTIME, candidates, measured: [], count: 8 });
    const names = new Set(networks.map(({ network }) => network));
    chosen += errorOf(
      rest.filter(({ name }) => names.has(name)),
      held,
    );
    random += errorOf(rest.slice(0, 8), held);
  }
  expect(chosen).toBeLessThan(0.9 * random);
});

function shuffled<T>(values: readonly T[], seed: number): T[] {
  const random = createRandom(seed);
  const order = [...values];
  for (let i = order.length - 1; i > 0; i--) {
    const j = random.below(i + 1);
    [order[i], order[j]] = [order[j], order[i]];
  }
  return order;
}
