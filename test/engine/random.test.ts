/** The seeded generator: repeatable, seeds apart, and flat. */
import { createRandom } from '../../src/engine/random';

function draws(seed: number, count: number): number[] {
  const random = createRandom(seed);
  return Array.from({ length: count }, () => random.uint32());
}

test('the same seed gives the same numbers, another seed others', () => {
  expect(draws(1, 100)).toEqual(draws(1, 100));
  // The last two seeds differ from 1 only above the 32 lower bits.
  const starts = [0, 1, 2, -1, 1 + 2 ** 32, 1 + 2 ** 40].map((seed) => draws(seed, 2).join());
  expect(new Set(starts).size).toBe(starts.length);
});

test('uniform numbers fill 0 to 1 evenly', () => {
  const random = createRandom(7);
  const tenths = new Array(10).fill(0);
  for (let i = 0; i < 100_000; i++) tenths[Math.floor(10 * random.uniform())]++;
  // Five standard deviations of a binomial count.
  for (const count of tenths) expect(Math.abs(count - 10_000)).toBeLessThan(5 * Math.sqrt(9000));
});

test('below reaches every number under its limit and no other', () => {
  const random = createRandom(3);
  const seen = new Set(Array.from({ length: 1000 }, () => random.below(6)));
  expect([...seen].sort()).toEqual([0, 1, 2, 3, 4, 5]);
});

test('a seed that is not a whole number is refused', () => {
  expect(() => createRandom(0.5)).toThrow('seed is 0.5; expected a whole number.');
});
