// Lines of kprobe and kretprobe events → ProbeEvents. What stands in the brackets is written by the
// kernel (kernel/trace/trace_kprobe.c, print_kprobe_event() and print_kretprobe_event(), 6.1), or by
// trace-cmd and perf, which turn a return's two addresses round:
//
//   kca_p: (kmem_cache_alloc+0x0/0x300) cache=0xffff8c83c11c6a00 flags=0xcc0
//   kca_r: (getname_flags.part.0+0x2b/0x1c0 <- kmem_cache_alloc) ret=0xffff8c83de64b000
//   kca_r:                (ffffffffa492bb10 <- ffffffffa4975b8b) ret=0xffff8c83de64c000
//   bulkfree0: (kmem_cache_free_bulk+0x0/0x20) s=0x0 n=2 p={0xffff8a8b8f763200,0xffff8a8b8f763d00,0x0}

import { EVENT_KIND } from '../../kernel/events/event-kind.ts';
import { MAX_FIELD_BYTES } from '../events/field-text.ts';
import { internSite } from '../events/site-text.ts';
import { ProbeEvents } from '../probes/probe-events.ts';
import {
  type Meaning,
  type ProbeMapping,
  type ProbePlan,
  planProbe,
} from '../probes/probe-plan.ts';
import { suggestMapping } from '../probes/suggest-mapping.ts';
import { type EventLine, type LineHandler, OUTCOME, type Outcome } from './event-line.ts';
import type { TextTrace } from './text-trace.ts';

const PLACE = /^\(([^()<]+?)(?: <- ([^()<]+))?\)(?:\s|$)/;
const FIELD = /(?:^|\s)(\w+)=(\{[^}]*\}|\S+)/g;
const ADDRESS = /^(?:0x)?[0-9a-f]{8,16}$/;
const WORD = /^(?:0x([0-9a-f]{1,16})|(-?\d{1,20})|\((?:nil|null)\))$/i;

/** The event of a tracepoint's own line; behind it the line has `call_site=`. */
const TRACEPOINT = /\b(kmalloc|kmem_cache_alloc|kfree|kmem_cache_free)(?:_node)?: /;

/** What the brackets of a line say. */
interface Place {
  /** The function, without offset. */
  readonly func: string;
  /** The caller, of a return. */
  readonly caller: string | undefined;
}

export class ProbeLines {
  /** True once a probe was met. */
  isActive = false;
  private readonly trace: TextTrace;
  private readonly mappings: readonly ProbeMapping[];
  private readonly recorded: ReadonlySet<number>;
  private readonly handlers = new Map<string, LineHandler | undefined>();
  private eventsOf: ProbeEvents | undefined;

  /** @param head the first bytes of the trace, which show the tracepoints that it holds as well */
  constructor(trace: TextTrace, head: Uint8Array, mappings: readonly ProbeMapping[]) {
    this.trace = trace;
    this.mappings = mappings;
    this.recorded = tracepointsIn(head);
  }

  get events(): ProbeEvents {
    this.eventsOf ??= new ProbeEvents(this.trace.writer, this.recorded, this.trace.pageSize);
    return this.eventsOf;
  }

  /**
   * What reads the lines of an event that is no tracepoint of ours.
   * @param name with its group, where the format prints it
   * @param text what stands behind the name in its first line
   */
  handler(name: string, text: string): LineHandler | undefined {
    const place = readPlace(text);
    if (place === undefined) return undefined;
    if (!this.handlers.has(name)) this.handlers.set(name, this.createHandler(name, place, text));
    return this.handlers.get(name);
  }

  /** Takes note of a tracepoint's event, the last one that was written. */
  noteCall(call: number, task: number, cpu: number, lo: number, hi: number): void {
    this.events.noteTold(task, cpu, lo, hi, call);
  }

  private createHandler(name: string, place: Place, text: string): LineHandler | undefined {
    const values = new Map(
      Array.from(text.matchAll(FIELD), ([, field = '', value = '']) => [field, value] as const),
    );
    const shape = {
      event: name.slice(name.indexOf(':') + 1),
      func: ADDRESS.test(place.func) ? undefined : place.func,
      isReturn: place.caller !== undefined,
      fields: [...values.keys()],
    };
    const plan = planProbe(shape, this.mappings);
    this.trace.info.probes.push({
      event: shape.event,
      isRead: plan !== undefined,
      mapping: plan === undefined ? suggestMapping(shape, values) : null,
    });
    if (plan === undefined) return undefined;
    this.isActive = true;
    return new ProbeLine(this.trace, this.events, plan);
  }
}

/** The lines of one probe. */
class ProbeLine implements LineHandler {
  private readonly trace: TextTrace;
  private readonly events: ProbeEvents;
  private readonly plan: ProbePlan;
  private lo = 0;
  private hi = 0;

  constructor(trace: TextTrace, events: ProbeEvents, plan: ProbePlan) {
    this.trace = trace;
    this.events = events;
    this.plan = plan;
  }

  add(line: EventLine): Outcome {
    if (line.to - line.fields > MAX_FIELD_BYTES) return OUTCOME.bad;
    const text = line.bytes.toString('latin1', line.fields, line.to);
    const place = readPlace(text);
    const { events, trace } = this;
    if (place === undefined || !this.readFields(text)) return OUTCOME.bad;
    const { hit } = events;
    hit.ts = line.ts;
    hit.cpu = line.cpu;
    hit.flags = line.flags;
    hit.task = line.task;
    // A function is known by the index of its name: entry and return spell it alike.
    hit.func = trace.dictionary.strings.intern(place.func);
    hit.site = place.caller === undefined ? 0 : internSite(place.caller, trace.dictionary);
    const before = trace.writer.count;
    if (!events.add(this.plan)) return OUTCOME.bad;
    if (trace.writer.count === before) return OUTCOME.none;
    trace.wrote(line);
    return OUTCOME.event;
  }

  private readFields(text: string): boolean {
    const { values } = this.events;
    const { meanings } = this.plan;
    values.clear();
    let found = 0;
    for (const [, field = '', value = ''] of text.matchAll(FIELD)) {
      const meaning = meanings.get(field);
      if (meaning === undefined) continue;
      if (!this.readValue(meaning, value)) return false;
      found++;
    }
    return found >= meanings.size;
  }

  private readValue(meaning: Meaning, text: string): boolean {
    const { values } = this.events;
    if (meaning !== 'objects') {
      if (!this.readWord(text)) return false;
      values.set(meaning, this.lo, this.hi);
      return true;
    }
    for (const element of text.slice(1, -1).split(',')) {
      if (!this.readWord(element)) return false;
      values.pushObject(this.lo, this.hi);
    }
    return true;
  }

  /** Reads a number of 64 bits into `lo` and `hi`. */
  private readWord(text: string): boolean {
    const match = WORD.exec(text);
    if (match === null) return false;
    const [, hex, decimal] = match;
    const digits = hex ?? BigInt.asUintN(64, BigInt(decimal ?? 0)).toString(16);
    this.lo = Number.parseInt(digits.slice(-8), 16);
    this.hi = digits.length > 8 ? Number.parseInt(digits.slice(0, -8), 16) : 0;
    return true;
  }
}

function readPlace(text: string): Place | undefined {
  const [, left, right] = PLACE.exec(text) ?? [];
  if (left === undefined) return undefined;
  if (right === undefined) return { func: functionOf(left), caller: undefined };
  // Plain addresses are trace-cmd's and perf's: the function first.
  return ADDRESS.test(left)
    ? { func: functionOf(left), caller: right }
    : { func: functionOf(right), caller: left };
}

/** `kmem_cache_alloc` of `kmem_cache_alloc+0x4/0x300 [module]`. */
function functionOf(text: string): string {
  return /^[^\s+]*/.exec(text)?.[0] ?? '';
}

const KINDS: Readonly<Record<string, number>> = {
  kmalloc: EVENT_KIND.kmalloc,
  kmem_cache_alloc: EVENT_KIND.kmem_cache_alloc,
  kfree: EVENT_KIND.kfree,
  kmem_cache_free: EVENT_KIND.kmem_cache_free,
};

function tracepointsIn(head: Uint8Array): Set<number> {
  const kinds = new Set<number>();
  for (const line of Buffer.from(head).toString('latin1').split('\n')) {
    const event = TRACEPOINT.exec(line);
    const kind = KINDS[event?.[1] ?? ''];
    if (kind !== undefined && /\bcall_site=/.test(line.slice(event?.index))) kinds.add(kind);
  }
  return kinds;
}
