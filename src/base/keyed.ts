// Objects whose keys are known by their type, which lib.d.ts forgets, and items by key.

/** The keys of an object that has no others than its type names. */
export function keysOf<T extends object>(object: T): (keyof T & string)[] {
  // Cast: Object.keys() gives string[], since an object may have keys beyond its type.
  return Object.keys(object) as (keyof T & string)[];
}

/** An object with a value for each of the keys. */
export function withKeys<K extends string, V>(
  keys: readonly K[],
  value: (key: K) => V,
): Record<K, V> {
  // Cast: Object.fromEntries() forgets the names; these are all of them.
  return Object.fromEntries(keys.map((key) => [key, value(key)])) as Record<K, V>;
}

/** Items by key, keys and items in the order in which they come. (Node 20 has no Map.groupBy().) */
export function groupBy<T, K>(items: readonly T[], keyOf: (item: T) => K): Map<K, T[]> {
  const groups = new Map<K, T[]>();
  for (const item of items) {
    const key = keyOf(item);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [item]);
    else group.push(item);
  }
  return groups;
}
