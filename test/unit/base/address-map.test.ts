import { expect, test } from 'vitest';
import { AddressMap } from '../../../src/base/address-map.ts';

test('an address keeps its value until it is deleted', () => {
  const map = new AddressMap();
  expect(map.get(0x1000, 0xffff8880)).toBe(-1);
  expect(map.set(0x1000, 0xffff8880, 7)).toBe(-1);
  expect(map.get(0x1000, 0xffff8880)).toBe(7);
  expect(map.set(0x1000, 0xffff8880, 9)).toBe(7);
  expect(map.size).toBe(1);
  expect(map.delete(0x1000, 0xffff8880)).toBe(9);
  expect(map.delete(0x1000, 0xffff8880)).toBe(-1);
  expect(map.size).toBe(0);
});

test('addresses that differ in one half only are different addresses', () => {
  const map = new AddressMap();
  map.set(0x1000, 1, 10);
  map.set(0x1000, 2, 20);
  map.set(0x2000, 1, 30);
  expect([map.get(0x1000, 1), map.get(0x1000, 2), map.get(0x2000, 1)]).toEqual([10, 20, 30]);
  expect(map.get(0x2000, 2)).toBe(-1);
});

test('address 0 and value 0 are an address and a value like others', () => {
  const map = new AddressMap();
  map.set(0, 0, 0);
  expect(map.get(0, 0)).toBe(0);
  expect(map.size).toBe(1);
});

test('the largest halves and the largest value are kept', () => {
  const map = new AddressMap();
  map.set(0xffffffff, 0xffffffff, 0xfffffffe);
  expect(map.get(0xffffffff, 0xffffffff)).toBe(0xfffffffe);
});

test('halves may be signed: the same bits are the same address', () => {
  const map = new AddressMap();
  map.set(0x80000000 | 0, 0xffff8880 | 0, 0xfffffffe);
  expect(map.get(0x80000000, 0xffff8880)).toBe(0xfffffffe);
  expect(map.set(0x80000000, 0xffff8880, 4)).toBe(0xfffffffe);
  expect(map.delete(0x80000000 | 0, 0xffff8880)).toBe(4);
  expect(map.size).toBe(0);
});

test('it grows beyond its first capacity and forgets nothing', () => {
  const map = new AddressMap(4);
  for (let i = 0; i < 50_000; i++) map.set(i * 8, 0xffff8880, i);
  expect(map.size).toBe(50_000);
  for (let i = 0; i < 50_000; i++) {
    if (map.get(i * 8, 0xffff8880) !== i) expect.fail(`address ${i * 8}`);
  }
});

test('deleting one of a run of neighbours leaves the others findable', () => {
  // The largest map of 16 slots holds 8 addresses: whatever they are, some probe past each other.
  for (let deleted = 0; deleted < 8; deleted++) {
    const map = new AddressMap(8);
    for (let i = 0; i < 8; i++) map.set(i * 64, 5, i);
    expect(map.delete(deleted * 64, 5)).toBe(deleted);
    const left = Array.from({ length: 8 }, (_, i) => map.get(i * 64, 5));
    expect(left).toEqual([0, 1, 2, 3, 4, 5, 6, 7].map((i) => (i === deleted ? -1 : i)));
  }
});
