// Events of LTTng's kernel tracer as babeltrace prints them → the same handlers as for the kernel's
// text: the last braces hold the fields, those before it the contexts (task, stack).

import { EVENT_KIND, type EventKind } from '../../kernel/events/event-kind.ts';
import { parsePairs } from '../events/field-text.ts';
import { CallTexts } from './call-texts.ts';
import { type EventLine, type LineHandler, OUTCOME, type Outcome } from './event-line.ts';
import { type FieldSyntax, ObjectEvents } from './object-events.ts';
import { PageEvents } from './page-events.ts';
import { LAST, type TextTrace } from './text-trace.ts';

/** LTTng's names (lttng-modules, instrumentation/events/kmem.h). */
const OBJECT_NAMES: Readonly<Record<string, EventKind>> = {
  kmem_kmalloc: EVENT_KIND.kmalloc,
  kmem_kmalloc_node: EVENT_KIND.kmalloc_node,
  kmem_cache_alloc: EVENT_KIND.kmem_cache_alloc,
  kmem_cache_alloc_node: EVENT_KIND.kmem_cache_alloc_node,
  kmem_kfree: EVENT_KIND.kfree,
  kmem_cache_free: EVENT_KIND.kmem_cache_free,
};
const PAGE_NAMES: Readonly<Record<string, EventKind>> = {
  kmem_mm_page_alloc: EVENT_KIND.mm_page_alloc,
  kmem_mm_page_free: EVENT_KIND.mm_page_free,
};

const PAIRS: FieldSyntax = { pointer: /(?:^|[\s{])ptr = /, parse: parsePairs };
const ADDRESS = /\[\d+\] = 0x([0-9A-Fa-f]{1,16})/g;
/** Contexts hold a stack of some hundred addresses at most. */
const MAX_CONTEXT_BYTES = 65536;
const OPEN_BRACE = '{'.charCodeAt(0);

export function babeltraceHandlers(trace: TextTrace): Map<string, LineHandler> {
  const handlers = new Map<string, LineHandler>();
  for (const [name, kind] of Object.entries(OBJECT_NAMES)) {
    // Texts of its own for each event: without its contexts, a text does not hold the name.
    handlers.set(name, new InBraces(trace, new ObjectEvents(trace, kind, PAIRS, new CallTexts())));
  }
  for (const [name, kind] of Object.entries(PAGE_NAMES)) {
    handlers.set(name, new InBraces(trace, new PageEvents(trace, kind, parsePairs)));
  }
  return handlers;
}

/** Reads the contexts and hands the fields on. */
class InBraces implements LineHandler {
  private readonly trace: TextTrace;
  private readonly inner: LineHandler;

  constructor(trace: TextTrace, inner: LineHandler) {
    this.trace = trace;
    this.inner = inner;
  }

  add(line: EventLine): Outcome {
    const start = line.bytes.lastIndexOf(OPEN_BRACE, line.to - 1);
    if (start < line.fields || start - line.fields > MAX_CONTEXT_BYTES) return OUTCOME.bad;
    const contexts = line.bytes.toString('utf8', line.fields, start);
    line.task = this.task(parsePairs(contexts));
    line.name = start;
    line.fields = start + 1;
    const outcome = this.inner.add(line);
    if (outcome === OUTCOME.event) this.addStack(line.cpu, contexts);
    return outcome;
  }

  private task(contexts: ReadonlyMap<string, string>): number {
    const { tasks, strings } = this.trace.dictionary;
    const tid = Number(contexts.get('tid') ?? contexts.get('pid') ?? Number.NaN);
    if (!(tid >= 0 && tid <= 0x7fffffff)) return 0;
    return tasks.intern(tid, strings.intern(contexts.get('procname') ?? ''));
  }

  /** The callstack-kernel context: `callstack_kernel = [ [0] = 0xFFFF…, [1] = 0xFFFF… ]`. */
  private addStack(cpu: number, contexts: string): void {
    const at = contexts.indexOf('callstack_kernel = [');
    if (at < 0) return;
    const { stacks, last } = this.trace;
    stacks.open(cpu, last[cpu] === LAST.event);
    for (const [, digits = ''] of contexts.slice(at).matchAll(ADDRESS)) {
      const padded = digits.padStart(16, '0');
      stacks.push(Number.parseInt(padded.slice(8), 16), Number.parseInt(padded.slice(0, 8), 16));
    }
    stacks.close();
  }
}
