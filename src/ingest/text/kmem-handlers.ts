// The names of the events that we read in text, each with its handler. Everything else about slab
// memory that a text can hold (probe events) is another entry in this table.

import { EVENT_KIND, type EventKind } from '../../kernel/events/event-kind.ts';
import { MAX_FIELD_BYTES, parseCount, parseFields } from '../events/field-text.ts';
import { PointerText } from '../events/pointer-text.ts';
import { type EventLine, type LineHandler, OUTCOME, type Outcome } from './event-line.ts';
import { ObjectEvents } from './object-events.ts';
import { PageEvents } from './page-events.ts';
import { LAST, type TextTrace } from './text-trace.ts';

const OBJECT_KINDS: readonly EventKind[] = [
  EVENT_KIND.kmalloc,
  EVENT_KIND.kmalloc_node,
  EVENT_KIND.kmem_cache_alloc,
  EVENT_KIND.kmem_cache_alloc_node,
  EVENT_KIND.kfree,
  EVENT_KIND.kmem_cache_free,
];

const PAGE_KINDS: readonly EventKind[] = [EVENT_KIND.mm_page_alloc, EVENT_KIND.mm_page_free];

const NAME_OF: ReadonlyMap<EventKind, string> = new Map(
  Object.entries(EVENT_KIND).map(([name, kind]) => [kind, name]),
);

/**
 * Handlers by the events' names as the kernel and trace-cmd print them.
 * @param withSystem true where names carry their system (`kmem:kfree`), as in perf
 */
export function kmemHandlers(trace: TextTrace, withSystem: boolean): Map<string, LineHandler> {
  const handlers = new Map<string, LineHandler>();
  const set = (system: string, name: string, handler: LineHandler): void => {
    handlers.set(withSystem ? `${system}:${name}` : name, handler);
  };
  for (const kind of OBJECT_KINDS) {
    set('kmem', NAME_OF.get(kind) ?? '', new ObjectEvents(trace, kind));
  }
  for (const kind of PAGE_KINDS) set('kmem', NAME_OF.get(kind) ?? '', new PageEvents(trace, kind));
  set('rcu', 'rcu_invoke_kfree_bulk_callback', new BulkCallback(trace));
  set('ftrace', 'kernel_stack', new KernelStack(trace));
  set('ftrace', 'user_stack', new UserStack(trace));
  return handlers;
}

/**
 * `rcu_invoke_kfree_bulk_callback: rcu_preempt bulk=0x00000000e949f506 nr_records=5`
 * (include/trace/events/rcu.h); `trace-cmd report -R` prints the fields' own names: `p=0x… `.
 */
class BulkCallback implements LineHandler {
  private readonly trace: TextTrace;
  private readonly pointer = new PointerText();

  constructor(trace: TextTrace) {
    this.trace = trace;
  }

  add(line: EventLine): Outcome {
    const { pointer, trace } = this;
    if (line.to - line.fields > MAX_FIELD_BYTES) return OUTCOME.bad;
    const text = line.bytes.toString('latin1', line.fields, line.to);
    const match = /(?:^|\s)(?:bulk|p)=/.exec(text);
    const records = parseCount(parseFields(text).get('nr_records'));
    if (match === null || records === undefined) return OUTCOME.bad;
    const at = line.fields + match.index + match[0].length;
    if (!pointer.read(line.bytes, at) || pointer.end > line.to) return OUTCOME.bad;
    const call = trace.dictionary.calls.intern({
      kind: EVENT_KIND.rcu_invoke_kfree_bulk_callback,
      bytesReq: records,
    });
    trace.write(line, call, pointer.lo, pointer.hi);
    return OUTCOME.event;
  }
}

/** `kernel_stack:         <stack trace >` of trace-cmd; the frames follow in lines of their own. */
class KernelStack implements LineHandler {
  private readonly trace: TextTrace;

  constructor(trace: TextTrace) {
    this.trace = trace;
  }

  add(line: EventLine): Outcome {
    const { stacks, last } = this.trace;
    stacks.open(line.cpu, last[line.cpu] !== LAST.other);
    const end = Math.min(line.to, line.fields + MAX_FIELD_BYTES);
    const text = line.bytes.toString('latin1', line.fields, end);
    const array = /size=(\d+) caller=ARRAY\[([^\]]*)\]/.exec(text);
    if (array !== null) this.pushArray(Number(array[1]), array[2] ?? '');
    return OUTCOME.none;
  }

  /** `size=7 caller=ARRAY[09, 71, 8b, a4, ff, ff, ff, ff, …]` of -R: addresses byte by byte. */
  private pushArray(size: number, list: string): void {
    const bytes = Buffer.from(list.replaceAll(/[,\s]/g, ''), 'hex');
    const width = this.trace.info.pointerBytes;
    for (let at = 0; at < Math.min(size * width, bytes.length - width + 1); at += width) {
      this.trace.stacks.push(bytes.readUInt32LE(at), width === 8 ? bytes.readUInt32LE(at + 4) : 0);
    }
    this.trace.stacks.close();
  }
}

/** Stacks in the program are not the kernel's: their lines are passed over. */
class UserStack implements LineHandler {
  private readonly trace: TextTrace;

  constructor(trace: TextTrace) {
    this.trace = trace;
  }

  add(line: EventLine): Outcome {
    this.trace.stacks.open(line.cpu, false);
    return OUTCOME.none;
  }
}
