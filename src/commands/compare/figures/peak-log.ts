// Events → how much every call had live, in the order of time, so that the highest total of any set
// of calls can be found when the caches have their names (which is after the pass). While the log is
// small it has an entry for every change and peaks are exact; when it grows too large, neighbouring
// stretches of the trace are drawn together and a peak is known as a range.

import { ensureLength } from '../../../base/growable.ts';
import { type Column, column } from '../../../kernel/column.ts';
import type { CallTable } from '../../../kernel/events/dictionary.ts';
import type { EventBatch } from '../../../kernel/events/event-batch.ts';
import type { Call, EventRow, Row } from '../../../kernel/indices.ts';
import type { PairedBatch } from '../../../pairing/paired-batch.ts';

/** 12 bytes each. */
const MAX_ENTRIES = 4 * 1024 * 1024;

/** The highest total that some calls together had live. */
export interface Peak {
  /** Reached for certain. */
  readonly low: number;
  /** Not exceeded; the same as `low` where the log is exact. */
  readonly high: number;
}

export class PeakLog {
  private readonly calls: CallTable;
  private readonly maxEntries: number;
  /** Objects live now, by call. */
  private live: Column<Call, Int32Array> = column(new Int32Array(0));

  /** Entries: a call that changed in a stretch, its most in it, and what it had at its end. */
  private call: Column<Row, Uint32Array, Call> = column(new Uint32Array(1024));
  private most: Column<Row, Int32Array> = column(new Int32Array(1024));
  private last: Column<Row, Int32Array> = column(new Int32Array(1024));
  private entries = 0;
  /** By stretch: the index behind its last entry. */
  private ends: Uint32Array = new Uint32Array(1024);
  private stretches = 0;
  /** Changes in a whole stretch, and in the one that is open. */
  private perStretch = 1;
  private inStretch = 0;
  /** Index of the entry of a call in the open stretch, one up; 0 where it has none. */
  private open: Column<Call> = column(new Uint32Array(0));

  constructor(calls: CallTable, maxEntries: number = MAX_ENTRIES) {
    this.calls = calls;
    this.maxEntries = maxEntries;
  }

  add(batch: EventBatch, paired: PairedBatch): void {
    if (this.calls.length > this.live.length) {
      this.live = ensureLength(this.live, this.calls.length * 2);
      this.open = ensureLength(this.open, this.live.length);
    }
    const { born, gone, renamed, objectCall } = paired;
    for (let i: EventRow = 0; i < batch.length; i++) {
      if (gone[i] === 1 || renamed[i] === 1) this.change(objectCall[i], -1);
      if (born[i] === 1 || renamed[i] === 1) this.change(batch.call[i], 1);
    }
  }

  /**
   * The peaks of groups of calls.
   * @param groupOf group by call, -1 for calls that are in none
   * @param bytesOf bytes of an object by call
   */
  peaks(
    groupOf: Column<Call, Int32Array>,
    groups: number,
    bytesOf: Column<Call, Float64Array>,
  ): Peak[] {
    const sweep = new Sweep(groupOf, groups, bytesOf);
    let from = 0;
    const stretches = this.inStretch > 0 ? this.stretches + 1 : this.stretches;
    for (let stretch = 0; stretch < stretches; stretch++) {
      const to = stretch < this.stretches ? this.ends[stretch]! : this.entries;
      // What every call had at its most, as if all at one moment; then what they had at the end.
      sweep.moveTo(this.call, this.most, from, to);
      sweep.note(sweep.high, this.call, from, to);
      sweep.moveTo(this.call, this.last, from, to);
      sweep.note(sweep.low, this.call, from, to);
      from = to;
    }
    return Array.from(sweep.low, (low, group) => ({ low, high: sweep.high[group]! }));
  }

  private change(call: Call, by: number): void {
    this.live[call] += by;
    const now = this.live[call];
    const at: Row = this.open[call] - 1;
    if (at >= 0) {
      if (now > this.most[at]) this.most[at] = now;
      this.last[at] = now;
    } else this.push(call, Math.max(now, now - by), now);
    if (++this.inStretch === this.perStretch) this.close();
  }

  private push(call: Call, most: number, last: number): void {
    const at = this.entries++;
    if (at === this.call.length) {
      this.call = ensureLength(this.call, at * 2);
      this.most = ensureLength(this.most, at * 2);
      this.last = ensureLength(this.last, at * 2);
    }
    this.call[at] = call;
    this.most[at] = most;
    this.last[at] = last;
    this.open[call] = at + 1;
  }

  private close(): void {
    const from = this.stretches === 0 ? 0 : this.ends[this.stretches - 1]!;
    for (let e: Row = from; e < this.entries; e++) this.open[this.call[e]] = 0;
    if (this.stretches === this.ends.length)
      this.ends = ensureLength(this.ends, this.stretches * 2);
    this.ends[this.stretches++] = this.entries;
    this.inStretch = 0;
    while (this.entries >= this.maxEntries && this.stretches > 1) this.drawTogether();
  }

  /** Makes one stretch of every two. */
  private drawTogether(): void {
    const stretches = this.stretches;
    this.entries = 0;
    this.stretches = 0;
    let from = 0;
    for (let stretch = 0; stretch < stretches; stretch++) {
      const to = this.ends[stretch]!;
      for (let e: Row = from; e < to; e++) {
        const call = this.call[e];
        const at: Row = this.open[call] - 1;
        if (at < 0) this.push(call, this.most[e], this.last[e]);
        else {
          if (this.most[e] > this.most[at]) this.most[at] = this.most[e];
          this.last[at] = this.last[e];
        }
      }
      from = to;
      if (stretch % 2 === 1 || stretch === stretches - 1) {
        const first = this.stretches === 0 ? 0 : this.ends[this.stretches - 1]!;
        for (let e: Row = first; e < this.entries; e++) this.open[this.call[e]] = 0;
        this.ends[this.stretches++] = this.entries;
      }
    }
    this.perStretch *= 2;
  }
}

/** The totals of groups while the log is read from its start. */
class Sweep {
  readonly low: Float64Array;
  readonly high: Float64Array;
  private readonly now: Float64Array;
  /** Objects by call. */
  private readonly had: Column<Call, Int32Array>;
  private readonly groupOf: Column<Call, Int32Array>;
  private readonly bytesOf: Column<Call, Float64Array>;

  constructor(
    groupOf: Column<Call, Int32Array>,
    groups: number,
    bytesOf: Column<Call, Float64Array>,
  ) {
    this.low = new Float64Array(groups);
    this.high = new Float64Array(groups);
    this.now = new Float64Array(groups);
    this.had = column(new Int32Array(groupOf.length));
    this.groupOf = groupOf;
    this.bytesOf = bytesOf;
  }

  /** The calls of some entries have so many objects now. */
  moveTo(
    calls: Column<Row, Uint32Array, Call>,
    counts: Column<Row, Int32Array>,
    from: number,
    to: number,
  ): void {
    const { had, now, groupOf, bytesOf } = this;
    for (let e: Row = from; e < to; e++) {
      const call = calls[e];
      const group = groupOf[call];
      if (group < 0) continue;
      now[group]! += (counts[e] - had[call]) * bytesOf[call];
      had[call] = counts[e];
    }
  }

  /** Keeps the highest totals of the groups of some entries. */
  note(
    highest: Float64Array,
    calls: Column<Row, Uint32Array, Call>,
    from: number,
    to: number,
  ): void {
    const { now, groupOf } = this;
    for (let e: Row = from; e < to; e++) {
      const group = groupOf[calls[e]];
      if (group >= 0 && now[group]! > highest[group]!) highest[group] = now[group]!;
    }
  }
}
