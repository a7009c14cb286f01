// What every result says first: which run it speaks of, and how far it can be trusted.

import { counted } from '../base/bytes-format.ts';
import { isAlloc } from '../kernel/events/event-kind.ts';
import type { ClockUnit, Sampling } from '../kernel/events/trace-info.ts';
import type { Stat } from '../kernel/events/trace-stats.ts';
import type { Call } from '../kernel/indices.ts';
import type { StartedKind } from '../pairing/event-starts.ts';
import { OUTCOME } from '../pairing/paired-batch.ts';
import type { ResolvedRun } from './resolved-run.ts';
import { selectionNotes, whyEmpty } from './selection.ts';
import { allocationsWithoutFrees, type FreeEvent } from './verdicts/unrecorded-frees.ts';

export interface RunSummary {
  readonly label: string;
  readonly sources: readonly string[];
  readonly format: string;
  readonly kernelRelease: string | null;
  readonly cpus: number | null;
  readonly pageSize: number;
  readonly clock: string | null;
  readonly clockUnit: ClockUnit;
  /** Decimal digits, in the clock's unit; null where there is no event. */
  readonly firstNs: string | null;
  readonly lastNs: string | null;
  /** Null where the clock does not count nanoseconds. */
  readonly durationSec: number | null;
}

export interface LateEvent {
  readonly event: StartedKind;
  readonly afterSec: number | null;
}

export interface Completeness {
  readonly lostEvents: number;
  readonly badRecords: number;
  readonly hashedPointers: boolean;
  /** True where the recorder left out events of a kind that counts. */
  readonly sampled: boolean;
  /** True where only some tasks were recorded. */
  readonly someTasksOnly: boolean;
  readonly startsAtBoot: boolean;
  /** Events that were switched on after others: seconds from the first event; null by other clocks. */
  readonly lateEvents: readonly LateEvent[];
  readonly freesOfUnknown: number;
  /** Events that would free what was allocated, of which the recording has none at all. */
  readonly unrecordedFrees: readonly FreeEvent[];
  /** Allocations that found an object live: frees without an event. */
  readonly allocsOfLive: number;
  readonly duplicateEvents: number;
  readonly unresolvedCacheEvents: number;
  readonly otherStats: Readonly<Record<string, number>>;
  /** Why there is no allocation to speak of, in one sentence; null where there is one. */
  readonly empty: string | null;
  readonly notes: readonly string[];
}

/** Where a run comes from and what the user calls it. */
export interface RunOrigin {
  readonly label: string;
  readonly sources: readonly string[];
}

/** An absolute time in the clock's unit, as decimal digits. */
export function absoluteTime(run: ResolvedRun, ts: number): string {
  return (run.info.originNs + BigInt(Math.round(ts))).toString();
}

export function summarizeRun(run: ResolvedRun, origin: RunOrigin): RunSummary {
  const { info, facts, tallies } = run;
  const isEmpty = Number.isNaN(tallies.firstTs);
  return {
    label: origin.label,
    sources: origin.sources,
    format: info.format,
    kernelRelease: facts.release,
    cpus: facts.cpus ?? (isEmpty ? null : tallies.maxCpu + 1),
    pageSize: facts.pageSize,
    clock: info.clock,
    clockUnit: info.clockUnit,
    firstNs: isEmpty ? null : absoluteTime(run, tallies.firstTs),
    lastNs: isEmpty ? null : absoluteTime(run, tallies.lastTs),
    durationSec: durationSec(run),
  };
}

/** Seconds from the first to the last event; null where the clock does not tell or none happened. */
export function durationSec(run: ResolvedRun): number | null {
  const { firstTs, lastTs } = run.tallies;
  if (run.info.clockUnit !== 'ns' || Number.isNaN(firstTs)) return null;
  return (lastTs - firstTs) / 1e9;
}

/** `count / seconds`; null where no time passed or it is not known. */
export function perSecond(count: number, seconds: number | null): number | null {
  return seconds === null || seconds === 0 ? null : count / seconds;
}

/** What is counted as damaged. */
const DAMAGED = ['bad_line', 'bad_record', 'bad_page', 'bad_row'] as const;
const COUNTED_APART: ReadonlySet<string> = new Set(['lost_events', ...DAMAGED]);

export function judgeCompleteness(run: ResolvedRun): Completeness {
  const { stats, tallies, info } = run;
  const otherStats: Record<string, number> = {};
  for (const { name, count } of stats.list()) {
    if (!COUNTED_APART.has(name)) otherStats[name] = count;
  }
  return {
    lostEvents: stats.get('lost_events'),
    badRecords: sum(DAMAGED.map((name) => stats.get(name))),
    hashedPointers: info.hashedPointers,
    sampled: info.sampling !== null,
    someTasksOnly: run.facts.someTasksOnly,
    startsAtBoot: run.facts.tracedFromBoot,
    lateEvents: lateEvents(run),
    freesOfUnknown: tallies.outcomes[OUTCOME.freeUnknown] ?? 0,
    unrecordedFrees: run.unrecordedFrees,
    allocsOfLive: sum(tallies.calls.untracedFrees),
    duplicateEvents:
      (tallies.outcomes[OUTCOME.allocAgain] ?? 0) + (tallies.outcomes[OUTCOME.repeated] ?? 0),
    unresolvedCacheEvents: unresolvedCacheEvents(run),
    otherStats,
    empty: whyEmpty(run),
    notes: notesOf(run),
  };
}

function lateEvents({ lateEvents: late, tallies, info }: ResolvedRun): LateEvent[] {
  return [...late].map(([event, ts]) => ({
    event,
    afterSec: info.clockUnit === 'ns' ? (ts - tallies.firstTs) / 1e9 : null,
  }));
}

function unresolvedCacheEvents(run: ResolvedRun): number {
  const { calls } = run.dictionary;
  let count = 0;
  for (let call: Call = 1; call < calls.length; call++) {
    if (isAlloc(calls.kind(call)) && run.names.ofCall[call] === undefined) {
      count += run.tallies.calls.allocs[call] ?? 0;
    }
  }
  return count;
}

function notesOf(run: ResolvedRun): string[] {
  const { info, stats, tallies, names } = run;
  const notes: string[] = [];
  if (info.sampling !== null) notes.push(samplingText(info.sampling));
  if (run.unrecordedFrees.length > 0) notes.push(unrecordedText(run.unrecordedFrees));
  if (info.hashedPointers) {
    const live = run.held.length; // selected or not: any of them may share a hash
    notes.push(
      'Pointers are hashed to 32 bits: pairing holds, addresses and slabs do not. ' +
        `Among ${counted(live, 'live object')} the chance that two share a hash is ${collisionText(live)}.`,
    );
  }
  if (info.clockUnit !== 'ns') {
    notes.push(
      `The clock${info.clock === null ? '' : ` '${info.clock}'`} does not count nanoseconds: ` +
        'durations, rates and ages are not known.',
    );
  }
  const { withMetadata } = run.facts;
  if (withMetadata !== null) {
    notes.push(
      `kmalloc of ${withMetadata.bytesReq} bytes took ${withMetadata.bytesAlloc}, which is no size ` +
        'class: the kernel ran with slub_debug or KASAN, and what exceeds the class is metadata.',
    );
  }
  if (run.facts.isSlob) {
    notes.push(
      'The allocator is SLOB, which has no size classes and puts objects of any size on one page: ' +
        'kmalloc caches are named by what is asked for, and no replay of SLUB applies.',
    );
  }
  if (run.facts.someTasksOnly) {
    notes.push(
      'Only some tasks were recorded: frees by others are missing, ' +
        'and frees of what others allocated are of unknown objects.',
    );
  }
  if (stats.get('lost_events_unknown') > 0) {
    notes.push('The tracer lost events in places where it did not count them.');
  }
  const damaged: ReadonlySet<string> = new Set(DAMAGED);
  const first = stats.list().find(({ name }) => damaged.has(name))?.firstPosition ?? '';
  if (first !== '') notes.push(`The first damaged record is ${first}.`);
  const steps = stats.list().find(({ name }) => name === 'backward_steps');
  if (steps !== undefined) notes.push(stepsText(steps));
  if (stats.get('truncated') > 0) notes.push('The input ends too early; what could be read was.');
  const inferred = names.inferred.reduce(
    (count, guess, call) => (guess ? count + (tallies.calls.allocs[call] ?? 0) : count),
    0,
  );
  if (inferred > 0) notes.push(`The cache of ${counted(inferred, 'allocation')} is inferred.`);
  return [...notes, ...run.facts.notes, ...selectionNotes(run), ...run.symbolNotes];
}

function stepsText({ count, firstPosition }: Stat): string {
  const where = firstPosition.replace(/^(CPU \d+), /, 'of $1 stepped back ');
  const more = count > 1 ? `, the first of ${count} such steps` : '';
  return `The clock ${where}${more}. Events keep the times and the order that each CPU gave them.`;
}

/** What a sampled recording lacks, and what that means. */
function samplingText({ kind, every, events }: Sampling): string {
  const names = events.join(', ');
  const how = {
    frequency: `perf sampled ${names} ${every} times a second (-F), it did not record every event`,
    period: `perf recorded one in ${every} events of ${names} (--no-period -c ${every}), not every one`,
    leader:
      `perf only counted ${names} in the samples of the leader of its group (leader sampling), ` +
      'and recorded no event of them',
  };
  return (
    `The recording is sampled: ${how[kind]}. Allocations and frees do not fit together, so what is ` +
    "live, leaked or at its peak is not known. Record every event: perf record -a -c 1 -e 'kmem:*'."
  );
}

function unrecordedText(missing: readonly FreeEvent[]): string {
  const what = allocationsWithoutFrees(missing);
  return (
    `No ${missing.join(' or ')} event was recorded: what is called live of ${what} is what was ` +
    'allocated at addresses that were not given out again, freed or not. Record the kmem frees as ' +
    'well to see what is held.'
  );
}

/** The birthday bound for 32-bit hashes. */
function collisionText(objects: number): string {
  const probability = 1 - Math.exp((-objects * objects) / 2 ** 33);
  return probability < 0.01 ? 'below 1 %' : `about ${Math.round(probability * 100)} %`;
}

function sum(values: Iterable<number>): number {
  let total = 0;
  for (const value of values) total += value;
  return total;
}
