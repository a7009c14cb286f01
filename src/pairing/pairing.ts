// Allocations and frees → lifetimes: every free is paired with the allocation of its address.
// The kernel does not tell every free (kfree_rcu and bulk frees have no event) nor every allocation
// (bulk): an allocation at a live address says that the object there was freed unseen, a free of an
// unknown address that its allocation was not seen. Neither is a double free.
// Events: include/trace/events/kmem.h. What they leave out: docs/model-rules.md.

import { ensureLength } from '../base/growable.ts';
import { type Column, column } from '../kernel/column.ts';
import type { Dictionary } from '../kernel/events/dictionary.ts';
import type { EventBatch } from '../kernel/events/event-batch.ts';
import { EVENT_KIND, isAlloc, isFree, isKmalloc } from '../kernel/events/event-kind.ts';
import type { ClockUnit } from '../kernel/events/trace-info.ts';
import type { Call, Cpu, EventRow, LiveRow } from '../kernel/indices.ts';
import { LiveObjects } from './live-objects.ts';
import { LossSpans } from './loss-spans.ts';
import { createPairedBatch, OUTCOME, type PairedBatch } from './paired-batch.ts';

/** kmalloc(0) returns this (include/linux/slab.h, ZERO_SIZE_PTR). */
const ZERO_SIZE_PTR = 0x10;

/**
 * How long after an allocation a free on another CPU may still be that of the object before it.
 * 5.10 writes kmem_cache_free after the act (mm/slub.c, kmem_cache_free()), so another CPU can have
 * the object again first; else only a clock that gives several CPUs one time swaps the two.
 */
const LATE_FREE_NS = 100_000;

/** No kernel serves more than this from a slab with 4 KiB pages; more is page-backed kmalloc. */
const MAX_CACHE_SIZE = 8192;

/** Says which allocations a command selects. */
export interface EventFilter {
  /** Whether the event in row `i` is selected, judged by its own fields. */
  selects(batch: EventBatch, i: EventRow): boolean;
}

const NO_ROW: LiveRow = -1 as number;

export class Pairing {
  readonly live: LiveObjects = new LiveObjects();
  /** Time until which events are missing: objects older than this may have been freed unseen. */
  lastLossTs: number = -Infinity;
  readonly losses: LossSpans = new LossSpans();
  private readonly dictionary: Dictionary;
  private readonly filter: EventFilter | undefined;
  private readonly paired: PairedBatch = createPairedBatch();
  /** Row of the last allocation of each CPU while no other followed on it; -1 where freed. */
  private lastAlloc: Column<Cpu, Int32Array, LiveRow> = column(new Int32Array(16).fill(-1));
  /** The last event of each CPU, to see repeated records and double events. */
  private lastTs: Column<Cpu, Float64Array> = column(new Float64Array(16).fill(Number.NaN));
  private lastCall: Column<Cpu, Uint32Array, Call> = column(new Uint32Array(16));
  private lastLo: Column<Cpu> = column(new Uint32Array(16));
  private lastHi: Column<Cpu> = column(new Uint32Array(16));
  private readonly lateFree: number;

  constructor(dictionary: Dictionary, filter?: EventFilter, clockUnit: ClockUnit = 'ns') {
    this.dictionary = dictionary;
    this.filter = filter;
    this.lateFree = clockUnit === 'ns' ? LATE_FREE_NS : 0;
  }

  /** Pairs the events of a batch. The result is valid until the next call. */
  add(batch: EventBatch): PairedBatch {
    const { paired, filter } = this;
    const { calls } = this.dictionary;
    for (let i: EventRow = 0; i < batch.length; i++) {
      const call = batch.call[i];
      const kind = calls.kind(call);
      const cpu = batch.cpu[i];
      if (cpu >= this.lastAlloc.length) this.growCpus(cpu);
      paired.objectCall[i] = 0;
      paired.born[i] = 0;
      paired.gone[i] = 0;
      paired.renamed[i] = 0;
      paired.freed[i] = 0;
      paired.temporary[i] = 0;
      paired.selected[i] = filter === undefined || filter.selects(batch, i) ? 1 : 0;
      if (isAlloc(kind)) paired.outcome[i] = this.alloc(batch, i, call, kind, cpu);
      else if (isFree(kind)) paired.outcome[i] = this.free(batch, i, call, kind, cpu);
      else {
        paired.outcome[i] = OUTCOME.none;
        if (kind === EVENT_KIND.lost) this.lost(batch, i, cpu);
        continue;
      }
      this.lastTs[cpu] = batch.ts[i];
      this.lastCall[cpu] = call;
      this.lastLo[cpu] = batch.ptrLo[i];
      this.lastHi[cpu] = batch.ptrHi[i];
    }
    return paired;
  }

  /** The events of a CPU from its last one to here are missing, or the first of them. */
  private lost(batch: EventBatch, i: EventRow, cpu: Cpu): void {
    const ts = batch.ts[i];
    const before = this.lastTs[cpu];
    const from = Number.isNaN(before) ? -Infinity : before;
    this.paired.objectTs[i] = from;
    this.losses.add(from, ts);
    this.lastLossTs = ts;
  }

  private alloc(batch: EventBatch, i: EventRow, call: Call, kind: number, cpu: Cpu): number {
    const lo = batch.ptrLo[i] | 0;
    const hi = batch.ptrHi[i] | 0;
    if (lo === 0 && hi === 0) return OUTCOME.allocFailed;
    const { live, paired } = this;
    const found = live.find(lo, hi);
    if (found >= 0) return this.allocOnLive(batch, i, call, kind, cpu, found);
    const row = live.add(lo, hi);
    const selected = paired.selected[i];
    live.fill(row, batch, i, selected === 1);
    paired.born[i] = selected;
    this.lastAlloc[cpu] = row;
    return OUTCOME.alloc;
  }

  /** An allocation at the address of the object in `row`, which is held live. */
  private allocOnLive(
    batch: EventBatch,
    i: EventRow,
    call: Call,
    kind: number,
    cpu: Cpu,
    row: LiveRow,
  ): number {
    const { live, paired } = this;
    if (this.isRepeated(batch, i, call, cpu)) return OUTCOME.repeated;
    const objectSelected = live.describe(row, paired, i);
    if (isKmalloc(kind) && row === this.lastAlloc[cpu] && this.isSameAllocation(row, batch, i)) {
      live.setCall(row, call); // the second event has the true caller
      paired.selected[i] = objectSelected;
      paired.renamed[i] = objectSelected;
      return OUTCOME.allocAgain;
    }
    const selected = paired.selected[i];
    live.replace(row, batch, i, selected === 1);
    paired.born[i] = selected;
    paired.gone[i] = objectSelected;
    this.lastAlloc[cpu] = row;
    return OUTCOME.allocOnLive;
  }

  private free(batch: EventBatch, i: EventRow, call: Call, kind: number, cpu: Cpu): number {
    const lo = batch.ptrLo[i] | 0;
    const hi = batch.ptrHi[i] | 0;
    if (hi === 0 && lo >>> 0 <= ZERO_SIZE_PTR)
      return lo === 0 ? OUTCOME.freeNull : OUTCOME.freeZeroSize;
    const { live, paired } = this;
    const row = live.find(lo, hi);
    if (row < 0) {
      return this.isRepeated(batch, i, call, cpu) ? OUTCOME.repeated : OUTCOME.freeUnknown;
    }
    if (live.hasDisplaced(row) && this.isLate(row, batch, i, kind)) {
      const displacedSelected = live.describeDisplaced(row, paired, i);
      paired.selected[i] = displacedSelected;
      paired.freed[i] = displacedSelected;
      live.forgetDisplaced(row);
      return OUTCOME.freeLate;
    }
    const selected = live.describe(row, paired, i);
    paired.selected[i] = selected;
    paired.gone[i] = selected;
    paired.freed[i] = selected;
    const allocCpu = paired.objectCpu[i];
    if (this.lastAlloc[allocCpu] === row) {
      paired.temporary[i] = 1;
      this.lastAlloc[allocCpu] = NO_ROW;
    }
    live.remove(row);
    return OUTCOME.free;
  }

  /** True where the event says to the letter what the one before it on this CPU said. */
  private isRepeated(batch: EventBatch, i: EventRow, call: Call, cpu: Cpu): boolean {
    return (
      this.lastTs[cpu] === batch.ts[i] &&
      this.lastCall[cpu] === call &&
      this.lastLo[cpu] === batch.ptrLo[i] &&
      this.lastHi[cpu] === batch.ptrHi[i]
    );
  }

  /**
   * True where two events in a row are one allocation: large kmalloc of run-time size is traced in
   * ___kmalloc_large_node() and again by its caller, from another place (mm/slub.c, 6.12).
   */
  private isSameAllocation(row: LiveRow, batch: EventBatch, i: EventRow): boolean {
    const { calls } = this.dictionary;
    const first = this.live.call(row);
    const second = batch.call[i];
    return (
      calls.bytesAlloc(second) > MAX_CACHE_SIZE &&
      first !== second &&
      this.live.cpu(row) === batch.cpu[i] &&
      this.live.task(row) === batch.task[i] &&
      calls.bytesReq(first) === calls.bytesReq(second) &&
      calls.bytesAlloc(first) === calls.bytesAlloc(second) &&
      calls.gfp(first) === calls.gfp(second) &&
      calls.node(first) === calls.node(second)
    );
  }

  private isLate(row: LiveRow, batch: EventBatch, i: EventRow, kind: number): boolean {
    if (batch.cpu[i] === this.live.cpu(row)) return false;
    const since = batch.ts[i] - this.live.ts(row);
    return since === 0 || (kind === EVENT_KIND.kmem_cache_free && since <= this.lateFree);
  }

  private growCpus(cpu: Cpu): void {
    const from = this.lastAlloc.length;
    this.lastAlloc = ensureLength(this.lastAlloc, cpu + 1).fill(-1, from);
    this.lastTs = ensureLength(this.lastTs, cpu + 1).fill(Number.NaN, from);
    this.lastCall = ensureLength(this.lastCall, cpu + 1);
    this.lastLo = ensureLength(this.lastLo, cpu + 1);
    this.lastHi = ensureLength(this.lastHi, cpu + 1);
  }
}
