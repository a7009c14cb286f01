import { describe, expect, test } from 'vitest';
import { UsageError } from '../../../../../src/base/errors.ts';
import type { Metric } from '../../../../../src/commands/compare/figures/metrics.ts';
import type { RunFigures } from '../../../../../src/commands/compare/figures/run-figures.ts';
import { subjectText } from '../../../../../src/commands/compare/figures/subject.ts';
import {
  buildComparison,
  type CompareOptions,
} from '../../../../../src/commands/compare/judge/build-comparison.ts';
import type {
  Comparison,
  ComparisonRow,
} from '../../../../../src/commands/compare/judge/comparison.ts';
import { cache, figures, pair } from '../../../../helpers/run-figures.ts';

const OPTIONS: CompareOptions = {
  threshold: { percent: 1, bytes: 16384 },
  per: 'run',
  match: undefined,
  gates: [],
};

function compare(
  base: RunFigures[],
  news: RunFigures[],
  options: Partial<CompareOptions> = {},
): Comparison {
  return buildComparison(base, news, { ...OPTIONS, ...options });
}

function row(comparison: Comparison, name: string, metric: Metric): ComparisonRow | undefined {
  return comparison.rows.find((r) => r.metric === metric && subjectText(r) === name);
}

/** `VERDICT METRIC NAME` of the rows that say something. */
function verdicts({ rows }: Comparison): string[] {
  return rows
    .filter((r) => r.verdict !== 'same')
    .map((r) => `${r.verdict} ${r.metric} ${subjectText(r)}`);
}

const idle = pair('idle+0x4', 'kmalloc-64', { allocs: 1000, live: 500, size: 64 });

describe('a leak at a new site', () => {
  const base = figures([idle]);
  const leaky = figures([
    idle,
    pair('docase+0x3bc [labbug]', 'kmalloc-8k', {
      allocs: 200,
      live: 100,
      size: 8192,
      bytesReq: 200 * 4097,
      liveBytesReq: 100 * 4097,
    }),
  ]);
  const comparison = compare([base], [leaky]);

  test('is the largest regression, with its numbers', () => {
    expect(row(comparison, 'docase+0x3bc [labbug]', 'live')).toMatchObject({
      subject: 'site',
      symbol: 'docase+0x3bc',
      module: 'labbug',
      cache: null,
      base: [0],
      new: [819200],
      delta: 819200,
      deltaPct: null,
      verdict: 'regression',
      objects: { base: 0, new: 100 },
      caches: ['kmalloc-8k'],
      bytesReqEach: 4097,
    });
    expect(row(comparison, 'docase+0x3bc [labbug]', 'waste')?.delta).toBe(409500);
    expect(row(comparison, 'docase+0x3bc [labbug]', 'allocBytes')?.delta).toBe(1638400);
    expect(row(comparison, 'kmalloc-8k', 'live')?.delta).toBe(819200);
    expect(row(comparison, 'total', 'live')?.delta).toBe(819200);
  });

  test('rows come by growth, the site before its cache before the total', () => {
    expect(verdicts(comparison).slice(0, 6)).toEqual([
      'regression allocBytes docase+0x3bc [labbug]',
      'regression allocBytes kmalloc-8k',
      'regression allocBytes total',
      'regression live docase+0x3bc [labbug]',
      'regression live kmalloc-8k',
      'regression live total',
    ]);
  });

  test('is named as new; what did not change is counted', () => {
    expect(comparison.newSites).toEqual([
      {
        symbol: 'docase+0x3bc',
        module: 'labbug',
        site: null,
        caches: ['kmalloc-8k'],
        allocs: 200,
        bytesAlloc: 1638400,
      },
    ]);
    expect(comparison.goneSites).toEqual([]);
    expect(comparison.unchanged).toEqual({ caches: 1, sites: 1 });
    expect(row(comparison, 'idle+0x4', 'live')).toBeUndefined();
  });

  test('the other way round it is gone, and an improvement', () => {
    const back = compare([leaky], [base]);
    expect(row(back, 'docase+0x3bc [labbug]', 'live')).toMatchObject({
      delta: -819200,
      deltaPct: -100,
      verdict: 'improvement',
    });
    expect(back.goneSites.map((s) => s.symbol)).toEqual(['docase+0x3bc']);
    expect(back.rows.map((r) => r.delta)).toEqual(comparison.rows.map((r) => -r.delta).reverse());
  });
});

describe('matching', () => {
  const one = figures([pair('foo+0x10', 'kmalloc-1k', { live: 100, size: 1024 })]);
  const other = figures([pair('foo+0x18', 'kmalloc-1k', { live: 100, size: 1024 })]);

  test('one build: by the offset', () => {
    const { match, newSites, goneSites } = compare([one], [other]);
    expect(match).toBe('offset');
    expect(newSites.map((s) => s.symbol)).toEqual(['foo+0x18']);
    expect(goneSites.map((s) => s.symbol)).toEqual(['foo+0x10']);
  });

  test.each([
    ['another build of one release', { build: 'Linux version 6.1.0 #2' }],
    ['a build that is not known', { build: null }],
    ['another release', { run: { kernelRelease: '6.2.0' } }],
  ])('%s: by the function, offsets mean nothing', (_title, parts) => {
    const { match, rows, newSites, goneSites, unchanged } = compare(
      [one],
      [figures(other.pairs, parts)],
    );
    expect(match).toBe('function');
    expect(rows).toEqual([]);
    expect([...newSites, ...goneSites]).toEqual([]);
    expect(unchanged).toEqual({ caches: 1, sites: 1 });
  });

  test('both ways can be asked for', () => {
    expect(compare([one], [other], { match: 'function' }).rows).toEqual([]);
    const rebuilt = figures(other.pairs, { build: 'other' });
    expect(compare([one], [rebuilt], { match: 'offset' }).newSites).toHaveLength(1);
  });

  test('by the function: sites of one function are one, with and without suffixes', () => {
    const base = figures([
      pair('bar.isra.0+0x10', 'kmalloc-1k', { live: 30, size: 1024 }),
      pair('bar.isra.0+0x90', 'kmalloc-2k', { live: 10, size: 2048 }),
    ]);
    const rebuilt = figures([pair('bar+0x20', 'kmalloc-1k', { live: 80, size: 1024 })], {
      build: 'other',
    });
    expect(row(compare([base], [rebuilt]), 'bar', 'live')).toMatchObject({
      base: [30 * 1024 + 10 * 2048],
      new: [80 * 1024],
      objects: { base: 40, new: 80 },
      caches: ['kmalloc-1k', 'kmalloc-2k'],
    });
  });

  test('a function of one name in another module is another', () => {
    const { newSites } = compare(
      [figures([pair('init+0x1', 'kmalloc-64', { live: 1 })], { build: null })],
      [figures([pair('init+0x1 [mod]', 'kmalloc-64', { live: 1 })], { build: null })],
    );
    expect(newSites).toMatchObject([{ symbol: 'init', module: 'mod' }]);
  });

  test('a site without a name is matched by its address', () => {
    const base = figures([pair('0xffffffff81000010', 'kmalloc-64', { live: 1 })]);
    const { rows, newSites, warnings } = compare([base], [base]);
    expect([rows, newSites]).toEqual([[], []]);
    expect(warnings).toContainEqual(expect.stringMatching(/^1 call site has no name/));
  });
});

describe('live objects that may be freed already', () => {
  const marked = pair('rcu_user+0x1', 'kmalloc-256', {
    live: 100,
    liveUncertain: 100,
    size: 256,
    marked: true,
  });
  const sure = pair('rcu_user+0x1', 'kmalloc-256', { live: 400, size: 256 });

  test('a site that one run marks is certain in none', () => {
    const comparison = compare([figures([marked, idle])], [figures([sure, idle])]);
    expect(row(comparison, 'rcu_user+0x1', 'live')).toBeUndefined();
    expect(row(comparison, 'total', 'live')).toBeUndefined();
    expect(comparison.uncertain).toMatchObject([
      { subject: 'cache', cache: 'kmalloc-256', base: [25600], new: [102400], delta: 76800 },
      { subject: 'site', symbol: 'rcu_user+0x1', baseObjects: [100], newObjects: [400] },
      { subject: 'total', delta: 76800 },
    ]);
  });

  test('its peak is not judged by what may be dead objects', () => {
    const comparison = compare([figures([marked, idle])], [figures([sure, idle])]);
    expect(row(comparison, 'rcu_user+0x1', 'peak')).toMatchObject({
      delta: 76800,
      verdict: 'noise',
      reason: 'objects that may have been freed before the peak explain it',
    });
  });

  test('where events were lost, a change must be more than the uncertain objects', () => {
    const site = (live: number, liveUncertain: number): RunFigures =>
      figures([pair('foo+0x1', 'kmalloc-1k', { live, liveUncertain, size: 1024 })], {
        completeness: { lostEvents: liveUncertain },
      });
    // 100 for certain against 150 for certain and 60 that perhaps are.
    expect(row(compare([site(100, 0)], [site(210, 60)]), 'foo+0x1', 'live')).toMatchObject({
      base: [102400],
      new: [153600],
      verdict: 'noise',
    });
    expect(row(compare([site(100, 0)], [site(310, 60)]), 'foo+0x1', 'live')).toMatchObject({
      new: [256000],
      verdict: 'regression',
    });
  });
});

describe('rates', () => {
  const site = pair('busy+0x1', 'kmalloc-1k', { allocs: 10_000, size: 1024 });
  const lasting = (durationSec: number, allocs = 10_000): RunFigures =>
    figures([{ ...site, allocs, bytesAlloc: allocs * 1024 }], { run: { durationSec } });

  test('as much work in less time is speed, not memory', () => {
    expect(row(compare([lasting(10)], [lasting(8)]), 'busy+0x1', 'allocRate')).toMatchObject({
      base: [1000],
      new: [1250],
      verdict: 'noise',
      reason: 'as many allocations in less time: speed, not memory',
    });
  });

  test('more work at a higher rate is a regression', () => {
    const comparison = compare([lasting(10)], [lasting(10, 12_000)]);
    expect(row(comparison, 'busy+0x1', 'allocRate')).toMatchObject({
      delta: 200,
      unit: 'allocations/s',
      verdict: 'regression',
    });
  });

  test('--per second holds time for the unit of work', () => {
    const comparison = compare([lasting(10)], [lasting(8)], { per: 'second' });
    expect(row(comparison, 'busy+0x1', 'allocRate')?.verdict).toBe('regression');
    expect(row(comparison, 'busy+0x1', 'allocBytes')).toMatchObject({
      unit: 'bytes/s',
      base: [1_024_000],
      new: [1_280_000],
      verdict: 'regression',
    });
  });

  test('--per second: twice the work in twice the time is the same', () => {
    const comparison = compare([lasting(10)], [lasting(20, 20_000)], { per: 'second' });
    expect(row(comparison, 'busy+0x1', 'allocBytes')).toBeUndefined();
  });

  test('--per EVENT divides by its count, and the threshold is held against a whole run', () => {
    const counted = (kmalloc: number): RunFigures => figures([site], { events: { kmalloc } });
    expect(
      row(compare([counted(1000)], [counted(800)], { per: 'kmalloc' }), 'busy+0x1', 'allocBytes'),
    ).toMatchObject({ unit: 'bytes/kmalloc', base: [10240], new: [12800], verdict: 'regression' });
  });

  test('a run without such an event, or without seconds, is refused', () => {
    expect(() => compare([lasting(10)], [lasting(10)], { per: 'mm_page_alloc' })).toThrow(
      UsageError,
    );
    const ticks = figures([site], { run: { durationSec: null, clockUnit: 'tick' } });
    expect(() => compare([ticks], [ticks], { per: 'second' })).toThrow(UsageError);
    const { rows, totals, warnings } = compare([lasting(10)], [ticks]);
    expect([...rows, ...totals].filter((r) => r.metric === 'allocRate')).toEqual([]);
    expect(warnings).toContainEqual(expect.stringMatching(/does not count nanoseconds/));
  });
});

describe('slabs', () => {
  const holding = (slabs: number | null, slabsReplayed: number | null = null): RunFigures =>
    figures([idle], {
      caches: [cache('kmalloc-64', { slabs, slabsReplayed, slabBytes: 32768, slabSize: 64 })],
    });

  test('as many as the kernel may keep without need are noise', () => {
    // set_min_partial(): 5 for small objects; and one on the only CPU.
    expect(row(compare([holding(8)], [holding(14)]), 'kmalloc-64', 'slabs')?.verdict).toBe('noise');
    expect(row(compare([holding(8)], [holding(15)]), 'kmalloc-64', 'slabs')).toMatchObject({
      verdict: 'regression',
      unit: 'slabs',
    });
  });

  test('are left out where some run does not know them', () => {
    const { rows } = compare([holding(null)], [holding(100)]);
    expect(rows.filter((r) => r.metric === 'slabs')).toEqual([]);
  });

  test("the kernel's own counts, where every run has them", () => {
    const slabs = row(compare([holding(100, 8)], [holding(200, 8)]), 'kmalloc-64', 'slabs');
    expect(slabs).toMatchObject({ base: [100], new: [200] });
  });

  test('else those of the replay, in all runs', () => {
    const mixed = compare([holding(100, 8)], [holding(null, 40)]);
    expect(row(mixed, 'kmalloc-64', 'slabs')).toMatchObject({ base: [8], new: [40] });
    expect(mixed.warnings).toContainEqual(
      expect.stringMatching(
        /: slabs are those that the events show, by the replay, in all runs\.$/,
      ),
    );
    const unrecorded = compare([holding(null, 8)], [holding(null, 40)]);
    expect(row(unrecorded, 'kmalloc-64', 'slabs')).toMatchObject({ base: [8], new: [40] });
  });
});

test('a cache whose name is a guess is not judged, its sites are', () => {
  const guessed = (live: number): RunFigures =>
    figures([pair('foo+0x1', 'dentry', { live, size: 192 })], {
      caches: [cache('dentry', { inferred: true })],
    });
  const comparison = compare([guessed(0)], [guessed(1000)]);
  expect(row(comparison, 'dentry', 'live')?.verdict).toBe('noise');
  expect(row(comparison, 'foo+0x1', 'live')?.verdict).toBe('regression');
});

test('objects in flight at the end are noise where one run tells no more', () => {
  const busy = (live: number): RunFigures =>
    figures([pair('fork+0x1', 'task_struct', { allocs: 900, live, size: 6144, inFlight: 4 })]);
  // 3 * sqrt(4 + 4) = 8.5 objects.
  expect(row(compare([busy(30)], [busy(38)]), 'fork+0x1', 'live')?.verdict).toBe('noise');
  expect(row(compare([busy(30)], [busy(39)]), 'fork+0x1', 'live')?.verdict).toBe('regression');
});

test('what is live only at the peak came and went', () => {
  const peaking = (objects: number): RunFigures => {
    const figuresOf = figures([
      pair('fork+0x1', 'task_struct', { allocs: 900, live: 30, size: 6144 }),
    ]);
    const peak = { low: objects * 6144, high: objects * 6144 };
    return { ...figuresOf, sitePeaks: [{ symbol: 'fork+0x1', module: null, site: null, peak }] };
  };
  // 10 and 20 objects above the end: 3 * sqrt(30) = 16.4; 10 and 40: 3 * sqrt(50) = 21.2.
  expect(row(compare([peaking(40)], [peaking(50)]), 'fork+0x1', 'peak')?.verdict).toBe('noise');
  expect(row(compare([peaking(40)], [peaking(70)]), 'fork+0x1', 'peak')?.verdict).toBe(
    'regression',
  );
});

test('findings are counted; notes are none, nor what only speaks of an amount', () => {
  const finding = (
    severity: 'error' | 'warning' | 'note',
    rule = 'double-free',
  ): RunFigures['findings'][number] => ({
    rule,
    severity,
    count: 3,
    symbol: 'idle+0x4',
    module: null,
    site: null,
    cache: 'kmalloc-64',
  });
  const comparison = compare(
    [figures([idle])],
    [
      figures([idle], {
        findings: [finding('error'), finding('note'), finding('warning', 'just-over-class')],
      }),
    ],
  );
  expect(verdicts(comparison)).toEqual([
    'regression findings idle+0x4',
    'regression findings kmalloc-64',
    'regression findings total',
  ]);
  expect(row(comparison, 'total', 'findings')?.new).toEqual([1]);
});

test('the result says how it judged and what a test would need', () => {
  const runs = (count: number, side: string): RunFigures[] =>
    Array.from({ length: count }, (_, i) =>
      figures([idle], { run: { label: `${side}${i}`, sources: [`${side}${i}/trace.dat`] } }),
    );
  const of = (base: number, news: number): Comparison =>
    compare(runs(base, 'base'), runs(news, 'new'));
  expect(of(1, 1).test).toEqual({ method: 'exact', alpha: 0.05, smallestP: 1 });
  expect(of(3, 2).test.method).toBe('ranges');
  expect(of(3, 2).warnings).toEqual([
    '3+2 runs cannot give a p below 0.20. A test needs 4 runs on each side, or 5 new ones beside these 3.',
  ]);
  expect(of(1, 2).warnings).toEqual([
    '1+2 runs cannot give a p below 0.67. A test needs 4 runs on each side, or 8 base ones beside these 2.',
  ]);
  expect(of(4, 4)).toMatchObject({
    test: { method: 'mann-whitney', smallestP: 2 / 70 },
    warnings: [],
    rows: [],
  });
});
