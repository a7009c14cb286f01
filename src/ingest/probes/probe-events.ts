// Probe events → allocations, frees, bulk frees and writes. An allocation is two events, the call and
// its return: they are paired for each task, innermost first, because interrupts and reclaim allocate
// inside allocations. A return may be missed (kretprobes have a limited number of instances), and so
// may an entry; what is left over is counted.
//
// Where the kernel's own tracepoint of the same kind is recorded too, it says more and is what counts.
// But while a return probe sits on the caller, the tracepoint's call_site is the probe's trampoline
// (arch_rethook_trampoline, kernel/trace/rethook.c, 6.1): the true one is in the return, and is put
// into the event that was written already.

import { kmallocAllocatedSize } from '../../kernel/caches/kmalloc-caches.ts';
import { type Dictionary, NODE_ANY, NODE_UNKNOWN } from '../../kernel/events/dictionary.ts';
import { EVENT_KIND, isAlloc } from '../../kernel/events/event-kind.ts';
import type { BatchWriter } from '../events/batch-writer.ts';
import type { ProbePlan } from './probe-plan.ts';
import { ProbeValues } from './probe-values.ts';
import { contextOf, type PendingCall, TaskCalls } from './task-calls.ts';

/** Tasks after which those of before are forgotten. */
const MAX_TASKS = 1 << 16;
/** The longest write that one byte is repeated for. */
const MAX_WRITE_BYTES = 4096;
const WORD_BYTES = 8;
/** Pointers up to here are NULL and what kmalloc(0) gives (include/linux/slab.h). */
const ZERO_SIZE_PTR = 16;

/** When, where and by whom a probe was hit. */
export class ProbeHit {
  ts = 0;
  cpu = 0;
  flags = 0;
  /** Index into Dictionary.tasks. */
  task = 0;
  /** The function, as a number that entry and return agree on. */
  func = 0;
  /** The caller, of a return: index into Dictionary.sites. */
  site = 0;
}

export class ProbeEvents {
  readonly values: ProbeValues = new ProbeValues();
  readonly hit: ProbeHit = new ProbeHit();
  private readonly writer: BatchWriter;
  private readonly dictionary: Dictionary;
  private readonly recorded: ReadonlySet<number>;
  private readonly pageSize: number;
  private readonly tasks = new Map<number, TaskCalls>();

  /** @param recorded kinds of the tracepoints that the trace holds as well */
  constructor(writer: BatchWriter, recorded: ReadonlySet<number>, pageSize: number) {
    this.writer = writer;
    this.dictionary = writer.dictionary;
    this.recorded = recorded;
    this.pageSize = pageSize;
  }

  /** Takes the event that `hit` and `values` hold; false where its values make no event. */
  add(plan: ProbePlan): boolean {
    switch (plan.role) {
      case 'alloc':
        if (plan.isReturn) this.addReturn(plan);
        else if (this.values.has('ptr')) this.addWhole(plan);
        else this.addEntry(plan);
        return true;
      case 'free':
        if (!this.isTold(plan, plan.kind)) this.addFree(plan.kind, this.cacheName());
        return true;
      case 'bulk_free':
        this.addBulk(plan);
        return true;
      case 'write':
        return this.addWrite();
    }
  }

  /** Told of what a tracepoint has shown, the last event that was written. */
  noteTold(task: number, cpu: number, lo: number, hi: number, call: number): void {
    if (!lacksCaller(call, this.dictionary)) return;
    const { innermost, depth } = this.callsOf(task, cpu);
    innermost.note(this.writer.count - 1, lo, hi, call, depth > 0);
  }

  /** True where a tracepoint says the same. */
  private isTold(plan: ProbePlan, kind: number): boolean {
    return !plan.isNamed && this.recorded.has(kind);
  }

  private addEntry(plan: ProbePlan): void {
    const { hit } = this;
    const call = this.callsOf(hit.task, hit.cpu).push();
    call.func = hit.func;
    call.context = contextOf(hit.flags);
    this.fill(call, plan.kind);
  }

  private fill(call: PendingCall, kind: number): void {
    const { values } = this;
    call.kind = kind;
    call.hasSize = values.has('size');
    call.size = values.number('size');
    call.hasGfp = values.has('flags');
    call.gfp = values.lo('flags');
    call.node = values.has('node') ? Math.max(values.lo('node') | 0, NODE_ANY) : NODE_UNKNOWN;
    call.cache = kind === EVENT_KIND.kmem_cache_alloc ? this.cacheName() : 0;
  }

  private addReturn(plan: ProbePlan): void {
    const { values, hit } = this;
    const calls = this.callsOf(hit.task, hit.cpu);
    const { depth } = calls;
    const entry = calls.pop(hit.func, contextOf(hit.flags));
    if (entry !== undefined && depth - calls.depth > 1) this.countMissing(depth - calls.depth - 1);
    const call = entry ?? calls.unseen;
    const lo = values.lo('ret');
    const hi = values.hi('ret');
    if (call.hasTold(lo, hi)) {
      this.nameCaller(call);
      calls.innermost.note(call.event, lo, hi, call.call, false);
    } else if (entry === undefined) this.countMissing(1);
    else if (!this.isTold(plan, entry.kind)) this.addAlloc(entry, lo, hi, calls);
  }

  private countMissing(halves: number): void {
    const { writer } = this;
    writer.stats.add('probe_half_missing', halves, `event ${writer.count}`);
  }

  /** The object was told without the caller, or as one that a function inside this one called for. */
  private nameCaller(told: PendingCall): void {
    const { hit, dictionary } = this;
    if (hit.site === 0) return;
    told.call = dictionary.calls.intern({ ...dictionary.calls.get(told.call), site: hit.site });
    this.writer.replaceCall(told.event, told.call);
  }

  private addWhole(plan: ProbePlan): void {
    const { values, hit } = this;
    if (this.isTold(plan, plan.kind)) return;
    const calls = this.callsOf(hit.task, hit.cpu);
    const call = calls.push();
    calls.depth--;
    this.fill(call, plan.kind);
    hit.site = this.callSite();
    this.addAlloc(call, values.lo('ptr'), values.hi('ptr'), calls);
  }

  private addAlloc(from: PendingCall, lo: number, hi: number, calls: TaskCalls): void {
    if (hi === 0 && lo === ZERO_SIZE_PTR) return; // the tracepoint does not tell it either
    const { kind, size } = from;
    const isSized = from.hasSize && kind === EVENT_KIND.kmalloc;
    const call = this.dictionary.calls.intern({
      kind,
      site: this.hit.site,
      bytesReq: size,
      bytesAlloc: isSized ? kmallocAllocatedSize(size, this.pageSize) : size,
      gfp: from.gfp,
      gfpKnown: from.hasGfp,
      node: from.node,
      cache: from.cache,
    });
    this.write(call, lo, hi);
    calls.innermost.note(this.writer.count - 1, lo, hi, call, false);
  }

  private addFree(kind: number, cache: number): void {
    const call = this.dictionary.calls.intern({ kind, site: this.callSite(), cache });
    this.write(call, this.values.lo('ptr'), this.values.hi('ptr'));
  }

  /** Objects of one kmem_cache_free_bulk(); what stands behind the count is not of the array. */
  private addBulk(plan: ProbePlan): void {
    const { values } = this;
    const first = plan.part * values.objects;
    const length = Math.min(Math.max(values.number('count') - first, 0), values.objects);
    const call = this.dictionary.calls.intern({ kind: plan.kind, site: this.callSite() });
    for (let i = 0; i < length; i++) {
      const lo = values.objectLo[i]!;
      const hi = values.objectHi[i]!;
      if (hi !== 0 || lo > ZERO_SIZE_PTR) this.write(call, lo, hi);
    }
  }

  private addWrite(): boolean {
    const { values, dictionary } = this;
    const length = values.has('len') ? values.number('len') : WORD_BYTES;
    const bytes = Buffer.alloc(WORD_BYTES);
    bytes.writeUInt32LE(values.lo('value'));
    bytes.writeUInt32LE(values.hi('value'), 4);
    if (length === 0 || length > MAX_WRITE_BYTES) return false;
    // More than a word: one byte over and over, as memset() takes it.
    const isLong = length > WORD_BYTES;
    const data = isLong
      ? bytes.toString('hex', 0, 1).repeat(length)
      : bytes.toString('hex', 0, length);
    const call = dictionary.calls.intern({
      kind: EVENT_KIND.write,
      site: this.callSite(),
      data: dictionary.strings.intern(data),
    });
    this.write(call, values.lo('ptr'), values.hi('ptr'));
    return true;
  }

  private write(call: number, lo: number, hi: number): void {
    const { hit } = this;
    this.writer.add(hit.ts, call, hit.task, lo, hi, hit.cpu, hit.flags);
  }

  /** A caller that the probe recorded as a field. */
  private callSite(): number {
    const { values } = this;
    if (!values.has('site')) return 0;
    return this.dictionary.sites.internAddress(values.lo('site'), values.hi('site'));
  }

  /** A cache is known by its address only. */
  private cacheName(): number {
    const { values } = this;
    const isKnown = values.lo('cache') !== 0 || values.hi('cache') !== 0;
    return isKnown ? this.dictionary.strings.intern(values.hex('cache')) : 0;
  }

  /** The idle tasks of all CPUs have one pid, and so have tasks that are not told. */
  private callsOf(task: number, cpu: number): TaskCalls {
    const pid = task === 0 ? 0 : this.dictionary.tasks.pid(task);
    const key = pid === 0 ? -1 - cpu : pid;
    let calls = this.tasks.get(key);
    if (calls === undefined) {
      if (this.tasks.size >= MAX_TASKS) this.tasks.clear();
      calls = new TaskCalls();
      this.tasks.set(key, calls);
    }
    return calls;
  }
}

/** True where an allocation's caller is not told by its own event. */
function lacksCaller(call: number, dictionary: Dictionary): boolean {
  return dictionary.calls.site(call) === 0 && isAlloc(dictionary.calls.kind(call));
}
