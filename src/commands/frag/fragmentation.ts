// The result of `frag`: where memory goes that no one asked for. Of each row's live objects (or those
// live at the peak, or at a moment): what was requested, what rounding up to size classes adds,
// alignment of named caches, and metadata of slub_debug; per cache also the tail of its slabs.

import { adviseSizes, type SizeAdvice } from '../../analysis/size-advice.ts';
import { UsageError } from '../../base/errors.ts';
import { compareText, formatAddress } from '../../base/format-address.ts';
import { devresOverhead } from '../../kernel/caches/wrapper-functions.ts';
import type { Site, Stack } from '../../kernel/indices.ts';
import type { StackTally } from '../../pairing/stack-tally.ts';
import type { TaskTally } from '../../pairing/task-tally.ts';
import {
  type CallGroup,
  emptySums,
  groupCalls,
  groupLive,
  mergeGroups,
} from '../../run/group-calls.ts';
import type { ResolvedRun } from '../../run/resolved-run.ts';
import {
  type Completeness,
  judgeCompleteness,
  type RunOrigin,
  type RunSummary,
  summarizeRun,
} from '../../run/run-summary.ts';
import { groupSites, type SiteKey } from '../../run/site-groups.ts';
import { taskTotals } from '../../run/task-totals.ts';

export type FragBy = 'cache' | 'site' | 'size' | 'task' | 'stack' | 'directory';

export interface FragRow {
  readonly cache: string | null;
  readonly site: string | null;
  readonly symbol: string | null;
  readonly module: string | null;
  /** Where a vmlinux says so: the file in the kernel's tree (`fs/ext4/super.c`), and the line. */
  readonly file: string | null;
  readonly line: number | null;
  /** `fs/ext4`, `[virtio_net]`, or `kernel` for built-in code that no vmlinux describes. */
  readonly directory: string | null;
  readonly bytesReqEach: number | null;
  readonly comm: string | null;
  readonly pid: number | null;
  /** Frames, innermost first; null where rows are not by stack. */
  readonly stack: readonly string[] | null;
  readonly allocs: number;
  readonly objects: number;
  readonly uncertain: number;
  readonly requested: number;
  readonly allocated: number;
  readonly rounding: number;
  readonly padding: number;
  readonly metadata: number;
  /** Of `requested`: bytes of struct devres in managed allocations; 0 in rows that are not by site. */
  readonly devres: number;
  /** Bytes at the end of its slabs that fit no object; null where the slabs are not known. */
  readonly slabTail: number | null;
  /**
   * What rounding wasted over the whole trace, bytes times seconds; null without real time, and in
   * rows by task or stack (also sites that a stack tells), which what was freed does not have any
   * more.
   */
  readonly roundingByteSeconds: number | null;
}

export interface Fragmentation {
  readonly type: 'fragmentation';
  readonly run: RunSummary;
  readonly completeness: Completeness;
  readonly by: FragBy;
  readonly at: 'end' | 'peak';
  readonly rows: readonly FragRow[];
  readonly totals: {
    readonly requested: number;
    readonly allocated: number;
    readonly rounding: number;
    readonly padding: number;
    readonly metadata: number;
    readonly slabTail: number | null;
  };
  readonly advice: readonly SizeAdvice[];
}

interface Key extends SiteKey {
  readonly directory: string | null;
  readonly task: number | null;
  readonly stack: number | null;
}

const NO_KEY: Key = {
  cache: null,
  siteId: null,
  size: null,
  isDevres: false,
  isByStack: false,
  directory: null,
  task: null,
  stack: null,
};

/** Further counts, each where rows need it. */
export interface FragTallies {
  /** Where rows are by task. */
  readonly tasks?: TaskTally | undefined;
  /** Where rows are by site or directory. */
  readonly stacks?: StackTally | undefined;
  /** The file of a site (index into `Dictionary.sites`), where a vmlinux says so. */
  readonly fileOf?: ((site: Site) => string | undefined) | undefined;
}

export function buildFragmentation(
  run: ResolvedRun,
  by: FragBy,
  at: 'end' | 'peak',
  origin: RunOrigin,
  tallies: FragTallies,
): Fragmentation {
  if (by === 'stack' && at === 'peak') {
    throw new UsageError('rows by stack are known for the end of the trace, not for its peak', {
      hint: 'Use --at end, or another --by.',
    });
  }
  const rows = rowsBy(run, by, at, tallies);
  const wasted = (row: FragRow): number => row.rounding + row.padding + row.metadata;
  rows.sort(
    (a, b) => wasted(b) - wasted(a) || b.allocated - a.allocated || compareText(label(a), label(b)),
  );
  const total = (pick: (row: FragRow) => number): number => rows.reduce((n, r) => n + pick(r), 0);
  return {
    type: 'fragmentation',
    run: summarizeRun(run, origin),
    completeness: judgeCompleteness(run),
    by,
    at,
    rows,
    totals: {
      requested: total((r) => r.requested),
      allocated: total((r) => r.allocated),
      rounding: total((r) => r.rounding),
      padding: total((r) => r.padding),
      metadata: total((r) => r.metadata),
      slabTail: by === 'cache' ? total((r) => r.slabTail ?? 0) : null,
    },
    advice: adviseSizes(run),
  };
}

function rowsBy(run: ResolvedRun, by: FragBy, at: 'end' | 'peak', tallies: FragTallies): FragRow[] {
  const { tasks } = tallies;
  const groups = groupsBy(run, by, at, tallies);
  return tasks === undefined
    ? groups.map((group) => fragRow(run, group, at))
    : taskRows(run, groups, at, tasks);
}

function groupsBy(
  run: ResolvedRun,
  by: FragBy,
  at: 'end' | 'peak',
  { stacks, fileOf }: FragTallies,
): CallGroup<Key>[] {
  const { calls } = run.dictionary;
  switch (by) {
    case 'cache':
      return groupCalls(run, (_, cache) => ({ id: cache ?? '', key: { ...NO_KEY, cache } }));
    case 'site':
      return groupSites(run, at, stacks).map((group) => ({
        ...group,
        key: { ...NO_KEY, ...group.key },
      }));
    case 'size':
      return groupCalls(run, (call, cache) => {
        const size = calls.bytesReq(call);
        return { id: `${size} ${cache ?? ''}`, key: { ...NO_KEY, cache, size } };
      });
    case 'directory':
      return mergeGroups(groupSites(run, at, stacks), ({ siteId, isByStack }) => {
        const directory = directoryOf(run, siteId ?? 0, fileOf);
        return { id: directory, key: { ...NO_KEY, isByStack, directory } };
      });
    case 'task':
      return groupLive(run, (row) => {
        const task = run.live.task(row);
        return { id: String(task), key: { ...NO_KEY, isByStack: true, task } };
      });
    case 'stack':
      return groupLive(run, (row) => {
        const stack = run.live.stack(row);
        return { id: String(stack), key: { ...NO_KEY, isByStack: true, stack } };
      });
  }
}

function fragRow(run: ResolvedRun, group: CallGroup<Key>, at: 'end' | 'peak'): FragRow {
  const { cache, siteId, size, isDevres, isByStack, task, stack } = group.key;
  const isEnd = at === 'end';
  const objects = isEnd ? group.live : group.atPeak;
  const other = Math.max(0, group.atPeakBytesAlloc - group.atPeakBytesReq - group.atPeakRounding);
  return {
    cache,
    ...siteOf(run, siteId),
    file: null,
    line: null,
    directory: group.key.directory,
    bytesReqEach: size,
    ...taskName(run, task),
    stack: stack === null ? null : frameLabels(run, stack),
    allocs: group.allocs,
    objects,
    uncertain: isEnd ? group.liveUncertain : 0,
    requested: isEnd ? group.liveBytesReq : group.atPeakBytesReq,
    allocated: isEnd ? group.liveBytesAlloc : group.atPeakBytesAlloc,
    rounding: isEnd ? group.liveRounding : group.atPeakRounding,
    padding: isEnd ? group.livePadding : run.facts.slubDebug ? 0 : other,
    metadata: isEnd ? group.liveMetadata : run.facts.slubDebug ? other : 0,
    devres: isDevres ? objects * devresOverhead(run.facts.release) : 0,
    slabTail: cache === null || siteId !== null || size !== null ? null : slabTail(run, cache),
    roundingByteSeconds:
      run.info.clockUnit === 'ns' && !isByStack ? group.roundingByteSeconds : null,
  };
}

/** The folder of a site's source file; else its module, else the kernel as a whole. */
function directoryOf(run: ResolvedRun, site: Site, fileOf: FragTallies['fileOf']): string {
  const { address, symbol, module } = run.sites.get(site);
  if (module !== null) return `[${module}]`;
  const file = fileOf?.(site);
  if (file !== undefined) return file.includes('/') ? file.slice(0, file.lastIndexOf('/')) : file;
  return address === null && symbol === null ? '?' : 'kernel';
}

function siteOf(
  run: ResolvedRun,
  siteId: number | null,
): Pick<FragRow, 'site' | 'symbol' | 'module'> {
  if (siteId === null) return { site: null, symbol: null, module: null };
  const { address, symbol, module } = run.sites.get(siteId);
  return { site: formatAddress(address), symbol, module };
}

function frameLabels(run: ResolvedRun, stack: Stack): string[] {
  return Array.from(run.dictionary.stacks.frames(stack), (frame) => run.sites.label(frame));
}

/** The name of a task; 0 stands for one that the trace does not say. */
function taskName(run: ResolvedRun, task: number | null): Pick<FragRow, 'comm' | 'pid'> {
  if (task === null || task === 0) return { comm: null, pid: null };
  const { tasks, strings } = run.dictionary;
  return { comm: strings.get(tasks.comm(task)), pid: tasks.pid(task) };
}

/** Tasks are counted apart: what they allocated, and at the peak what of it was live then. */
function taskRows(
  run: ResolvedRun,
  groups: readonly CallGroup<Key>[],
  at: 'end' | 'peak',
  tally: TaskTally,
): FragRow[] {
  const liveOf = new Map(groups.map((group) => [group.key.task ?? 0, group]));
  const totalOf = new Map(taskTotals(run, tally).map((total) => [total.task, total]));
  const rows: FragRow[] = [];
  for (const task of new Set([...totalOf.keys(), ...liveOf.keys()])) {
    const nothing = { ...emptySums(), key: { ...NO_KEY, isByStack: true, task }, calls: [] };
    const total = totalOf.get(task);
    const row = fragRow(run, at === 'end' ? (liveOf.get(task) ?? nothing) : nothing, 'end');
    rows.push({ ...row, allocs: total?.allocs ?? 0, ...(at === 'end' ? {} : total?.atPeak) });
  }
  return rows;
}

/** The rest of each slab behind its last object, over the slabs that the kernel had at the end. */
function slabTail(run: ResolvedRun, cache: string): number | null {
  const known = run.facts.caches?.find(cache);
  if (known?.slabs == null) return null;
  const slabBytes = run.facts.pageSize * 2 ** known.order;
  return (slabBytes - known.objsPerSlab * known.slabSize) * known.slabs;
}

function label(row: FragRow): string {
  const { cache, symbol, module, directory, bytesReqEach, comm, pid } = row;
  return [cache, symbol, module, directory, bytesReqEach, comm, pid].join(' ');
}
