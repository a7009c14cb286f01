import { describe, expect, test } from 'vitest';
import { emptySums, groupCalls, groupLive, totalSums } from '../../../src/run/group-calls.ts';
import { pick, resolve } from '../../helpers/tracked.ts';

const LINES = `
  @1000000000 bash-7 alloc kmalloc-64 A 40 by=open+0x1
  @2000000000 udevd-9 alloc kmalloc-64 B 50 by=open+0x1
  @3000000000 bash-7 alloc dentry C 192 by=lookup+0x1 name=dentry
  @4000000000 free A
  @5000000000 bash-7 alloc kmalloc-64 NULL 40 by=open+0x1
  @6000000000 bash-7 alloc kmalloc-64 D 40 by=open+0x1`;

describe('sums by a key of the call', () => {
  const { run } = resolve(LINES);
  const bySize = groupCalls(run, (call) => {
    const size = run.dictionary.calls.bytesReq(call);
    return { id: String(size), key: size };
  });

  test('are one row for each key, in the order in which calls were met', () => {
    expect(bySize.map((g) => [g.key, g.allocs, g.frees, g.failed, g.live])).toEqual([
      [40, 2, 1, 1, 1],
      [50, 1, 0, 0, 1],
      [192, 1, 0, 0, 1],
    ]);
  });

  test('know the oldest object that is live', () => {
    expect(bySize.map((g) => g.oldestTs)).toEqual([6e9, 2e9, 3e9]);
    expect(emptySums().oldestTs).toBe(Number.POSITIVE_INFINITY);
  });

  test('leave out calls without a key', () => {
    const rows = groupCalls(run, (call) => {
      const kind = run.dictionary.calls.kind(call);
      return kind === 3 ? { id: '', key: 'named' } : undefined;
    });
    expect(rows.map((g) => [g.key, g.allocs])).toEqual([['named', 1]]);
  });

  test('add up to the sums of everything', () => {
    const sum = (key: 'allocs' | 'bytesReq' | 'bytesAlloc' | 'live'): number =>
      bySize.reduce((n, g) => n + g[key], 0);
    expect(pick(totalSums(run), 'allocs', 'bytesReq', 'bytesAlloc', 'live')).toEqual({
      allocs: sum('allocs'),
      bytesReq: sum('bytesReq'),
      bytesAlloc: sum('bytesAlloc'),
      live: sum('live'),
    });
  });
});

describe('sums of live objects by a key of their own', () => {
  const { run } = resolve(LINES);
  const byTask = groupLive(run, (row) => {
    const task = run.live.task(row);
    return { id: String(task), key: run.dictionary.strings.get(run.dictionary.tasks.comm(task)) };
  });

  test('are one row for each key', () => {
    expect(byTask.map((g) => [g.key, pick(g, 'live', 'liveBytesReq', 'liveBytesAlloc')])).toEqual([
      ['udevd', { live: 1, liveBytesReq: 50, liveBytesAlloc: 64 }],
      ['bash', { live: 2, liveBytesReq: 232, liveBytesAlloc: 256 }],
    ]);
  });

  test('know nothing of what was freed', () => {
    expect(byTask.map((g) => pick(g, 'allocs', 'frees', 'bytesAlloc'))).toEqual([
      { allocs: 0, frees: 0, bytesAlloc: 0 },
      { allocs: 0, frees: 0, bytesAlloc: 0 },
    ]);
  });
});

describe('a site with objects of several caches', () => {
  const SPLIT = `
    @1000 alloc x A 192 by=mempool+0x1
    @2000 alloc x A+192 192 by=mempool+0x1
    @3000 alloc x B 192 by=mempool+0x1
    @4000 alloc x B+192 192 by=mempool+0x1
    @5000 alloc x B+384 192 by=mempool+0x1
    @6000 free bio-64 A
    @7000 free bio-128 B
    @8000 free bio-128 B+192`;
  const byCache = (caches: string[] = []): [string | null, number, number, number, number][] => {
    const { run } = resolve(SPLIT, { caches });
    return groupCalls(run, (_, cache) => ({ id: cache ?? '', key: cache })).map((g) => [
      g.key,
      g.allocs,
      g.live,
      g.liveBytesAlloc,
      g.oldestTs,
    ]);
  };

  test('has its live objects under their own caches, the rest under that of most', () => {
    expect(byCache()).toEqual([
      ['bio-128', 5, 1, 192, 5000],
      ['bio-64', 0, 1, 192, 2000],
    ]);
  });

  test('with --cache has those of that cache', () => {
    expect(byCache(['bio-64'])).toEqual([['bio-64', 0, 1, 192, 2000]]);
    expect(byCache(['bio-128'])).toEqual([['bio-128', 5, 1, 192, 5000]]);
  });
});

describe('--cache', () => {
  test('leaves out what is of other caches, in calls and in live objects', () => {
    const { run } = resolve(LINES, { caches: ['den*', 'nothing'] });
    expect(pick(totalSums(run), 'allocs', 'live', 'failed')).toEqual({
      allocs: 1,
      live: 1,
      failed: 0,
    });
    expect(groupLive(run, () => ({ id: '', key: '' })).map((g) => g.live)).toEqual([1]);
  });

  test('leaves out what has no name', () => {
    const { run } = resolve('alloc x A 192', { caches: ['*'] });
    expect(pick(totalSums(run), 'allocs', 'live')).toEqual({ allocs: 0, live: 0 });
  });
});

test('an empty run sums to nothing', () => {
  expect(totalSums(resolve('').run)).toEqual(emptySums());
  expect(Object.values(pick(emptySums(), 'allocs', 'live', 'bytesReq'))).toEqual([0, 0, 0]);
});
