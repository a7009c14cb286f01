// The second pass of a replay: the events drive the model of the recorded machine.

import { TraceFormatError } from '../base/errors.ts';
import {
  appendBatch,
  BATCH_CAPACITY,
  createBatch,
  cutAfter,
  type EventBatch,
  sliceBatch,
} from '../kernel/events/event-batch.ts';
import type { Cpu } from '../kernel/indices.ts';
import { selectsEveryEvent, type TimeBound, toEventTime } from '../pairing/event-filter.ts';
import type { DebugWatch } from '../replay/debug/debug-watch.ts';
import { ObservedReplay } from '../replay/observe/observed-replay.ts';
import type { Simulation } from '../replay/simulate/simulation.ts';
import type { SlubModel } from '../replay/slub-model.ts';
import type { OpenedRun } from './open-run.ts';
import { type ReplayBasis, recordedModel } from './prepare-replay.ts';
import { type ReplayedRun, summarizeCaches, summarizeFidelity } from './replay-summary.ts';
import { readSource, type Source } from './source.ts';
import { watchDebug } from './watch-debug.ts';

export interface ObservedRun {
  readonly slub: SlubModel;
  readonly observed: ObservedReplay;
  /** What its debug checks found. */
  readonly watch: DebugWatch;
}

export interface ObserveOptions {
  /** Ends the pass: the state then is the result. As the first pass, where it is not said. */
  readonly until?: TimeBound | undefined;
  /** Simulations that see the same events, and every free that no event shows. */
  readonly beside?: readonly Simulation[];
  /** See watchDebug. */
  readonly watchesAll?: boolean;
}

/** @throws TraceFormatError where the run cannot be replayed: its pointers are hashed */
export function replayBasis({ source, replay }: OpenedRun): ReplayBasis {
  if (replay !== undefined) return replay;
  throw new TraceFormatError(
    `${source.options.source}: its pointers are hashed, so no object has a place in a slab`,
    {
      hint: 'Record with `echo nohash-ptr > trace_options`, or as trace.dat, which has raw pointers.',
    },
  );
}

/** @param basis see `OpenedRun.replay` */
export async function observeRun(
  opened: OpenedRun,
  basis: ReplayBasis,
  { until, beside = [], watchesAll = false }: ObserveOptions = {},
): Promise<ObservedRun> {
  const { source, run } = opened;
  const slub = recordedModel(basis);
  const watch = watchDebug(opened, basis, slub, watchesAll);
  const onGone = (cpu: Cpu, lo: number, hi: number): void => {
    for (const simulation of beside) simulation.replay.free(cpu, lo, hi);
  };
  const observed = new ObservedReplay(run.dictionary.calls, slub, {
    watch,
    onGone,
    outages: basis.outages,
  });
  const { originNs, clockUnit } = run.info;
  const scale = { originNs, clockUnit, firstTs: run.tallies.firstTs };
  const bound = until ?? source.options.until;
  await readAgain(source, bound === undefined ? Infinity : toEventTime(bound, scale), (batch) => {
    observed.add(laterThan(batch, run.eventsCompleteSince));
    for (const simulation of beside) simulation.add(batch);
  });
  return { slub, observed, watch };
}

/** The events of a batch from a time on. */
function laterThan(batch: EventBatch, since: number): EventBatch {
  if ((batch.ts[0] ?? since) >= since) return batch;
  let from = 0;
  while (from < batch.length && batch.ts[from]! < since) from++;
  return sliceBatch(batch, from, batch.length);
}

/** The model after the last event, and what it came to. */
export async function replayOpened(
  opened: OpenedRun,
  basis: ReplayBasis,
): Promise<{ readonly model: ObservedRun; readonly replayed: ReplayedRun }> {
  const model = await observeRun(opened, basis, { watchesAll: true });
  const { slub, observed } = model;
  const { run } = opened;
  const replayed = {
    fidelity: summarizeFidelity(observed, 2),
    caches: summarizeCaches(slub, observed).filter(({ name }) => run.selectsCache(name)),
    isWhole: selectsEveryEvent(run.selection),
  };
  return { model, replayed };
}

/**
 * Reads the events of a source once more, up to a moment.
 * @param end as `EventBatch.ts`
 */
export async function readAgain(
  source: Source,
  end: number,
  onBatch: (batch: EventBatch) => void,
): Promise<void> {
  // The first batches of a trace are small (BatchWriter), but a replay looks ahead within a batch.
  const first = createBatch();
  let isFirst = true;
  const handOnFirst = (): void => {
    if (isFirst && first.length > 0) onBatch(first);
    isFirst = false;
  };
  const batch = (batch: EventBatch): void => {
    if (batch.ts[batch.length - 1]! > end) cutAfter(batch, end);
    if (first.length + batch.length > BATCH_CAPACITY) handOnFirst();
    if (isFirst) appendBatch(first, batch);
    else onBatch(batch);
  };
  await readSource(source, { begin: () => ({ batch }) }, 'replaying');
  handOnFirst();
}
