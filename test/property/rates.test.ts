// Laws of rates: however time is cut into intervals, they add up to the whole.

import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  buildRates,
  type RateInterval,
  type Rates,
  type RatesBy,
} from '../../src/commands/rates/rates.ts';
import { RateBins } from '../../src/pairing/rate-bins.ts';
import { ANY_TIMES, SEED, traceLines } from '../helpers/random-traces.ts';
import { ORIGIN, resolve } from '../helpers/tracked.ts';

const interval = fc.constantFrom(1, 7, 1000, 123_456, 1e9);

function ratesOf(lines: string, length: number, by: RatesBy, caches: string[] = []): Rates {
  const made: RateBins[] = [];
  const { run } = resolve(lines, {
    caches,
    extra: ({ calls }) => {
      made.push(new RateBins(calls, length));
      return made;
    },
  });
  return buildRates(run, made[0] as RateBins, by, true, ORIGIN);
}

function sums(rows: readonly RateInterval['rows'][number][]): number[] {
  return (['allocs', 'frees', 'bytes'] as const).map((key) => rows.reduce((n, r) => n + r[key], 0));
}

test.each(['cache', 'site'] as const)('intervals by %s add up to rows, rows to totals', (by) => {
  fc.assert(
    fc.property(traceLines(ANY_TIMES), interval, (lines, length) => {
      const { rows, totals, series } = ratesOf(lines, length, by);
      const active = (series ?? []).flatMap((s) => s.rows);
      expect(sums(active)).toEqual([totals.allocs, totals.frees, totals.bytes]);
      for (const row of rows) {
        const own = active.filter((r) => r.cache === row.cache && r.symbol === row.symbol);
        expect(sums(own)).toEqual([row.allocs, row.frees, row.bytes]);
        expect(row.busiestAllocs).toBe(Math.max(0, ...own.map((r) => r.allocs)));
      }
    }),
    { seed: SEED, numRuns: 200 },
  );
});

test('intervals do not depend on their length, nor caches on what else is looked at', () => {
  fc.assert(
    fc.property(traceLines(ANY_TIMES), interval, (lines, length) => {
      const { rows, totals } = ratesOf(lines, length, 'cache');
      expect(ratesOf(lines, 1e12, 'cache').totals).toEqual(totals);
      for (const row of rows) {
        if (row.cache === null) continue;
        const alone = ratesOf(lines, length, 'cache', [row.cache]);
        expect(alone.rows).toEqual([row]);
      }
    }),
    { seed: SEED, numRuns: 100 },
  );
});

test('series are in order of time, each interval once', () => {
  fc.assert(
    fc.property(traceLines(ANY_TIMES), interval, (lines, length) => {
      const starts = (ratesOf(lines, length, 'cache').series ?? []).map((s) => BigInt(s.startNs));
      expect(starts).toEqual([...new Set(starts)].sort((a, b) => (a < b ? -1 : 1)));
      expect(starts.every((start) => start % BigInt(length) === 0n)).toBe(true);
    }),
    { seed: SEED, numRuns: 200 },
  );
});
