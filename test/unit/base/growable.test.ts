import { expect, test } from 'vitest';
import { ensureLength } from '../../../src/base/growable.ts';

test('an array with room is returned as it is', () => {
  const array = Float64Array.of(1, 2, 3);
  expect(ensureLength(array, 3)).toBe(array);
});

test('a larger one keeps the kind and the elements, and is at least twice as long', () => {
  const grown = ensureLength(
    Uint16Array.from({ length: 20 }, (_, i) => i),
    21,
  );
  expect(grown).toBeInstanceOf(Uint16Array);
  expect(grown.length).toBe(40);
  expect([...grown.subarray(0, 22)]).toEqual([...Array(20).keys(), 0, 0]);
  expect(ensureLength(new Int32Array(1), 1000).length).toBe(1000);
  expect(ensureLength(new Int32Array(0), 1).length).toBe(16);
});
