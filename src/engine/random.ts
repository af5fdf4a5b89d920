/**
 * The engine's one source of chance: a seeded generator, so that the same request gives the same bytes everywhere.
 * xoshiro128** (Blackman and Vigna 2018) started by splitmix32; 32-bit integer arithmetic only. Not for secrets.
 */

export interface Random {
  /** A whole number, 0 to 2^32 - 1. */
  uint32(): number;
  /** At least 0, below 1. */
  uniform(): number;
  /** A whole number from 0 to `limit` - 1; `limit` is at most 2^32. */
  below(limit: number): number;
}

/** Puts the values in random order, in place (Fisher and Yates). @returns the same array */
export function shuffle<T>(values: T[], random: Random): T[] {
  for (let i = values.length - 1; i > 0; i--) {
    const j = random.below(i + 1);
    [values[i], values[j]] = [values[j], values[i]];
  }
  return values;
}

/** @param seed a whole number; every one of its 53 bits counts */
export function createRandom(seed: number): Random {
  if (!Number.isSafeInteger(seed)) throw new RangeError(`seed is ${seed}; expected a whole number.`);
  let mixed = seed >>> 0;
  const next = () => {
    mixed = (mixed + 0x9e3779b9) | 0;
    let z = mixed ^ (mixed >>> 16);
    z = Math.imul(z, 0x21f0aaad);
    z = Math.imul(z ^ (z >>> 15), 0x735a2d97);
    return z ^ (z >>> 15);
  };
  let a = next();
  mixed ^= Math.floor(seed / 2 ** 32); // The upper 21 bits: `a` tells the lower ones apart, the rest these.
  let b = next();
  let c = next();
  let d = next();
  const uint32 = () => {
    const scrambled = Math.imul(b, 5);
    const result = Math.imul((scrambled << 7) | (scrambled >>> 25), 9) >>> 0;
    const shifted = b << 9;
    c ^= a;
    d ^= b;
    b ^= c;
    a ^= d;
    c ^= shifted;
    d = (d << 11) | (d >>> 21);
    return result;
  };
  const uniform = () => uint32() / 2 ** 32;
  return { uint32, uniform, below: (limit) => Math.floor(uniform() * limit) };
}
