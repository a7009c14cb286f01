import { describe, expect, test } from 'vitest';
import { objectBytes } from '../../../src/run/object-size.ts';
import { TestTrace } from '../../helpers/builders.ts';
import { kernelFacts } from '../../helpers/tracked.ts';

/** Where the bytes of the one object of a line go. */
function bytesOf(line: string, slubDebug = false): Record<string, number> {
  const trace = new TestTrace(line);
  trace.batches().next();
  return { ...objectBytes(trace.dictionary, kernelFacts({ slubDebug }), 1) };
}

describe('kmalloc', () => {
  test('is rounded up to its size class', () => {
    expect(bytesOf('alloc kmalloc-192 A 140')).toEqual({
      requested: 140,
      allocated: 192,
      rounding: 52,
      padding: 0,
      metadata: 0,
    });
  });

  test('of a class wastes nothing', () => {
    expect(bytesOf('alloc kmalloc-64 A 64')).toMatchObject({ rounding: 0, metadata: 0 });
  });

  test('above the classes is rounded up to pages', () => {
    expect(bytesOf('alloc kmalloc A 8193/16384')).toMatchObject({ rounding: 8191, metadata: 0 });
    expect(bytesOf('alloc kmalloc A 8193/16384', true)).toMatchObject({
      rounding: 8191,
      metadata: 0,
    });
  });

  test('with slub_debug carries metadata beyond its class', () => {
    // kmalloc(60) under FZPU: the class is 64, the stride 256.
    expect(bytesOf('alloc kmalloc A 60/256', true)).toEqual({
      requested: 60,
      allocated: 256,
      rounding: 4,
      padding: 0,
      metadata: 192,
    });
  });

  test('from a cache that slub_debug leaves alone carries none', () => {
    expect(bytesOf('alloc kmalloc A 60/64', true)).toMatchObject({ rounding: 4, metadata: 0 });
  });
});

describe('a named cache', () => {
  test('tells no request: what alignment adds to its objects is padding', () => {
    expect(bytesOf('alloc mm_struct A 1104/1152')).toEqual({
      requested: 1104,
      allocated: 1152,
      rounding: 0,
      padding: 48,
      metadata: 0,
    });
  });

  test('with slub_debug: metadata', () => {
    expect(bytesOf('alloc mm_struct A 1104/1344', true)).toMatchObject({
      rounding: 0,
      padding: 0,
      metadata: 240,
    });
  });
});

test('sizes that contradict each other waste nothing', () => {
  expect(bytesOf('alloc kmalloc A 100/64')).toMatchObject({ rounding: 0, padding: 0, metadata: 0 });
  expect(bytesOf('alloc dentry A 192/100')).toMatchObject({ rounding: 0, padding: 0, metadata: 0 });
});

test('huge sizes stay numbers', () => {
  const huge = bytesOf('alloc kmalloc A 1/18446744073709549568');
  expect(huge['allocated']).toBe(2 ** 64 - 2048);
  expect(huge['rounding']).toBe(2 ** 64 - 2048 - 1);
});
