// The values of a kmem event of a Perfetto trace → a row of the reorder queue.

import { TWO_32 } from '../../base/address.ts';
import { type Dictionary, NODE_ANY, NODE_UNKNOWN } from '../../kernel/events/dictionary.ts';
import { EVENT_KIND, isAlloc } from '../../kernel/events/event-kind.ts';
import { gfpTableOf } from '../../kernel/events/gfp-flags.ts';
import { type GfpLayout, todaysGfp } from '../../kernel/events/gfp-layouts.ts';
import type { TraceInfo } from '../../kernel/events/trace-info.ts';
import type { ReorderQueue } from '../events/reorder-queue.ts';
import { FIELD, type KmemMessage, KmemValues } from './kmem-messages.ts';
import type { ProbeRows } from './probe-rows.ts';

const DEFAULT_PAGE = 4096;
const MAX_ORDER = 20;

/** Names of kernel functions by what stands for them in events (interned_data.proto). */
export type KernelSymbols = ReadonlyMap<number, number>;

/** Takes a row: as ReorderQueue.add, without the interrupt state, which Perfetto does not keep. */
export type PutRow = (
  ts: number,
  call: number,
  thread: number,
  ptrLo: number,
  ptrHi: number,
  cpu: number,
) => void;

export class KmemRows {
  /** Of the event that `add` is called for. */
  readonly values: KmemValues = new KmemValues();
  /** Of the packet that is read. */
  symbols: KernelSymbols = new Map();
  private readonly queue: ReorderQueue;
  private readonly info: TraceInfo;
  private readonly dictionary: Dictionary;
  private readonly probes: ProbeRows;
  private readonly put: PutRow;
  private gfpLayout: GfpLayout | undefined;

  constructor(queue: ReorderQueue, info: TraceInfo, probes: ProbeRows, put: PutRow) {
    this.probes = probes;
    this.queue = queue;
    this.info = info;
    this.dictionary = queue.dictionary;
    this.put = put;
  }

  /** Writes the event whose values are there; one that lacks some is counted. */
  add(message: KmemMessage, ts: number, pid: number, cpu: number): void {
    const { values, queue } = this;
    const { kind, needs } = message;
    if ((values.known & needs) !== needs) {
      queue.stats.add('bad_record', 1, `event ${queue.count}`);
      return;
    }
    if (values.has(FIELD.pfn)) {
      this.addPage(kind, ts, pid, cpu);
      return;
    }
    const hasPtr = values.has(FIELD.ptr);
    const ptrLo = hasPtr ? values.lo[FIELD.ptr]! : 0;
    const ptrHi = hasPtr ? values.hi[FIELD.ptr]! : 0;
    this.put(ts, this.callOf(kind), pid, ptrLo, ptrHi, cpu);
  }

  private callOf(kind: number): number {
    const { values, dictionary } = this;
    const { calls } = dictionary;
    if (kind === EVENT_KIND.rcu_invoke_kfree_bulk_callback) {
      return calls.intern({ kind, bytesReq: values.number(FIELD.nr_records) });
    }
    const isAllocation = isAlloc(kind);
    return calls.internFields(
      kind,
      this.site(),
      isAllocation ? values.number(FIELD.bytes_req) : 0,
      isAllocation ? values.number(FIELD.bytes_alloc) : 0,
      isAllocation ? this.gfp() : 0,
      isAllocation,
      values.has(FIELD.node) ? Math.max(values.lo[FIELD.node]! | 0, NODE_ANY) : NODE_UNKNOWN,
      0,
      0,
      0,
    );
  }

  private site(): number {
    const { sites } = this.dictionary;
    const lo = this.values.lo[FIELD.call_site]!;
    const hi = this.values.hi[FIELD.call_site]!;
    if (lo === 0 && hi === 0) return 0;
    if (lo === this.probes.trampoline?.lo && hi === this.probes.trampoline.hi) return 0;
    const symbol = hi === 0 ? this.symbols.get(lo) : undefined;
    return symbol === undefined ? sites.internAddress(lo, hi) : sites.internText(symbol);
  }

  private gfp(): number {
    this.gfpLayout ??= gfpTableOf(this.info).layout;
    return todaysGfp(this.values.lo[FIELD.gfp_flags]!, this.gfpLayout);
  }

  /** A page's event: `ptr` is the physical address of the page. */
  private addPage(kind: number, ts: number, pid: number, cpu: number): void {
    const { values } = this;
    const order = values.lo[FIELD.order]!;
    // A page frame number of -1: the allocation failed.
    if (values.lo[FIELD.pfn] === 0xffffffff || order > MAX_ORDER) return;
    const pageSize = this.info.pageSize ?? DEFAULT_PAGE;
    const address = values.number(FIELD.pfn) * pageSize;
    const gfpKnown = values.has(FIELD.gfp_flags);
    const call = this.dictionary.calls.intern({
      kind,
      bytesAlloc: pageSize * 2 ** order,
      gfp: gfpKnown ? this.gfp() : 0,
      gfpKnown,
    });
    this.put(ts, call, pid, address >>> 0, Math.floor(address / TWO_32), cpu);
  }
}
