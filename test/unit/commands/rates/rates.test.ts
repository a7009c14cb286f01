import { describe, expect, test } from 'vitest';
import { buildRates, type Rates, type RatesBy } from '../../../../src/commands/rates/rates.ts';
import { RateBins } from '../../../../src/pairing/rate-bins.ts';
import { ORIGIN, type ResolveOptions, resolve } from '../../../helpers/tracked.ts';

function ratesOf(
  lines: string,
  options: ResolveOptions & { by?: RatesBy; interval?: number; series?: boolean } = {},
): Rates {
  const made: RateBins[] = [];
  const { run } = resolve(lines, {
    ...options,
    extra: ({ calls }) => {
      made.push(new RateBins(calls, options.interval ?? 1e9));
      return made;
    },
  });
  const { by = 'cache', series = false } = options;
  return buildRates(run, made[0] as RateBins, by, series, ORIGIN);
}

/** Four seconds: two caches, three sites. */
const LINES = `
  @1000000000 alloc kmalloc-64 A 40 by=open+0x1
  @1200000000 alloc kmalloc-64 B 40 by=open+0x1
  @1300000000 alloc kmalloc-64 C 60 by=dup+0x1
  @2500000000 free A by=close+0x1
  @3100000000 alloc kmalloc-1k D 1000 by=open+0x1
  @5000000000 free D by=close+0x1`;

describe('rates by cache', () => {
  test('are counts and bytes taken, per second of the trace', () => {
    const { rows } = ratesOf(LINES);
    expect(rows).toEqual([
      {
        cache: 'kmalloc-64',
        site: null,
        symbol: null,
        module: null,
        allocs: 3,
        frees: 1,
        bytes: 192,
        allocsPerSec: 0.75,
        freesPerSec: 0.25,
        bytesPerSec: 48,
        busiestAllocs: 3,
      },
      expect.objectContaining({ cache: 'kmalloc-1k', allocs: 1, frees: 1, bytesPerSec: 256 }),
    ]);
  });

  test('come with those of everything', () => {
    expect(ratesOf(LINES).totals).toEqual({
      allocs: 4,
      frees: 2,
      bytes: 192 + 1024,
      allocsPerSec: 1,
      freesPerSec: 0.5,
      bytesPerSec: 304,
    });
  });

  test('are not known where the clock counts no nanoseconds, or no time passed', () => {
    const info = { clock: 'counter', clockUnit: 'count' } as const;
    const { totals, rows } = ratesOf(LINES, { info, interval: 1e9 });
    expect(totals).toMatchObject({ allocs: 4, allocsPerSec: null, bytesPerSec: null });
    expect(rows[0]).toMatchObject({ allocs: 3, freesPerSec: null });
    expect(ratesOf('@1000 alloc kmalloc-64 A').totals).toMatchObject({
      allocs: 1,
      allocsPerSec: null,
    });
  });

  test('of nothing are empty', () => {
    const { rows, totals } = ratesOf('', { series: true });
    expect(rows).toEqual([]);
    expect(totals).toMatchObject({ allocs: 0, allocsPerSec: null });
  });
});

test('rates by site tell sites apart, and caches at one site', () => {
  const { rows } = ratesOf(LINES, { by: 'site' });
  expect(rows.map((r) => [r.symbol, r.cache, r.allocs, r.frees])).toEqual([
    ['open+0x1', 'kmalloc-64', 2, 1],
    ['open+0x1', 'kmalloc-1k', 1, 1],
    ['dup+0x1', 'kmalloc-64', 1, 0],
  ]);
});

describe('the series', () => {
  test('is null where it was not asked for', () => {
    expect(ratesOf(LINES).series).toBeNull();
  });

  test('has the intervals in which something happened', () => {
    const { series } = ratesOf(LINES, { series: true });
    const nameless = { site: null, symbol: null, module: null };
    const small = { ...nameless, cache: 'kmalloc-64' };
    const large = { ...nameless, cache: 'kmalloc-1k' };
    expect(series).toEqual([
      { startNs: '1000000000', rows: [{ ...small, allocs: 3, frees: 0, bytes: 192 }] },
      { startNs: '2000000000', rows: [{ ...small, allocs: 0, frees: 1, bytes: 0 }] },
      { startNs: '3000000000', rows: [{ ...large, allocs: 1, frees: 0, bytes: 1024 }] },
      { startNs: '5000000000', rows: [{ ...large, allocs: 0, frees: 1, bytes: 0 }] },
    ]);
  });

  test('by site names sites without a symbol by their address', () => {
    const lines = '@1 alloc kmalloc-64 A by=0xffffffff81000010';
    const { series } = ratesOf(lines, { series: true, by: 'site' });
    expect(series?.[0]?.rows[0]).toMatchObject({ site: '0xffffffff81000010', symbol: null });
  });

  test('counts from the true origin of the trace', () => {
    const info = { originNs: 1_700_000_000_000_000_000n };
    const { series } = ratesOf(LINES, { series: true, info });
    expect(series?.[0]?.startNs).toBe('1700000001000000000');
  });

  test.each(['cache', 'site'] as const)(
    'by %s adds up to the totals, whatever the interval',
    (by) => {
      const lines = `${LINES}
      @6000000000 alloc kmalloc A 9000/16384 by=__kmalloc_noprof+0x3e
      @7999999999 alloc kmalloc B 9000/16384 by=__kmalloc_noprof+0x3e
      @8000000000 alloc kmalloc B 9000/16384 by=load_module+0x10
      @8500000000 alloc kmalloc-64 C 64 by=dup+0x1`;
      for (const interval of [7, 1e8, 1e9, 1e12]) {
        const { series, totals, rows } = ratesOf(lines, { series: true, interval, by });
        const active = (series ?? []).flatMap((s) => s.rows);
        const sum = (key: 'allocs' | 'frees' | 'bytes'): number =>
          active.reduce((n, row) => n + row[key], 0);
        expect([sum('allocs'), sum('frees'), sum('bytes')]).toEqual([
          totals.allocs,
          totals.frees,
          totals.bytes,
        ]);
        expect(rows.reduce((n, row) => n + row.allocs, 0)).toBe(7);
      }
    },
  );
});

test('the busiest interval is found for each row', () => {
  const { rows } = ratesOf(LINES, { interval: 1e8 });
  expect(rows.map((r) => [r.cache, r.busiestAllocs])).toEqual([
    ['kmalloc-64', 1],
    ['kmalloc-1k', 1],
  ]);
});

test('--cache leaves out the others, in rows, totals and series', () => {
  const { rows, totals, series } = ratesOf(LINES, { caches: ['kmalloc-1*'], series: true });
  expect(rows.map((r) => r.cache)).toEqual(['kmalloc-1k']);
  expect(totals).toMatchObject({ allocs: 1, frees: 1, bytes: 1024 });
  expect(series?.map((s) => s.startNs)).toEqual(['3000000000', '5000000000']);
});

test('intervals are told in seconds, of other clocks in their own unit', () => {
  expect(ratesOf(LINES, { interval: 5e8 }).interval).toBe(0.5);
  const info = { clockUnit: 'tick' } as const;
  expect(ratesOf(LINES, { info, interval: 1000 }).interval).toBe(1000);
});
