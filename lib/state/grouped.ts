/** Lists as they are asked for: by a key, and looked through once. */

/** Values by their keys, those of one key in their order. */
export function grouped<K, T>(pairs: Iterable<readonly [key: K, value: T]>): ReadonlyMap<K, readonly T[]> {
  const found = new Map<K, T[]>();
  for (const [key, value] of pairs) {
    const same = found.get(key);
    if (same === undefined) found.set(key, [value]);
    else same.push(value);
  }
  return found;
}

/** What a function makes of a list, made once for each list; what else it takes is the same for one list. */
export function remembered<L extends object, R extends readonly unknown[], V>(
  make: (list: L, ...rest: R) => V,
): (list: L, ...rest: R) => V {
  const known = new WeakMap<L, { readonly value: V }>();
  return (list, ...rest) => {
    let found = known.get(list);
    if (found === undefined) {
      found = { value: make(list, ...rest) };
      known.set(list, found);
    }
    return found.value;
  };
}
