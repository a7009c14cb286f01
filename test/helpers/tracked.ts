// Lines of a test trace (builders.ts) through pairing, tallies and the judging of a run: what the tests
// of src/analysis look into.

import { type KnownCache, KnownCaches } from '../../src/kernel/caches/known-cache.ts';
import type { Dictionary } from '../../src/kernel/events/dictionary.ts';
import type { EventBatch } from '../../src/kernel/events/event-batch.ts';
import { EVENT_KIND } from '../../src/kernel/events/event-kind.ts';
import { emptyTraceInfo, type TraceInfo } from '../../src/kernel/events/trace-info.ts';
import { TraceStats } from '../../src/kernel/events/trace-stats.ts';
import { SymbolTable } from '../../src/kernel/symbols/symbols.ts';
import { createEventFilter, EVERYTHING, type Selection } from '../../src/pairing/event-filter.ts';
import type { LiveObjects } from '../../src/pairing/live-objects.ts';
import { LiveSeries } from '../../src/pairing/live-series.ts';
import { OUTCOME, type PairedBatch } from '../../src/pairing/paired-batch.ts';
import { RunTracker, type Tracker } from '../../src/pairing/run-tracker.ts';
import type { KernelFacts } from '../../src/recording/kernel-facts.ts';
import type { CallSums } from '../../src/run/group-calls.ts';
import { type ResolvedRun, resolveRun } from '../../src/run/resolved-run.ts';
import { TestTrace } from './builders.ts';

export const ORIGIN = { label: 'test', sources: ['test.txt'] };

const OUTCOME_NAMES = Object.keys(OUTCOME);
const CHANGES = ['born', 'gone', 'renamed', 'freed'] as const;

/** What pairing says of one event; `object` where it describes one. */
interface PairedEvent {
  readonly outcome: string;
  readonly selected: boolean;
  readonly temporary: boolean;
  readonly object: {
    readonly site: string;
    readonly ts: number;
    readonly task: string;
    readonly cpu: number;
  } | null;
  /** What becomes of selected objects by it: 'born', 'gone', 'renamed', 'freed'. */
  readonly changes: readonly string[];
}

export interface TrackOptions {
  readonly filter?: Partial<Selection>;
  readonly info?: Partial<TraceInfo>;
  /** Events in a batch. */
  readonly batchSize?: number;
  /** Events from one possible sample of what is live to the next; a batch where it is not said. */
  readonly sampleStep?: number;
  readonly extra?: (dictionary: Dictionary) => readonly Tracker[];
}

export interface Tracked {
  readonly trace: TestTrace;
  readonly tracker: RunTracker;
  readonly series: LiveSeries;
  readonly info: TraceInfo;
  readonly events: readonly PairedEvent[];
  /** The outcomes in order. */
  readonly outcomes: readonly string[];
  /** Addresses that are held live at the end, in order of time. */
  liveAddresses(): bigint[];
  /** The one call that is made at a site. */
  call(site: string): number;
}

/** Lines through one pass. */
export function track(lines: string | TestTrace, options: TrackOptions = {}): Tracked {
  const trace = typeof lines === 'string' ? new TestTrace(lines) : lines;
  const { dictionary } = trace;
  const info = { ...emptyTraceInfo('test'), ...options.info };
  const scale = { ...info, firstTs: trace.events[0]?.ts ?? 0 };
  const notes = new Notes(dictionary);
  const filter = createEventFilter({ ...EVERYTHING, ...options.filter }, dictionary, scale);
  const tracker = new RunTracker(dictionary, {
    filter,
    clockUnit: info.clockUnit,
    extra: [notes, ...(options.extra?.(dictionary) ?? [])],
  });
  const series = new LiveSeries(tracker.tallies, options.sampleStep ?? options.batchSize);
  for (const batch of trace.batches(options.batchSize)) {
    tracker.add(batch);
    series.add(batch);
  }
  const { live } = tracker.pairing;
  return {
    trace,
    tracker,
    series,
    info,
    events: notes.events,
    outcomes: notes.events.map((event) => event.outcome),
    liveAddresses: () => Array.from(live.inOrder(), (row) => addressOf(live, row)),
    call: (site) => callAt(dictionary, site),
  };
}

function addressOf(live: LiveObjects, row: number): bigint {
  return (BigInt(live.ptrHi(row)) << 32n) | BigInt(live.ptrLo(row));
}

function callAt({ calls, sites, strings }: Dictionary, site: string): number {
  const found = Array.from({ length: calls.length }, (_, call) => call).filter(
    (call) => call > 0 && strings.get(sites.text(calls.site(call))) === site,
  );
  if (found.length !== 1) throw new Error(`${found.length} calls at ${site}`);
  return found[0] as number;
}

/** Keeps what pairing found, event by event. */
class Notes implements Tracker {
  readonly events: PairedEvent[] = [];
  private readonly dictionary: Dictionary;

  constructor(dictionary: Dictionary) {
    this.dictionary = dictionary;
  }

  add(batch: EventBatch, paired: PairedBatch): void {
    const { sites, calls, tasks, strings } = this.dictionary;
    for (let i = 0; i < batch.length; i++) {
      const call = paired.objectCall[i] ?? 0;
      const task = paired.objectTask[i] ?? 0;
      this.events.push({
        outcome: OUTCOME_NAMES[paired.outcome[i] ?? 0] ?? '?',
        selected: paired.selected[i] === 1,
        temporary: paired.temporary[i] === 1,
        object:
          call === 0
            ? null
            : {
                site: strings.get(sites.text(calls.site(call))),
                ts: paired.objectTs[i] ?? Number.NaN,
                task: `${strings.get(tasks.comm(task))}-${tasks.pid(task)}`,
                cpu: paired.objectCpu[i] ?? -1,
              },
        changes: CHANGES.filter((name) => paired[name][i] === 1),
      });
    }
  }
}

/** A cache of the recorded kernel, from what a test cares for. */
export function knownCache(
  name: string,
  slabSize: number,
  rest: Partial<KnownCache> = {},
): KnownCache {
  const order = rest.order ?? 0;
  const objsPerSlab = Math.floor((4096 * 2 ** order) / slabSize);
  return {
    name,
    aliases: [],
    objectSize: slabSize,
    slabSize,
    objsPerSlab,
    order,
    slabs: 10,
    activeObjects: 10 * objsPerSlab,
    totalObjects: 10 * objsPerSlab,
    accounted: null,
    sysfs: null,
    ...rest,
  };
}

/** A machine like x86-64's Linux 6.1, without recorded caches unless a test gives some. */
export function kernelFacts(
  facts: Partial<Omit<KernelFacts, 'caches'>> & { readonly caches?: readonly KnownCache[] } = {},
): KernelFacts {
  const { caches, ...rest } = facts;
  return {
    release: '6.1.0-56-amd64',
    version: { major: 6, minor: 1 },
    pageSize: 4096,
    cpus: 2,
    caches: caches === undefined ? undefined : new KnownCaches(caches),
    kmalloc: {
      sizes: [8, 16, 32, 64, 96, 128, 192, 256, 512, 1024, 2048, 4096, 8192],
      maxCacheSize: 8192,
      hasCgroup: true,
      hasReclaim: true,
      hasDma: true,
      naming: 'short',
    },
    gfpNames: [],
    cmdline: null,
    tracedFromBoot: false,
    someTasksOnly: false,
    slubDebug: false,
    notes: [],
    withMetadata: null,
    isSlob: false,
    ...rest,
  };
}

export interface ResolveOptions extends TrackOptions {
  readonly facts?: KernelFacts;
  readonly stats?: TraceStats;
  /** Text of kallsyms. */
  readonly kallsyms?: string;
  /** Globs of --cache. */
  readonly caches?: readonly string[];
  /** True: the recording has no other kinds of events than the lines; else all kinds were switched on. */
  readonly onlyLines?: boolean;
}

export interface TestRun extends Tracked {
  readonly run: ResolvedRun;
  /** Live objects as `[cache, verdict]`, in order of time; verdicts as VERDICT numbers them. */
  readonly objects: readonly (readonly [string | undefined, number | undefined])[];
}

/** Lines through one pass, understood. */
export function resolve(lines: string | TestTrace, options: ResolveOptions = {}): TestRun {
  const tracked = track(lines, options);
  const { tracker, info } = tracked;
  if (options.onlyLines !== true) {
    const { kmalloc, kmem_cache_alloc, kfree, kmem_cache_free } = EVENT_KIND;
    for (const kind of [kmalloc, kmem_cache_alloc, kfree, kmem_cache_free]) {
      tracked.trace.dictionary.calls.intern({ kind });
    }
  }
  const run = resolveRun({
    tracker,
    info,
    stats: options.stats ?? new TraceStats(),
    facts: options.facts ?? kernelFacts(),
    symbols:
      options.kallsyms === undefined ? undefined : new SymbolTable(Buffer.from(options.kallsyms)),
    selection: { ...EVERYTHING, ...options.filter, caches: options.caches ?? [] },
  });
  const objects = Array.from(
    tracker.pairing.live.inOrder(),
    (row) => [run.cacheOfRow(row), run.verdicts.ofRow[row]] as const,
  );
  return { ...tracked, run, objects };
}

/** Those of some sums that a test names. */
export function pick<N extends keyof CallSums>(sums: CallSums, ...names: N[]): Record<N, number> {
  return Object.fromEntries(names.map((name) => [name, sums[name]])) as Record<N, number>;
}
