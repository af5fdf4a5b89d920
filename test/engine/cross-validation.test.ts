/** Cross-validation: what a fold holds is never learned from, and its errors are those of models without it. */
import { crossValidate, kernelKindErrors } from '../../src/engine/cross-validation';
import { dealFolds } from '../../src/engine/metrics';
import { FALLBACK } from '../../src/engine/predictor-model';
import { createRandom } from '../../src/engine/random';
import { chooseSource, type Source } from '../../src/engine/sources';
import { gatherTrainingRows } from '../../src/engine/training-rows';
import { createSyntheticData, SYNTHETIC_SCENARIO } from '../testkit/synthetic-profile';

const data = createSyntheticData(12, 0.02, 3);
const rows = gatherTrainingRows(SYNTHETIC_SCENARIO, [data.profile], data.graphs);
const source = chooseSource(rows, 'lasso');
const folds = dealFolds(source.groups, 5, createRandom(1));
const options = { learner: 'lasso', seed: 1 } as const;

const kinds = [FALLBACK, ...new Set(rows.kernels.map(({ kind }) => kind))];

/** A source whose models predict for every kernel the number of networks that it learned from. */
function countingSource(learned: string[][]): Source {
  return {
    ...source,
    fit(include) {
      learned.push(source.groups.filter(include));
      const count = learned[learned.length - 1].length;
      const model = { columns: [{ term: 'kernels' }] as const, weights: Float32Array.of(count), floorUs: 0 };
      return { kinds: new Map(kinds.map((kind) => [kind, model])), fixedUs: 7 };
    },
  };
}

test('each network is predicted once, by a model that never saw it', async () => {
  const learned: string[][] = [];
  const { networks } = await crossValidate(rows, countingSource(learned), folds, options, () => {});
  expect([...networks.keys()].sort()).toEqual([...source.groups].sort());
  for (const [name, { kernelsUs, kernels, fixedUs, measuredUs }] of networks) {
    const without = learned[folds.get(name)!];
    expect(without).not.toContain(name);
    expect(without.length).toBe(source.groups.filter((other) => folds.get(other) !== folds.get(name)).length);
    expect(kernelsUs).toBe(kernels * without.length);
    expect(fixedUs).toBe(7);
    expect(measuredUs).toBe(data.profile.networks.find(({ network }) => network === name)!.latencyUs);
  }
});

test('every kernel row has one error, of its own kind', async () => {
  const outOfFold = await crossValidate(rows, source, folds, options, () => {});
  const counts = kernelKindErrors(outOfFold).map(({ kind, rows: count }) => [kind, count]);
  const expected = new Map<string, number>();
  for (const { kind } of rows.kernels) expected.set(kind, (expected.get(kind) ?? 0) + 1);
  expect(counts).toEqual([...expected].sort());
});

test('progress is reported before each fold', async () => {
  const seen: number[] = [];
  await crossValidate(rows, countingSource([]), folds, options, (done) => seen.push(done));
  expect(seen).toEqual([0, 0.2, 0.4, 0.6, 0.8]);
});
