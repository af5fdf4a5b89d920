/** Drift: errors over time, tests that find a shift and a loss of coverage, and that stay silent where there is neither. */
import { assessDrift, createRandom, errorsOverTime, type Observation } from '../../src/engine';
import { betaBinomialLowerTail, binomialUpperTail } from '../../src/engine/binomial';
import type { Random } from '../../src/engine/random';

const DAY_MS = 24 * 3600 * 1000;
/** A Wednesday. */
const START = Date.UTC(2026, 10, 25, 9);
const DEVIATION = 0.06;
/** 90 % of a normal distribution are within so many deviations. */
const REACH = Math.exp(1.6449 * DEVIATION);
const PROMISED = { level: 0.9, medianApe: 67.45 * DEVIATION, trainingNetworks: 60 };

function normal(random: Random): number {
  return Math.sqrt(-2 * Math.log(1 - random.uniform())) * Math.cos(2 * Math.PI * random.uniform());
}

/** A network of 1 ms as predicted, measured `ratio` times as slow. */
function observation(network: string, measuredAt: number, ratio: number): Observation {
  const predictedUs = 1000;
  const interval = { lowerUs: predictedUs / REACH, upperUs: predictedUs * REACH };
  return { network, measuredAt, measuredUs: ratio * predictedUs, predictedUs, ...interval };
}

/** Networks, each with an error of its own that stays, measured once a day with a little noise, `slower` times as slow. */
function production(random: Random, networks: number, days: number, slower: (day: number) => number): Observation[] {
  const own = Array.from({ length: networks }, () => Math.exp(DEVIATION * normal(random)));
  return Array.from({ length: days }, (_, day) =>
    own.map((error, i) =>
      observation(`network-${i}`, START + day * DAY_MS, slower(day) * error * Math.exp(0.01 * normal(random))),
    ),
  ).flat();
}

describe('tails, against values that SciPy computed', () => {
  test.each([
    // binom.sf(k - 1, n, p)
    [8, 10, 0.5, 0.0546875],
    [0, 4, 0.3, 1],
    [2, 5, 0.1, 0.08146],
    [60, 100, 0.5, 0.028443966820490392],
  ])('at least %i of %i at %d', (successes, trials, probability, expected) => {
    expect(binomialUpperTail(successes, trials, probability) / expected).toBeCloseTo(1, 9);
  });

  test.each([
    // betabinom.cdf(k, n, a, b)
    [3, 10, 55, 6, 6.369731489687107e-5],
    [10, 10, 9, 2, 1],
    [0, 1, 9, 1, 0.1],
    [0, 2, 1, 1, 1 / 3],
  ])('at most %i of %i with %d and %d', (successes, trials, alpha, beta, expected) => {
    expect(betaBinomialLowerTail(successes, trials, alpha, beta) / expected).toBeCloseTo(1, 6);
  });
});

describe('errors over time', () => {
  const observations = [
    observation('a', START, 1.05),
    observation('b', START + 3600_000, 1.25),
    observation('a', START + 5 * DAY_MS, 0.8),
  ];

  test('by day', () => {
    const midnight = Date.UTC(2026, 10, 25);
    expect(errorsOverTime(observations, 'DAY')).toEqual([
      {
        startsAt: midnight,
        measurements: 2,
        networks: 2,
        covered: 0.5,
        signedError: expect.closeTo((100 * (1 / 1.05 - 1 + 1 / 1.25 - 1)) / 2, 9),
        mape: expect.closeTo((100 * (1 - 1 / 1.05 + 1 - 1 / 1.25)) / 2, 9),
      },
      { startsAt: midnight + 5 * DAY_MS, measurements: 1, networks: 1, covered: 0, signedError: 25, mape: 25 },
    ]);
  });

  test('by week, from Monday on', () => {
    const starts = errorsOverTime(observations, 'WEEK').map(({ startsAt }) => new Date(startsAt).toISOString());
    expect(starts).toEqual(['2026-11-23T00:00:00.000Z', '2026-11-30T00:00:00.000Z']);
    const edges = [Date.UTC(2026, 10, 30) - 1, Date.UTC(2026, 10, 30)].map((at) => observation('a', at, 1));
    expect(errorsOverTime(edges, 'WEEK')).toHaveLength(2);
  });
});

describe('the tests of drift', () => {
  test('nothing measured, nothing said; few networks, no verdict, however often they are measured', () => {
    expect(assessDrift([], PROMISED)).toBeUndefined();
    const often = production(createRandom(1), 3, 100, () => 3);
    expect(assessDrift(often, PROMISED)).toMatchObject({ verdict: 'INSUFFICIENT_DATA', networks: 3, covered: 0 });
  });

  test('a runtime that has become a fifth slower is found with 12 networks, by all of them being off one way', () => {
    const observations = production(createRandom(2), 12, 30, (day) => (day < 16 ? 1 : 1.2));
    expect(assessDrift(observations, PROMISED)).toMatchObject({
      verdict: 'DRIFTING',
      networks: 12,
      measurements: 12 * 14,
      since: START + 16 * DAY_MS,
      until: START + 29 * DAY_MS,
    });
    const before = observations.filter(({ measuredAt }) => measuredAt < START + 16 * DAY_MS);
    expect(assessDrift(before, PROMISED)?.verdict).toBe('STEADY');
  });

  test('each test has its own way to fail', () => {
    const shifted = (ratio: number) =>
      Array.from({ length: 20 }, (_, i) => observation(`network-${i}`, START, ratio * (1 + 0.001 * i)));
    expect(assessDrift(shifted(1.06), PROMISED)).toMatchObject({ test: 'SLOWER', verdict: 'DRIFTING', covered: 1 });
    expect(assessDrift(shifted(0.92), PROMISED)).toMatchObject({ test: 'FASTER', verdict: 'DRIFTING', covered: 1 });
    const spread = Array.from({ length: 20 }, (_, i) => observation(`network-${i}`, START, i % 2 === 0 ? 0.6 : 1.5));
    expect(assessDrift(spread, PROMISED)).toMatchObject({ test: 'COVERAGE', verdict: 'DRIFTING', covered: 0 });
  });

  test('recovery is seen once a fortnight is mostly good again', () => {
    const observations = production(createRandom(4), 12, 40, (day) => (day < 20 ? 1.3 : 1));
    const at = (day: number) =>
      assessDrift(
        observations.filter(({ measuredAt }) => measuredAt <= START + day * DAY_MS),
        PROMISED,
      )?.verdict;
    expect([at(19), at(30)]).toEqual(['DRIFTING', 'STEADY']);
  });

  test('an honest version is accused in at most 2 of 480 months, each looked at five times', () => {
    const random = createRandom(6);
    let accused = 0;
    // New networks every month: else all would be one look again and again.
    for (let month = 0; month < 480; month++) {
      const observations = production(random, 20, 30, () => 1);
      const verdicts = [14, 18, 22, 26, 30].map(
        (day) => assessDrift(observations.slice(0, 20 * day), PROMISED)?.verdict,
      );
      if (verdicts.includes('DRIFTING')) accused += 1;
    }
    // One in a thousand is promised for each look.
    expect(accused).toBeLessThanOrEqual(2);
  });

  test('a drift beyond the intervals is found with four networks', () => {
    const random = createRandom(8);
    const found = Array.from(
      { length: 50 },
      () =>
        assessDrift(
          production(random, 4, 14, () => 1.6),
          PROMISED,
        )?.verdict,
    );
    expect(found.filter((verdict) => verdict === 'DRIFTING').length).toBeGreaterThan(45);
  });
});
