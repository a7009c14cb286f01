// What a command's options select of a run: names that match nothing in it, and why nothing is left.
// Asked once when the events are read; nothing is done for each event.

import { globToRegExp } from '../base/glob.ts';
import { nearestNames } from '../base/nearest-names.ts';
import { EVENT_NAMES, isAlloc, isFree } from '../kernel/events/event-kind.ts';
import type { Call } from '../kernel/indices.ts';
import { type SlubDebug, unmatchedNames } from '../kernel/slub/slub-debug-option.ts';
import type { Age, Selection, SizeRange, TimeBound } from '../pairing/event-filter.ts';
import type { ResolvedRun } from './resolved-run.ts';
import { traceRange } from './trace-range.ts';

/** Whether globs of --cache select a name; without globs all. */
export function cacheSelector(globs: readonly string[]): (name: string | undefined) => boolean {
  const patterns = globs.map(globToRegExp);
  return (name) =>
    patterns.length === 0 || (name !== undefined && patterns.some((glob) => glob.test(name)));
}

/** A name of an option that nothing in the run has. */
export interface Unmatched {
  /** `--cache kmaloc-64` */
  readonly option: string;
  readonly message: string;
  /** What there is instead. */
  readonly hint: string;
}

const MOST_LISTED = 8;

/** The options as one would type them; '' where they select everything. */
export function selectionText(selection: Selection): string {
  const { caches, pids, comms, excludedComms, cpus, from, to, sizes, ages } = selection;
  return [
    ...caches.map((glob) => `--cache ${glob}`),
    ...pids.map((pid) => `--pid ${pid}`),
    ...comms.map((glob) => `--comm ${glob}`),
    ...excludedComms.map((glob) => `--exclude-comm ${glob}`),
    ...(cpus.length === 0 ? [] : [`--cpu ${cpus.join()}`]),
    ...((from ?? to) === undefined ? [] : [windowText(selection)]),
    ...(sizes === undefined ? [] : [sizesText(sizes)]),
    ...(ages?.atLeast === undefined ? [] : [`--age +${ageText(ages.atLeast)}`]),
    ...(ages?.below === undefined ? [] : [`--age -${ageText(ages.below)}`]),
  ].join(' ');
}

function sizesText({ from, to }: SizeRange): string {
  if (from === to) return `--size ${from}`;
  return `--size ${from === 0 ? '' : from}..${to === Infinity ? '' : to}`;
}

function ageText({ nano, hasUnit }: Age): string {
  return `${Number(nano) / 1e9}${hasUnit ? 's' : ''}`;
}

function windowText({ from, to }: Selection): string {
  const side = (bound: TimeBound | undefined): string =>
    bound === undefined ? '' : `${bound.relative ? '+' : ''}${Number(bound.nano) / 1e9}`;
  return `--time ${side(from)}..${side(to)}`;
}

/** Names in the options that match nothing of the run; none where the run has no events. */
export function findUnmatched(run: ResolvedRun): Unmatched[] {
  if (run.dictionary.calls.length <= 1) return [];
  const { caches, comms, pids, cpus } = run.selection;
  return [
    ...caches.flatMap((glob) => unmatchedCache(run, glob)),
    ...comms.flatMap((glob) => unmatchedComm(run, glob, '--comm')),
    ...pids.flatMap((pid) => unmatchedPid(run, pid)),
    ...unmatchedCpus(run, cpus),
  ];
}

function unmatchedCache(run: ResolvedRun, glob: string): Unmatched[] {
  const pattern = globToRegExp(glob);
  const sizes = bytesByCache(run);
  if ([...sizes.keys()].some((name) => pattern.test(name))) return [];
  return [noSuchCache(run, sizes, '--cache', glob)];
}

/** Names in `--slub-debug F,NAME` that match no cache of the run: a kernel passes over them in silence. */
export function findUnmatchedDebug(run: ResolvedRun, debug: SlubDebug): Unmatched[] {
  if (run.dictionary.calls.length <= 1) return [];
  const sizes = bytesByCache(run);
  return unmatchedNames(debug, sizes.keys()).map((name) =>
    noSuchCache(run, sizes, '--slub-debug', name),
  );
}

function noSuchCache(
  run: ResolvedRun,
  sizes: ReadonlyMap<string, number>,
  name: '--cache' | '--slub-debug',
  glob: string,
): Unmatched {
  const pattern = globToRegExp(glob);
  const option = `${name} ${glob}`;
  const message =
    name === '--cache'
      ? `${option}: no cache of this run is named so`
      : `${name}: no cache of this run is named ${glob}`;
  const merged = run.facts.caches?.all.find(({ aliases }) => aliases.some((a) => pattern.test(a)));
  if (merged !== undefined) {
    const hint =
      name === '--cache'
        ? `The kernel merged it into ${merged.name}, where its objects are counted: --cache ${merged.name}.`
        : `The kernel merged it into ${merged.name}: name that cache.`;
    return { option, message, hint };
  }
  const near = nearestNames(plainPart(glob), sizes.keys());
  const largest = [...sizes].sort((a, b) => b[1] - a[1]).map(([name]) => name);
  return { option, message, hint: near.length > 0 ? nearest(near) : listed('Largest', largest) };
}

/** Allocated bytes of each cache that the events or the recorded files name. */
function bytesByCache(run: ResolvedRun): Map<string, number> {
  const { calls } = run.dictionary;
  const bytes = new Map<string, number>();
  for (const { name } of run.facts.caches?.all ?? []) bytes.set(name, 0);
  for (const name of run.names.ofRow.values()) bytes.set(name, 0);
  for (const [call, name] of run.names.ofCall.entries()) {
    if (name === undefined) continue;
    const allocated = (run.tallies.calls.allocs[call] ?? 0) * calls.bytesAlloc(call);
    bytes.set(name, (bytes.get(name) ?? 0) + allocated);
  }
  return bytes;
}

function unmatchedComm(run: ResolvedRun, glob: string, name: string): Unmatched[] {
  const pattern = globToRegExp(glob);
  const comms = new Set(tasksOf(run).map(({ comm }) => comm));
  if ([...comms].some((comm) => pattern.test(comm))) return [];
  const option = `${name} ${glob}`;
  const near = nearestNames(plainPart(glob), comms);
  const hint = near.length > 0 ? nearest(near) : listed('Tasks', [...comms]);
  return [{ option, message: `${option}: no task of this run is named so`, hint }];
}

/** Names that were to be left out and are not there: no mistake, but the user should know. */
export function selectionNotes(run: ResolvedRun): string[] {
  if (run.dictionary.calls.length <= 1) return [];
  return run.selection.excludedComms
    .flatMap((glob) => unmatchedComm(run, glob, '--exclude-comm'))
    .map(({ message }) => `${message}: nothing is left out.`);
}

function unmatchedPid(run: ResolvedRun, pid: number): Unmatched[] {
  const tasks = tasksOf(run);
  if (tasks.some((task) => task.pid === pid)) return [];
  const near = tasks.toSorted((a, b) => Math.abs(a.pid - pid) - Math.abs(b.pid - pid));
  const option = `--pid ${pid}`;
  const names = new Set(near.map((task) => `${task.comm}-${task.pid}`));
  return [
    {
      option,
      message: `${option}: no task of this run has this pid`,
      hint: listed('Nearest', [...names]),
    },
  ];
}

function unmatchedCpus(run: ResolvedRun, cpus: readonly number[]): Unmatched[] {
  const count = Math.max(run.facts.cpus ?? 0, run.tallies.maxCpu + 1);
  if (cpus.length === 0 || cpus.some((cpu) => cpu < count)) return [];
  const option = `--cpu ${cpus.join()}`;
  const hint = count === 1 ? 'It has CPU 0 only.' : `It has CPUs 0-${count - 1}.`;
  return [{ option, message: `${option}: this run has no such CPU`, hint }];
}

interface Task {
  readonly comm: string;
  readonly pid: number;
}

/** Tasks that the events name. */
function tasksOf({ dictionary: { tasks, strings } }: ResolvedRun): Task[] {
  const found: Task[] = [];
  for (let task = 1; task < tasks.length; task++) {
    found.push({ comm: strings.get(tasks.comm(task)), pid: tasks.pid(task) });
  }
  return found;
}

function plainPart(glob: string): string {
  return glob.replaceAll('*', '').replaceAll('?', '');
}

function nearest(names: readonly string[]): string {
  return `Nearest: ${names.join(', ')}.`;
}

function listed(title: string, names: readonly string[]): string {
  if (names.length === 0) return 'It has none.';
  const more = names.length > MOST_LISTED ? `, and ${names.length - MOST_LISTED} more` : '';
  return `${title}: ${names.slice(0, MOST_LISTED).join(', ')}${more}.`;
}

/** Why a run has no allocation to speak of, in one sentence; null where it has some. */
export function whyEmpty(run: ResolvedRun): string | null {
  const { calls, sums } = run.columns;
  const isUsed = (call: Call): boolean => sums.allocs[call] + sums.failed[call] > 0;
  if (run.listed.length > 0 || calls.some(isUsed)) return null;
  const counted = [...run.tallies.kinds.entries()].filter(([, count]) => count > 0);
  if (!counted.some(([kind]) => isAlloc(kind))) return whyNone(run, counted);
  const range = traceRange(run.info, run.tallies);
  const { from, to } = run.selection;
  const isTimed = (from ?? to) !== undefined && range !== null;
  const window = isTimed ? `; the trace is ${range}` : '';
  return `No allocation is selected by ${selectionText(run.selection)}${window}.`;
}

/** @param counted kinds of events that were looked at, and how many */
function whyNone({ dictionary: { calls } }: ResolvedRun, counted: [number, number][]): string {
  for (let call = 1; call < calls.length; call++) {
    if (isAlloc(calls.kind(call))) return 'No allocation up to that time.';
  }
  const frees = counted
    .filter(([kind]) => isFree(kind))
    .map(([kind, count]) => `${count.toLocaleString('en-US')} ${EVENT_NAMES[kind] ?? ''}`);
  return frees.length === 0
    ? 'No allocation or free of slab memory is in this recording.'
    : `No allocation is in this recording, only ${frees.join(' and ')}.`;
}
