// A source, read once and understood: its events through pairing and the trackers, then every call has
// its cache and every live object its verdict. Where a replay is asked for, the same pass learns what
// the replay needs (prepare-replay.ts); observe-run.ts then reads the events a second time.

import { UsageError } from '../base/errors.ts';
import { once } from '../base/once.ts';
import type { TraceStart } from '../ingest/thread/read-trace.ts';
import type { Dictionary } from '../kernel/events/dictionary.ts';
import { cutAfter, type EventBatch } from '../kernel/events/event-batch.ts';
import type { TraceInfo } from '../kernel/events/trace-info.ts';
import type { SymbolTable } from '../kernel/symbols/symbols.ts';
import { AgePass } from '../pairing/age-pass.ts';
import { createEventFilter, EVERYTHING, toEventTime } from '../pairing/event-filter.ts';
import { LiveSeries } from '../pairing/live-series.ts';
import { RunTracker, type Tracker } from '../pairing/run-tracker.ts';
import {
  type RecordedCaches,
  readFacts,
  readRecordedCaches,
  withEvidence,
} from '../recording/read-facts.ts';
import { readSymbols } from '../recording/read-symbols.ts';
import type { SidecarFiles } from '../recording/sidecars.ts';
import type { MachineChange } from '../replay/machine/changed-machine.ts';
import { checkProbes } from './check-probes.ts';
import { findSymbols } from './find-symbols.ts';
import type { ReplayBasis, ReplayLearner } from './prepare-replay.ts';
import { eventCacheNames, type ResolvedRun, resolveRun } from './resolved-run.ts';
import type { RunOrigin } from './run-summary.ts';
import { findUnmatched, type Unmatched } from './selection.ts';
import { openSource, readSource, type Source, type SourceOptions } from './source.ts';
import { assertInTrace } from './trace-range.ts';

/** Makes a tracker when the first events are there. */
export type TrackerFactory<T extends Tracker = Tracker> = (
  dictionary: Dictionary,
  info: TraceInfo,
) => T;

/** Trackers that a use needs beyond the common counts, by name; undefined: not this time. */
export type TrackerFactories = Readonly<Record<string, TrackerFactory | undefined>>;

/** What the factories made, under the same names. */
export type Made<F extends TrackerFactories> = {
  readonly [K in keyof F]:
    | (F[K] extends TrackerFactory | undefined ? ReturnType<NonNullable<F[K]>> : never)
    | (undefined extends F[K] ? undefined : never);
};

export interface OpenOptions<F extends TrackerFactories> {
  readonly trackers?: F;
  /**
   * What the user says of the machine, where the run shall be replayed: of what the recording does not
   * tell it describes the recorded one, of the rest it is a change.
   */
  readonly replay?: MachineChange | undefined;
  /** Sees every batch before it is counted. */
  readonly onBatch?: (batch: EventBatch, originNs: bigint) => void;
}

export interface OpenedRun<T = unknown> {
  readonly source: Source;
  readonly run: ResolvedRun;
  readonly series: LiveSeries;
  readonly origin: RunOrigin;
  /** The files beside the events. */
  readonly sidecars: SidecarFiles;
  /** What names its call sites; undefined where nothing does. */
  readonly symbols: SymbolTable | undefined;
  readonly trackers: T;
  /**
   * What a replay needs. Undefined where none was asked for, and where there can be none: of standard
   * input, which is read once, and of hashed pointers.
   */
  readonly replay: ReplayBasis | undefined;
}

/**
 * Reads a source and understands it. Nothing stays open.
 * @throws ToolError where the source cannot be read
 * @throws UsageError where an option names what the run does not have
 */
export async function openRun<F extends TrackerFactories>(
  options: SourceOptions,
  more: OpenOptions<F> = {},
): Promise<OpenedRun<Made<F>>> {
  const source = await openSource(options);
  const { sidecars } = source;
  const isOfAge = await judgeAges(source);
  const caches = once(() => readRecordedCaches(sidecars));
  const recordedSymbols = once(() => readSymbols(sidecars));
  const learn =
    more.replay === undefined || !source.isRereadable
      ? undefined
      : await learnerOf(sidecars, caches, more.replay);
  const read = await readSource(
    source,
    {
      // There is time for these before the first batch comes.
      opened: () => {
        recordedSymbols();
        caches();
      },
      begin: (start) => new Pass(start, options, more, isOfAge, learn?.(start)),
    },
    options.doing ?? 'reading',
  );
  const { dictionary, info, stats, pass } = read;
  if (source.found.kind !== 'database') checkProbes(options, info, dictionary);
  const named = readFacts(sidecars, info, eventCacheNames(dictionary), caches());
  const facts = withEvidence(named, dictionary.calls);
  const symbols = await findSymbols(options, sidecars, dictionary, recordedSymbols());
  const { selection, looksThrough, until } = options;
  assertInTrace(info, pass, until);
  const { tracker, series } = pass;
  const isCut = until !== undefined;
  const run = resolveRun({
    tracker,
    info,
    stats,
    facts,
    ...symbols,
    selection,
    looksThrough,
    isCut,
  });
  const unmatched = findUnmatched(run);
  if (options.onUnmatched !== undefined) options.onUnmatched(unmatched);
  else refuseUnmatched(unmatched);
  return {
    source,
    run,
    series,
    origin: { label: source.label, sources: [pathOf(source)] },
    sidecars,
    symbols: symbols.symbols,
    trackers: pass.trackers,
    replay: info.hashedPointers ? undefined : pass.learner?.basis(run),
  };
}

/**
 * Which events allocate objects of the ages that are asked for: a pass of its own.
 * @throws UsageError where the source is read once
 */
async function judgeAges(source: Source): Promise<((event: number) => boolean) | undefined> {
  const { selection = EVERYTHING, until } = source.options;
  const { ages } = selection;
  if (ages === undefined) return undefined;
  if (!source.isRereadable) {
    throw new UsageError(`--age: ${source.options.source} can be read only once`, {
      hint: 'An age is known when the object is freed. Store the events first (slabreplay ingest), and name the database.',
    });
  }
  const begin = (start: TraceStart): AgePass => new AgePass(start, ages, until);
  return (await readSource(source, { begin }, 'finding ages in')).pass.finish();
}

/** @throws UsageError for the first name that matches nothing */
export function refuseUnmatched([unmatched]: readonly Unmatched[]): void {
  if (unmatched !== undefined) throw new UsageError(unmatched.message, { hint: unmatched.hint });
}

function pathOf({ found }: Source): string {
  return found.kind === 'folder' ? found.folder : found.path;
}

/** The model is loaded only where a replay is asked for. */
async function learnerOf(
  sidecars: SidecarFiles,
  caches: () => RecordedCaches,
  asked: MachineChange,
): Promise<(start: TraceStart) => ReplayLearner> {
  const { ReplayLearner } = await import('./prepare-replay.ts');
  return (start) => new ReplayLearner(start, sidecars, caches(), asked);
}

/** Feeds the batches of one pass to the trackers. */
class Pass<F extends TrackerFactories> {
  readonly tracker: RunTracker;
  readonly series: LiveSeries;
  readonly trackers: Made<F>;
  readonly learner: ReplayLearner | undefined;
  /** Of all events, also those after `until`. */
  readonly firstTs: number;
  lastTs: number = Number.NaN;
  private readonly until: number;
  private readonly originNs: bigint;
  private readonly onBatch: OpenOptions<F>['onBatch'];

  constructor(
    { dictionary, info, firstTs }: TraceStart,
    { selection = EVERYTHING, until }: SourceOptions,
    { trackers, onBatch }: OpenOptions<F>,
    isOfAge: ((event: number) => boolean) | undefined,
    learner: ReplayLearner | undefined,
  ) {
    const { originNs, clockUnit } = info;
    const scale = { originNs, clockUnit, firstTs };
    const made = Object.entries(trackers ?? {}).flatMap(([name, make]) =>
      make === undefined ? [] : [[name, make(dictionary, info)] as const],
    );
    // Cast: fromEntries() forgets which name has which tracker.
    this.trackers = Object.fromEntries(made) as Made<F>;
    this.learner = learner;
    this.tracker = new RunTracker(dictionary, {
      filter: createEventFilter(selection, dictionary, scale, isOfAge),
      clockUnit,
      extra: [...(learner?.trackers ?? []), ...made.map(([, tracker]) => tracker)],
    });
    this.series = new LiveSeries(this.tracker.tallies);
    this.firstTs = firstTs;
    this.until = until === undefined ? Infinity : toEventTime(until, scale);
    this.originNs = originNs;
    this.onBatch = onBatch;
  }

  batch(batch: EventBatch): void {
    this.lastTs = batch.ts[batch.length - 1] ?? this.lastTs;
    if (this.lastTs > this.until) cutAfter(batch, this.until);
    this.onBatch?.(batch, this.originNs);
    this.tracker.add(batch);
    this.series.add(batch);
  }
}
