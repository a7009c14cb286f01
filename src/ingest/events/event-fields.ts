// The fields of binary event records (ring buffer, perf.data RAW) → columns of an EventBatch.
// Where a field lies is taken from the event format by name, never by position; so 5.10's
// kmalloc_node, 6.1's node= and 6.18's name= need no version of their own.
// Events: include/trace/events/kmem.h; kernel_stack: kernel/trace/trace_entries.h.

import { TWO_32 } from '../../base/address.ts';
import { ByteTable } from '../../base/byte-table.ts';
import {
  ACCOUNTED,
  type Dictionary,
  NODE_ANY,
  NODE_UNKNOWN,
} from '../../kernel/events/dictionary.ts';
import { EVENT_KIND } from '../../kernel/events/event-kind.ts';
import { GFP, gfpTableOf } from '../../kernel/events/gfp-flags.ts';
import { type GfpLayout, todaysGfp } from '../../kernel/events/gfp-layouts.ts';
import type { TraceInfo } from '../../kernel/events/trace-info.ts';
import type { TraceStats } from '../../kernel/events/trace-stats.ts';
import type { EventsSeen } from '../format.ts';
import type { AddressHalves } from '../probes/open-probes.ts';
import type { ProbeRecords } from '../probes/probe-records.ts';
import type { ByteLayout } from '../ring-buffer/page.ts';
import type { BatchWriter } from './batch-writer.ts';
import { type EventFormat, takeGfpNames } from './event-format.ts';
import { compilePlan, type EventPlan, type FieldHalves, ROLE } from './event-plan.ts';

/** Where events go: a BatchWriter, or a queue that puts them in order first. */
export type EventSink = Pick<BatchWriter, 'dictionary' | 'stats' | 'count' | 'add' | 'attachStack'>;

/** What a trace's probes are to the other events. */
interface FieldProbes {
  readonly records: ProbeRecords | undefined;
  readonly trampoline: AddressHalves | undefined;
}

/** Turns records into events and writes them. */
export class EventFields {
  private readonly plans: (EventPlan | undefined)[] = [];
  private readonly formats: readonly EventFormat[];
  /** Records of events that are passed over, by the events' numbers. */
  private readonly others: number[] = [];
  private readonly layout: ByteLayout;
  private readonly dictionary: Dictionary;
  private readonly stats: TraceStats;
  private readonly writer: EventSink;
  private readonly commOf: ReadonlyMap<number, string>;
  private readonly taskOf = new Map<number, number>();
  private lastPid = -1;
  private lastTask = 0;
  private readonly names = new ByteTable();
  private readonly nameIds: number[] = [0];
  private readonly frames = new Uint32Array(1024);
  private readonly gfpLayout: GfpLayout;
  /** The bytes under the view that was used last. */
  private view: DataView | undefined;
  private bytes: Buffer = Buffer.alloc(0);

  private readonly probes: ProbeRecords | undefined;
  /** Where functions return to under a return probe: no site of its own. */
  private readonly trampoline: AddressHalves | undefined;

  /**
   * @param commOf task names by pid, as the tracer saved them
   * @param probes reads the records of probes, where the trace has any, unless somebody else does
   */
  constructor(
    formats: readonly EventFormat[],
    layout: ByteLayout,
    writer: EventSink,
    commOf: ReadonlyMap<number, string>,
    info: TraceInfo,
    probes?: FieldProbes,
  ) {
    this.probes = probes?.records;
    this.trampoline = probes?.trampoline;
    this.formats = formats;
    this.layout = layout;
    this.writer = writer;
    this.dictionary = writer.dictionary;
    this.stats = writer.stats;
    this.commOf = commOf;
    for (const format of formats) {
      const plan = compilePlan(format, layout);
      if (plan !== undefined) this.plans[format.id] = plan;
      if (plan?.role === ROLE.alloc) takeGfpNames(format.printFmt, info);
    }
    this.gfpLayout = gfpTableOf(info).layout;
  }

  /** True where the formats describe at least one event about slab memory, or that may be. */
  get hasKmemEvents(): boolean {
    if (this.probes !== undefined) return true;
    return this.plans.some((p) => p?.role === ROLE.alloc || p?.role === ROLE.free);
  }

  /**
   * Writes the event of the record at `at` (its common header first).
   * @param size bytes of the record
   * @param ts time since the origin
   */
  add(view: DataView, at: number, size: number, ts: number, cpu: number): void {
    if (this.probes?.has(view, at, size) === true) {
      this.addProbe(this.probes, view, at, ts, cpu);
      return;
    }
    const plan = this.planOf(view, at, size);
    if (plan === undefined) return;
    if (plan.role === ROLE.stack) {
      this.addStack(view, at, size, cpu, plan);
      return;
    }
    const flags = view.getUint8(at + plan.flags) | (view.getUint8(at + plan.preempt) << 8);
    const pid = view.getInt32(at + plan.pid, this.layout.littleEndian);
    const task = pid === this.lastPid ? this.lastTask : this.internTask(pid);
    this.write(view, at, size, plan, ts, task, cpu, flags);
  }

  /**
   * As `add`, for a record in a perf sample: what the sample says of it goes before its own header.
   * @param tid the sample's thread, written as `task` as it stands; -1: the one in the header
   */
  addSampled(view: DataView, at: number, size: number, ts: number, cpu: number, tid: number): void {
    const plan = this.planOf(view, at, size);
    if (plan === undefined || plan.role === ROLE.stack) return;
    // On CONFIG_PREEMPTION kernels perf (perf_trace_buf_update()) leaves the tracepoint's own
    // preempt_disable() in the depth, which ftrace (tracing_gen_ctx_dec()) takes out: it is 1 and
    // more. Without PREEMPT_COUNT it is 0. The file does not tell a kernel that counts without
    // CONFIG_PREEMPTION; ftrace itself leaves the one in there, so texts of such a kernel show 1 more.
    const preempt = view.getUint8(at + plan.preempt);
    const depth = (preempt & 0xf) === 0 ? preempt : preempt - 1;
    const flags = view.getUint8(at + plan.flags) | (depth << 8);
    const thread = tid === -1 ? view.getInt32(at + plan.pid, this.layout.littleEndian) : tid;
    this.write(view, at, size, plan, ts, thread, cpu, flags);
  }

  private addProbe(
    probes: ProbeRecords,
    view: DataView,
    at: number,
    ts: number,
    cpu: number,
  ): void {
    const { hit } = probes.events;
    hit.ts = ts;
    hit.cpu = cpu;
    hit.flags = view.getUint8(at + 2) | (view.getUint8(at + 3) << 8);
    hit.task = this.internTask(view.getInt32(at + 4, this.layout.littleEndian));
    if (!probes.add(view, at)) this.stats.add('bad_record', 1, `event ${this.writer.count}`);
  }

  private countOther(id: number): void {
    this.others[id] = (this.others[id] ?? 0) + 1;
  }

  /** Names of the events about slab objects that are described, by their numbers. */
  slabEvents(): Map<number, string> {
    const isSlab = (id: number): boolean => {
      const role = this.plans[id]?.role;
      return role === ROLE.alloc || role === ROLE.free;
    };
    return new Map(this.formats.flatMap(({ id, name }) => (isSlab(id) ? [[id, name]] : [])));
  }

  /** Names of the events of ours that are described, and how many there were of others. */
  seen(): Omit<EventsSeen, 'record'> {
    const nameOf = new Map(this.formats.map(({ id, name }) => [id, name]));
    const others = new Map<string, number>();
    this.others.forEach((count, id) => {
      others.set(nameOf.get(id) ?? `event ${id}`, count);
    });
    return { described: [...this.slabEvents().values()], others };
  }

  /** How to read the record at `at`; undefined, and counted, where it cannot or need not be read. */
  private planOf(view: DataView, at: number, size: number): EventPlan | undefined {
    const plan = size >= 8 ? this.plans[view.getUint16(at, this.layout.littleEndian)] : undefined;
    if (plan === undefined) {
      this.stats.add('other_events');
      if (size >= 8) this.countOther(view.getUint16(at, this.layout.littleEndian));
      return undefined;
    }
    if (size >= plan.minSize) return plan;
    this.stats.add('bad_record', 1, `event ${this.writer.count}`);
    return undefined;
  }

  private write(
    view: DataView,
    at: number,
    size: number,
    plan: EventPlan,
    ts: number,
    task: number,
    cpu: number,
    flags: number,
  ): void {
    const le = this.layout.littleEndian;
    const ptrLo = view.getUint32(at + plan.ptr.lo, le);
    const ptrHi = plan.ptr.hi < 0 ? 0 : view.getUint32(at + plan.ptr.hi, le);
    if (plan.role === ROLE.page) {
      this.addPage(view, at, plan, ptrLo, ptrHi, ts, task, cpu, flags);
      return;
    }
    let call = plan.recent.find(view, at, size);
    if (call < 0) {
      call =
        plan.role === ROLE.alloc
          ? this.allocCall(view, at, size, plan)
          : plan.role === ROLE.free
            ? this.freeCall(view, at, size, plan)
            : this.bulkCall(view, at, plan);
      plan.recent.remember(call);
    }
    this.writer.add(ts, call, task, ptrLo, ptrHi, cpu, flags);
    this.probes?.events.noteTold(task, cpu, ptrLo, ptrHi, call);
  }

  private allocCall(view: DataView, at: number, size: number, plan: EventPlan): number {
    const le = this.layout.littleEndian;
    const gfp = todaysGfp(view.getUint32(at + plan.gfp.lo, le), this.gfpLayout);
    let accounted: number = ACCOUNTED.unknown;
    if (plan.accountedField >= 0) {
      accounted = view.getUint8(at + plan.accountedField) === 0 ? ACCOUNTED.no : ACCOUNTED.yes;
    } else if (plan.accountedByGfp !== undefined) {
      accounted = plan.accountedByGfp && (gfp & GFP.ACCOUNT) !== 0 ? ACCOUNTED.yes : ACCOUNTED.no;
    }
    return this.dictionary.calls.internFields(
      plan.kind,
      this.site(view, at, plan),
      this.number(view, at, plan.bytesReq),
      this.number(view, at, plan.bytesAlloc),
      gfp,
      true,
      plan.node < 0 ? NODE_UNKNOWN : Math.max(view.getInt32(at + plan.node, le), NODE_ANY),
      plan.name < 0 ? 0 : this.name(view, at, size, plan),
      accounted,
      0,
    );
  }

  private freeCall(view: DataView, at: number, size: number, plan: EventPlan): number {
    const cache = plan.name < 0 ? 0 : this.name(view, at, size, plan);
    const site = this.site(view, at, plan);
    return this.dictionary.calls.internFields(
      plan.kind,
      site,
      0,
      0,
      0,
      false,
      NODE_UNKNOWN,
      cache,
      ACCOUNTED.unknown,
      0,
    );
  }

  private bulkCall(view: DataView, at: number, plan: EventPlan): number {
    const bytesReq = this.number(view, at, plan.bytesReq);
    return this.dictionary.calls.intern({ kind: plan.kind, bytesReq });
  }

  /** Page events carry a page frame number; `ptr` is the physical address of the page. */
  private addPage(
    view: DataView,
    at: number,
    plan: EventPlan,
    pfnLo: number,
    pfnHi: number,
    ts: number,
    task: number,
    cpu: number,
    flags: number,
  ): void {
    const failed = pfnLo === 0xffffffff; // pfn -1: the allocation failed
    const order = view.getUint32(at + plan.order.lo, this.layout.littleEndian);
    if (failed || order > 20) return;
    const address = (pfnHi * TWO_32 + pfnLo) * this.layout.pageSize;
    const call = this.dictionary.calls.intern({
      kind: plan.kind,
      bytesAlloc: this.layout.pageSize * 2 ** order,
      gfp:
        plan.gfp.lo < 0
          ? 0
          : todaysGfp(view.getUint32(at + plan.gfp.lo, this.layout.littleEndian), this.gfpLayout),
      gfpKnown: plan.gfp.lo >= 0,
    });
    this.writer.add(ts, call, task, address >>> 0, Math.floor(address / TWO_32), cpu, flags);
  }

  /**
   * An event that says that `count` events of a CPU were lost (-1: an unknown number).
   * @param task as the sink takes tasks; nobody's where it is left out
   */
  addLost(count: number, ts: number, cpu: number, task = 0): void {
    if (count > 0) this.stats.add('lost_events', count, `event ${this.writer.count}`);
    else this.stats.add('lost_events_unknown', 1, `event ${this.writer.count}`);
    const call = this.dictionary.calls.intern({
      kind: EVENT_KIND.lost,
      bytesReq: Math.max(count, 0),
    });
    this.writer.add(ts, call, task, 0, 0, cpu, 0);
  }

  /** An event that says that records of a CPU are missing here: the file is damaged. */
  addGap(ts: number, cpu: number): void {
    const call = this.dictionary.calls.intern({ kind: EVENT_KIND.lost });
    this.writer.add(ts, call, 0, 0, 0, cpu, 0);
  }

  private addStack(view: DataView, at: number, size: number, cpu: number, plan: EventPlan): void {
    const { longSize, littleEndian } = this.layout;
    const room = Math.floor((size - plan.caller) / longSize);
    const length = Math.min(
      plan.bytesReq.lo < 0 ? room : view.getUint32(at + plan.bytesReq.lo, littleEndian),
      room,
      this.frames.length,
    );
    let used = 0;
    for (let i = 0; i < length; i++) {
      const field = at + plan.caller + i * longSize;
      const first = view.getUint32(field, littleEndian);
      const second = longSize === 8 ? view.getUint32(field + 4, littleEndian) : 0;
      const lo = littleEndian || longSize === 4 ? first : second;
      const hi = longSize === 4 ? 0 : littleEndian ? second : first;
      if (lo === 0xffffffff && (hi === 0xffffffff || longSize === 4)) break; // ULONG_MAX ends it
      if (lo === this.trampoline?.lo && hi === this.trampoline.hi) continue;
      if (lo !== 0 || hi !== 0) this.frames[used++] = this.dictionary.sites.internAddress(lo, hi);
    }
    this.writer.attachStack(cpu, this.dictionary.stacks.intern(this.frames, used));
  }

  private site(view: DataView, at: number, plan: EventPlan): number {
    const le = this.layout.littleEndian;
    const lo = view.getUint32(at + plan.site.lo, le);
    const hi = plan.site.hi < 0 ? 0 : view.getUint32(at + plan.site.hi, le);
    if (lo === this.trampoline?.lo && hi === this.trampoline.hi) return 0;
    return this.dictionary.sites.internAddress(lo, hi);
  }

  private number(view: DataView, at: number, field: FieldHalves): number {
    if (field.lo < 0) return 0;
    const le = this.layout.littleEndian;
    const lo = view.getUint32(at + field.lo, le);
    return field.hi < 0 ? lo : view.getUint32(at + field.hi, le) * TWO_32 + lo;
  }

  /** Index of the string that a `__data_loc` word points to; 0 where it is empty or lies outside. */
  private name(view: DataView, at: number, size: number, plan: EventPlan): number {
    const word = view.getUint32(at + plan.name, this.layout.littleEndian);
    const offset = plan.nameBase + (word & 0xffff);
    const length = word >>> 16;
    if (length <= 1 || offset + length > size) {
      this.stats.add('empty_cache_name');
      return 0;
    }
    if (view !== this.view) {
      this.view = view;
      this.bytes = Buffer.from(view.buffer, view.byteOffset, view.byteLength);
    }
    const from = at + offset;
    const index = this.names.intern(this.bytes, from, from + length - 1);
    const known = this.nameIds[index];
    if (known !== undefined) return known;
    const id = this.dictionary.strings.intern(this.bytes.toString('utf8', from, from + length - 1));
    this.nameIds[index] = id;
    return id;
  }

  private internTask(pid: number): number {
    let task = this.taskOf.get(pid);
    if (task === undefined) {
      const comm = pid === 0 ? '<idle>' : (this.commOf.get(pid) ?? '<...>');
      task = this.dictionary.tasks.intern(pid, this.dictionary.strings.intern(comm));
      this.taskOf.set(pid, task);
    }
    this.lastPid = pid;
    this.lastTask = task;
    return task;
  }
}
