// Everything that one pass over the events keeps: pairing, and the trackers that read its result.

import type { Dictionary } from '../kernel/events/dictionary.ts';
import { type EventBatch, sliceBatch } from '../kernel/events/event-batch.ts';
import type { ClockUnit } from '../kernel/events/trace-info.ts';
import { CallEvidence } from './call-evidence.ts';
import { EventStarts } from './event-starts.ts';
import { LastFreed } from './last-freed.ts';
import { PageEvidence } from './page-evidence.ts';
import type { PairedBatch } from './paired-batch.ts';
import { type EventFilter, Pairing } from './pairing.ts';
import { Tallies } from './tallies.ts';

/** Reads the paired events of a pass, for what a command needs beyond the common counts. */
export interface Tracker {
  add(batch: EventBatch, paired: PairedBatch): void;
}

/**
 * Events that go through all trackers at a time: few, so that their columns stay in the CPU's first
 * cache from tracker to tracker, and so that loops are short: V8 compiles a function when it is called
 * again, sooner than in the midst of a long loop, and then once less.
 */
const EVENTS_AT_A_TIME = 1024;

export interface TrackerOptions {
  readonly filter?: EventFilter | undefined;
  /** What the trace's clock counts; nanoseconds where it is not said. */
  readonly clockUnit?: ClockUnit;
  readonly extra?: readonly Tracker[];
}

export class RunTracker {
  readonly dictionary: Dictionary;
  readonly pairing: Pairing;
  readonly tallies: Tallies;
  readonly pages: PageEvidence;
  readonly starts: EventStarts;
  readonly evidence: CallEvidence;
  readonly lastFreed: LastFreed;
  private readonly extra: readonly Tracker[];

  constructor(dictionary: Dictionary, options: TrackerOptions) {
    this.dictionary = dictionary;
    this.pairing = new Pairing(dictionary, options.filter, options.clockUnit);
    this.tallies = new Tallies(dictionary);
    this.pages = new PageEvidence(dictionary);
    this.starts = new EventStarts(dictionary);
    this.evidence = new CallEvidence(dictionary.calls, this.starts);
    this.lastFreed = new LastFreed(dictionary.calls);
    this.extra = options.extra ?? [];
  }

  add(batch: EventBatch): void {
    for (let from = 0; from < batch.length; from += EVENTS_AT_A_TIME) {
      this.addSlice(sliceBatch(batch, from, from + EVENTS_AT_A_TIME));
    }
  }

  private addSlice(batch: EventBatch): void {
    const paired = this.pairing.add(batch);
    this.tallies.add(batch, paired);
    this.pages.add(batch, paired);
    this.starts.add(batch);
    this.evidence.add(batch, paired);
    this.lastFreed.add(batch, paired);
    for (const tracker of this.extra) tracker.add(batch, paired);
  }
}
