import { expect, test } from 'vitest';
import { hashWords, TupleTable } from '../../../src/base/tuple-table.ts';

const words = (...numbers: number[]): Uint32Array => Uint32Array.from(numbers);

test('equal tuples have one index, the tuple of zeros is index 0', () => {
  const table = new TupleTable(3);
  expect(table.intern(words(0, 0, 0))).toBe(0);
  expect(table.intern(words(1, 2, 3))).toBe(1);
  expect(table.intern(words(1, 2, 4))).toBe(2);
  expect(table.intern(words(1, 2, 3))).toBe(1);
  expect(table.length).toBe(3);
});

test('of a longer array only the width counts', () => {
  const table = new TupleTable(2);
  expect(table.intern(words(5, 6, 7))).toBe(1);
  expect(table.intern(words(5, 6, 8))).toBe(1);
});

test('thousands of tuples stay apart as the table grows', () => {
  const table = new TupleTable(2);
  const indexes = new Set<number>();
  for (let a = 0; a < 100; a++) {
    for (let b = 1; b <= 100; b++) indexes.add(table.intern(words(a * 0x01000000, b * 0x00010000)));
  }
  expect(indexes.size).toBe(10_000);
  expect(table.intern(words(99 * 0x01000000, 100 * 0x00010000))).toBe(10_000);
});

test('another table follows by what came since, and then knows the same tuples', () => {
  const from = new TupleTable(2);
  const to = new TupleTable(2);
  from.intern(words(1, 1));
  to.append(from.since(1));
  from.intern(words(2, 2));
  from.intern(words(3, 3));
  to.append(from.since(2));
  expect(to.length).toBe(4);
  expect(to.intern(words(3, 3))).toBe(3);
  expect(to.intern(words(1, 1))).toBe(1);
  expect(to.intern(words(4, 4))).toBe(4);
});

test('what was handed on does not change with the table', () => {
  const table = new TupleTable(1);
  table.intern(words(7));
  const copy = table.since(1);
  table.words[1] = 9;
  expect([...copy]).toEqual([7]);
});

test('every word moves the hash', () => {
  const base = [1, 2, 3, 4];
  const hashes = new Set([hashWords(words(...base), 0, 4)]);
  for (let i = 0; i < 4; i++) {
    const other = [...base];
    other[i] = 1000;
    hashes.add(hashWords(words(...other), 0, 4));
  }
  expect(hashes.size).toBe(5);
});
