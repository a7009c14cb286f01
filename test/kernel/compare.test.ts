// What comparing finds in recordings of one workload: three equal runs, and two with 200 allocations
// of 4097 and 200 of 140 bytes planted, half of them freed (shared/README.md). The planted sites are
// all that got worse; equal runs have no verdict in any pairing.

import { beforeAll, expect, test } from 'vitest';
import { readRunFigures } from '../../src/commands/compare/compare-runs.ts';
import type { RunFigures } from '../../src/commands/compare/figures/run-figures.ts';
import { subjectText } from '../../src/commands/compare/figures/subject.ts';
import { buildComparison } from '../../src/commands/compare/judge/build-comparison.ts';
import type { Comparison, ComparisonRow } from '../../src/commands/compare/judge/comparison.ts';
import { describeWithData, recording } from '../helpers/data.ts';

const BASE = ['base', 'base2', 'base3'] as const;
const NEW = ['new', 'new2'] as const;
const RECORDINGS = [...BASE, ...NEW].map((name) => `regress-${name}`);
type Name = (typeof BASE)[number] | (typeof NEW)[number];

describeWithData(RECORDINGS, 'comparing equal runs and runs with planted regressions', () => {
  const runs = new Map<Name, RunFigures>();

  beforeAll(async () => {
    for (const name of [...BASE, ...NEW]) {
      runs.set(name, await readRunFigures({ source: recording(`regress-${name}`) }, false));
    }
  });

  function compare(base: readonly Name[], news: readonly Name[]): Comparison {
    const figures = (names: readonly Name[]): RunFigures[] =>
      names.map((name) => runs.get(name) as RunFigures);
    return buildComparison(figures(base), figures(news), {
      threshold: { percent: 1, bytes: 16384 },
      per: 'run',
      match: undefined,
      gates: [],
    });
  }

  /** `METRIC NAME` of the rows with a verdict, in their order. */
  function named({ rows }: Comparison, verdict: ComparisonRow['verdict']): string[] {
    return rows.filter((r) => r.verdict === verdict).map((r) => `${r.metric} ${subjectText(r)}`);
  }

  const live = (comparison: Comparison, name: string): ComparisonRow | undefined =>
    comparison.rows.find((r) => r.metric === 'live' && subjectText(r) === name);

  test('the planted sites are what got worse, nothing else', () => {
    const comparison = compare(BASE, NEW);
    const sites = comparison.rows
      .filter((r) => r.verdict === 'regression' && r.subject === 'site' && r.metric === 'live')
      .map(subjectText);
    expect(sites).toEqual(['docase+0x3bc [labbug]', 'docase+0x3d5 [labbug]']);
    const caches = comparison.rows.filter(
      (r) => r.verdict === 'regression' && r.subject === 'cache',
    );
    expect(new Set(caches.map(subjectText))).toEqual(new Set(['kmalloc-8k', 'kmalloc-192']));
    expect(named(comparison, 'improvement')).toEqual([]);
    expect(comparison.match).toBe('offset');
  });

  test('with the numbers that were planted: 100 of 200 of either size are live', () => {
    const comparison = compare(BASE, NEW);
    expect(live(comparison, 'docase+0x3bc [labbug]')).toMatchObject({
      base: [0, 0, 0],
      new: [819200, 819200],
      objects: { base: 0, new: 100 },
      caches: ['kmalloc-8k'],
      bytesReqEach: 4097,
    });
    expect(live(comparison, 'docase+0x3d5 [labbug]')).toMatchObject({
      base: [0, 0, 0],
      new: [19200, 19200],
      objects: { base: 0, new: 100 },
      caches: ['kmalloc-192'],
      bytesReqEach: 140,
    });
    expect(live(comparison, 'kmalloc-8k')?.delta).toBe(819200);
    const allocated = comparison.newSites.map(({ symbol, allocs }) => [symbol, allocs]);
    expect(allocated.slice(0, 2)).toEqual([
      ['docase+0x3bc', 200],
      ['docase+0x3d5', 200],
    ]);
  });

  test('the other way round they are improvements', () => {
    const there = compare(BASE, NEW);
    const back = compare(NEW, BASE);
    expect(named(back, 'improvement').sort()).toEqual(named(there, 'regression').sort());
    expect(named(back, 'regression')).toEqual([]);
  });

  test.each(BASE.flatMap((a) => NEW.map((b) => [a, b] as const)))(
    '%s against %s alone finds them',
    (a, b) => {
      const worse = compare([a], [b]).rows.filter((r) => r.verdict === 'regression');
      const sites = worse.filter((r) => r.subject === 'site').map(subjectText);
      expect(new Set(sites)).toEqual(new Set(['docase+0x3bc [labbug]', 'docase+0x3d5 [labbug]']));
    },
  );

  const others = (name: (typeof BASE)[number]): Name[] => BASE.filter((other) => other !== name);
  test.each<[Name[], Name[]]>([
    ...BASE.flatMap((a) => others(a).map((b): [Name[], Name[]] => [[a], [b]])),
    ...BASE.map((a): [Name[], Name[]] => [others(a), [a]]),
    ...BASE.map((a): [Name[], Name[]] => [[a], others(a)]),
    [['new'], ['new2']],
    [['new2'], ['new']],
  ])('equal runs have no verdict: %s against %s', (base, news) => {
    const comparison = compare(base, news);
    expect(named(comparison, 'regression')).toEqual([]);
    expect(named(comparison, 'improvement')).toEqual([]);
  });

  test('the replay finds the slabs of what was planted, as the kernel counted them', async () => {
    const slabs = async (name: Name): Promise<unknown> => {
      const source = recording(`regress-${name}`);
      const { caches } = await readRunFigures({ source }, true);
      const cache = caches.find((c) => c.name === 'kmalloc-8k');
      return [cache?.slabs, cache?.slabsReplayed];
    };
    // Four objects a slab: 9 objects in base, 109 in new.
    expect(await slabs('base')).toEqual([3, 3]);
    expect(await slabs('new')).toEqual([28, 28]);
  });

  test('what equal runs differ by: sites whose frees leave no event stay apart', () => {
    const { uncertain } = compare(['base'], ['base2', 'base3']);
    const sysctl = uncertain.find((r) => r.symbol === '__register_sysctl_table+0x5c');
    // kmalloc-4k alone: 5, 7 and 6 objects of 4096 bytes.
    expect(sysctl?.base.length).toBe(1);
    expect(new Set([...(sysctl?.base ?? []), ...(sysctl?.new ?? [])]).size).toBe(3);
  });
});
