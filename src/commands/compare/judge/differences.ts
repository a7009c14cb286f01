// What makes runs hard to compare, in words that say what it does to the numbers. Base and new runs
// may differ in everything that a recording can differ in: none of it is an error.

import { counted, formatSeconds } from '../../../base/bytes-format.ts';
import { allocationsWithoutFrees } from '../../../run/verdicts/unrecorded-frees.ts';
import { slabCountOf } from '../figures/collect-subjects.ts';
import { PER_SECOND, type Per } from '../figures/per.ts';
import { isSameBuild, type RunFigures } from '../figures/run-figures.ts';
import type { SiteMatch } from '../figures/subject.ts';

/** Lengths that differ by less are called equal. */
const LENGTH_TOLERANCE = 0.05;

/** Kinds that stand for one another in recordings of different kernels. */
const EVENT_FAMILIES: readonly (readonly [string, ...string[]])[] = [
  ['kmalloc', 'kmalloc_node'],
  ['kmem_cache_alloc', 'kmem_cache_alloc_node'],
  ['kfree'],
  ['kmem_cache_free'],
];

interface Context {
  readonly match: SiteMatch;
  /** The way of matching that the user asked for. */
  readonly asked: SiteMatch | undefined;
  readonly per: Per;
}

export function findDifferences(
  base: readonly RunFigures[],
  news: readonly RunFigures[],
  context: Context,
): string[] {
  const runs = tellApart(base, news);
  return [
    ...sameRuns(runs),
    ...kernels(runs, context),
    ...lengths(runs, context.per),
    ...each(
      runs,
      'CPUs',
      (f) => f.run.cpus,
      'Per-CPU structures, and slabs that each CPU keeps, differ with them.',
    ),
    ...each(runs, 'Page sizes', (f) => f.run.pageSize, 'Size classes and slabs are not the same.'),
    ...clocks(runs),
    ...each(
      runs,
      'Selections',
      (f) => (f.filter === '' ? 'everything' : f.filter),
      'The runs do not speak of the same allocations.',
    ),
    ...mixed(
      runs,
      (f) => f.slubDebug,
      'slub_debug was on: objects take more bytes, and the difference counts as waste.',
    ),
    ...mixed(
      runs,
      (f) => f.completeness.hashedPointers,
      'pointers are hashed: objects whose page was reused cannot be told gone, so more look live.',
    ),
    ...mixed(
      runs,
      (f) => f.completeness.startsAtBoot,
      'recorded from boot on, the others not: what they allocated before is not in their figures.',
    ),
    ...EVENT_FAMILIES.flatMap(([name, ...others]) =>
      mixed(
        runs,
        ({ events }) => [name, ...others].every((kind) => (events[kind] ?? 0) === 0),
        `no ${name} events were recorded, unlike in the others: figures differ by what they would tell.`,
      ),
    ),
    ...withoutFrees(runs),
    ...slabCounts(runs),
    ...losses(runs),
    ...unnamed(runs),
  ];
}

/** All runs; where two have one label, with their side before it. */
function tellApart(base: readonly RunFigures[], news: readonly RunFigures[]): RunFigures[] {
  const labels = [...base, ...news].map(({ run }) => run.label);
  const isTaken = new Set(labels.filter((label, i) => labels.indexOf(label) !== i));
  const on = (side: string, runs: readonly RunFigures[]): RunFigures[] =>
    runs.map((figures) => {
      const { label } = figures.run;
      if (!isTaken.has(label)) return figures;
      return { ...figures, run: { ...figures.run, label: `${side} ${label}` } };
    });
  return [...on('base', base), ...on('new', news)];
}

/** One run twice shows nothing of how runs differ, and makes p smaller than it is. */
function sameRuns(runs: readonly RunFigures[]): string[] {
  const groups = new Map<string, RunFigures[]>();
  for (const figures of runs) {
    const { sources, firstNs, lastNs } = figures.run;
    const key = JSON.stringify([sources, firstNs, lastNs]);
    groups.set(key, [...(groups.get(key) ?? []), figures]);
  }
  return [...groups.values()].flatMap((group) =>
    group.length < 2
      ? []
      : [`${names(group)}: one recording, which counts as ${group.length} runs here.`],
  );
}

function kernels(runs: readonly RunFigures[], { match, asked }: Context): string[] {
  const by = match === 'function' ? 'by function' : 'by offset inside functions';
  const asAsked = asked === undefined ? '' : ' (--match)';
  const releases = distinct(runs, (f) => f.run.kernelRelease ?? 'unknown');
  if (releases.length > 1) {
    return [
      `Kernels differ (${releases.join(', ')}): call sites are matched ${by}${asAsked}; ` +
        'objects and caches of one name may have other sizes.',
    ];
  }
  if (isSameBuild(runs)) return [];
  const unknown = runs.filter(({ build }) => build === null);
  return [
    unknown.length > 0
      ? `The build of ${names(unknown)} is not known (no version.txt): call sites are matched ${by}${asAsked}.`
      : `Builds of ${releases[0]} differ: call sites are matched ${by}${asAsked}.`,
  ];
}

function lengths(runs: readonly RunFigures[], per: Per): string[] {
  const seconds = runs.flatMap(({ run }) => (run.durationSec === null ? [] : [run.durationSec]));
  if (seconds.length < runs.length) return [];
  const shortest = Math.min(...seconds);
  const longest = Math.max(...seconds);
  const isPerSecond = per === PER_SECOND;
  if (longest <= shortest * (1 + (isPerSecond ? 0.01 : LENGTH_TOLERANCE))) return [];
  const effect = isPerSecond
    ? 'if they did equal work, everything per second differs by that alone.'
    : 'rates differ by that alone. Equal work is assumed; --per second assumes equal time.';
  return [`Runs last from ${formatSeconds(shortest)} to ${formatSeconds(longest)}: ${effect}`];
}

function clocks(runs: readonly RunFigures[]): string[] {
  const without = runs.filter(({ run }) => run.clockUnit !== 'ns' || run.durationSec === null);
  const texts = each(runs, 'Clocks', (f) => f.run.clock ?? 'unknown', 'Lengths and rates may too.');
  if (without.length > 0) {
    return [
      `${names(without)}: the clock does not count nanoseconds, so rates cannot be compared and are left out.`,
    ];
  }
  return texts;
}

/** Of what is never seen freed, nothing tells whether it grew. */
function withoutFrees(runs: readonly RunFigures[]): string[] {
  return (['kfree', 'kmem_cache_free'] as const).flatMap((event) => {
    const without = runs.filter((f) => f.completeness.unrecordedFrees.includes(event));
    if (without.length === 0) return [];
    const what = allocationsWithoutFrees([event]);
    return [
      `${names(without)}: no ${event} event was recorded: what ${what} allocated is kept apart, ` +
        'freed or not, and no verdict on live, peak or waste counts it.',
    ];
  });
}

/** Whose counts of slabs are compared, where only some recordings have the kernel's own. */
function slabCounts(runs: readonly RunFigures[]): string[] {
  const without = runs.filter(({ caches }) => caches.every((c) => c.slabs === null));
  if (slabCountOf(runs) === 'kernel' || without.length === runs.length) return [];
  const isReplayed = runs.every(({ caches }) => caches.some((c) => c.slabsReplayed !== null));
  const effect = isReplayed
    ? 'slabs are those that the events show, by the replay, in all runs.'
    : 'slabs are not compared.';
  return [`${names(without)}: neither slab_sysfs.txt nor slabinfo.txt: ${effect}`];
}

function losses(runs: readonly RunFigures[]): string[] {
  const texts: string[] = [];
  for (const { run, completeness } of runs) {
    const { lostEvents, badRecords } = completeness;
    if (lostEvents > 0) {
      texts.push(
        `${run.label}: ${counted(lostEvents, 'event was', 'events were')} lost: what they allocated is missing, ` +
          'and objects that lived across the loss are uncertain.',
      );
    }
    if (badRecords > 0) {
      texts.push(
        `${run.label}: ${counted(badRecords, 'damaged record was', 'damaged records were')} passed over.`,
      );
    }
  }
  return texts;
}

/** Addresses of one thing differ from boot to boot. */
function unnamed(runs: readonly RunFigures[]): string[] {
  let sites = 0;
  for (const { pairs } of runs) {
    sites = Math.max(
      sites,
      new Set(pairs.filter((p) => p.symbol === null).map((p) => p.site)).size,
    );
  }
  if (sites === 0) return [];
  const which = counted(sites, 'call site has', 'call sites have');
  return [
    `${which} no name: matched by address, which differs from boot to boot (KASLR). ` +
      'Add kallsyms.txt.',
  ];
}

/** A warning where a value is not the same in all runs. */
function each(
  runs: readonly RunFigures[],
  what: string,
  of: (figures: RunFigures) => string | number | null,
  effect: string,
): string[] {
  const values = distinct(runs, (f) => String(of(f) ?? 'unknown'));
  return values.length < 2 ? [] : [`${what} differ (${values.join(', ')}). ${effect}`];
}

/** A warning where some runs have a property and others do not. */
function mixed(
  runs: readonly RunFigures[],
  has: (figures: RunFigures) => boolean,
  effect: string,
): string[] {
  const those = runs.filter(has);
  return those.length === 0 || those.length === runs.length ? [] : [`${names(those)}: ${effect}`];
}

function distinct(runs: readonly RunFigures[], of: (figures: RunFigures) => string): string[] {
  return [...new Set(runs.map(of))];
}

function names(runs: readonly RunFigures[]): string {
  return [...new Set(runs.map(({ run }) => run.label))].join(', ');
}
