/** Kernel rows on the wrong kernels: put back where they were permuted, left alone where they only are noisy. */
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { readNetwork } from '../../src/engine';
import { runFold } from '../../src/engine/cross-validation';
import { defaultCandidate } from '../../src/engine/learner';
import { dealFolds } from '../../src/engine/metrics';
import { createRandom } from '../../src/engine/random';
import { exchangeLatencies, isPermuted, mayBePermuted, permutedShare } from '../../src/engine/row-order';
import { selectCandidates } from '../../src/engine/selection';
import { gatherTrainingRows, type KernelRow } from '../../src/engine/training-rows';
import { readProfile } from '../../src/profiles';
import { describeWithShared, SHARED } from '../testkit/shared';
import { createSyntheticData, permuteKernels, SYNTHETIC_SCENARIO } from '../testkit/synthetic-profile';

const NOISE = 0.05;
const data = createSyntheticData(18, NOISE, 5);
const { kernels: listed } = gatherTrainingRows(SYNTHETIC_SCENARIO, [data.profile], data.graphs);
/** What a predictor says that is 5 % off itself. */
const random = createRandom(2);
const predictedUs = listed.map(({ latencyUs }) => latencyUs * (0.95 + 0.1 * random.uniform()));

const permuted = permuteKernels(listed, 3, createRandom(3));

/** Share of the rows whose latency is what they really took, but for what is too small to be worth an exchange. */
function rightShare(latenciesUs: ArrayLike<number>): number {
  return (
    listed.filter(({ latencyUs }, i) => Math.abs(Math.log(latenciesUs[i] / latencyUs)) < Math.log(1.4)).length /
    listed.length
  );
}

describe('exchanges', () => {
  test('put permuted rows back: what is told apart by its size', () => {
    const before = rightShare(permuted.map(({ latencyUs }) => latencyUs));
    expect(before).toBeLessThan(0.8);
    expect(rightShare(exchangeLatencies(permuted, predictedUs))).toBeGreaterThan(0.99);
  });

  test('stay within the rows of one network and kind, whose latencies only change places', () => {
    const exchanged = exchangeLatencies(permuted, predictedUs);
    const sorted = (latencies: ArrayLike<number>) => {
      const groups = new Map<string, number[]>();
      permuted.forEach(({ network, kind }, i) => {
        groups.set(`${network} ${kind}`, [...(groups.get(`${network} ${kind}`) ?? []), latencies[i]].sort());
      });
      return groups;
    };
    expect(sorted(exchanged)).toEqual(sorted(permuted.map(({ latencyUs }) => latencyUs)));
  });

  test('leave rows that are only noisy where they are', () => {
    const latencies = listed.map(({ latencyUs }) => latencyUs);
    const exchanged = exchangeLatencies(listed, predictedUs);
    expect(latencies.filter((latency, i) => latency !== exchanged[i]).length).toBe(0);
  });

  test('do not reach over more than twelve rows of the kind', () => {
    const row = { network: 'n', kind: 'k', features: listed[0].features };
    const rows = (distance: number) =>
      Array.from({ length: distance + 1 }, (_, i) => ({
        ...row,
        latencyUs: i === 0 ? 1000 : i === distance ? 10 : 100,
      }));
    const wanted = (distance: number) =>
      rows(distance)
        .map(({ latencyUs }) => latencyUs)
        .reverse();
    expect(exchangeLatencies(rows(12), wanted(12))).toEqual(Float64Array.from(wanted(12)));
    expect(exchangeLatencies(rows(13), wanted(13))[0]).not.toBe(10);
  });
});

describe('a profile', () => {
  /** Cross-validated with the linear learner, which shows permutation least. */
  function crossValidated(rows: readonly KernelRow[], permuted: boolean) {
    const folds = dealFolds([...new Set(rows.map(({ network }) => network))], 3, createRandom(1));
    const candidates = [defaultCandidate('lasso')];
    const common = { source: 'kernel rows', rows: { networks: [], kernels: rows, siblings: [] }, folds } as const;
    const results = [0, 1, 2].map((fold) => runFold({ ...common, fold, candidate: candidates[0], permuted, seed: 1 }));
    return selectCandidates('kernel rows', common.rows, folds, candidates, [results]).outOfFold.rowsUs;
  }

  test('that is permuted shows, one that is only noisy does not', () => {
    expect(mayBePermuted(permuted, crossValidated(permuted, false))).toBe(true);
    expect(isPermuted(permuted, crossValidated(permuted, true))).toBe(true);
    const loud = createRandom(4);
    const noisy = listed.map((row) => ({ ...row, latencyUs: row.latencyUs * Math.exp(0.4 * (loud.uniform() - 0.5)) }));
    expect(mayBePermuted(noisy, crossValidated(noisy, false))).toBe(false);
    expect(isPermuted(noisy, crossValidated(noisy, true))).toBe(false);
  });

  describeWithShared('of the benchmark', () => {
    test('is permuted on Metal, in order on Vulkan', async () => {
      const profile = await readProfile(path.join(SHARED, 'data/mobile-ml-benchmark/torch_cnn_ops_gpu.csv'));
      const named = new Set(profile.kernels.map(({ network }) => network));
      const folder = path.join(SHARED, 'networks/onnx');
      const files = readdirSync(folder).filter((file) => named.has(path.basename(file, '.onnx')));
      const graphs = new Map(
        files.map((file) => {
          const name = path.basename(file, '.onnx');
          return [name, readNetwork(readFileSync(path.join(folder, file)), { name })];
        }),
      );
      const permutedIn = (scenario: string) => {
        const { kernels } = gatherTrainingRows(scenario, [profile], graphs);
        return (
          mayBePermuted(kernels, crossValidated(kernels, false)) && isPermuted(kernels, crossValidated(kernels, true))
        );
      };
      expect(permutedIn('torch/iphonexs/gpu/float')).toBe(true);
      expect(permutedIn('torch/pixel4/gpu/float')).toBe(false);
    });
  });

  test('rows without a prediction say nothing, and no rows are not permuted', () => {
    expect(permutedShare(permuted, new Float64Array(permuted.length).fill(NaN))).toBe(0);
    expect(isPermuted([], [])).toBe(false);
  });
});
