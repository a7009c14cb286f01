// Laws of pairing and of what is counted from it, and a naive model of it.

import fc from 'fast-check';
import { expect, test } from 'vitest';
import { isAlloc, isFree } from '../../src/kernel/events/event-kind.ts';
import { TaskTally } from '../../src/pairing/task-tally.ts';
import { totalSums } from '../../src/run/group-calls.ts';
import { taskTotals } from '../../src/run/task-totals.ts';
import { TestTrace } from '../helpers/builders.ts';
import { ANY_TIMES, SEED, traceLines } from '../helpers/random-traces.ts';
import { resolve, type Tracked, track } from '../helpers/tracked.ts';

const check = (property: fc.IProperty<[string]>): void =>
  fc.assert(property, { seed: SEED, numRuns: 300 });

const sum = (values: Iterable<number>): number => [...values].reduce((a, b) => a + b, 0);

/** Pairing with one Map, for traces whose events are far apart in time. */
function pairNaively(trace: TestTrace): { outcomes: string[]; live: bigint[] } {
  const live = new Map<bigint, number>();
  const outcomes = trace.events.map(({ call: { kind = 0 }, ptr }, i) => {
    if (isAlloc(kind)) {
      if (ptr === 0n) return 'allocFailed';
      const outcome = live.delete(ptr) ? 'allocOnLive' : 'alloc';
      live.set(ptr, i);
      return outcome;
    }
    if (!isFree(kind)) return 'none';
    if (ptr <= 0x10n) return ptr === 0n ? 'freeNull' : 'freeZeroSize';
    return live.delete(ptr) ? 'free' : 'freeUnknown';
  });
  return { outcomes, live: [...live.keys()] };
}

test('events far apart in time are paired as one Map would', () => {
  check(
    fc.property(traceLines([200_000, 5_000_000]), (lines) => {
      // Two events of one large kmalloc are the one thing that needs more than a Map.
      const single = lines.replaceAll('by=__kmalloc_noprof+0x3e', 'by=load_module+0x10');
      const trace = new TestTrace(single);
      const naive = pairNaively(trace);
      const { outcomes, liveAddresses } = track(trace);
      expect(outcomes).toEqual(naive.outcomes);
      expect(liveAddresses()).toEqual(naive.live);
    }),
  );
});

test('where batches end makes no difference', () => {
  check(
    fc.property(traceLines(ANY_TIMES), (lines) => {
      const whole = track(lines);
      for (const batchSize of [1, 7]) {
        const cut = track(lines, { batchSize });
        expect(cut.events).toEqual(whole.events);
        expect(cut.liveAddresses()).toEqual(whole.liveAddresses());
      }
    }),
  );
});

test('every allocation is live, was freed, or was freed without an event: of each call', () => {
  check(
    fc.property(traceLines(ANY_TIMES), (lines) => {
      const { tracker } = track(lines);
      const { calls, outcomes } = tracker.tallies;
      for (let call = 0; call < tracker.dictionary.calls.length; call++) {
        const ended = (calls.frees[call] ?? 0) + (calls.untracedFrees[call] ?? 0);
        expect(calls.allocs[call] ?? 0).toBe((calls.live[call] ?? 0) + ended);
        expect(calls.live[call] ?? 0).toBeGreaterThanOrEqual(0);
        expect(calls.untracedFrees[call] ?? 0).toBeGreaterThanOrEqual(0);
        expect(tracker.evidence.allocs[call] ?? 0).toBe(calls.allocs[call] ?? 0);
        expect(tracker.evidence.frees[call] ?? 0).toBe(calls.frees[call] ?? 0);
      }
      expect(sum(calls.live)).toBe(tracker.pairing.live.size);
      expect(sum(calls.frees)).toBe(sum(calls.freed));
      expect(sum(outcomes)).toBe(sum(tracker.tallies.kinds));
    }),
  );
});

test('what is born less what is gone is what is live, whatever is selected', () => {
  check(
    fc.property(traceLines(ANY_TIMES), (lines) => {
      for (const pids of [[], [7], [9, 1]]) {
        const { events, tracker } = track(lines, { filter: { pids } });
        const count = (change: string): number =>
          events.filter((event) => event.changes.includes(change)).length;
        const { calls } = tracker.tallies;
        expect(count('born') - count('gone')).toBe(sum(calls.live));
        expect(count('born')).toBe(sum(calls.allocs));
        expect(count('freed')).toBe(sum(calls.frees));
        expect(count('renamed')).toBe(sum(calls.duplicates));
      }
    }),
  );
});

test('live bytes are those of the live objects, and the peak is no less than they ever were', () => {
  check(
    fc.property(traceLines(ANY_TIMES), (lines) => {
      const trace = new TestTrace(lines);
      const { tracker } = track(trace, { batchSize: 1 });
      const { peak, calls } = tracker.tallies;
      const table = tracker.dictionary.calls;
      const bytes = (count: (call: number) => number): number =>
        sum(
          Array.from({ length: table.length }, (_, call) => count(call) * table.bytesAlloc(call)),
        );
      expect(bytes((call) => calls.live[call] ?? 0)).toBe(peak.bytes);
      expect(bytes((call) => calls.liveAtPeak(call))).toBe(peak.peakBytes);
      // What was live after each event, from scratch.
      for (let n = 1; n <= trace.events.length; n += 5) {
        const part = track(lines.split('\n').slice(0, n).join('\n'));
        expect(part.tracker.tallies.peak.bytes).toBeLessThanOrEqual(peak.peakBytes);
      }
    }),
  );
});

test('filters by task cut the whole into parts that add up to it', () => {
  check(
    fc.property(traceLines(ANY_TIMES), (lines) => {
      const whole = track(lines);
      const parts = [7, 9, 1].map((pid) => track(lines, { filter: { pids: [pid] } }));
      const names = [
        'allocs',
        'frees',
        'untracedFrees',
        'live',
        'failed',
        'crossCpuFrees',
      ] as const;
      for (const name of names) {
        const total = (tracked: Tracked): number => sum(tracked.tracker.tallies.calls[name]);
        expect(sum(parts.map(total))).toBe(total(whole));
      }
      for (const part of parts) expect(part.liveAddresses()).toEqual(whole.liveAddresses());
    }),
  );
});

test('a run’s sums agree with its list of live objects, and tasks with the whole', () => {
  check(
    fc.property(traceLines(ANY_TIMES), (lines) => {
      const tallies: TaskTally[] = [];
      const { run } = resolve(lines, {
        extra: (dictionary) => {
          tallies.push(new TaskTally(dictionary));
          return tallies;
        },
      });
      const sums = totalSums(run);
      expect(sums.live).toBe(run.rows.length);
      expect(sums.allocs).toBe(sums.live + sums.frees + sums.untracedFrees);
      expect(sums.liveBytesReq + sums.liveRounding + sums.livePadding + sums.liveMetadata).toBe(
        sums.liveBytesAlloc,
      );
      expect(sums.liveUncertain).toBeLessThanOrEqual(sums.live);
      const tasks = taskTotals(run, tallies[0] as TaskTally);
      expect(sum(tasks.map((t) => t.allocs))).toBe(sums.allocs);
      expect(sum(tasks.map((t) => t.frees))).toBe(sums.frees);
      expect(sum(tasks.map((t) => t.bytesReq))).toBe(sums.bytesReq);
      expect(sum(tasks.map((t) => t.atPeak.allocated))).toBe(sums.atPeakBytesAlloc);
    }),
  );
});
