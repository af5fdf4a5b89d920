/** Gaussian processes on sums: scikit-learn's posterior mean, and what robust weights, equal points and plain rows come to. */
import { type Bags, singletons } from '../../../src/engine/learners/bags';
import {
  type Covariance,
  fitGaussianProcess,
  type GaussianProcess,
  type Points,
} from '../../../src/engine/learners/gaussian-process';
import type { NumericRows } from '../../../src/engine/learners/validation';
import { createRandom } from '../../../src/engine/random';
import golden from './golden/gaussian-process.json';

/** The posterior mean at points, from the covariance's definition. */
function predict({ support, coefficients }: GaussianProcess, at: Points, { constant, smooth }: Covariance): number[] {
  return Array.from({ length: at.coordinates.rows }, (_, i) => {
    let sum = 0;
    for (let m = 0; m < support.coordinates.rows; m++) {
      const { columns } = at.coordinates;
      let distance2 = 0;
      for (let k = 0; k < columns; k++) {
        distance2 += (at.coordinates.values[i * columns + k] - support.coordinates.values[m * columns + k]) ** 2;
      }
      for (let level = 0; level < constant.length; level++) {
        if (at.labels[level][i] !== support.labels[level][m]) break;
        sum += coefficients[m] * (constant[level] + smooth[level] * Math.exp(-distance2));
      }
    }
    return sum;
  });
}

interface GivenPoints {
  readonly coordinates: { readonly rows: number; readonly columns: number; readonly values: readonly number[] };
  readonly labels: readonly (readonly number[])[];
}

function pointsOf({ coordinates, labels }: GivenPoints): Points {
  const rows: NumericRows = { ...coordinates, values: Float64Array.from(coordinates.values) };
  return { coordinates: rows, labels: labels.map((label) => Int32Array.from(label)) };
}

type Problem = (typeof golden.problems)[number];

function bagsOf({ bag, share, residual, weight }: Problem): Bags {
  return {
    bag: Int32Array.from(bag),
    share: Float64Array.from(share),
    residual: Float64Array.from(residual),
    weight: Float64Array.from(weight),
  };
}

describe.each(golden.problems)('golden: $name', (problem) => {
  const covariance = { constant: problem.constant, smooth: problem.smooth };
  const options = { covariance, noise: problem.noise };
  const queries = pointsOf(problem.queries);

  test("the posterior mean is scikit-learn's, at points near and far, of labels known and new", () => {
    const fitted = fitGaussianProcess(pointsOf(problem), bagsOf(problem), options);
    const predicted = predict(fitted, queries, covariance);
    problem.queries.predictions.forEach((expected, i) => {
      expect(Math.abs(predicted[i] - expected)).toBeLessThan(1e-9);
    });
    // A kind that no bag has is as the prior says.
    expect(predicted[predicted.length - 1]).toBe(0);
  });

  test('equal points are one support point, and sharing a point among equal rows changes nothing', () => {
    const points = pointsOf(problem);
    const distinct = new Set(
      Array.from({ length: points.coordinates.rows }, (_, i) =>
        [
          ...Array.from(points.coordinates.values).slice(i * 3, i * 3 + 3),
          ...points.labels.map((label) => label[i]),
        ].join(),
      ),
    );
    const once = fitGaussianProcess(points, bagsOf(problem), options);
    expect(once.support.coordinates.rows).toBe(distinct.size);
    const twice = <T>(values: Iterable<T>) => [...values].flatMap((value) => [value, value]);
    const rows = problem.bag.length;
    const doubled: Points = {
      coordinates: {
        rows: 2 * rows,
        columns: 3,
        values: Float64Array.from({ length: 6 * rows }, (_, at) => {
          return points.coordinates.values[3 * (Math.floor(at / 3) >> 1) + (at % 3)];
        }),
      },
      labels: points.labels.map((label) => Int32Array.from(twice(label))),
    };
    const bags: Bags = {
      ...bagsOf(problem),
      bag: Int32Array.from(twice(problem.bag)),
      share: Float64Array.from(twice(problem.share), (share) => share / 2),
    };
    const again = fitGaussianProcess(doubled, bags, options);
    expect(again.support).toEqual(once.support);
    again.coefficients.forEach((coefficient, i) => {
      expect(coefficient).toBeCloseTo(once.coefficients[i], 9);
    });
  });
});

/** Points of one kind on a line. */
function line(positions: readonly number[]): Points {
  const values = Float64Array.from(positions);
  return {
    coordinates: { rows: values.length, columns: 1, values },
    labels: [new Int32Array(values.length)],
  };
}

describe('rows that were measured one by one', () => {
  const covariance = { constant: [0.1], smooth: [1] };
  const positions = Array.from({ length: 30 }, (_, i) => i / 10);
  const truth = positions.map((x) => Math.sin(2 * x));
  const between = positions.slice(0, -1).map((x) => x + 0.05);
  const largest = (fitted: GaussianProcess) =>
    Math.max(
      ...predict(fitted, line(between), covariance).map((value, i) => Math.abs(value - Math.sin(2 * between[i]))),
    );

  test('are interpolated where they are exact', () => {
    const fitted = fitGaussianProcess(line(positions), singletons(truth, undefined), { covariance, noise: 1e-3 });
    expect(largest(fitted)).toBeLessThan(0.01);
  });

  test('that the others contradict hardly count: a tenth of the rows off by 2 moves the mean by less than 0.1', () => {
    const random = createRandom(1);
    const disturbed = truth.map((value) => value + 0.02 * (random.uniform() - 0.5));
    for (const i of [4, 15, 22]) disturbed[i] += 2;
    const fitted = fitGaussianProcess(line(positions), singletons(disturbed, undefined), { covariance, noise: 0.02 });
    expect(largest(fitted)).toBeLessThan(0.1);
  });

  test('of little weight count little', () => {
    const weights = positions.map((x) => (x < 1.5 ? 1 : 1e-3));
    const lifted = truth.map((value, i) => (positions[i] < 1.5 ? value : value + 0.3));
    const at = line([1.45, 2.9]);
    const fit = (given: readonly number[] | undefined) =>
      predict(
        fitGaussianProcess(line(positions), singletons(lifted, given), { covariance, noise: 0.1 }),
        at,
        covariance,
      );
    const [near, far] = fit(weights);
    const [nearAlike, farAlike] = fit(undefined);
    expect(Math.abs(near - Math.sin(2.9))).toBeLessThan(Math.abs(nearAlike - Math.sin(2.9)));
    expect(Math.abs(far)).toBeLessThan(Math.abs(farAlike));
  });
});

describe('refusals', () => {
  const options = { covariance: { constant: [0.1], smooth: [1] }, noise: 0.1 };

  test('labels must be one a point', () => {
    const points = { ...line([1, 2]), labels: [new Int32Array(3)] };
    expect(() => fitGaussianProcess(points, singletons([1, 2], undefined), options)).toThrow(/labels\[0\]\.length/);
  });

  test('a residual that is not a number is refused with its bag', () => {
    expect(() => fitGaussianProcess(line([1, 2]), singletons([1, NaN], undefined), options)).toThrow(
      expect.objectContaining({ code: 'INSUFFICIENT_DATA', where: 'bags.residual, bag 1' }),
    );
  });

  test('a signal raised before', () => {
    const cancelled = { ...options, signal: AbortSignal.abort() };
    expect(() => fitGaussianProcess(line([1, 2]), singletons([1, 2], undefined), cancelled)).toThrow(
      expect.objectContaining({ code: 'CANCELLED' }),
    );
  });
});
