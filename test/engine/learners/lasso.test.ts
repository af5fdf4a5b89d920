/**
 * The Lasso against scikit-learn's minimum (golden/make_golden.py), and what must hold for any data.
 */
import fc from 'fast-check';
import {
  fitLasso,
  fitRelativeLasso,
  lassoPath,
  predictLasso,
  relativeLassoPath,
} from '../../../src/engine/learners/lasso';
import type { NumericRows } from '../../../src/engine/learners/validation';
import golden from './golden/lasso.json';

/** Largest difference, in proportion to the larger golden weights. */
function difference(actual: ArrayLike<number>, expected: readonly number[]): number {
  const scale = Math.max(...expected.map(Math.abs));
  return Math.max(...expected.map((value, j) => Math.abs(actual[j] - value) / Math.max(Math.abs(value), 1e-3 * scale)));
}

/** The objective as the docstring states it. */
function objective(x: NumericRows, y: readonly number[], alpha: number, weights: ArrayLike<number>): number {
  let loss = 0;
  for (let i = 0; i < x.rows; i++) {
    let residual = y[i];
    for (let j = 0; j < x.columns; j++) residual -= x.values[i * x.columns + j] * weights[j];
    loss += residual ** 2 / (2 * x.rows);
  }
  return loss + alpha * Array.from(weights).reduce((sum, weight) => sum + Math.abs(weight), 0);
}

describe('against scikit-learn', () => {
  for (const { x, y, sampleWeights, cases } of golden.problems) {
    test.each(cases)(
      `${x.rows} x ${x.columns}: alpha $alpha, nonNegative $nonNegative, intercept $fitIntercept, weighted $weighted`,
      ({ alpha, nonNegative, fitIntercept, weighted, weights, intercept }) => {
        const chosen = weighted ? sampleWeights : undefined;
        const model = fitLasso(x, y, { alpha, nonNegative, fitIntercept, sampleWeights: chosen });
        expect(model.converged).toBe(true);
        expect(difference(model.weights, weights)).toBeLessThan(1e-6);
        expect(Math.abs(model.intercept - intercept)).toBeLessThan(1e-6 * Math.max(1, Math.abs(intercept)));
        weights.forEach((weight, j) => {
          if (weight === 0) expect(model.weights[j]).toBe(0);
        });
      },
    );
  }

  for (const { x, y, sampleWeights, elasticNets } of golden.problems) {
    test.each(elasticNets)(
      `${x.rows} x ${x.columns}: alpha $alpha and ridge $ridge, nonNegative $nonNegative`,
      (expected) => {
        const { alpha, ridge, nonNegative } = expected;
        const model = fitLasso(x, y, { alpha, ridge, nonNegative, sampleWeights });
        expect(model.converged).toBe(true);
        expect(difference(model.weights, expected.weights)).toBeLessThan(1e-6);
        expect(Math.abs(model.intercept - expected.intercept)).toBeLessThan(1e-6);
      },
    );
  }

  test.each(golden.relative.cases)('relative setting, alpha $alpha: the fit of the reference program', (expected) => {
    const { x, y } = golden.relative;
    const model = fitRelativeLasso(x, y, { alpha: expected.alpha });
    expect(model.converged).toBe(true);
    // In shares of the prediction: a column's weight times its mean.
    const mean = (j: number) => y.reduce((sum, _, i) => sum + x.values[i * x.columns + j], 0) / x.rows;
    const share = (weights: ArrayLike<number>) => Array.from(weights, (weight, j) => weight * mean(j));
    expect(difference(share(model.weights), share(expected.weights))).toBeLessThan(1e-6);
  });

  test('a warm-started path reaches the same minima as single fits', () => {
    const { x, y, cases } = golden.relative;
    const models = relativeLassoPath(
      x,
      y,
      cases.map(({ alpha }) => alpha),
    );
    models.forEach((model, i) => {
      const single = fitRelativeLasso(x, y, { alpha: cases[i].alpha });
      expect(difference(model.weights, Array.from(single.weights))).toBeLessThan(1e-6);
    });
  });
});

describe('for any data', () => {
  const problem = fc
    .record({ rows: fc.integer({ min: 2, max: 12 }), columns: fc.integer({ min: 1, max: 8 }) })
    .chain(({ rows, columns }) => {
      const number = fc.integer({ min: -50, max: 50 });
      const numbers = (length: number) => fc.array(number, { minLength: length, maxLength: length });
      return fc.record({ values: numbers(rows * columns), y: numbers(rows) }).map(({ values, y }) => ({
        x: { rows, columns, values },
        y,
      }));
    });

  /** The smallest alpha at which every weight is zero. */
  function alphaMax(x: NumericRows, y: readonly number[]): number {
    const correlation = Array.from({ length: x.columns }, (_, j) =>
      Math.abs(y.reduce((sum, value, i) => sum + value * x.values[i * x.columns + j], 0)),
    );
    return Math.max(...correlation) / x.rows;
  }

  test('alpha at or above the largest correlation gives zeros, and just below it does not', () => {
    fc.assert(
      fc.property(problem, ({ x, y }) => {
        const limit = alphaMax(x, y);
        const options = { fitIntercept: false };
        expect(Array.from(fitLasso(x, y, { ...options, alpha: limit }).weights)).toEqual(Array(x.columns).fill(0));
        if (limit > 0)
          expect(fitLasso(x, y, { ...options, alpha: 0.98 * limit }).weights.some((w) => w !== 0)).toBe(true);
      }),
    );
  });

  test('weights that must not be negative are not, and no weight can be moved to lower the objective', () => {
    fc.assert(
      fc.property(
        problem,
        fc.boolean(),
        fc.double({ min: 0.01, max: 5, noNaN: true }),
        ({ x, y }, nonNegative, alpha) => {
          const { weights, converged } = fitLasso(x, y, { alpha, nonNegative, fitIntercept: false });
          expect(converged).toBe(true);
          const reached = objective(x, y, alpha, weights);
          for (let j = 0; j < x.columns; j++) {
            if (nonNegative) expect(weights[j]).toBeGreaterThanOrEqual(0);
            for (const step of [-0.1, -1e-3, 1e-3, 0.1]) {
              const moved = weights.slice();
              moved[j] += step;
              if (nonNegative && moved[j] < 0) continue;
              expect(objective(x, y, alpha, moved)).toBeGreaterThanOrEqual(reached * (1 - 1e-9));
            }
          }
        },
      ),
    );
  });

  test('more alpha never gives a larger 1-norm nor a smaller error', () => {
    fc.assert(
      fc.property(problem, ({ x, y }) => {
        const alphas = [4, 2, 1, 0.5, 0.25, 0.125];
        const models = lassoPath(x, y, alphas, { fitIntercept: false });
        const norms = models.map(({ weights }) => weights.reduce((sum, weight) => sum + Math.abs(weight), 0));
        const losses = models.map(({ weights }) => objective(x, y, 0, weights));
        for (let i = 1; i < alphas.length; i++) {
          expect(norms[i]).toBeGreaterThanOrEqual(norms[i - 1] * (1 - 1e-5) - 1e-9);
          expect(losses[i]).toBeLessThanOrEqual(losses[i - 1] * (1 + 1e-7) + 1e-9);
        }
      }),
    );
  });

  test('rescaling a column or the target does not change a relative fit', () => {
    const { x, y } = golden.relative;
    const larger = { ...x, values: x.values.map((value, i) => (i % x.columns === 2 ? 1e10 * value : value)) };
    const first = predictLasso(fitRelativeLasso(x, y, { alpha: 1e-3 }), x);
    const second = predictLasso(
      fitRelativeLasso(
        larger,
        y.map((value) => value / 1000),
        { alpha: 1e-3 },
      ),
      larger,
    );
    first.forEach((value, i) => {
      expect(second[i] * 1000).toBeCloseTo(value, 6 - Math.ceil(Math.log10(value)));
    });
  });
});

describe('alpha 0', () => {
  const x = { rows: 4, columns: 2, values: [1, 0, 1, 1, 1, 2, 1, 3] };

  test('is least squares', () => {
    const { weights, converged } = fitLasso(x, [1, 3, 5, 7], { alpha: 0, fitIntercept: false });
    expect(converged).toBe(true);
    expect(weights[0]).toBeCloseTo(1, 10);
    expect(weights[1]).toBeCloseTo(2, 10);
  });

  test('with non-negative weights is non-negative least squares', () => {
    const { weights } = fitLasso(x, [7, 5, 3, 1], { alpha: 0, fitIntercept: false, nonNegative: true });
    expect(Array.from(weights)).toEqual([4, 0]);
  });

  test('a constant column takes no weight from the intercept', () => {
    const { weights, intercept } = fitLasso({ rows: 3, columns: 2, values: [0.1, 1, 0.1, 2, 0.1, 3] }, [2, 4, 6], {
      alpha: 0,
    });
    expect(weights[0]).toBe(0);
    expect(weights[1]).toBeCloseTo(2, 10);
    expect(intercept).toBeCloseTo(0, 10);
  });
});

describe('refuses', () => {
  const x = { rows: 2, columns: 1, values: [1, 2] };
  test.each([
    ['no rows', () => fitLasso({ rows: 0, columns: 1, values: [] }, [], { alpha: 1 }), 'INSUFFICIENT_DATA', 'x'],
    ['no columns', () => fitLasso({ rows: 2, columns: 0, values: [] }, [1, 2], { alpha: 1 }), 'INSUFFICIENT_DATA', 'x'],
    [
      'NaN',
      () => fitLasso({ ...x, values: [1, Number.NaN] }, [1, 2], { alpha: 1 }),
      'INSUFFICIENT_DATA',
      'x, row 1, column 0',
    ],
    ['infinity', () => fitLasso(x, [1, -Infinity], { alpha: 1 }), 'INSUFFICIENT_DATA', 'y, row 1'],
    ['a missing target', () => fitLasso(x, [1], { alpha: 1 }), 'INVALID_ARGUMENT', 'y.length'],
    [
      'a missing value',
      () => fitLasso({ ...x, values: [1] }, [1, 2], { alpha: 1 }),
      'INVALID_ARGUMENT',
      'x.values.length',
    ],
    ['negative alpha', () => fitLasso(x, [1, 2], { alpha: -1 }), 'INVALID_ARGUMENT', 'alpha'],
    ['rising alphas', () => lassoPath(x, [1, 2], [1, 2]), 'INVALID_ARGUMENT', 'alphas[1]'],
    ['a latency of 0', () => fitRelativeLasso(x, [1, 0], { alpha: 1 }), 'INSUFFICIENT_DATA', 'y, row 1'],
    [
      'a negative sample weight',
      () => fitLasso(x, [1, 2], { alpha: 1, sampleWeights: [1, -1] }),
      'INSUFFICIENT_DATA',
      'options.sampleWeights, row 1',
    ],
    [
      'a cancelled signal',
      () => fitLasso(x, [1, 2], { alpha: 0.1, signal: AbortSignal.abort() }),
      'CANCELLED',
      undefined,
    ],
  ])('%s', (_, act, code, where) => {
    expect(act).toThrow(expect.objectContaining({ code, where }));
  });
});
