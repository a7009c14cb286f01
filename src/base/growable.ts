// Typed arrays that grow by doubling: the columns of everything whose number is not known before.

interface TypedArray {
  readonly length: number;
  readonly [i: number]: number;
  set(source: ArrayLike<number>): void;
}

/** `array` if it has room for `length` elements, else a copy of at least twice its size. */
export function ensureLength<T extends TypedArray>(array: T, length: number): T {
  if (length <= array.length) return array;
  // Cast: lib.d.ts gives `constructor` no type; that of a typed array takes its length.
  const Constructor = array.constructor as new (length: number) => T;
  const grown = new Constructor(Math.max(length, array.length * 2, 16));
  grown.set(array);
  return grown;
}
