/** Rank correlations against their definitions, pair by pair. */
import { createRandom, kendallTau, spearmanRho } from '../../src/engine';

/** Tau-b by looking at all pairs. */
function tauOfPairs(a: readonly number[], b: readonly number[]): number {
  let [agreement, untiedA, untiedB] = [0, 0, 0];
  for (let i = 1; i < a.length; i++) {
    for (let j = 0; j < i; j++) {
      const [orderA, orderB] = [Math.sign(a[i] - a[j]), Math.sign(b[i] - b[j])];
      agreement += orderA * orderB;
      untiedA += Math.abs(orderA);
      untiedB += Math.abs(orderB);
    }
  }
  return agreement / Math.sqrt(untiedA * untiedB);
}

test.each([1, 2, 3, 4])('Kendall tau-b of draws with many ties is that of all pairs (seed %i)', (seed) => {
  const random = createRandom(seed);
  const a = Array.from({ length: 200 + seed }, () => random.below(20));
  const b = a.map((value) => value + random.below(15));
  expect(kendallTau(a, b)).toBe(tauOfPairs(a, b));
});

test('Spearman rho is 1 minus 6 times the squared differences of ranks over n cubed minus n, without ties', () => {
  const [a, b] = [
    [10, 20, 30, 40, 50],
    [1, 3, 2, 5, 4],
  ];
  expect(spearmanRho(a, b)).toBeCloseTo(1 - (6 * 4) / (125 - 5), 12);
  expect(spearmanRho(a, [...b].reverse())).toBeCloseTo(1 - (6 * 36) / (125 - 5), 12);
});

test('Spearman rho gives ties their mean rank, and nothing where all are equal', () => {
  // Ranks 1, 2.5, 2.5, 4 against 1, 2, 3, 4: covariance 4.5, variances 4.5 and 5.
  expect(spearmanRho([1, 2, 2, 3], [1, 2, 3, 4])).toBeCloseTo(4.5 / Math.sqrt(4.5 * 5), 12);
  expect(spearmanRho([1, 1], [1, 2])).toBeNull();
  expect(spearmanRho([], [])).toBeNull();
  expect(kendallTau([], [])).toBeNull();
});

test('a hundred thousand networks take no quadratic time', () => {
  const random = createRandom(5);
  const a = Array.from({ length: 100_000 }, () => random.uniform());
  expect(kendallTau(a, a)).toBe(1);
  expect(spearmanRho(a, a)).toBeCloseTo(1, 9);
}, 10_000);
