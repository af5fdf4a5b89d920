/** The choice among candidates: least error per kind, made for every fold without it. */
import type { FoldResult } from '../../src/engine/cross-validation';
import { deriveFeatures, type KernelFeatures } from '../../src/engine/features';
import { candidatesOf } from '../../src/engine/learner';
import { createRandom } from '../../src/engine/random';
import { selectCandidates } from '../../src/engine/selection';
import type { KernelRow, PlannedNetwork } from '../../src/engine/training-rows';

const candidates = candidatesOf('auto', 0, createRandom(1)).slice(0, 3);
const features: KernelFeatures = deriveFeatures({
  inputHeight: 1,
  inputWidth: 1,
  inputChannels: 1,
  outputHeight: 1,
  outputWidth: 1,
  outputChannels: 1,
  kernelHeight: 1,
  kernelWidth: 1,
  strideHeight: 1,
  strideWidth: 1,
  dilation: 1,
  groups: 1,
  paddingHeight: 0,
  paddingWidth: 0,
  inputs: 1,
  inputElements: 1,
  outputElements: 1,
  weightElements: 0,
  multiplyAccumulates: 0,
  fusedOps: 0,
});

/** Three folds of one network each; a network has one kernel of each kind, which takes 100 us. */
const KINDS = ['add', 'convolution'];
const FOLDS = 3;
const networks: PlannedNetwork[] = Array.from({ length: FOLDS }, (_, i) => ({
  name: `network-${i}`,
  kernels: KINDS.map((kind) => ({ kind })),
  features: KINDS.map(() => features),
  latencyUs: 200,
}));
const kernels: KernelRow[] = networks.flatMap(({ name }) =>
  KINDS.map((kind) => ({ network: name, kind, features, latencyUs: 100 })),
);
const rows = { networks, kernels, siblings: [] };
const folds = new Map(networks.map(({ name }, fold) => [name, fold]));

/** Results of a candidate from what it predicts of [add, convolution] in each fold. */
function results(...predictions: readonly (readonly [number, number])[]): FoldResult[] {
  return predictions.map((latencies, fold) => ({
    fixedUs: 0,
    rowsUs: Float64Array.from(latencies),
    networksUs: new Map([[`network-${fold}`, Float64Array.from(latencies)]]),
  }));
}

describe('kernel rows', () => {
  test('each kind goes to the candidate with the least error of all folds, and all errors are told', () => {
    const first = results([110, 130], [110, 130], [110, 130]);
    const second = results([120, 105], [120, 105], [120, 105]);
    const third = results([140, 140], [140, 140], [140, 140]);
    const { choices, candidateOf, outOfFold } = selectCandidates('kernel rows', rows, folds, candidates, [
      first,
      second,
      third,
    ]);
    expect(KINDS.map(candidateOf)).toEqual([0, 1]);
    expect(choices.map(({ kind, rows: count, chosen }) => [kind, count, chosen])).toEqual([
      ['add', 3, candidates[0]],
      ['convolution', 3, candidates[1]],
    ]);
    const errors = choices.map((choice) => choice.candidates.map(({ learner, mape }) => [learner, Math.round(mape)]));
    const [lasso, forest, boosting] = candidates.map(({ learner }) => learner);
    expect(errors).toEqual([
      [
        [lasso, 10],
        [forest, 20],
        [boosting, 40],
      ],
      [
        [forest, 5],
        [lasso, 30],
        [boosting, 40],
      ],
    ]);
    expect([...outOfFold.rowsUs]).toEqual([110, 105, 110, 105, 110, 105]);
    expect([...outOfFold.networksUs.get('network-2')!]).toEqual([110, 105]);
  });

  test("what is said of a fold comes of the candidate that is best on the others: the fold's own errors do not count", () => {
    // The second is right by a wide margin in fold 0 only; over all folds it is the better one.
    const steady = results([120, 100], [120, 100], [120, 100]);
    const lucky = results([100, 100], [122, 100], [122, 100]);
    const { candidateOf, outOfFold } = selectCandidates('kernel rows', rows, folds, candidates.slice(0, 2), [
      steady,
      lucky,
    ]);
    expect(candidateOf('add')).toBe(1);
    const add = [0, 1, 2].map((fold) => outOfFold.rowsUs[2 * fold]);
    // Fold 0 is judged by folds 1 and 2, where the steady one is better; the others by fold 0 too.
    expect(add).toEqual([120, 122, 122]);
  });

  test('a fold whose errors are made a hundred times larger is still predicted by the same candidate', () => {
    const random = createRandom(3);
    for (let round = 0; round < 50; round++) {
      const draw = () => results(...Array.from({ length: FOLDS }, () => [draw1(), draw1()] as const));
      const draw1 = () => 100 * (0.5 + random.uniform());
      const all = [draw(), draw(), draw()];
      const chosenIn = (given: readonly FoldResult[][]) => {
        const { outOfFold } = selectCandidates('kernel rows', rows, folds, candidates, given);
        return KINDS.map((_, k) => given.findIndex((results) => results[1].rowsUs[k] === outOfFold.rowsUs[2 + k]));
      };
      const spoiled = all.map((ofCandidate, i) =>
        ofCandidate.map((result, fold) =>
          fold === 1 ? { ...result, rowsUs: result.rowsUs.map((value) => value * (100 + i)) } : result,
        ),
      );
      expect(chosenIn(spoiled)).toEqual(chosenIn(all));
    }
  });

  test('kinds that no fold measured go with the first candidate', () => {
    const one = results([110, 130], [110, 130], [110, 130]);
    expect(selectCandidates('kernel rows', rows, folds, candidates.slice(0, 1), [one]).candidateOf('relu')).toBe(0);
  });
});

describe('end-to-end rows', () => {
  test('one candidate serves all kinds: the one whose networks are closest, constant included', () => {
    // 40 us of constant make the second one right, though its kernels alone are further off.
    const first = results([110, 100], [110, 100], [110, 100]);
    const second = results([80, 80], [80, 80], [80, 80]).map((result) => ({ ...result, fixedUs: 40 }));
    const { choices, candidateOf, outOfFold } = selectCandidates(
      'end-to-end rows',
      rows,
      folds,
      candidates.slice(0, 2),
      [first, second],
    );
    expect(KINDS.map(candidateOf)).toEqual([1, 1]);
    expect(choices).toMatchObject([{ kind: null, chosen: candidates[1], rows: 3 }]);
    expect(choices[0].candidates.map(({ mape }) => Math.round(mape))).toEqual([0, 5]);
    expect(outOfFold.fixedUs.get('network-0')).toBe(40);
    expect(outOfFold.rowsUs.every(Number.isNaN)).toBe(true);
  });
});
