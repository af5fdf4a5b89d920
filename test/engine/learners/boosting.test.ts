/**
 * Gradient boosting against LightGBM on the same rows (golden/make_golden.py), and what must hold for any data.
 */
import fc from 'fast-check';
import { type BoostingOptions, fitBoosting } from '../../../src/engine/learners/boosting';
import type { Monotone } from '../../../src/engine/learners/splitting';
import { predictEnsemble, type TreeEnsemble } from '../../../src/engine/learners/tree';
import type { Matrix } from '../../../src/engine/matrix';
import { createRandom } from '../../../src/engine/random';
import binned from './golden/boosting-binned.json';
import exact from './golden/boosting-exact.json';

/** LightGBM keeps gradients in float32; the rest of both is float64. */
const TOLERANCE = 1e-6;

function matrix({ rows, columns, values }: { rows: number; columns: number; values: readonly number[] }): Matrix {
  return { rows, columns, values: Float32Array.from(values) };
}

function differences(actual: Float64Array, expected: readonly number[]): number[] {
  return expected.map((value, i) => Math.abs(actual[i] - value));
}

function meanSquaredError(ensemble: TreeEnsemble, x: Matrix, y: ArrayLike<number>): number {
  return predictEnsemble(ensemble, x).reduce((sum, value, i) => sum + (value - y[i]) ** 2, 0) / x.rows;
}

/** Smooth in the first column, stepped in the second, noisy. */
function surface(rows: number, columns: number, seed: number): { x: Matrix; y: Float64Array } {
  const random = createRandom(seed);
  const values = Float32Array.from({ length: rows * columns }, () => random.uniform());
  const y = Float64Array.from({ length: rows }, (_, i) => {
    const [first, second] = values.subarray(i * columns);
    return Math.sin(5 * first) + Math.floor(3 * second) + 0.2 * random.uniform();
  });
  return { x: { rows, columns, values }, y };
}

describe('against LightGBM', () => {
  test.each(exact.cases)(
    'the same trees where both have a bin a value: $name',
    ({ options, weighted, train, test }) => {
      const ensemble = fitBoosting(matrix(exact.train), exact.y, {
        ...options,
        monotone: options.monotone as Monotone[] | undefined,
        sampleWeights: weighted ? exact.sampleWeights : undefined,
      });
      const seen = differences(predictEnsemble(ensemble, matrix(exact.train)), train);
      expect(Math.max(...seen)).toBeLessThan(TOLERANCE);
      // Where two splits part the training rows alike, rounding chooses, and a row never seen may fall between them.
      const unseen = differences(predictEnsemble(ensemble, matrix(exact.test)), test);
      expect(unseen.filter((value) => value > TOLERANCE).length).toBeLessThanOrEqual(0.02 * test.length);
    },
  );

  test('an error on held-out rows within 3 % where values share bins', () => {
    const ensemble = fitBoosting(matrix(binned.train), binned.y, binned.options);
    const error = meanSquaredError(ensemble, matrix(binned.test), binned.truth);
    expect(error).toBeLessThan(1.03 * binned.meanSquaredError);
    expect(error).toBeGreaterThan(0.97 * binned.meanSquaredError);
  });
});

describe('for any data', () => {
  const problem = fc
    .record({ rows: fc.integer({ min: 1, max: 60 }), columns: fc.integer({ min: 1, max: 6 }) })
    .chain(({ rows, columns }) =>
      fc
        .record({
          values: fc.array(fc.integer({ min: -9, max: 9 }), { minLength: rows * columns, maxLength: rows * columns }),
          y: fc.array(fc.double({ min: -100, max: 100, noNaN: true }), { minLength: rows, maxLength: rows }),
          weights: fc.array(fc.integer({ min: 1, max: 9 }), { minLength: rows, maxLength: rows }),
        })
        .map(({ values, y, weights }) => ({ x: matrix({ rows, columns, values }), y, weights })),
    );

  test('one tree predicts within the range of the targets, at every point', () => {
    const points = surface(50, 6, 1).x.values.map((value) => 30 * value - 15);
    fc.assert(
      fc.property(problem, fc.double({ min: 0.01, max: 1, noNaN: true }), ({ x, y, weights }, learningRate) => {
        const options = { trees: 1, learningRate, minSamplesLeaf: 1, sampleWeights: weights };
        const ensemble = fitBoosting(x, y, options);
        const rounding = 1e-4;
        for (const value of predictEnsemble(ensemble, { rows: 50, columns: x.columns, values: points })) {
          expect(value).toBeGreaterThanOrEqual(Math.min(...y) - rounding);
          expect(value).toBeLessThanOrEqual(Math.max(...y) + rounding);
        }
      }),
    );
  });

  test('more trees never fit the training rows worse', () => {
    fc.assert(
      fc.property(problem, ({ x, y }) => {
        const options = { learningRate: 0.3, maxLeaves: 8, minSamplesLeaf: 2 };
        const errors = [1, 4, 16].map((trees) => meanSquaredError(fitBoosting(x, y, { ...options, trees }), x, y));
        expect(errors[1]).toBeLessThanOrEqual(errors[0] * (1 + 1e-5) + 1e-9);
        expect(errors[2]).toBeLessThanOrEqual(errors[1] * (1 + 1e-5) + 1e-9);
      }),
    );
  });

  test('a monotone constraint holds between any two points, with subsamples and weights too', () => {
    const direction = fc.constantFrom<Monotone>(1, -1);
    fc.assert(
      fc.property(problem, direction, fc.integer(), ({ x, y, weights }, sign, seed) => {
        const constrained = seed % x.columns === 0 ? 0 : x.columns - 1;
        const ensemble = fitBoosting(x, y, {
          trees: 20,
          learningRate: 0.3,
          minSamplesLeaf: 1,
          rowSubsample: 0.8,
          columnSubsample: 0.7,
          seed,
          sampleWeights: weights,
          monotone: Array.from({ length: x.columns }, (_, j) => (j === constrained ? sign : 0)),
        });
        const random = createRandom(seed);
        for (let p = 0; p < 10; p++) {
          const point = Array.from({ length: x.columns }, () => 24 * random.uniform() - 12);
          const line = Array.from({ length: 40 }, (_, k) => point.with(constrained, k / 2 - 10));
          const values = predictEnsemble(ensemble, matrix({ rows: 40, columns: x.columns, values: line.flat() }));
          for (let k = 1; k < 40; k++) expect(sign * (values[k] - values[k - 1])).toBeGreaterThanOrEqual(0);
        }
      }),
    );
  });

  test('whole-number weights are as good as repeated rows', () => {
    fc.assert(
      fc.property(problem, ({ x, y, weights }) => {
        const copies = weights.flatMap((weight, i) => new Array<number>(weight).fill(i));
        const repeated = matrix({
          rows: copies.length,
          columns: x.columns,
          values: copies.flatMap((i) => Array.from(x.values.subarray(i * x.columns, (i + 1) * x.columns))),
        });
        const options = { trees: 1, learningRate: 1, minSamplesLeaf: 1, maxLeaves: 2 };
        const targets = copies.map((i) => y[i]);
        const errorOf = (ensemble: TreeEnsemble) => meanSquaredError(ensemble, repeated, targets);
        const weighted = errorOf(fitBoosting(x, y, { ...options, sampleWeights: weights }));
        expect(weighted).toBeCloseTo(errorOf(fitBoosting(repeated, targets, options)), 2);
      }),
    );
  });
});

describe('sampling', () => {
  const { x, y } = surface(300, 5, 2);
  const options: BoostingOptions = { trees: 20, rowSubsample: 0.6, columnSubsample: 0.5 };

  test('the same seed gives the same bytes, another seed another ensemble', () => {
    expect(fitBoosting(x, y, { ...options, seed: 4 })).toEqual(fitBoosting(x, y, { ...options, seed: 4 }));
    expect(fitBoosting(x, y, { ...options, seed: 5 })).not.toEqual(fitBoosting(x, y, { ...options, seed: 4 }));
  });

  test('a tree splits on no more columns than its share', () => {
    for (const { feature } of fitBoosting(x, y, { ...options, columnSubsample: 0.4 }).trees) {
      expect(new Set(feature.filter((column) => column >= 0)).size).toBeLessThanOrEqual(2);
    }
  });

  test('learns from the rows that a tree did not see as well', () => {
    const held = surface(300, 5, 3);
    const trained = { ...options, trees: 200, learningRate: 0.1 };
    expect(meanSquaredError(fitBoosting(x, y, trained), held.x, held.y)).toBeLessThan(0.05);
  });

  test('a row of weight 0 is as good as absent', () => {
    const sampleWeights = Array.from(y, (_, i) => (i < 200 ? 1 : 0));
    const first = { rows: 200, columns: 5, values: x.values.subarray(0, 1000) };
    const weighted = fitBoosting(x, y, { trees: 5, maxBins: 255, sampleWeights });
    const changed = Float64Array.from(y, (value, i) => (i < 200 ? value : 1e6));
    expect(fitBoosting(x, changed, { trees: 5, sampleWeights })).toEqual(weighted);
    expect(meanSquaredError(weighted, first, y)).toBeLessThan(meanSquaredError({ ...weighted, trees: [] }, first, y));
  });
});

describe('early stopping', () => {
  const { x, y } = surface(200, 5, 4);
  const held = surface(200, 5, 5);

  test('keeps the trees of least error, and reports the error after every tree', () => {
    const errors: number[] = [];
    const ensemble = fitBoosting(x, y, {
      learningRate: 0.3,
      earlyStopping: { ...held, patience: 10 },
      onProgress: (tree, error) => {
        expect(tree).toBe(errors.length);
        errors.push(error!);
      },
    });
    const best = errors.indexOf(Math.min(...errors));
    expect(ensemble.trees).toHaveLength(best + 1);
    expect(errors).toHaveLength(best + 11);
    expect(meanSquaredError(ensemble, held.x, held.y)).toBeCloseTo(errors[best], 12);
  });
});

test('the trees of one column with one value are none: the mean is predicted', () => {
  const x = matrix({ rows: 3, columns: 1, values: [7, 7, 7] });
  const ensemble = fitBoosting(x, [1, 2, 6], { minSamplesLeaf: 1 });
  expect(ensemble).toEqual({ columns: 1, baseline: 3, trees: [] });
});

describe('refuses', () => {
  const x = matrix({ rows: 2, columns: 1, values: [1, 2] });
  const empty = matrix({ rows: 0, columns: 1, values: [] });
  test.each([
    ['no rows', () => fitBoosting(empty, []), 'INSUFFICIENT_DATA', 'x'],
    [
      'infinity',
      () => fitBoosting(matrix({ ...x, values: [1, Infinity] }), [1, 2]),
      'INSUFFICIENT_DATA',
      'x, row 1, column 0',
    ],
    ['NaN', () => fitBoosting(x, [Number.NaN, 1]), 'INSUFFICIENT_DATA', 'y, row 0'],
    ['a target too many', () => fitBoosting(x, [1, 2, 3]), 'INVALID_ARGUMENT', 'y.length'],
    [
      'no weight above 0',
      () => fitBoosting(x, [1, 2], { sampleWeights: [0, 0] }),
      'INSUFFICIENT_DATA',
      'options.sampleWeights',
    ],
    ['256 bins', () => fitBoosting(x, [1, 2], { maxBins: 256 }), 'INVALID_ARGUMENT', 'options.maxBins'],
    [
      'a learning rate of 0',
      () => fitBoosting(x, [1, 2], { learningRate: 0 }),
      'INVALID_ARGUMENT',
      'options.learningRate',
    ],
    ['half a tree', () => fitBoosting(x, [1, 2], { trees: 0.5 }), 'INVALID_ARGUMENT', 'options.trees'],
    ['NaN for l2', () => fitBoosting(x, [1, 2], { l2: Number.NaN }), 'INVALID_ARGUMENT', 'options.l2'],
    [
      'a constraint too many',
      () => fitBoosting(x, [1, 2], { monotone: [1, 0] }),
      'INVALID_ARGUMENT',
      'options.monotone.length',
    ],
    [
      'no rows for early stopping',
      () => fitBoosting(x, [1, 2], { earlyStopping: { x: empty, y: [], patience: 1 } }),
      'INSUFFICIENT_DATA',
      'options.earlyStopping.x',
    ],
    ['a cancelled signal', () => fitBoosting(x, [1, 2], { signal: AbortSignal.abort() }), 'CANCELLED', undefined],
  ])('%s', (_, act, code, where) => {
    expect(act).toThrow(expect.objectContaining({ code, where }));
  });
});

test('stops between trees when cancelled', () => {
  const { x, y } = surface(100, 2, 6);
  const cancel = new AbortController();
  let last = -1;
  const train = () =>
    fitBoosting(x, y, {
      signal: cancel.signal,
      onProgress: (tree) => {
        last = tree;
        if (tree === 3) cancel.abort();
      },
    });
  expect(train).toThrow(expect.objectContaining({ code: 'CANCELLED' }));
  expect(last).toBe(3);
});
