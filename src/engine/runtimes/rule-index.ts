/**
 * Finds the rules of a list by the type of the op that they begin at: packs have dozens, and nearly all ops have none.
 */

const INDEXES = new WeakMap<object, ReadonlyMap<string, readonly unknown[]>>();

/**
 * The rules of a type, in the list's order. A list is sorted out once, so it has to be asked for the same way each time.
 *
 * @param typeOf the op type of a rule
 */
export function rulesFor<T>(rules: readonly T[], type: string, typeOf: (rule: T) => string): readonly T[] {
  let index = INDEXES.get(rules) as ReadonlyMap<string, readonly T[]> | undefined;
  if (!index) {
    const groups = new Map<string, T[]>();
    for (const rule of rules) groups.set(typeOf(rule), [...(groups.get(typeOf(rule)) ?? []), rule]);
    INDEXES.set(rules, groups);
    index = groups;
  }
  return index.get(type) ?? NO_RULES;
}

const NO_RULES: readonly never[] = [];
