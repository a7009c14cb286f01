// The events of a recording with some of them taken out, as a tracer loses them, or as one that was
// started late never had them: understood without them, for a comparison with what the kernel held.

import { SeededRandom } from '../../src/base/seeded-random.ts';
import {
  appendBatch,
  BATCH_CAPACITY,
  BATCH_COLUMNS,
  createBatch,
  type EventBatch,
  sliceBatch,
} from '../../src/kernel/events/event-batch.ts';
import { EVENT_KIND } from '../../src/kernel/events/event-kind.ts';
import { TraceStats } from '../../src/kernel/events/trace-stats.ts';
import { RunTracker } from '../../src/pairing/run-tracker.ts';
import { readFacts, withEvidence } from '../../src/recording/read-facts.ts';
import { findSymbols } from '../../src/run/find-symbols.ts';
import { eventCacheNames, type ResolvedRun, resolveRun } from '../../src/run/resolved-run.ts';
import { openSource, readSource } from '../../src/run/source.ts';
import { recording } from './data.ts';

/** Says of each event, in order, whether it is lost. */
export type Losing = (cpu: number) => boolean;

const SEED = 20_261_201;

/** Each event by itself. */
export function losingSingles(share: number): Losing {
  const random = new SeededRandom(SEED);
  return () => random.below(1000) < share * 1000;
}

/** Whole sub-buffers of the ring buffer, some 80 events, each by itself. */
export function losingSubBuffers(share: number): Losing {
  const random = new SeededRandom(SEED);
  return byTurns(() => ({
    isLost: random.below(1000) < share * 1000,
    length: 70 + random.below(20),
  }));
}

/** About `length` events of a CPU in a row, again and again: a reader that is too slow. */
export function losingRuns(share: number, length: number): Losing {
  const random = new SeededRandom(SEED);
  const kept = (length * (1 - share)) / share;
  return byTurns((wasLost) => {
    const mean = wasLost ? kept : length;
    return { isLost: !wasLost, length: 1 + random.below(Math.round(2 * mean) - 1) };
  });
}

interface Turn {
  readonly isLost: boolean;
  /** Events until the next turn. */
  length: number;
}

function byTurns(next: (wasLost: boolean) => Turn): Losing {
  const turns: Turn[] = [];
  return (cpu) => {
    const last = turns[cpu];
    const turn = last !== undefined && last.length > 0 ? last : next(last?.isLost ?? true);
    turn.length--;
    turns[cpu] = turn;
    return turn.isLost;
  };
}

export interface RecordedEvents {
  /**
   * The run without the first `late` (0 to 1) of the events, and without what is lost. Where events
   * of a CPU are missing, the next one has the mark that the tracer leaves.
   */
  without(losing: Losing, late?: number): ResolvedRun;
}

/** The events of a recording; the files beside them stay what they are. */
export async function recordedEvents(name: string): Promise<RecordedEvents> {
  const options = { source: recording(name) };
  const source = await openSource(options);
  const batches: EventBatch[] = [];
  const keep = (batch: EventBatch): void => {
    const copy = createBatch(batch.length);
    appendBatch(copy, batch);
    batches.push(copy);
  };
  const pass = { begin: () => ({ batch: keep }) };
  const { dictionary, info } = await readSource(source, pass, 'reading');
  const named = readFacts(source.sidecars, info, eventCacheNames(dictionary));
  const facts = withEvidence(named, dictionary.calls);
  const symbols = await findSymbols(options, source.sidecars, dictionary);
  const lostCall = dictionary.calls.intern({ kind: EVENT_KIND.lost });
  return {
    without(losing, late = 0) {
      const tracker = new RunTracker(dictionary, { clockUnit: info.clockUnit });
      const stats = new TraceStats();
      const count = batches.reduce((sum, batch) => sum + batch.length, 0);
      const thinning = new Thinning(losing, count * late, lostCall);
      for (const batch of batches) {
        for (const part of thinning.take(batch, batch === batches.at(-1))) tracker.add(part);
      }
      stats.add('lost_events', thinning.lost);
      const tracedFromBoot = facts.tracedFromBoot && late === 0;
      return resolveRun({ tracker, info, stats, facts: { ...facts, tracedFromBoot }, ...symbols });
    },
  };
}

/** Takes events out, and puts marks in their places. */
class Thinning {
  lost = 0;
  private readonly losing: Losing;
  private skipped: number;
  private readonly lostCall: number;
  private readonly isMissing: boolean[] = [];
  private readonly out = createBatch(2 * BATCH_CAPACITY);

  /** @param skipped events at the start that leave no mark */
  constructor(losing: Losing, skipped: number, lostCall: number) {
    this.losing = losing;
    this.skipped = skipped;
    this.lostCall = lostCall;
  }

  *take(batch: EventBatch, isLast: boolean): Generator<EventBatch> {
    const { out, isMissing } = this;
    out.length = 0;
    for (let i = 0; i < batch.length; i++) {
      if (this.skipped-- > 0) continue;
      const cpu = batch.cpu[i] ?? 0;
      if (this.losing(cpu)) {
        isMissing[cpu] = true;
        this.lost++;
        continue;
      }
      if (isMissing[cpu]) this.mark(batch, i, cpu);
      appendRow(out, batch, i);
    }
    const end = isLast ? isMissing.keys() : [];
    for (const cpu of end) if (isMissing[cpu]) this.mark(batch, batch.length - 1, cpu);
    for (let at = 0; at < out.length; at += BATCH_CAPACITY) {
      yield sliceBatch(out, at, at + BATCH_CAPACITY);
    }
  }

  private mark(batch: EventBatch, i: number, cpu: number): void {
    const { out } = this;
    appendRow(out, batch, i);
    out.call[out.length - 1] = this.lostCall;
    out.cpu[out.length - 1] = cpu;
    this.isMissing[cpu] = false;
  }
}

/** Millions of rows: without an object for each. */
function appendRow(to: EventBatch, from: EventBatch, i: number): void {
  for (const name of BATCH_COLUMNS) to[name][to.length] = from[name][i] ?? 0;
  to.length++;
}
