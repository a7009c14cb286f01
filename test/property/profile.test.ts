// Laws of profiles: whatever happened, their sums are those that every other report starts from, and
// a curve ends with what is live.

import fc from 'fast-check';
import { expect, test } from 'vitest';
import { buildCacheCurves } from '../../src/analysis/cache-curves.ts';
import { buildProfile } from '../../src/analysis/profile.ts';
import { nameStacks } from '../../src/analysis/profile-stacks.ts';
import { LiveCurve } from '../../src/pairing/live-curve.ts';
import { StackTally } from '../../src/pairing/stack-tally.ts';
import { totalSums } from '../../src/run/group-calls.ts';
import { ANY_TIMES, SEED, traceLines } from '../helpers/random-traces.ts';
import { ORIGIN, resolve } from '../helpers/tracked.ts';

/** With stacks on some of the allocations, and the second event of some large ones (Linux 6.12). */
const lines = traceLines(ANY_TIMES).map((text) =>
  text
    .split('\n')
    .flatMap((line, i) => {
      const isAlloc = line.includes(' alloc ');
      const own = isAlloc && i % 3 > 0 ? `${line} stack=tracer;open+0x1;entry${i % 2}` : line;
      const [, object] = / alloc kmalloc (\S+) .*__kmalloc_noprof/.exec(line) ?? [];
      if (object === undefined || i % 2 === 0) return [own];
      return [own, `@+1 alloc kmalloc ${object} 9000/16384 by=load_module+0x10`];
    })
    .join('\n'),
);

test('the sums of a profile are the totals of the run', () => {
  fc.assert(
    fc.property(lines, fc.constantFrom(1, 7, 100), (text, batchSize) => {
      const tally = new StackTally();
      const { run } = resolve(text, { batchSize, extra: () => [tally] });
      const profile = buildProfile(run, tally, ORIGIN);
      const sum = (of: (sample: (typeof profile.samples)[0]) => number): number =>
        profile.samples.reduce((total, sample) => total + of(sample), 0);
      const totals = totalSums(run);
      expect(sum(({ allocated }) => allocated.objects)).toBe(totals.allocs);
      expect(sum(({ allocated }) => allocated.bytes)).toBe(totals.bytesAlloc);
      expect(sum(({ live }) => live.objects)).toBe(totals.live);
      expect(sum(({ live }) => live.bytes)).toBe(totals.liveBytesAlloc);
      expect(sum(({ live }) => live.requested)).toBe(totals.liveBytesReq);
      for (const { names } of nameStacks([profile, profile], 'alloc-bytes')) {
        expect(names.at(-1)).toMatch(/^\[.*\]$/);
      }
      for (const { values } of nameStacks([profile, profile], 'alloc-bytes')) {
        expect(values[0]).toBe(values[1]);
      }
    }),
    { seed: SEED, numRuns: 150 },
  );
});

test('curves end with what pairing holds live', () => {
  fc.assert(
    fc.property(lines, fc.constantFrom(1, 7, 100), (text, batchSize) => {
      const curves: LiveCurve[] = [];
      const { run, tracker } = resolve(text, {
        batchSize,
        extra: ({ calls }) => {
          const curve = new LiveCurve(calls);
          curves.push(curve);
          return [curve];
        },
      });
      const ends = buildCacheCurves(run, curves[0]?.samples ?? [], ORIGIN).curves.map(
        ({ points }) => points.at(-1)?.bytes ?? 0,
      );
      const { live } = tracker.pairing;
      const held = Array.from(live.inOrder(), (row) =>
        run.dictionary.calls.bytesAlloc(live.call(row)),
      );
      const add = (sum: number, bytes: number): number => sum + bytes;
      expect(ends.reduce(add, 0)).toBe(held.reduce(add, 0));
    }),
    { seed: SEED, numRuns: 150 },
  );
});
