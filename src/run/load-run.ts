// One pass over a source: events through pairing and the trackers, then everything named and judged.

import { setImmediate } from 'node:timers/promises';
import { assert } from '../base/assert.ts';
import { UsageError } from '../base/errors.ts';
import { NO_PROGRESS, type Progress, type ProgressListener } from '../base/progress.ts';
import type { CsvOptions, CsvTimeUnit } from '../ingest/format.ts';
import type { InputDescription } from '../ingest/open-input.ts';
import { readTrace, type TraceConsumer, type TraceRead } from '../ingest/thread/read-trace.ts';
import type { Dictionary } from '../kernel/events/dictionary.ts';
import {
  appendBatch,
  BATCH_CAPACITY,
  createBatch,
  type EventBatch,
} from '../kernel/events/event-batch.ts';
import type { TraceInfo } from '../kernel/events/trace-info.ts';
import type { SymbolTable } from '../kernel/symbols/symbols.ts';
import {
  createEventFilter,
  type FilterOptions,
  NO_FILTER,
  type TimeBound,
  toEventTime,
} from '../pairing/event-filter.ts';
import { LiveSeries } from '../pairing/live-series.ts';
import { RunTracker, type Tracker } from '../pairing/run-tracker.ts';
import {
  type FoundSource,
  findSource,
  folderWithoutEvents,
  type SidecarChoice,
  sidecarFolders,
} from '../recording/find-source.ts';
import { readFacts, withEvidence } from '../recording/read-facts.ts';
import { type RecordedSymbols, readSymbols } from '../recording/read-symbols.ts';
import type { SidecarFiles } from '../recording/sidecars.ts';
import { checkProbes } from './check-probes.ts';
import { findSymbols } from './find-symbols.ts';
import { eventCacheNames, type ResolvedRun, resolveRun } from './resolved-run.ts';
import type { RunOrigin } from './run-summary.ts';
import { findUnmatched, type Unmatched } from './selection.ts';
import { assertInTrace } from './trace-range.ts';

export type { CsvTimeUnit };

export interface SourceOptions {
  readonly source: string;
  readonly label?: string | undefined;
  readonly inputFormat?: string | undefined;
  readonly sidecars?: SidecarChoice;
  readonly buffer?: string | undefined;
  readonly csv?: CsvOptions | undefined;
  readonly maps?: readonly string[] | undefined;
  readonly tmp?: string | undefined;
  readonly filter?: FilterOptions | undefined;
  /** Globs of cache names to speak of; all where there is none. */
  readonly caches?: readonly string[] | undefined;
  /** Takes the names in the options that match nothing of the run; else they are an error. */
  readonly onUnmatched?: ((unmatched: readonly Unmatched[]) => void) | undefined;
  /** False: call sites stay in functions that allocate for others (kvmalloc_node, kmemdup). */
  readonly looksThrough?: boolean | undefined;
  /** Events after this moment are not looked at: the state then is the result. */
  readonly until?: TimeBound | undefined;
  readonly progress?: Progress | undefined;
  /** What the progress of its first pass is called; undefined: reading. */
  readonly doing?: string | undefined;
}

export interface LoadedRun {
  readonly run: ResolvedRun;
  readonly series: LiveSeries;
  readonly origin: RunOrigin;
  readonly sidecars: SidecarFiles;
  /** What names its call sites; undefined where nothing does. */
  readonly symbols: SymbolTable | undefined;
}

/** A further tracker, made when the first events are there. */
export type TrackerFactory = (dictionary: Dictionary, info: TraceInfo) => Tracker;

/** Sees every batch before it is counted. */
export type BatchListener = (batch: EventBatch, originNs: bigint) => void;

/**
 * Reads a source and understands it.
 * @param extra trackers that a command needs beyond the common counts
 * @throws ToolError where the source cannot be read
 * @throws UsageError where an option names what the run does not have
 */
export async function loadRun(
  options: SourceOptions,
  extra: readonly TrackerFactory[] = [],
  onBatch?: BatchListener,
): Promise<LoadedRun> {
  const found = findSource(options.source);
  if (found.kind === 'folder') throw folderWithoutEvents(found.folder);
  const pass = new Pass(options, extra, onBatch);
  const read = await readSource(options, found, pass, options.doing ?? 'reading');
  const { info, stats, sidecars } = read;
  const { tracker, series } = pass.result;
  const { dictionary } = tracker;
  if (found.kind !== 'database') checkProbes(options, info, dictionary);
  const named = readFacts(sidecars, info, eventCacheNames(dictionary));
  const facts = withEvidence(named, dictionary.calls);
  const symbols = await findSymbols(options, sidecars, dictionary, pass.symbols);
  const { filter = NO_FILTER, caches = [], looksThrough, until } = options;
  const selection = { filter, caches };
  assertInTrace(info, pass, until);
  const run = resolveRun({ tracker, info, stats, facts, ...symbols, selection, looksThrough });
  const unmatched = findUnmatched(run);
  if (options.onUnmatched !== undefined) options.onUnmatched(unmatched);
  else refuseUnmatched(unmatched);
  return {
    run,
    series,
    origin: { label: options.label ?? found.label, sources: [found.path] },
    sidecars,
    symbols: symbols.symbols,
  };
}

/** @throws UsageError for the first name that matches nothing */
export function refuseUnmatched([unmatched]: readonly Unmatched[]): void {
  if (unmatched !== undefined) throw new UsageError(unmatched.message, { hint: unmatched.hint });
}

/**
 * Reads the events of a source once more, up to a moment.
 * @param end as `EventBatch.ts`
 */
export async function readAgain(
  options: SourceOptions,
  end: number,
  onBatch: (batch: EventBatch) => void,
): Promise<void> {
  const found = findSource(options.source);
  if (found.kind === 'folder') throw folderWithoutEvents(found.folder);
  // The first batches of a trace are small (BatchWriter), but a replay looks ahead within a batch.
  const first = createBatch();
  let isFirst = true;
  const handOnFirst = (): void => {
    if (isFirst && first.length > 0) onBatch(first);
    isFirst = false;
  };
  const consumer: TraceConsumer = {
    opened: () => undefined,
    begin: () => undefined,
    batch: (batch) => {
      if (batch.ts[batch.length - 1]! > end) cutAfter(batch, end);
      if (first.length + batch.length > BATCH_CAPACITY) handOnFirst();
      if (isFirst) appendBatch(first, batch);
      else onBatch(batch);
    },
  };
  await readSource(options, found, consumer, 'replaying');
  handOnFirst();
}

/** One pass over the events. @param doing what its progress is called */
function readSource(
  options: SourceOptions,
  found: Exclude<FoundSource, { kind: 'folder' }>,
  consumer: TraceConsumer,
  doing: string,
): Promise<TraceRead> {
  const { progress = NO_PROGRESS, label = found.label } = options;
  return progress.during(`${doing} ${label}`, (tell) =>
    found.kind === 'database'
      ? readDatabase(found.path, consumer, tell)
      : readTrace(describeInput(options, found), consumer, tell),
  );
}

/** An event file of a source, for the readers. */
function describeInput(
  options: SourceOptions,
  found: { readonly path: string; readonly folder: string | undefined },
): InputDescription {
  return {
    path: found.path,
    // A file whose columns the user names has no header line to be known by.
    format: options.inputFormat ?? (options.csv?.columns === undefined ? undefined : 'csv'),
    sidecarFolders: sidecarFolders(options.sidecars, found.folder),
    buffer: options.buffer,
    csv: options.csv,
    maps: options.maps,
    tmp: options.tmp,
  };
}

async function readDatabase(
  path: string,
  consumer: TraceConsumer,
  tell: ProgressListener,
): Promise<TraceRead> {
  const { RunDatabase } = await import('../store/run-database.ts');
  const database = new RunDatabase(path);
  try {
    const { dictionary, info, stats, sidecars, batchCount } = database;
    consumer.begin(dictionary, info);
    let batches = 0;
    for (const batch of database.batches()) {
      consumer.batch(batch);
      tell(++batches / batchCount);
      await setImmediate(); // lets signals through
    }
    return { dictionary, info, stats, sidecars };
  } finally {
    database.close();
  }
}

/** Feeds batches to the trackers. */
class Pass implements TraceConsumer {
  /** Read while the reader is still on its way to the first batch. */
  symbols: RecordedSymbols | undefined;
  /** Of all events, also those after `until`. */
  firstTs: number = Number.NaN;
  lastTs: number = Number.NaN;
  private state: { readonly tracker: RunTracker; readonly series: LiveSeries } | undefined;
  private until = Infinity;
  private dictionary: Dictionary | undefined;
  private info: TraceInfo | undefined;
  private readonly options: SourceOptions;
  private readonly extra: readonly TrackerFactory[];
  private readonly onBatch: BatchListener | undefined;

  constructor(
    options: SourceOptions,
    extra: readonly TrackerFactory[],
    onBatch: BatchListener | undefined,
  ) {
    this.options = options;
    this.extra = extra;
    this.onBatch = onBatch;
  }

  get result(): { readonly tracker: RunTracker; readonly series: LiveSeries } {
    return this.state ?? this.start(0);
  }

  opened(sidecars: SidecarFiles): void {
    this.symbols = readSymbols(sidecars);
  }

  begin(dictionary: Dictionary, info: TraceInfo): void {
    this.dictionary = dictionary;
    this.info = info;
  }

  batch(batch: EventBatch): void {
    const { tracker, series } = this.state ?? this.start(batch.ts[0] ?? 0);
    if (Number.isNaN(this.firstTs)) this.firstTs = batch.ts[0] ?? Number.NaN;
    this.lastTs = batch.ts[batch.length - 1] ?? this.lastTs;
    if (this.lastTs > this.until) cutAfter(batch, this.until);
    this.onBatch?.(batch, this.info?.originNs ?? 0n);
    tracker.add(batch);
    series.add(batch);
  }

  /** Makes the trackers; the filters need the time of the first event. */
  private start(firstTs: number): { readonly tracker: RunTracker; readonly series: LiveSeries } {
    const { dictionary, info } = this;
    assert(dictionary !== undefined && info !== undefined, 'a pass begins before its first batch');
    const { filter = NO_FILTER, until } = this.options;
    const scale = { originNs: info.originNs, clockUnit: info.clockUnit, firstTs };
    if (until !== undefined) this.until = toEventTime(until, scale);
    const tracker = new RunTracker(dictionary, {
      filter: createEventFilter(filter, dictionary, scale),
      clockUnit: info.clockUnit,
      extra: this.extra.map((make) => make(dictionary, info)),
    });
    this.state = { tracker, series: new LiveSeries(tracker.tallies) };
    return this.state;
  }
}

/** Drops the events of a batch after a moment. */
function cutAfter(batch: EventBatch, until: number): void {
  let length = 0;
  while (length < batch.length && batch.ts[length]! <= until) length++;
  batch.length = length;
}
