import { describe, expect, test } from 'vitest';
import { type Analysis, buildAnalysis } from '../../../src/analysis/overview.ts';
import { TraceStats } from '../../../src/kernel/events/trace-stats.ts';
import type { ReplayedCache, ReplayFidelity } from '../../../src/run/replay-summary.ts';
import {
  kernelFacts,
  knownCache,
  ORIGIN,
  type ResolveOptions,
  resolve,
} from '../../helpers/tracked.ts';

function analyse(lines: string, options: ResolveOptions = {}): Analysis {
  const { run, series } = resolve(lines, options);
  return buildAnalysis(run, series, ORIGIN);
}

const LINES = `
  @1000000000 cpu0 bash-7 alloc kmalloc-64 A 40 by=open+0x1
  @2000000000 cpu0 bash-7 alloc kmalloc-64 B 60 by=open+0x1
  @3000000000 cpu1 udevd-9 alloc dentry C 192 by=lookup+0x1 name=dentry
  @4000000000 cpu1 udevd-9 free A by=close+0x1
  @4500000000 cpu1 free NULL by=close+0x1
  @4600000000 cpu1 free X by=close+0x1
  @5000000000 cpu1 free dentry C by=put+0x1`;

test('events are counted as they were recorded', () => {
  const stats = new TraceStats();
  stats.add('other_events', 10);
  const { events } = analyse(
    `${LINES}
      page_alloc 0x100
      lost 5
      alloc kmalloc D 9000/16384 by=__kmalloc_noprof+0x3e
      alloc kmalloc D 9000/16384 by=load_module+0x10`,
    { stats, filter: { pids: [1] } },
  );
  expect(events).toEqual({
    kmalloc: 4,
    kmemCacheAlloc: 1,
    kfree: 3,
    kmemCacheFree: 1,
    other: 11,
    total: 20,
  });
});

test('totals are those of what the command selects', () => {
  expect(analyse(LINES).totals).toEqual({
    bytesReq: 292,
    bytesAlloc: 320,
    bytesFreed: 256,
    bytesWasted: 28,
    internalFragmentationPct: 8.75,
    liveObjects: 1,
    liveUncertain: 0,
    liveBytesReq: 60,
    liveBytesAlloc: 64,
    liveUncertainBytesAlloc: 0,
    liveBytesWasted: 4,
    peakLiveBytesAlloc: 320,
    peakAtNs: '3000000000',
    crossCpuFrees: 1,
  });
  expect(analyse(LINES, { filter: { pids: [9] } }).totals).toMatchObject({
    bytesAlloc: 192,
    liveObjects: 0,
    peakLiveBytesAlloc: 192,
    crossCpuFrees: 0,
  });
  expect(analyse(LINES, { caches: ['kmalloc-*'] }).totals).toMatchObject({
    bytesAlloc: 128,
    liveObjects: 1,
  });
});

test('memory is split into what was asked for and what came on top', () => {
  const { memory } = analyse('alloc kmalloc-64 A 40\nalloc mm_struct B 1104/1152\nfree B');
  expect(memory).toEqual({
    end: { bytesReq: 40, bytesAlloc: 64, rounding: 24, padding: 0, metadata: 0 },
    peak: { bytesReq: 1144, bytesAlloc: 1216 },
    slabs: null,
  });
});

describe('a replayed run', () => {
  const cache = {
    slabs: 3,
    bytes: 12_288,
    order: 0,
    objsPerSlab: 21,
    slabSize: 192,
    allocated: 40,
  };
  const replayed = (isWhole: boolean): Analysis => {
    const { run, series } = resolve(LINES, { facts: kernelFacts({}) });
    const caches = [{ name: 'dentry', ...cache }] as unknown as readonly ReplayedCache[];
    const fidelity = { slotMatches: 7 } as unknown as ReplayFidelity;
    return buildAnalysis(run, series, ORIGIN, { fidelity, caches, isWhole });
  };

  test('has the slabs of its caches, and what of them is no object', () => {
    const { memory, caches, fidelity } = replayed(true);
    // 23 free slots of 192 bytes; 4096 - 21 * 192 = 64 bytes behind each slab's objects
    expect(memory.slabs).toEqual({ slabs: 3, bytes: 12_288, freeBytes: 4416, tailBytes: 192 });
    expect(caches.map(({ name, slabs }) => [name, slabs])).toEqual([
      ['kmalloc-64', null],
      ['dentry', 3],
    ]);
    expect(fidelity).toEqual({ slotMatches: 7 });
  });

  test('of which only some tasks were asked for has no slabs of its own', () => {
    expect(replayed(false).memory.slabs).toBeNull();
  });
});

describe('caches', () => {
  test('are rows with the kernel’s own figures where it recorded them', () => {
    const caches = [knownCache('dentry', 192, { slabs: 12 })];
    const rows = analyse(LINES, { facts: kernelFacts({ caches }) }).caches;
    expect(rows).toEqual([
      {
        name: 'kmalloc-64',
        inferred: false,
        objectSize: null,
        slabSize: null,
        objsPerSlab: null,
        order: null,
        allocs: 2,
        frees: 1,
        bytesReq: 100,
        bytesAlloc: 128,
        live: 1,
        liveUncertain: 0,
        liveBytesReq: 60,
        liveBytesAlloc: 64,
        liveBytesWasted: 4,
        bytesWasted: 28,
        allocsPerSec: 0.5,
        bytesPerSec: 32,
        peakLive: 2,
        slabs: null,
        kernelSlabs: null,
        olderObjects: null,
      },
      expect.objectContaining({
        name: 'dentry',
        objectSize: 192,
        slabSize: 192,
        objsPerSlab: 21,
        order: 0,
        slabs: null,
        kernelSlabs: 12,
        allocs: 1,
        frees: 1,
        live: 0,
        peakLive: 1,
      }),
    ]);
  });

  test('are inferred where most of their allocations are', () => {
    const caches = [knownCache('dentry', 192), knownCache('other', 192)];
    const lines = 'alloc x A 192 by=__d_alloc+0x1\nalloc x B 192 by=__d_alloc+0x1';
    const facts = kernelFacts({ caches });
    expect(analyse(lines, { facts }).caches).toEqual([
      expect.objectContaining({ name: 'dentry', inferred: true, allocs: 2 }),
    ]);
    const more = `${lines}\nalloc x C 192 by=f+0x1 name=dentry\nalloc x D 192 by=f+0x1 name=dentry`;
    expect(analyse(more, { facts }).caches[0]).toMatchObject({ inferred: false, allocs: 4 });
    expect(analyse(lines, { facts }).completeness.notes).toEqual([
      'The cache of 2 allocations is inferred.',
    ]);
  });

  test('without a name are one row', () => {
    const { caches, completeness } = analyse('alloc x A 192\nalloc y B 256');
    expect(caches.map((c) => [c.name, c.allocs, c.liveBytesAlloc])).toEqual([[null, 2, 448]]);
    expect(completeness.unresolvedCacheEvents).toBe(2);
  });

  test('come largest first', () => {
    const { caches } = analyse('alloc kmalloc-64 A\nalloc kmalloc-8k B\nalloc kmalloc-1k C');
    expect(caches.map((c) => c.name)).toEqual(['kmalloc-8k', 'kmalloc-1k', 'kmalloc-64']);
  });

  test('know the most that was live at once as far as samples show', () => {
    const lines = `
      alloc kmalloc-64 A
      alloc kmalloc-64 B
      free A
      free B
      alloc kmalloc-1k C`;
    const peaks = (batchSize: number): (string | number | null)[][] =>
      analyse(lines, { batchSize }).caches.map((c) => [c.name, c.peakLive]);
    expect(peaks(1)).toEqual([
      ['kmalloc-1k', 1],
      ['kmalloc-64', 2],
    ]);
    expect(peaks(5)).toEqual([
      ['kmalloc-1k', 1],
      ['kmalloc-64', 0],
    ]);
  });
});

describe('call sites', () => {
  test('are rows by symbol and cache', () => {
    const { callSites } = analyse(LINES);
    expect(callSites[0]).toEqual({
      site: null,
      symbol: 'open+0x1',
      module: null,
      cache: 'kmalloc-64',
      allocs: 2,
      frees: 1,
      untracedFrees: 0,
      live: 1,
      liveUncertain: 0,
      bytesReq: 100,
      bytesAlloc: 128,
      bytesWasted: 28,
      liveBytesAlloc: 64,
      liveBytesWasted: 4,
      liveRounding: 4,
      oldestNs: '2000000000',
      crossCpuFrees: 1,
      meanLifetimeNs: 3_000_000_000,
      peakLive: 2,
    });
    expect(callSites[1]).toMatchObject({
      symbol: 'lookup+0x1',
      cache: 'dentry',
      oldestNs: null,
      meanLifetimeNs: 2_000_000_000,
    });
  });

  test('are told by address where nothing names them, with one row an address', () => {
    const { callSites } = analyse(`
      alloc kmalloc-64 A by=0xffffffff81000010
      alloc kmalloc-64 B by=0xffffffff81000020
      alloc kmalloc-64 C by=0xffffffff81000010
    `);
    expect(callSites.map((s) => [s.site, s.symbol, s.allocs])).toEqual([
      ['0xffffffff81000010', null, 2],
      ['0xffffffff81000020', null, 1],
    ]);
  });

  test('count frees without an event', () => {
    const { callSites } = analyse('alloc kmalloc-64 A by=rcu+0x1\nalloc kmalloc-64 A by=x+0x1');
    expect(callSites.map((s) => [s.symbol, s.untracedFrees, s.live])).toEqual([
      ['x+0x1', 0, 1],
      ['rcu+0x1', 1, 0],
    ]);
  });

  test('have no lifetimes where the clock counts no nanoseconds', () => {
    const { callSites, caches } = analyse(LINES, { info: { clockUnit: 'tick' } });
    expect(callSites.every((s) => s.meanLifetimeNs === null)).toBe(true);
    expect(caches.every((c) => c.allocsPerSec === null)).toBe(true);
  });
});

test('sites that free are rows by what they freed', () => {
  expect(analyse(LINES).freeSites).toEqual([
    {
      site: null,
      symbol: 'close+0x1',
      module: null,
      event: 'kfree',
      frees: 1,
      bytesAlloc: 64,
      nullFrees: 1,
      unknownFrees: 1,
    },
    {
      site: null,
      symbol: 'put+0x1',
      module: null,
      event: 'kmem_cache_free',
      frees: 1,
      bytesAlloc: 192,
      nullFrees: 0,
      unknownFrees: 0,
    },
  ]);
});

test('the recorder’s own allocations are told apart', () => {
  const { recorder } = analyse(`
    trace-cmd-7 alloc kmalloc-64 A
    perf-8 alloc kmalloc-1k B
    performer-9 alloc kmalloc-1k C
    bash-10 alloc kmalloc-1k D
  `);
  expect(recorder).toEqual({ tasks: ['perf', 'trace-cmd'], bytesAlloc: 1088 });
});

describe('a run of almost nothing', () => {
  test('without events is all zeros', () => {
    const { totals, caches, callSites, freeSites, events, advice } = analyse('');
    expect([caches, callSites, freeSites, advice]).toEqual([[], [], [], []]);
    expect(events.total).toBe(0);
    expect(totals).toMatchObject({ bytesReq: 0, internalFragmentationPct: null, peakAtNs: null });
  });

  test('with frees only knows nothing of objects', () => {
    const { totals, caches, freeSites, completeness } = analyse('free A\nfree dentry B');
    expect(caches).toEqual([]);
    expect(freeSites).toHaveLength(2);
    expect(totals).toMatchObject({ liveObjects: 0, bytesFreed: 0 });
    expect(completeness.freesOfUnknown).toBe(2);
  });

  test('with one failed allocation has a cache without objects', () => {
    const { caches, totals } = analyse('alloc kmalloc-64 NULL');
    expect(caches).toEqual([expect.objectContaining({ name: 'kmalloc-64', allocs: 0, live: 0 })]);
    expect(totals.internalFragmentationPct).toBeNull();
  });
});

test('sizes of 64 bits that nothing could have are counted as they stand', () => {
  const { totals } = analyse('alloc kmalloc A 18446744073709549568/18446744073709549568');
  expect(totals.bytesReq).toBe(2 ** 64 - 2048);
  expect(totals.liveBytesAlloc).toBe(2 ** 64 - 2048);
});
