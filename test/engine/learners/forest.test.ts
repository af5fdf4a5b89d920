/** Random forests against scikit-learn's on the same rows (golden/make_golden.py), and what must hold for any data. */
import { type ForestOptions, fitForest } from '../../../src/engine/learners/forest';
import { predictEnsemble, type TreeEnsemble } from '../../../src/engine/learners/tree';
import type { Matrix } from '../../../src/engine/matrix';
import { createRandom } from '../../../src/engine/random';
import golden from './golden/forest.json';

function matrix({ rows, columns, values }: { rows: number; columns: number; values: readonly number[] }): Matrix {
  return { rows, columns, values: Float32Array.from(values) };
}

function meanSquaredError(ensemble: TreeEnsemble, x: Matrix, y: ArrayLike<number>): number {
  return predictEnsemble(ensemble, x).reduce((sum, value, i) => sum + (value - y[i]) ** 2, 0) / x.rows;
}

function leaves({ trees }: TreeEnsemble): number[] {
  return trees.map(({ feature }) => feature.filter((column) => column < 0).length);
}

/** A step in the first column and noise. */
function steps(rows: number, columns: number, seed: number): { x: Matrix; y: Float64Array } {
  const random = createRandom(seed);
  const values = Float32Array.from({ length: rows * columns }, () => random.uniform());
  const y = Float64Array.from({ length: rows }, (_, i) => Math.floor(4 * values[i * columns]) + random.uniform());
  return { x: { rows, columns, values }, y };
}

describe('against scikit-learn', () => {
  for (const { name, train, y, test: held, truth, cases } of golden.problems) {
    test.each(cases)(`${name}: an error on held-out rows at most 2 % above, options $options`, (expected) => {
      const errors = [0, 1].map((seed) =>
        meanSquaredError(fitForest(matrix(train), y, { ...expected.options, seed }), matrix(held), truth),
      );
      const mean = errors.reduce((sum, error) => sum + error, 0) / errors.length;
      expect(mean).toBeLessThan(1.02 * expected.meanSquaredError);
    });
  }

  test.each(golden.tree.cases)('the same single tree: $options, weighted $weighted', ({ options, weighted, train }) => {
    const sampleWeights = weighted ? golden.tree.sampleWeights : undefined;
    const x = matrix(golden.tree.train);
    const ensemble = fitForest(x, golden.tree.y, { ...options, trees: 1, bootstrap: false, sampleWeights });
    const predictions = predictEnsemble(ensemble, x);
    expect(Math.max(...train.map((value, i) => Math.abs(value - predictions[i])))).toBeLessThan(1e-5);
  });
});

describe('for any data', () => {
  const { x, y } = steps(300, 4, 1);

  test('without bootstrap and limits, rows that differ are predicted exactly', () => {
    const predictions = predictEnsemble(fitForest(x, y, { trees: 3, bootstrap: false }), x);
    predictions.forEach((value, i) => {
      expect(value).toBeCloseTo(y[i], 5);
    });
  });

  test('predictions stay within the range of the targets', () => {
    const points = { ...x, values: x.values.map((value) => 40 * value - 20) };
    for (const value of predictEnsemble(fitForest(x, y, { trees: 20 }), points)) {
      expect(value).toBeGreaterThanOrEqual(Math.min(...y) - 1e-5);
      expect(value).toBeLessThanOrEqual(Math.max(...y) + 1e-5);
    }
  });

  test('leaves whose rows share a target are not split', () => {
    const grid = { ...x, values: x.values.map((value) => Math.floor(64 * value) / 64) };
    const stepped = y.map((_, i) => 0.1 * Math.floor(4 * grid.values[4 * i]));
    expect(leaves(fitForest(grid, stepped, { trees: 10 }))).toEqual(new Array(10).fill(4));
  });

  test('limits hold', () => {
    expect(Math.max(...leaves(fitForest(x, y, { trees: 5, maxLeaves: 7 })))).toBe(7);
    expect(Math.max(...leaves(fitForest(x, y, { trees: 5, maxDepth: 3 })))).toBe(8);
    expect(Math.max(...leaves(fitForest(x, y, { trees: 5, minSamplesLeaf: 40 })))).toBeLessThanOrEqual(7);
  });

  test('rows of one group are drawn together', () => {
    // Groups 0 and 1 alone: a bootstrap holds one or both, so a tree predicts one of three constants.
    const groups = Int32Array.from({ length: 300 }, (_, i) => 70 + (i % 2));
    const targets = groups.map((group) => group - 70);
    const constant = { rows: 300, columns: 1, values: new Float32Array(300) };
    const { baseline, trees } = fitForest(constant, targets, { trees: 60, groups });
    const values = trees.map(({ value }) => Math.round(1000 * (baseline + 60 * value[0])) / 1000);
    expect(new Set(values)).toEqual(new Set([0, 0.5, 1]));
  });

  test('a sample weight of 0 takes a row out, even where hardly any is left', () => {
    const sampleWeights = y.map((_, i) => (i === 17 ? 2 : 0));
    for (const value of predictEnsemble(fitForest(x, y, { trees: 30, sampleWeights }), x)) {
      expect(value).toBeCloseTo(y[17], 6);
    }
  });

  test('a monotone constraint holds between any two points', () => {
    const ensemble = fitForest(x, y, { trees: 30, columnSubsample: 0.5, monotone: [0, 1, -1, 0] });
    const random = createRandom(3);
    for (let p = 0; p < 30; p++) {
      const point = [random.uniform(), 0, 0, random.uniform()];
      const line = Array.from({ length: 40 }, (_, k) => [point[0], k / 40, 1 - k / 40, point[3]]);
      const values = predictEnsemble(ensemble, matrix({ rows: 40, columns: 4, values: line.flat() }));
      for (let k = 1; k < 40; k++) expect(values[k]).toBeGreaterThanOrEqual(values[k - 1] - 1e-6);
    }
  });

  test('the same seed gives the same bytes, another seed other trees', () => {
    const options: ForestOptions = { trees: 10, columnSubsample: 0.5, minSamplesLeaf: 3 };
    expect(fitForest(x, y, { ...options, seed: 4 })).toEqual(fitForest(x, y, { ...options, seed: 4 }));
    expect(fitForest(x, y, { ...options, seed: 5 })).not.toEqual(fitForest(x, y, { ...options, seed: 4 }));
  });

  test('stops between trees when cancelled', () => {
    const cancel = new AbortController();
    const seen: number[] = [];
    const onProgress = (tree: number) => {
      seen.push(tree);
      if (tree === 3) cancel.abort();
    };
    const train = () => fitForest(x, y, { signal: cancel.signal, onProgress });
    expect(train).toThrow(expect.objectContaining({ code: 'CANCELLED' }));
    expect(seen).toEqual([0, 1, 2, 3]);
  });
});

describe('refuses', () => {
  const { x, y } = steps(4, 2, 2);
  const empty = matrix({ rows: 0, columns: 2, values: [] });
  test.each([
    ['no rows', () => fitForest(empty, []), 'INSUFFICIENT_DATA', 'x'],
    [
      'no columns to split on',
      () => fitForest(x, y, { columnSubsample: 0 }),
      'INVALID_ARGUMENT',
      'options.columnSubsample',
    ],
    ['half a tree', () => fitForest(x, y, { trees: 0.5 }), 'INVALID_ARGUMENT', 'options.trees'],
    ['a depth of 0', () => fitForest(x, y, { maxDepth: 0 }), 'INVALID_ARGUMENT', 'options.maxDepth'],
    ['one leaf', () => fitForest(x, y, { maxLeaves: 1 }), 'INVALID_ARGUMENT', 'options.maxLeaves'],
    [
      'a group too few',
      () => fitForest(x, y, { groups: new Int32Array(3) }),
      'INVALID_ARGUMENT',
      'options.groups.length',
    ],
    [
      'a weight below 0',
      () => fitForest(x, y, { sampleWeights: [1, -1, 1, 1] }),
      'INSUFFICIENT_DATA',
      'options.sampleWeights, row 1',
    ],
  ])('%s', (_, act, code, where) => {
    expect(act).toThrow(expect.objectContaining({ code, where }));
  });
});
