// --age: how long each object lived is known only when it is freed, or at the end. So a pass before the
// others finds out which allocations are of that age, and keeps one bit for each event.

import { AddressMap } from '../base/address-map.ts';
import { UsageError } from '../base/errors.ts';
import { ensureLength } from '../base/growable.ts';
import type { TraceStart } from '../ingest/thread/read-trace.ts';
import { cutAfter, type EventBatch } from '../kernel/events/event-batch.ts';
import type { ClockUnit } from '../kernel/events/trace-info.ts';
import type { EventRow } from '../kernel/indices.ts';
import { type Age, type AgeRange, type TimeBound, toEventTime } from './event-filter.ts';
import { Pairing } from './pairing.ts';

export class AgePass {
  private readonly pairing: Pairing;
  private readonly atLeast: number;
  private readonly below: number;
  /** Addresses of live objects to the number of the event that allocated each. */
  private readonly bornAs = new AddressMap();
  private bits: Uint8Array = new Uint8Array(0);
  private events = 0;
  private lastTs = Number.NaN;
  private readonly until: number;

  /**
   * @param until the moment at which ages are asked for; undefined: the last event
   * @throws UsageError where an age has a unit of time and the trace's clock counts something else
   */
  constructor(
    { dictionary, info, firstTs }: TraceStart,
    { atLeast, below }: AgeRange,
    until: TimeBound | undefined,
  ) {
    const { clockUnit, originNs } = info;
    this.until =
      until === undefined ? Infinity : toEventTime(until, { originNs, clockUnit, firstTs });
    this.pairing = new Pairing(dictionary, undefined, clockUnit);
    this.atLeast = atLeast === undefined ? 0 : toAge(atLeast, clockUnit);
    this.below = below === undefined ? Infinity : toAge(below, clockUnit);
  }

  batch(batch: EventBatch): void {
    const { bornAs } = this;
    this.lastTs = batch.ts[batch.length - 1] ?? this.lastTs;
    if (this.lastTs > this.until) cutAfter(batch, this.until);
    const { born, gone, objectTs } = this.pairing.add(batch);
    this.bits = ensureLength(this.bits, ((this.events + batch.length) >>> 3) + 1);
    for (let i: EventRow = 0; i < batch.length; i++) {
      const lo = batch.ptrLo[i];
      const hi = batch.ptrHi[i];
      if (gone[i] === 1) this.judge(bornAs.get(lo, hi), batch.ts[i] - objectTs[i]);
      if (born[i] === 1) bornAs.set(lo, hi, this.events + i);
      else if (gone[i] === 1) bornAs.delete(lo, hi);
    }
    this.events += batch.length;
  }

  /**
   * What is still live is judged by its age at the moment that is asked for.
   * @returns whether the event of a number allocates an object of that age
   */
  finish(): (event: number) => boolean {
    const { live } = this.pairing;
    const end = Math.min(this.until, this.lastTs);
    for (const row of live.inUse()) {
      this.judge(this.bornAs.get(live.ptrLo(row), live.ptrHi(row)), end - live.ts(row));
    }
    const { bits } = this;
    return (event) => ((bits[event >>> 3] ?? 0) & (1 << (event & 7))) !== 0;
  }

  private judge(event: number, since: number): void {
    const age = Math.max(0, since); // clocks of CPUs differ a little
    if (event < 0 || age < this.atLeast || age >= this.below) return;
    this.bits[event >>> 3]! |= 1 << (event & 7);
  }
}

/** In the unit of the clock. */
function toAge({ nano, hasUnit }: Age, clockUnit: ClockUnit): number {
  if (clockUnit === 'ns') return Number(nano);
  if (!hasUnit) return Number(nano / 1_000_000_000n);
  throw new UsageError(
    `--age: the clock of this trace counts ${CLOCK_COUNTS[clockUnit]}, not time`,
    {
      hint: 'Give the age in what it counts, without a unit: --age +1000.',
    },
  );
}

const CLOCK_COUNTS: Readonly<Record<Exclude<ClockUnit, 'ns'>, string>> = {
  tick: 'ticks',
  count: 'events',
};
