import { describe, expect, test } from 'vitest';
import { RateBins } from '../../../src/pairing/rate-bins.ts';
import { type TrackOptions, track } from '../../helpers/tracked.ts';

/** Rows as `[interval, site, allocs, frees]`. */
function binsOf(
  lines: string,
  interval: number,
  options: TrackOptions = {},
): [number, string, number, number][] {
  const made: RateBins[] = [];
  const { trace } = track(lines, {
    ...options,
    extra: ({ calls }) => {
      made.push(new RateBins(calls, interval));
      return made;
    },
  });
  const bins = made[0] as RateBins;
  bins.flush();
  const { calls, sites, strings } = trace.dictionary;
  return Array.from({ length: bins.length }, (_, i) => [
    bins.bin[i] ?? Number.NaN,
    strings.get(sites.text(calls.site(bins.call[i] ?? 0))),
    bins.allocs[i] ?? Number.NaN,
    bins.frees[i] ?? Number.NaN,
  ]);
}

test('allocations and frees are counted by interval, frees for the call that allocated', () => {
  const bins = binsOf(
    `
    @100 alloc kmalloc-64 A by=open+0x1
    @999 alloc kmalloc-64 B by=open+0x1
    @1000 alloc kmalloc-64 C by=dup+0x1
    @1500 free A by=close+0x1
    @5000 free B by=close+0x1
  `,
    1000,
  );
  expect(bins).toEqual([
    [0, 'open+0x1', 2, 0],
    [1, 'dup+0x1', 1, 0],
    [1, 'open+0x1', 0, 1],
    [5, 'open+0x1', 0, 1],
  ]);
});

test('times before the origin have intervals of their own', () => {
  const bins = binsOf('@-1 alloc kmalloc-64 A by=open+0x1\n@0 alloc kmalloc-64 B by=open+0x1', 10);
  expect(bins).toEqual([
    [-1, 'open+0x1', 1, 0],
    [0, 'open+0x1', 1, 0],
  ]);
});

test('an event out of order opens its interval again; sums stay right', () => {
  const bins = binsOf(
    '@5 alloc kmalloc-64 A by=f+0x1\n@15 alloc kmalloc-64 B by=f+0x1\n@6 alloc kmalloc-64 C by=f+0x1',
    10,
  );
  expect(bins).toEqual([
    [0, 'f+0x1', 1, 0],
    [1, 'f+0x1', 1, 0],
    [0, 'f+0x1', 1, 0],
  ]);
});

describe('what is no allocation or free of a known object', () => {
  test('is not counted', () => {
    const bins = binsOf(
      `
      @1 alloc kmalloc-64 A by=f+0x1
      @1 alloc kmalloc-64 A by=f+0x1
      @2 alloc kmalloc-64 NULL by=f+0x1
      @3 free NULL
      @4 free X
      @5 lost 7
    `,
      10,
    );
    expect(bins).toEqual([[0, 'f+0x1', 1, 0]]);
  });

  test('is not the second event of a large kmalloc, which only gives it its true caller', () => {
    const bins = binsOf(
      `
      @1 alloc kmalloc A 9000/16384 by=__kmalloc_noprof+0x3e
      @2 alloc kmalloc A 9000/16384 by=load_module+0x10
    `,
      10,
    );
    expect(bins).toEqual([
      [0, '__kmalloc_noprof+0x3e', 0, 0],
      [0, 'load_module+0x10', 1, 0],
    ]);
  });
});

test('an object that was freed unseen has no free; one freed late has', () => {
  const lines = `
    @1 cpu0 alloc dentry A 192 by=old+0x1
    @2 cpu1 alloc dentry A 192 by=new+0x1`;
  expect(binsOf(lines, 10)).toEqual([
    [0, 'old+0x1', 1, 0],
    [0, 'new+0x1', 1, 0],
  ]);
  expect(binsOf(`${lines}\n@3 cpu0 free ? A`, 10)).toEqual([
    [0, 'old+0x1', 1, 1],
    [0, 'new+0x1', 1, 0],
  ]);
});

test('filters select allocations and their frees', () => {
  const lines = `
    @1 bash-7 alloc kmalloc-64 A by=mine+0x1
    @2 udevd-9 alloc kmalloc-64 B by=theirs+0x1
    @3 udevd-9 free A
    @4 bash-7 free B`;
  expect(binsOf(lines, 10, { filter: { pids: [7] } })).toEqual([[0, 'mine+0x1', 1, 1]]);
});
