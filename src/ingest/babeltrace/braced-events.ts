// Events of LTTng's kernel tracer, and of `perf data convert --to-ctf`, as babeltrace prints them → the
// same handlers as for the kernel's text: the last braces hold the fields, those before it the contexts
// (task, stack). perf has its contexts among the fields (tools/perf/util/data-convert-bt.c).

import { EVENT_KIND, type EventKind } from '../../kernel/events/event-kind.ts';
import { parsePairs } from '../events/field-text.ts';
import { CallTexts } from '../text/call-texts.ts';
import { type EventLine, type LineHandler, OUTCOME, type Outcome } from '../text/event-line.ts';
import { type FieldSyntax, ObjectEvents } from '../text/object-events.ts';
import { PageEvents } from '../text/page-events.ts';
import { LAST, type TextTrace } from '../text/text-trace.ts';

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
/** perf's own fields stand first. */
const PERF_HEAD_BYTES = 512;
const PERF_TID = /\bperf_tid = (\d{1,10})\b/;
const STACK_CONTEXT = 'callstack_kernel = [';
const PERF_STACK = 'perf_callchain = [';
const FIRST_MARK = 'fffffffffffff001';
const KERNEL_MARK = 'ffffffffffffff80';
const OPEN_BRACE = '{'.charCodeAt(0);

export function babeltraceHandlers(trace: TextTrace): Map<string, LineHandler> {
  const handlers = new Map<string, LineHandler>();
  for (const [name, kind] of Object.entries(OBJECT_NAMES)) {
    // Texts of its own for each event: without its contexts, a text does not hold the name.
    for (const each of [name, perfName(name)]) {
      const inner = new ObjectEvents(trace, kind, PAIRS, new CallTexts());
      handlers.set(each, new InBraces(trace, inner));
    }
  }
  for (const [name, kind] of Object.entries(PAGE_NAMES)) {
    for (const each of [name, perfName(name)]) {
      handlers.set(each, new InBraces(trace, new PageEvents(trace, kind, parsePairs)));
    }
  }
  return handlers;
}

/** `kmem:kmalloc` for `kmem_kmalloc`: perf keeps the kernel's names. */
function perfName(name: string): string {
  return `kmem:${name.replace(/^kmem_(?!cache_)/, '')}`;
}

/** Reads the contexts and hands the fields on. */
class InBraces implements LineHandler {
  private readonly trace: TextTrace;
  private readonly inner: LineHandler;
  private isPerfs = false;

  constructor(trace: TextTrace, inner: LineHandler) {
    this.trace = trace;
    this.inner = inner;
  }

  add(line: EventLine): Outcome {
    const start = line.bytes.lastIndexOf(OPEN_BRACE, line.to - 1);
    if (start < line.fields || start - line.fields > MAX_CONTEXT_BYTES) return OUTCOME.bad;
    const contexts = line.bytes.toString('utf8', line.fields, start);
    line.task = this.task(parsePairs(contexts)) || this.perfTask(line, start);
    line.name = start;
    line.fields = start + 1;
    const outcome = this.inner.add(line);
    if (outcome === OUTCOME.event) {
      this.addStack(line.cpu, contexts, STACK_CONTEXT);
      if (this.isPerfs) {
        const fields = line.bytes.toString('latin1', start, line.to);
        this.addStack(line.cpu, fields, PERF_STACK);
      }
    }
    return outcome;
  }

  /** `perf_tid = 3045` among the fields; perf's CTF has no names of tasks in its events. */
  private perfTask(line: EventLine, start: number): number {
    const head = line.bytes.toString('latin1', start, Math.min(line.to, start + PERF_HEAD_BYTES));
    const tid = PERF_TID.exec(head)?.[1];
    this.isPerfs = tid !== undefined;
    if (tid === undefined) return 0;
    const { tasks, strings } = this.trace.dictionary;
    return tasks.intern(Number(tid), strings.intern(''));
  }

  private task(contexts: ReadonlyMap<string, string>): number {
    const { tasks, strings } = this.trace.dictionary;
    const tid = Number(contexts.get('tid') ?? contexts.get('pid') ?? Number.NaN);
    if (!(tid >= 0 && tid <= 0x7fffffff)) return 0;
    return tasks.intern(tid, strings.intern(contexts.get('procname') ?? ''));
  }

  /** The callstack-kernel context: `callstack_kernel = [ [0] = 0xFFFF…, [1] = 0xFFFF… ]`. */
  private addStack(cpu: number, contexts: string, name: string): void {
    const at = contexts.indexOf(name);
    if (at < 0) return;
    const { stacks, last } = this.trace;
    stacks.open(cpu, last[cpu] === LAST.event);
    for (const [, digits = ''] of contexts.slice(at).matchAll(ADDRESS)) {
      const padded = digits.padStart(16, '0').toLowerCase();
      // Marks between the frames say whose the next ones are (enum perf_callchain_context).
      if (padded >= FIRST_MARK) {
        if (padded !== KERNEL_MARK) break;
        continue;
      }
      stacks.push(Number.parseInt(padded.slice(8), 16), Number.parseInt(padded.slice(0, 8), 16));
    }
    stacks.close();
  }
}
