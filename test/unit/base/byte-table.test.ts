import { expect, test } from 'vitest';
import { ByteTable } from '../../../src/base/byte-table.ts';

function put(table: ByteTable, text: string): number {
  const bytes = Buffer.from(`--${text}--`, 'latin1');
  return table.intern(bytes, 2, bytes.length - 2);
}

test('equal bytes have one index, others another', () => {
  const table = new ByteTable();
  expect(put(table, '')).toBe(0);
  const texts = ['a', 'b', 'ab', 'abc', 'abcd', 'abcde', 'abcdefg', 'abcdefgh', 'abcdefghi'];
  const indexes = texts.map((text) => put(table, text));
  expect(new Set(indexes).size).toBe(texts.length);
  expect(texts.map((text) => put(table, text))).toEqual(indexes);
  expect(indexes.map((i) => Buffer.from(table.get(i)).toString())).toEqual(texts);
  expect(indexes.map((i) => table.lengthOf(i))).toEqual(texts.map((t) => t.length));
});

test('many texts that differ in one byte, at every place, are told apart', () => {
  const table = new ByteTable();
  const indexes = new Set<number>();
  for (let at = 0; at < 40; at++) {
    for (let byte = 0; byte < 256; byte++) {
      const bytes = Buffer.alloc(40, 0x20);
      bytes[at] = byte;
      indexes.add(table.intern(bytes, 0, 40));
    }
  }
  expect(indexes.size).toBe(40 * 255 + 1); // 0x20 gives the same text at every place
});

test('zero bytes and the sign of a floating-point zero are told apart', () => {
  const table = new ByteTable();
  const zero = Buffer.alloc(8);
  const minusZero = Buffer.from([0, 0, 0, 0, 0, 0, 0, 0x80]);
  const nan = Buffer.from([1, 2, 3, 4, 5, 6, 0xf8, 0x7f]);
  const indexes = [zero, minusZero, nan].map((bytes) => table.intern(bytes, 0, 8));
  expect(new Set(indexes).size).toBe(3);
  expect([zero, minusZero, nan].map((bytes) => table.intern(bytes, 0, 8))).toEqual(indexes);
});

test('find adds nothing', () => {
  const table = new ByteTable();
  const bytes = Buffer.from('kmalloc');
  expect(table.find(bytes, 0, 7)).toBe(-1);
  expect(table.length).toBe(1);
  const index = table.intern(bytes, 0, 7);
  expect(table.find(Buffer.from('xkmalloc'), 1, 8)).toBe(index);
  expect(table.find(bytes, 3, 3)).toBe(0);
});

test('startsAt looks no further than the source goes', () => {
  const table = new ByteTable();
  const index = put(table, 'kmalloc');
  expect(table.startsAt(index, Buffer.from('a kmalloc b'), 2)).toBe(true);
  expect(table.startsAt(index, Buffer.from('a kmallox b'), 2)).toBe(false);
  expect(table.startsAt(index, Buffer.from('a kmallo'), 2)).toBe(false);
  expect(table.startsAt(0, Buffer.from(''), 0)).toBe(true);
});
