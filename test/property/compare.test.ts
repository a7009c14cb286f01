// Laws of comparing: a run against itself is empty, swapping the sides changes nothing but signs, and
// the peaks of the log are those of a naive count.

import fc from 'fast-check';
import { expect, test } from 'vitest';
import { parseBaseline, renderBaseline } from '../../src/commands/compare/figures/baseline.ts';
import { PeakLog } from '../../src/commands/compare/figures/peak-log.ts';
import type { PairFigures, RunFigures } from '../../src/commands/compare/figures/run-figures.ts';
import { buildComparison } from '../../src/commands/compare/judge/build-comparison.ts';
import type { Comparison, ComparisonRow } from '../../src/commands/compare/judge/comparison.ts';
import { mannWhitneyP, shiftInterval } from '../../src/commands/compare/judge/mann-whitney.ts';
import { type Column, column } from '../../src/kernel/column.ts';
import type { Call } from '../../src/kernel/indices.ts';
import { Pairing } from '../../src/pairing/pairing.ts';
import { TestTrace } from '../helpers/builders.ts';
import { SEED } from '../helpers/random-traces.ts';
import { cache, figures, pair } from '../helpers/run-figures.ts';

const seed = { seed: SEED };

const OPTIONS = {
  threshold: { percent: 1, bytes: 16384 },
  per: 'run',
  match: undefined,
  gates: [],
} as const;

const SITES = ['a+0x1', 'a+0x2', 'b.isra.0+0x1', 'b+0x1', 'c+0x1 [mod]', '0xffffffff81000010'];
const CACHES = ['kmalloc-64', 'kmalloc-8k', null];

const pairs: fc.Arbitrary<PairFigures> = fc
  .record({
    site: fc.constantFrom(...SITES),
    cache: fc.constantFrom(...CACHES),
    size: fc.constantFrom(64, 4096, 8192),
    allocs: fc.nat(300),
    liveShare: fc.nat(4),
    uncertainShare: fc.nat(4),
    marked: fc.boolean(),
    inFlight: fc.constantFrom(0, 0, 0.5, 12),
  })
  .map(({ site, cache: name, liveShare, uncertainShare, ...parts }) => {
    const live = Math.floor((parts.allocs * liveShare) / 4);
    const liveUncertain = parts.marked ? live : Math.floor((live * uncertainShare) / 8);
    return pair(site, name, { ...parts, live, liveUncertain });
  });

const runs: fc.Arbitrary<RunFigures> = fc
  .record({
    pairs: fc.uniqueArray(pairs, {
      selector: (p) => `${p.symbol} ${p.site} ${p.module} ${p.cache}`,
      maxLength: 8,
    }),
    durationSec: fc.constantFrom(7.4, 8, 16),
    build: fc.constantFrom('one', 'one', 'other', null),
    slabs: fc.option(fc.nat(40)),
    hasFinding: fc.boolean(),
  })
  .map(({ pairs: list, durationSec, build, slabs, hasFinding }) => {
    const made = figures(list, { run: { durationSec }, build });
    const caches = made.caches.map((c) => cache(c.name, { ...c, slabs, slabBytes: 32768 }));
    const finding = {
      rule: 'double-free',
      severity: 'error' as const,
      count: 1,
      symbol: 'a+0x1',
      module: null,
      site: null,
      cache: 'kmalloc-64',
    };
    return { ...made, caches, findings: hasFinding ? [finding] : [] };
  });

const sides = fc.array(runs, { minLength: 1, maxLength: 5 });

test('compare(a, a) is empty', () => {
  fc.assert(
    fc.property(runs, fc.integer({ min: 1, max: 4 }), (run, count) => {
      const side = new Array<RunFigures>(count).fill(run);
      const { rows, newSites, goneSites } = buildComparison(side, side, OPTIONS);
      expect([rows, newSites, goneSites]).toEqual([[], [], []]);
    }),
    seed,
  );
});

test('no difference between two sets of the same runs counts', () => {
  fc.assert(
    fc.property(sides, (side) => {
      const { rows } = buildComparison(side, [...side].reverse(), OPTIONS);
      for (const { verdict, delta } of rows) expect([verdict, delta]).toEqual(['same', 0]);
    }),
    seed,
  );
});

const OPPOSITE = {
  regression: 'improvement',
  improvement: 'regression',
  same: 'same',
  noise: 'noise',
};

/** The rows by what they are about. */
function byName({ rows }: Comparison): Map<string, ComparisonRow> {
  return new Map(
    rows.map((r) => [[r.subject, r.cache, r.symbol, r.module, r.site, r.metric].join('|'), r]),
  );
}

test('compare(a, b) is the negation of compare(b, a)', () => {
  fc.assert(
    fc.property(sides, sides, fc.constantFrom('run', 'second', 'kmalloc'), (a, b, per) => {
      const there = buildComparison(a, b, { ...OPTIONS, per });
      const back = buildComparison(b, a, { ...OPTIONS, per });
      const backward = byName(back);
      expect(backward.size).toBe(there.rows.length);
      for (const [name, row] of byName(there)) {
        const other = backward.get(name) as ComparisonRow;
        expect(other.verdict).toBe(OPPOSITE[row.verdict]);
        expect(other.delta).toBeCloseTo(-row.delta, 6);
        expect([other.base, other.new]).toEqual([row.new, row.base]);
        expect(other.p ?? -1).toBeCloseTo(row.p ?? -1, 12);
        expect(other.confidence?.low ?? 0).toBeCloseTo(-(row.confidence?.high ?? 0), 6);
        expect(other.confidence?.high ?? 0).toBeCloseTo(-(row.confidence?.low ?? 0), 6);
      }
      expect(back.newSites).toEqual(there.goneSites);
      expect(back.goneSites).toEqual(there.newSites);
      expect(back.unchanged).toEqual(there.unchanged);
    }),
    seed,
  );
});

test('a baseline is as good as the runs it was made of', () => {
  fc.assert(
    fc.property(sides, (side) => {
      expect(parseBaseline(renderBaseline(side), 'base.json')).toEqual(side);
    }),
    seed,
  );
});

const values = fc.array(fc.integer({ min: 0, max: 6 }), { minLength: 1, maxLength: 6 });

test('the test does not care for order, sides or scale', () => {
  fc.assert(
    fc.property(values, values, (a, b) => {
      const p = mannWhitneyP(a, b);
      expect(p).toBeGreaterThan(0);
      expect(p).toBeLessThanOrEqual(1);
      expect(mannWhitneyP([...a].reverse(), b)).toBe(p);
      expect(mannWhitneyP(b, a)).toBeCloseTo(p, 12);
      expect(
        mannWhitneyP(
          a.map((v) => 3 * v + 7),
          b.map((v) => 3 * v + 7),
        ),
      ).toBe(p);
    }),
    seed,
  );
});

test('p is what counting all choices gives', () => {
  fc.assert(
    fc.property(values, values, (a, b) => {
      const all = [...a, ...b];
      const rank = (v: number): number =>
        all.filter((w) => w < v).length + (all.filter((w) => w === v).length + 1) / 2;
      const sumOf = (chosen: readonly number[]): number => chosen.reduce((s, v) => s + rank(v), 0);
      const own = sumOf(a);
      let [below, above, ways] = [0, 0, 0];
      for (let mask = 0; mask < 1 << all.length; mask++) {
        const chosen = all.filter((_, i) => (mask >> i) & 1);
        if (chosen.length !== a.length) continue;
        ways++;
        if (sumOf(chosen) <= own) below++;
        if (sumOf(chosen) >= own) above++;
      }
      expect(mannWhitneyP(a, b)).toBeCloseTo(Math.min(1, (2 * Math.min(below, above)) / ways), 12);
    }),
    { ...seed, numRuns: 60 },
  );
});

test('the interval of the shift moves with it', () => {
  fc.assert(
    fc.property(values, values, fc.integer({ min: -9, max: 9 }), (a, b, by) => {
      const still = shiftInterval(a, b);
      const moved = shiftInterval(
        a,
        b.map((v) => v + by),
      );
      expect(moved && [moved.low - by, moved.high - by, moved.level]).toEqual(
        still && [still.low, still.high, still.level],
      );
    }),
    seed,
  );
});

const steps = fc.array(
  fc.record({
    object: fc.constantFrom('A', 'B', 'C', 'D', 'E'),
    site: fc.constantFrom('one', 'two', 'three'),
    isFree: fc.boolean(),
  }),
  { maxLength: 60 },
);

test('peaks are those of a naive count, or a range that holds them', () => {
  fc.assert(
    fc.property(steps, fc.integer({ min: 1, max: 30 }), (list, maxEntries) => {
      const lines = list.map(({ object, site, isFree }) =>
        isFree ? `free ${object}` : `alloc kmalloc-64 ${object} by=${site}+0x1`,
      );
      const holder = new Map<string, string>();
      let [most, mostOfOne] = [0, 0];
      for (const { object, site, isFree } of list) {
        if (isFree) holder.delete(object);
        else holder.set(object, site);
        const owners = [...holder.values()];
        most = Math.max(most, owners.filter((s) => s !== 'three').length);
        mostOfOne = Math.max(mostOfOne, owners.filter((s) => s === 'one').length);
      }
      const trace = new TestTrace(lines.join('\n'));
      const { calls, sites, strings } = trace.dictionary;
      const logs = [new PeakLog(calls), new PeakLog(calls, maxEntries)];
      const pairing = new Pairing(trace.dictionary);
      for (const batch of trace.batches(7)) {
        const paired = pairing.add(batch);
        for (const log of logs) log.add(batch, paired);
      }
      const groups = (names: readonly string[]): Int32Array =>
        Int32Array.from({ length: calls.length }, (_, call) =>
          call > 0 && names.includes(strings.get(sites.text(calls.site(call))).split('+')[0] ?? '')
            ? 0
            : -1,
        );
      const ones: Column<Call, Float64Array> = column(new Float64Array(calls.length).fill(1));
      for (const [names, expected] of [
        [['one', 'two'], most],
        [['one'], mostOfOne],
      ] as const) {
        const [exact, range] = logs.map((log) => log.peaks(column(groups(names)), 1, ones)[0]);
        expect(exact).toEqual({ low: expected, high: expected });
        expect(range?.low).toBeLessThanOrEqual(expected);
        expect(range?.high).toBeGreaterThanOrEqual(expected);
      }
    }),
    seed,
  );
});
