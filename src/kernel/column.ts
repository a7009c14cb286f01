// Columns: typed arrays whose index means something. Read by an index of its own kind a column gives a
// value, without `undefined`; read by a plain number it is the array that it is (`column[i]!`). All of
// this is types: a column is its array, at no cost.
//
// A list (`List`) is the same of an array of objects.
//
// TypeScript adds `undefined` to every read through an index signature, and to none through a known
// property. So the kinds of indices (indices.ts) are enums that exist as types only, and a
// column has their members as properties. Any number may become an index, so loops and sums stay as
// they are; one kind of index is no other kind, and does not read the columns of another.

type Numbers =
  | Float32Array
  | Float64Array
  | Int8Array
  | Int16Array
  | Int32Array
  | Uint8Array
  | Uint16Array
  | Uint32Array;

/**
 * @typeParam I the kind of index that reads it
 * @typeParam A the array that it is
 * @typeParam V the kind of index that its values are; plain numbers where it is not said
 */
export type Column<
  I extends number,
  A extends Numbers = Uint32Array,
  V extends number = number,
> = A & { [K in I]: V };

type ArrayOf<C> = C extends Float32Array
  ? Float32Array
  : C extends Float64Array
    ? Float64Array
    : C extends Int8Array
      ? Int8Array
      : C extends Int16Array
        ? Int16Array
        : C extends Int32Array
          ? Int32Array
          : C extends Uint8Array
            ? Uint8Array
            : C extends Uint16Array
              ? Uint16Array
              : Uint32Array;

/** A typed array as the column that is expected. */
export function column<C extends Numbers>(array: ArrayOf<C>): C {
  // Cast: a column is its array; what is added are types.
  return array as Numbers as C;
}

/**
 * @typeParam I the kind of index that reads it
 * @typeParam T what its items are
 */
export type List<I extends number, T> = T[] & { [K in I]: T };

/** An array as a list that is read by an index of a kind. */
export function list<I extends number, T>(items: T[]): List<I, T> {
  // Cast: a list is its array; what is added are types.
  return items as List<I, T>;
}
