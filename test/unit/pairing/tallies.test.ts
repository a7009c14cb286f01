import { describe, expect, test } from 'vitest';
import { LIFETIME_BUCKETS } from '../../../src/pairing/call-tally.ts';
import { OUTCOME } from '../../../src/pairing/paired-batch.ts';
import { type Tracked, type TrackOptions, track } from '../../helpers/tracked.ts';

/** The counters of the one call at a site, without those that are 0. */
function counts(tracked: Tracked, site: string): Record<string, number> {
  const { calls } = tracked.tracker.tallies;
  const call = tracked.call(site);
  const names = [
    'allocs',
    'failed',
    'frees',
    'untracedFrees',
    'duplicates',
    'crossCpuFrees',
    'temporary',
    'live',
    'lifetimeSum',
    'freed',
    'freedBytes',
    'nullFrees',
    'unknownFrees',
  ] as const;
  return Object.fromEntries(
    names.map((name) => [name, calls[name][call] ?? 0]).filter(([, count]) => count !== 0),
  );
}

function countsOf(lines: string, site: string, options?: TrackOptions): Record<string, number> {
  return counts(track(lines, options), site);
}

describe('allocations and frees of a call', () => {
  const LINES = `
    @1000 cpu0 alloc kmalloc-64 A 40 by=maker+0x1
    @2000 cpu0 alloc kmalloc-64 B 40 by=maker+0x1
    @3000 cpu0 alloc kmalloc-64 C 40 by=maker+0x1
    @3500 cpu0 alloc kmalloc-64 NULL 40 by=maker+0x1
    @4000 cpu1 free A by=taker+0x1
    @7000 cpu0 free C by=taker+0x1
    @8000 free NULL by=taker+0x1
    @8000 free ZERO by=taker+0x1
    @9000 free X by=taker+0x1`;

  test('are counted under the call that allocated', () => {
    expect(countsOf(LINES, 'maker+0x1')).toEqual({
      allocs: 3,
      failed: 1,
      frees: 2,
      crossCpuFrees: 1,
      temporary: 1,
      live: 1,
      lifetimeSum: 3000 + 4000,
    });
  });

  test('and under the call that freed', () => {
    expect(countsOf(LINES, 'taker+0x1')).toEqual({
      freed: 2,
      freedBytes: 128,
      nullFrees: 1,
      unknownFrees: 1,
    });
  });

  test('are counted by outcome', () => {
    const { outcomes } = track(LINES).tracker.tallies;
    const named = Object.entries(OUTCOME).map(([name, number]) => [name, outcomes[number]]);
    expect(Object.fromEntries(named.filter(([, count]) => count !== 0))).toEqual({
      alloc: 3,
      allocFailed: 1,
      free: 2,
      freeNull: 1,
      freeZeroSize: 1,
      freeUnknown: 1,
    });
  });
});

test('an allocation on a live object counts a free without an event for the call before', () => {
  const lines = 'alloc kmalloc-64 A by=old+0x1\nalloc kmalloc-64 A by=new+0x1';
  expect(countsOf(lines, 'old+0x1')).toEqual({ allocs: 1, untracedFrees: 1 });
  expect(countsOf(lines, 'new+0x1')).toEqual({ allocs: 1, live: 1 });
});

test('a late free takes that back and is a free like others', () => {
  const lines = `
    @1000 cpu0 alloc dentry A 192 by=old+0x1
    @2000 cpu1 alloc dentry A 192 by=new+0x1
    @2500 cpu0 free ? A by=taker+0x1`;
  expect(countsOf(lines, 'old+0x1')).toEqual({ allocs: 1, frees: 1, lifetimeSum: 1500 });
  expect(countsOf(lines, 'new+0x1')).toEqual({ allocs: 1, live: 1 });
  expect(countsOf(lines, 'taker+0x1')).toEqual({ freed: 1, freedBytes: 192 });
});

test('two events of one large kmalloc count once, for the true caller', () => {
  const lines = `
    alloc kmalloc A 9000/16384 by=__kmalloc_noprof+0x3e
    alloc kmalloc A 9000/16384 by=load_module+0x10`;
  expect(countsOf(lines, '__kmalloc_noprof+0x3e')).toEqual({});
  expect(countsOf(lines, 'load_module+0x10')).toEqual({ allocs: 1, duplicates: 1, live: 1 });
});

test('a repeated record counts for nothing but its kind', () => {
  const tracked = track(
    '@1000 alloc kmalloc-64 A by=maker+0x1\n@1000 alloc kmalloc-64 A by=maker+0x1',
  );
  expect(counts(tracked, 'maker+0x1')).toEqual({ allocs: 1, live: 1 });
  expect(tracked.tracker.tallies.kinds[1]).toBe(2);
});

test('lifetimes are counted by powers of two, at least 0', () => {
  const tracked = track(`
    @0 alloc kmalloc-64 A by=maker+0x1
    @0 free A
    @10 alloc kmalloc-64 A by=maker+0x1
    @11 free A
    @20 alloc kmalloc-64 A by=maker+0x1
    @23 free A
    @100 alloc kmalloc-64 A by=maker+0x1
    @4294967396 free A
    @4294967500 alloc kmalloc-64 A by=maker+0x1
    @4294967400 free A
  `);
  const { lifetimes, lifetimeSum } = tracked.tracker.tallies.calls;
  const call = tracked.call('maker+0x1');
  const buckets = lifetimes.subarray(call * LIFETIME_BUCKETS, (call + 1) * LIFETIME_BUCKETS);
  // 0 and 1 ns (and the clock that stepped back) in bucket 0, 3 ns in 1, 2^32 ns in 32.
  expect([...buckets].flatMap((count, i) => (count === 0 ? [] : [[i, count]]))).toEqual([
    [0, 3],
    [1, 1],
    [32, 1],
  ]);
  expect(lifetimeSum[call]).toBe(0 + 1 + 3 + 2 ** 32 + 0);
});

describe('what was live at the peak', () => {
  const atPeak = (tracked: Tracked, site: string): number =>
    tracked.tracker.tallies.calls.liveAtPeak(tracked.call(site));

  test('is what each call held when the total of bytes was highest', () => {
    const tracked = track(`
      @1000 alloc kmalloc-64 A by=small+0x1
      @2000 alloc kmalloc-1k B by=large+0x1
      @3000 free A
      @4000 free B
      @5000 alloc kmalloc-64 C by=small+0x1
    `);
    const { peak } = tracked.tracker.tallies;
    expect([peak.peakBytes, peak.peakTs, peak.bytes]).toEqual([1088, 2000, 64]);
    expect([atPeak(tracked, 'small+0x1'), atPeak(tracked, 'large+0x1')]).toEqual([1, 1]);
  });

  test('is forgotten when the total rises higher later', () => {
    const tracked = track(`
      @1000 alloc kmalloc-1k A by=large+0x1
      @2000 free A
      @3000 alloc kmalloc-64 B by=small+0x1
      @4000 alloc kmalloc-1k C by=large+0x1
      @5000 alloc kmalloc-64 D by=small+0x1
      @6000 free D
      @7000 free B
      @8000 free C
    `);
    const { peak } = tracked.tracker.tallies;
    expect([peak.peakBytes, peak.peakTs, peak.bytes]).toEqual([64 + 1024 + 64, 5000, 0]);
    expect([atPeak(tracked, 'small+0x1'), atPeak(tracked, 'large+0x1')]).toEqual([2, 1]);
  });

  test('stays with the first moment that is as high', () => {
    const tracked = track(`
      @1000 alloc kmalloc-64 A by=first+0x1
      @2000 free A
      @3000 alloc kmalloc-64 B by=second+0x1
    `);
    expect(tracked.tracker.tallies.peak.peakTs).toBe(1000);
    expect([atPeak(tracked, 'first+0x1'), atPeak(tracked, 'second+0x1')]).toEqual([1, 0]);
  });

  test('goes to the true caller of a large kmalloc with two events', () => {
    const tracked = track(`
      @1000 alloc kmalloc A 9000/16384 by=__kmalloc_noprof+0x3e
      @1001 alloc kmalloc A 9000/16384 by=load_module+0x10
      @2000 free A
    `);
    expect(tracked.tracker.tallies.peak.peakBytes).toBe(16384);
    expect(atPeak(tracked, '__kmalloc_noprof+0x3e')).toBe(0);
    expect(atPeak(tracked, 'load_module+0x10')).toBe(1);
  });

  test('does not hold a large kmalloc that came after the peak', () => {
    const tracked = track(`
      @1000 alloc kmalloc A 20000/32768 by=load_module+0x10
      @2000 free A
      @3000 alloc kmalloc B 9000/16384 by=__kmalloc_noprof+0x3e
      @3001 alloc kmalloc B 9000/16384 by=do_other+0x10
    `);
    expect(tracked.tracker.tallies.peak.peakTs).toBe(1000);
    expect(atPeak(tracked, 'load_module+0x10')).toBe(1);
    expect(atPeak(tracked, 'do_other+0x10')).toBe(0);
    expect(atPeak(tracked, '__kmalloc_noprof+0x3e')).toBe(0);
  });

  test('counts only what the filters select', () => {
    const lines = 'bash-7 alloc kmalloc-64 A by=maker+0x1\nudevd-9 alloc kmalloc-1k B by=other+0x1';
    const tracked = track(lines, { filter: { pids: [7] } });
    expect(tracked.tracker.tallies.peak.peakBytes).toBe(64);
    expect(atPeak(tracked, 'other+0x1')).toBe(0);
  });
});

describe('the filters of a command', () => {
  const LINES = `
    @1000 bash-7 alloc kmalloc-64 A by=mine+0x1
    @2000 udevd-9 alloc kmalloc-64 B by=theirs+0x1
    @3000 udevd-9 alloc kmalloc-64 A by=theirs+0x1
    @4000 bash-7 free B by=taker+0x1
    @5000 bash-7 free A by=taker+0x1
    @6000 udevd-9 free NULL by=taker+0x1`;

  test('leave out allocations, whoever frees them, and keep what became of the others', () => {
    const tracked = track(LINES, { filter: { pids: [7] } });
    expect(counts(tracked, 'mine+0x1')).toEqual({ allocs: 1, untracedFrees: 1 });
    expect(counts(tracked, 'theirs+0x1')).toEqual({});
    expect(counts(tracked, 'taker+0x1')).toEqual({});
    expect(tracked.tracker.tallies.peak.bytes).toBe(0);
  });

  test('and the rest adds up with them to the whole', () => {
    const all = track(LINES);
    const parts = [{ pids: [7] }, { pids: [9] }].map((filter) => track(LINES, { filter }));
    for (const site of ['mine+0x1', 'theirs+0x1', 'taker+0x1']) {
      const sums = new Map<string, number>();
      for (const part of parts) {
        for (const [name, count] of Object.entries(counts(part, site))) {
          sums.set(name, (sums.get(name) ?? 0) + count);
        }
      }
      expect(Object.fromEntries(sums)).toEqual(counts(all, site));
    }
  });

  test('do not touch the counts of what was recorded', () => {
    const { kinds } = track(LINES, { filter: { pids: [12345] } }).tracker.tallies;
    expect([kinds[1], kinds[5]]).toEqual([3, 3]);
  });
});

describe('the span of the trace', () => {
  test('is from the earliest to the latest event, in whatever order they stand', () => {
    const { tallies } = track('@5000 cpu1 free A\n@3000 cpu7 free B\n@4000 cpu0 free C').tracker;
    expect([tallies.firstTs, tallies.lastTs, tallies.maxCpu]).toEqual([3000, 5000, 7]);
  });

  test('of one event is that event', () => {
    const { tallies } = track('@5000 free A').tracker;
    expect([tallies.firstTs, tallies.lastTs, tallies.maxCpu]).toEqual([5000, 5000, 0]);
  });

  test('of an empty trace is not known', () => {
    const { tallies } = track('').tracker;
    expect([tallies.firstTs, tallies.lastTs, tallies.maxCpu]).toEqual([Number.NaN, Number.NaN, -1]);
  });
});

test('bytes are summed for each task that allocated', () => {
  const { tracker, trace } = track(`
    bash-7 alloc kmalloc-64 A 40
    bash-7 alloc kmalloc A 9000/16384 by=__kmalloc_noprof+0x3e
    bash-7 alloc kmalloc A 9000/16384 by=load_module+0x10
    udevd-9 alloc dentry B 192
    udevd-9 free A
  `);
  const { tasks, strings } = trace.dictionary;
  const bytes = [1, 2].map((task) => [
    strings.get(tasks.comm(task)),
    tracker.tallies.taskBytes[task],
  ]);
  expect(bytes).toEqual([
    ['bash', 64 + 16384],
    ['udevd', 192],
  ]);
});

test('an object that turned out to be gone is no longer live and was freed without an event', () => {
  const tracked = track('alloc kmalloc-64 A by=maker+0x1\nalloc kmalloc-64 B by=maker+0x1');
  tracked.tracker.tallies.settle(tracked.call('maker+0x1'));
  expect(counts(tracked, 'maker+0x1')).toEqual({ allocs: 2, live: 1, untracedFrees: 1 });
  expect(tracked.tracker.tallies.peak.bytes).toBe(64);
});
