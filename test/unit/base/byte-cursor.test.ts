import { expect, test } from 'vitest';
import { ByteCursor, memorySource, OutOfBytes } from '../../../src/base/byte-cursor.ts';

const bytes = (hex: string): Buffer => Buffer.from(hex.replaceAll(' ', ''), 'hex');
const cursor = (hex: string, littleEndian = true): ByteCursor =>
  new ByteCursor(memorySource(bytes(hex)), 0, littleEndian);

test('numbers of every size, in both byte orders', () => {
  const hex = '01 0203 04050607 08090a0b0c0d0e0f';
  const little = cursor(hex);
  expect([little.u8(), little.u16(), little.u32(), little.u64()]).toEqual([
    0x01,
    0x0302,
    0x07060504,
    0x0f0e0d0c0b0a0908n,
  ]);
  expect(little.remaining).toBe(0);
  const big = cursor(hex, false);
  expect([big.u8(), big.u16(), big.u32(), big.u64()]).toEqual([
    0x01,
    0x0203,
    0x04050607,
    0x08090a0b0c0d0e0fn,
  ]);
});

test('a number that is not wholly there is OutOfBytes and does not move the cursor', () => {
  const at = cursor('0102 03');
  at.u16();
  expect(() => at.u16()).toThrow(OutOfBytes);
  expect(at.position).toBe(2);
  expect(() => at.u64()).toThrow('8 bytes wanted at 0x2, 1 there');
  expect(at.u8()).toBe(3);
});

test('a length beyond what a number holds exactly counts as beyond the end', () => {
  expect(cursor('ffffffffffff1f00').size64()).toBe(Number.MAX_SAFE_INTEGER);
  expect(() => cursor('0000000000002000').size64()).toThrow(OutOfBytes);
  expect(() => cursor('ffffffffffffffff').size64()).toThrow(OutOfBytes);
});

test('bytes and texts end where the source ends', () => {
  const at = cursor('616200 6364');
  expect(at.cString()).toBe('ab');
  expect(at.position).toBe(3);
  expect(() => at.cString()).toThrow(OutOfBytes);
  expect(at.bytes(2).toString()).toBe('cd');
  expect(() => at.bytes(1)).toThrow(OutOfBytes);
  expect(() => at.bytes(-1)).toThrow(OutOfBytes);
});

test('a text longer than allowed is refused even where its NUL is there', () => {
  expect(() => cursor('61616161 00').cString(3)).toThrow(OutOfBytes);
  expect(cursor('616161 00').cString(4)).toBe('aaa');
});

test('a cursor that stands behind the end has nothing left', () => {
  const at = new ByteCursor(memorySource(bytes('0102')), 10);
  expect(() => at.u8()).toThrow('1 bytes wanted at 0xa, 0 there');
  expect(() => at.cString()).toThrow(OutOfBytes);
});
