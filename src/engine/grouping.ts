/** Values by key: how rows, kernels and rules are gathered wherever the engine takes them together. */

/** The values of each key in their order; keys in order of their first value. */
export function groupBy<K, T>(values: Iterable<T>, keyOf: (value: T) => K): Map<K, T[]> {
  const groups = new Map<K, T[]>();
  for (const value of values) {
    const key = keyOf(value);
    const group = groups.get(key);
    if (group) group.push(value);
    else groups.set(key, [value]);
  }
  return groups;
}

/** Groups in order of their names, by UTF-16 code units: the same on every machine. */
export function sortedByName<T>(groups: ReadonlyMap<string, T>): [name: string, group: T][] {
  return [...groups].sort(([a], [b]) => (a < b ? -1 : 1));
}
