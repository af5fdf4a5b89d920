/** Draws of rows and columns for tree ensembles. Every draw is of a seeded generator. */
import type { Random } from '../random';

/** `wanted` of the values, in their order (selection sampling, Knuth 3.4.2 S). */
export function sampleWithout(values: readonly number[], wanted: number, random: Random): number[] {
  let taken = 0;
  return values.filter((_, i) => {
    const take = random.uniform() * (values.length - i) < wanted - taken;
    if (take) taken++;
    return take;
  });
}

/** How many of `count` a share is: at least one. */
export function sizeOfShare(share: number, count: number): number {
  return Math.max(1, Math.round(share * count));
}
