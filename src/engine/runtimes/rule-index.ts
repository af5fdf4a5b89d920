/**
 * Sorts the rules of a list by the type of the op that they begin at: packs have dozens, and nearly all ops have none.
 */

import { groupBy } from '../grouping';

const INDEXES = new WeakMap<object, ReadonlyMap<string, readonly unknown[]>>();

/**
 * The rules by type, each type's in the list's order. A list is sorted once, so it has to be asked for the same way each
 * time.
 *
 * @param typeOf the op type of a rule
 */
export function rulesByType<T>(rules: readonly T[], typeOf: (rule: T) => string): ReadonlyMap<string, readonly T[]> {
  const known = INDEXES.get(rules) as ReadonlyMap<string, readonly T[]> | undefined;
  if (known) return known;
  const groups = groupBy(rules, typeOf);
  INDEXES.set(rules, groups);
  return groups;
}
