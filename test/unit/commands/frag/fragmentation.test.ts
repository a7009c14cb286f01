import { describe, expect, test } from 'vitest';
import { UsageError } from '../../../../src/base/errors.ts';
import {
  buildFragmentation,
  type FragBy,
  type Fragmentation,
} from '../../../../src/commands/frag/fragmentation.ts';
import { TaskTally } from '../../../../src/pairing/task-tally.ts';
import {
  kernelFacts,
  knownCache,
  ORIGIN,
  type ResolveOptions,
  resolve,
} from '../../../helpers/tracked.ts';

const FRAG_BY: readonly FragBy[] = ['cache', 'site', 'size', 'task', 'stack', 'directory'];

function fragOf(
  lines: string,
  by: FragBy,
  options: ResolveOptions & { at?: 'end' | 'peak' } = {},
): Fragmentation {
  const tallies: TaskTally[] = [];
  const { run } = resolve(lines, {
    ...options,
    extra: (dictionary) => {
      if (by === 'task') tallies.push(new TaskTally(dictionary));
      return tallies;
    },
  });
  return buildFragmentation(run, by, options.at ?? 'end', ORIGIN, { tasks: tallies[0] });
}

/** Two caches, two tasks; at the end half of it is freed. */
const LINES = `
  @1000000000 bash-7 alloc kmalloc-64 A 40 by=open+0x1 stack=open+0x1;main+0x2
  @2000000000 bash-7 alloc kmalloc-64 B 60 by=open+0x1 stack=open+0x1;main+0x2
  @3000000000 udevd-9 alloc mm_struct C 1104/1152 by=fork+0x1 name=mm_struct
  @4000000000 udevd-9 alloc kmalloc-1k D 1000 by=read+0x1
  @5000000000 udevd-9 free A
  @6000000000 udevd-9 free D`;

describe('rows by cache', () => {
  test('tell where the bytes of live objects go, the most wasteful first', () => {
    const { rows } = fragOf(LINES, 'cache');
    expect(
      rows.map((r) => [r.cache, r.objects, r.requested, r.allocated, r.rounding, r.padding]),
    ).toEqual([
      ['mm_struct', 1, 1104, 1152, 0, 48],
      ['kmalloc-64', 1, 60, 64, 4, 0],
      ['kmalloc-1k', 0, 0, 0, 0, 0],
    ]);
  });

  test('tell it for the peak', () => {
    const { rows } = fragOf(LINES, 'cache', { at: 'peak' });
    expect(
      rows.map((r) => [r.cache, r.objects, r.requested, r.allocated, r.rounding, r.padding]),
    ).toEqual([
      ['mm_struct', 1, 1104, 1152, 0, 48],
      ['kmalloc-64', 2, 100, 128, 28, 0],
      ['kmalloc-1k', 1, 1000, 1024, 24, 0],
    ]);
  });

  test('split off metadata under slub_debug, at the end as at the peak', () => {
    const facts = kernelFacts({ slubDebug: true });
    const lines = 'alloc kmalloc A 60/256\nalloc mm_struct B 1104/1344 name=mm_struct';
    for (const at of ['end', 'peak'] as const) {
      const { rows } = fragOf(lines, 'cache', { facts, at });
      expect(rows.map((r) => [r.cache, r.rounding, r.padding, r.metadata])).toEqual([
        ['mm_struct', 0, 0, 240],
        ['kmalloc-64', 4, 0, 192],
      ]);
    }
  });

  test('have the tail of the recorded slabs', () => {
    const caches = [knownCache('mm_struct', 1152, { order: 3, slabs: 5 })];
    const { rows, totals } = fragOf(LINES, 'cache', { facts: kernelFacts({ caches }) });
    // 28 objects of 1152 bytes leave 512 of 32768.
    expect(rows.map((r) => [r.cache, r.slabTail])).toEqual([
      ['mm_struct', 5 * 512],
      ['kmalloc-64', null],
      ['kmalloc-1k', null],
    ]);
    expect(totals.slabTail).toBe(2560);
  });

  test('have the waste of rounding over time', () => {
    const { rows } = fragOf(LINES, 'cache');
    const small = rows.find((r) => r.cache === 'kmalloc-64');
    // 24 bytes for 4 s, 4 bytes from 2 s to the end at 6 s.
    expect(small?.roundingByteSeconds).toBe(24 * 4 + 4 * 4);
    const info = { clockUnit: 'tick' } as const;
    expect(fragOf(LINES, 'cache', { info }).rows[0]?.roundingByteSeconds).toBeNull();
  });
});

test('rows by site tell sites and sizes apart', () => {
  const { rows } = fragOf(LINES, 'site');
  expect(rows.map((r) => [r.symbol, r.bytesReqEach, r.cache, r.allocs, r.objects])).toEqual([
    ['fork+0x1', 1104, 'mm_struct', 1, 1],
    ['open+0x1', 60, 'kmalloc-64', 1, 1],
    ['read+0x1', 1000, 'kmalloc-1k', 1, 0],
    ['open+0x1', 40, 'kmalloc-64', 1, 0],
  ]);
  expect(rows[0]?.slabTail).toBeNull();
});

test('rows by size join all sites', () => {
  const lines =
    'alloc kmalloc-64 A 40 by=a+0x1\nalloc kmalloc-64 B 40 by=b+0x1\nalloc kmalloc-64 C 41';
  expect(fragOf(lines, 'size').rows.map((r) => [r.bytesReqEach, r.objects, r.rounding])).toEqual([
    [40, 2, 48],
    [41, 1, 23],
  ]);
});

describe('rows by stack', () => {
  test('name the frames, innermost first; no stack is one as well', () => {
    const { rows } = fragOf(LINES, 'stack');
    expect(rows.map((r) => [r.stack, r.objects])).toEqual([
      [[], 1],
      [['open+0x1', 'main+0x2'], 1],
    ]);
  });

  test('are not known for the peak', () => {
    expect(() => fragOf(LINES, 'stack', { at: 'peak' })).toThrow(UsageError);
  });
});

describe('rows by task', () => {
  test('have what a task allocated and what of it is live', () => {
    const { rows } = fragOf(LINES, 'task');
    expect(rows.map((r) => [r.comm, r.pid, r.allocs, r.objects, r.allocated, r.padding])).toEqual([
      ['udevd', 9, 2, 1, 1152, 48],
      ['bash', 7, 2, 1, 64, 0],
    ]);
  });

  test('have what was live of it at the peak', () => {
    const { rows } = fragOf(LINES, 'task', { at: 'peak' });
    expect(rows.map((r) => [r.comm, r.objects, r.requested, r.rounding, r.padding])).toEqual([
      ['udevd', 2, 2104, 24, 48],
      ['bash', 2, 100, 28, 0],
    ]);
  });

  test('keep tasks of which nothing is live', () => {
    const { rows } = fragOf('bash-7 alloc kmalloc-64 A\nfree A', 'task');
    expect(rows.map((r) => [r.comm, r.allocs, r.objects, r.allocated])).toEqual([
      ['bash', 1, 0, 0],
    ]);
  });
});

describe('totals', () => {
  test('are the same whatever the rows are', () => {
    const totals = FRAG_BY.map((by) => fragOf(LINES, by).totals);
    for (const total of totals) {
      expect({ ...total, slabTail: 0 }).toEqual({
        requested: 1164,
        allocated: 1216,
        rounding: 4,
        padding: 48,
        metadata: 0,
        slabTail: 0,
      });
    }
  });

  test('are so for the peak', () => {
    for (const by of FRAG_BY.filter((b) => b !== 'stack')) {
      expect(fragOf(LINES, by, { at: 'peak' }).totals).toMatchObject({
        requested: 2204,
        allocated: 2304,
        rounding: 52,
        padding: 48,
      });
    }
  });

  test('are so with --cache', () => {
    for (const at of ['end', 'peak'] as const) {
      for (const by of FRAG_BY.filter((b) => b !== 'stack' || at === 'end')) {
        const { totals, rows } = fragOf(LINES, by, { at, caches: ['kmalloc-64'] });
        expect(totals).toMatchObject(
          at === 'end'
            ? { requested: 60, allocated: 64, rounding: 4, padding: 0 }
            : { requested: 100, allocated: 128, rounding: 28, padding: 0 },
        );
        expect(rows.reduce((n, row) => n + row.allocs, 0)).toBe(by === 'stack' ? 0 : 2);
      }
    }
  });

  test('are so where a site has objects of several caches', () => {
    const split = `
      alloc x A 192 by=mempool+0x1
      alloc x A+192 192 by=mempool+0x1
      alloc x B 192 by=mempool+0x1
      alloc x B+192 192 by=mempool+0x1
      alloc x B+384 192 by=mempool+0x1
      free bio-64 A
      free bio-128 B
      free bio-128 B+192`;
    for (const by of FRAG_BY) expect(fragOf(split, by).totals.allocated).toBe(384);
    for (const by of FRAG_BY) {
      expect(fragOf(split, by, { caches: ['bio-64'] }).totals.allocated).toBe(192);
    }
  });
});

test('a run without events has no rows', () => {
  for (const by of FRAG_BY) expect(fragOf('', by).rows).toEqual([]);
});

test('uncertain objects are told', () => {
  const lines =
    'alloc kmalloc-64 A by=r+0x1\nalloc kmalloc-64 A by=o+0x1\nalloc kmalloc-64 B by=r+0x1';
  expect(fragOf(lines, 'cache').rows[0]).toMatchObject({ objects: 2, uncertain: 1 });
  expect(fragOf(lines, 'cache', { at: 'peak' }).rows[0]).toMatchObject({ uncertain: 0 });
});

test('advice comes with the rows', () => {
  expect(fragOf('alloc kmalloc A 140/192 by=f+0x1', 'cache').advice).toEqual([
    expect.objectContaining({ symbol: 'f+0x1', shrinkTo: 128 }),
  ]);
});
