/** Two sources as one predictor: shares by error, and a file that predicts the weighted mean of both. */
import { loadPredictor, type Profile, trainPredictor } from '../../src/engine';
import { fitSource, runFold, type SourceName } from '../../src/engine/cross-validation';
import { exportPredictor } from '../../src/engine/export';
import { blend, type Composed, composeEndToEnd, composeKernelRows } from '../../src/engine/fit-composition';
import { conformalRadii } from '../../src/engine/intervals';
import { candidatesOf } from '../../src/engine/learner';
import { dealFolds } from '../../src/engine/metrics';
import { createRandom } from '../../src/engine/random';
import { selectCandidates } from '../../src/engine/selection';
import { gatherTrainingRows } from '../../src/engine/training-rows';
import { createSyntheticData, SYNTHETIC_SCENARIO } from '../testkit/synthetic-profile';

const data = createSyntheticData(16, 0.02, 3);

async function sharesFor(profile: Profile) {
  const request = { scenario: SYNTHETIC_SCENARIO, learner: 'lasso', seed: 1, graphs: data.graphs } as const;
  const { report } = await trainPredictor({ ...request, profiles: [{ sha256: 'ab', profile }] });
  return report.sources.map(({ name, share, mape }) => ({ name, share, mape }));
}

describe('shares', () => {
  test('add up to 1, and the source with the smaller error has the larger one', async () => {
    const [first, second] = await sharesFor(data.profile);
    expect(first.share + second.share).toBeCloseTo(1, 12);
    expect(first.share > second.share).toBe(first.mape < second.mape);
  });

  test('kernel rows of pure noise count less than 5 %', async () => {
    const random = createRandom(2);
    const kernels = data.profile.kernels.map((row) => ({ ...row, latencyUs: 1000 ** random.uniform() }));
    const [noise, truth] = await sharesFor({ ...data.profile, kernels });
    expect(noise.name).toBe('kernel rows');
    expect(noise.share).toBeLessThan(0.05);
    expect(noise.share + truth.share).toBeCloseTo(1, 12);
  });

  test('end-to-end rows of pure noise are explained by no source, and the report says so', async () => {
    const random = createRandom(3);
    const networks = data.profile.networks.map((row) => ({ ...row, latencyUs: 1e4 * 100 ** random.uniform() }));
    const [first, second] = await sharesFor({ ...data.profile, networks });
    expect(Math.min(first.mape, second.mape)).toBeGreaterThan(30);
  });
});

describe('a blend', () => {
  const rows = gatherTrainingRows(SYNTHETIC_SCENARIO, [data.profile], data.graphs);
  const folds = dealFolds([...data.graphs.keys()], 5, createRandom(1));

  function composedOf(source: SourceName, learner: 'boosting' | 'gaussianProcess'): Composed {
    const candidates = candidatesOf(learner, 0, createRandom(1));
    const task = { source, rows, folds, candidate: candidates[0], permuted: false, seed: 1 };
    const results = [0, 1, 2, 3, 4].map((fold) => runFold({ ...task, fold }));
    const { outOfFold } = selectCandidates(source, rows, folds, candidates, [results]);
    const fit = fitSource(task, () => true, { seed: 1 });
    return source === 'kernel rows'
      ? composeKernelRows(rows, folds, outOfFold, fit)
      : composeEndToEnd(rows, outOfFold, fit);
  }

  async function predictAll({ kinds, composition, predictedUs, measuredUs }: Composed): Promise<Map<string, number>> {
    const rest = {
      runtime: rows.runtime,
      hulls: new Map(),
      radii: conformalRadii(predictedUs, measuredUs),
      noiseFloor: null,
    };
    const model = { scenario: SYNTHETIC_SCENARIO, kinds, composition, ...rest };
    const onnx = exportPredictor(model, { learner: 'lasso', seed: 1, datasets: [], harnesses: [] });
    const predictor = await loadPredictor(onnx);
    const predictions = await predictor.predict([...data.graphs.values()]);
    await predictor.release();
    return new Map(predictions.map(({ network, latencyUs }) => [network, latencyUs]));
  }

  test('predicts the weighted mean of what both files predict alone, out of fold too', async () => {
    const first = composedOf('kernel rows', 'boosting');
    const second = composedOf('end-to-end rows', 'gaussianProcess');
    const [share, other] = [0.3, 0.7];
    const blended = blend([first, second], [share, other]);
    const [fromBoth, fromFirst, fromSecond] = [
      await predictAll(blended),
      await predictAll(first),
      await predictAll(second),
    ];
    for (const [network, latencyUs] of fromBoth) {
      const mean = share * fromFirst.get(network)! + other * fromSecond.get(network)!;
      expect(Math.abs(latencyUs / mean - 1)).toBeLessThan(1e-5);
      // They are not the same, so that the mean says something.
      expect(Math.abs(fromFirst.get(network)! / fromSecond.get(network)! - 1)).toBeGreaterThan(1e-6);
    }
    blended.predictedUs.forEach((predicted, i) => {
      expect(predicted).toBeCloseTo(share * first.predictedUs[i] + other * second.predictedUs[i], 6);
    });
    expect(blended.measuredUs).toEqual(first.measuredUs);
  });
});
