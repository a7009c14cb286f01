// One traced call of SLUB → an event: kmalloc and kfree of a cache that kmalloc() has, else
// kmem_cache_alloc and kmem_cache_free. The call site is the first frame outside of the allocator, as
// `call_site` is in the kernel's events.

import { isKmallocCacheName } from '../../kernel/caches/kmalloc-caches.ts';
import { FLAGS_UNKNOWN } from '../../kernel/events/event-batch.ts';
import { EVENT_KIND } from '../../kernel/events/event-kind.ts';
import type { TraceInfo } from '../../kernel/events/trace-info.ts';
import { isAllocatorFrame } from '../../kernel/memory-reports/allocator-frames.ts';
import { isCaller, type StackFrame } from '../../kernel/memory-reports/stack-frame.ts';
import type { LoggedTask } from '../../kernel/memory-reports/task-line.ts';
import { inModule } from '../../kernel/symbols/in-module.ts';
import type { BatchWriter } from '../events/batch-writer.ts';
import { PointerKind } from '../events/pointer-kind.ts';
import { PointerText } from '../events/pointer-text.ts';
import { internSite } from '../events/site-text.ts';

export interface TracedCall {
  readonly cache: string;
  readonly isAlloc: boolean;
  /** As printed. */
  readonly pointer: string;
  readonly atSec: number | null;
  /** Number of its line. */
  readonly line: number;
  task: LoggedTask | undefined;
  readonly frames: StackFrame[];
  /** True once its stack cannot go on. */
  isWhole: boolean;
}

const MAX_CPU = 0xffff;
/** printk's own clock is local_clock(), as is that of perf. */
const CLOCK = 'perf';

export class SlubEvents {
  private readonly writer: BatchWriter;
  private readonly info: TraceInfo;
  private readonly pointer = new PointerText();
  private readonly kinds: PointerKind;
  /** Of the first event; undefined until it comes, null where the log has no times. */
  private firstNs: number | null | undefined;
  private lastTs = 0;
  private count = 0;

  constructor(writer: BatchWriter, info: TraceInfo) {
    this.writer = writer;
    this.info = info;
    this.kinds = new PointerKind(info, writer.dictionary);
  }

  write(call: TracedCall): void {
    const { writer, pointer } = this;
    const { dictionary } = writer;
    const ts = this.timeOf(call);
    const text = Buffer.from(`${call.pointer} `, 'latin1');
    if (!pointer.read(text, 0)) {
      writer.stats.add('bad_line', 1, `line ${call.line}`);
      return;
    }
    const frames = framesOf(call);
    const sites = frames.map((frame) => internSite(siteText(frame), dictionary));
    const id = this.internCall(call, sites[0] ?? 0);
    const { task } = call;
    const taskId =
      task === undefined
        ? 0
        : dictionary.tasks.intern(task.pid, dictionary.strings.intern(task.comm));
    const cpu = Math.min(task?.cpu ?? 0, MAX_CPU);
    // The kernel pads what it prints with 0x in front, unlike the tools that print addresses so.
    this.kinds.note(pointer.lo, pointer.hi, pointer.digits, false, id);
    writer.add(ts, id, taskId, pointer.lo, pointer.hi, cpu, FLAGS_UNKNOWN);
    if (sites.length > 1) {
      const stack = dictionary.stacks.intern(Uint32Array.from(sites), sites.length);
      writer.attachStack(cpu, stack);
    }
  }

  private internCall({ cache, isAlloc }: TracedCall, site: number): number {
    const { calls, strings } = this.writer.dictionary;
    const isKmalloc = isKmallocCacheName(cache);
    const freed = isKmalloc ? EVENT_KIND.kfree : EVENT_KIND.kmem_cache_free;
    const allocated = isKmalloc ? EVENT_KIND.kmalloc : EVENT_KIND.kmem_cache_alloc;
    const bytes = isAlloc ? classBytes(cache) : 0;
    return calls.intern({
      kind: isAlloc ? allocated : freed,
      site,
      bytesReq: bytes,
      bytesAlloc: bytes,
      // The kernel's kfree names none either: it takes objects of any cache.
      cache: isKmalloc && !isAlloc ? 0 : strings.intern(cache),
    });
  }

  /** Since the first event; without times the number of the event. */
  private timeOf({ atSec }: TracedCall): number {
    const { info } = this;
    // printk's stamps have whole microseconds.
    const ns = atSec === null ? null : Math.round(atSec * 1e6) * 1000;
    if (this.firstNs === undefined) {
      this.firstNs = ns;
      info.originNs = BigInt(ns ?? 0);
      info.clock = ns === null ? null : CLOCK;
      info.clockUnit = ns === null ? 'count' : 'ns';
    }
    if (this.firstNs === null) return this.count++;
    if (ns !== null) this.lastTs = ns - this.firstNs;
    return this.lastTs;
  }
}

/** From the call site on; of the frames that are sure, else of all. */
function framesOf({ frames }: TracedCall): StackFrame[] {
  const sure = frames.filter(({ isSure, isInlined }) => isSure && !isInlined);
  const from = sure.findIndex(isCaller);
  if (from >= 0) return sure.slice(from);
  const guess = frames.find(({ symbol, isInlined }) => !isInlined && !isAllocatorFrame(symbol));
  return guess === undefined ? [] : [guess];
}

function siteText({ symbol, module }: StackFrame): string {
  return inModule(symbol, module);
}

/** Bytes of a kmalloc cache's class, by its name: what was asked for is not printed. */
function classBytes(cache: string): number {
  const match = /-(\d+)([kM]?)$/.exec(cache);
  if (match === null || !isKmallocCacheName(cache)) return 0;
  const [, digits, unit] = match;
  return Number(digits) * (unit === 'k' ? 1024 : unit === 'M' ? 1024 * 1024 : 1);
}
