// The lines that are read with care: the first of their kind, those of a form of their own (headers,
// gaps, stacks), and all that FastLines does not recognise. What a line has taught goes into the
// tables that both share.

import { TraceFormatError } from '../../base/errors.ts';
import type { ReadState } from '../../base/input-bytes.ts';
import type { TraceInput } from '../format.ts';
import { EventLine, type LineHandler, OUTCOME, type Outcome } from './event-line.ts';
import type { EventNames } from './event-names.ts';
import { InstanceChoice } from './instance-choice.ts';
import { type LineBuffer, MAX_LINE_BYTES } from './line-buffer.ts';
import { type LineGrammar, type LineLayout, LinePrefix, type TaskStyle } from './line-prefix.ts';
import { countLost, PendingGaps, parseLostLine } from './lost-lines.ts';
import type { FrameStyle } from './stack-lines.ts';
import type { TaskTexts } from './task-texts.ts';
import { LAST, MAX_CPU, type TextTrace } from './text-trace.ts';
import { readHeaderLine } from './trace-facts.ts';

/** How one format's text is read. */
export interface TextDialect {
  readonly grammar: LineGrammar;
  readonly taskStyle: TaskStyle;
  /** True where a line may begin with the name of a tracing instance. */
  readonly instances: boolean;
  readonly frames: FrameStyle;
  /** True where times are the tracer's, so that the folder's trace_clock is theirs. */
  readonly tracerClock: boolean;
  /** The command that records what can be read. */
  readonly record: string;
  handlers(trace: TextTrace): Map<string, LineHandler>;
}

/** What stands before an event is shorter than this, however deep it is quoted. */
export const PREFIX_BYTES: number = 512;
/** What is looked at of a line that is no event's. */
const PLAIN_BYTES = 4096;

const RETURN = 0x0d;
const TAB = 0x09;
const BLANK = 0x20;
const HASH = 0x23;
const GREATER = 0x3e;
const BAR = 0x7c;
const COMMENT_END = Buffer.from('*/');
const LINE_END = Buffer.from('\\n\\');

// `kmalloc: …`, `kmem:kmalloc: …`; before it `(+40)` of --ts-diff or the period of perf
const NAME =
  /(?:\(\+\d+\)\s+|\d+\s+)?([A-Za-z_][\w.-]*(?::[A-Za-z_][\w.-]*)?):(?=\s|$|[a-z_]+=)\s*/y;
const STACK = /<(user )?stack trace ?>/y;
const PERF_LOST = /PERF_RECORD_LOST lost (\d+)/y;
const KMEM_EVENT = /\b(?:kmalloc|kmem_cache_alloc|kfree|kmem_cache_free)(?:_node)?:\s?/g;
const POINTER = /\bptr ?=/g;
// 1 1 13458778204 type: 550
// 00000001 00000001 000000032234a85c type: 550
const NO_FIELDS = /^(?:(\d+ \d+ \d+)|[0-9a-f]{8} [0-9a-f]{8} [0-9a-f]{16}) type: \d+\s*$/;

/** An event between the lines of function_graph. */
const COMMENT = /\|\s+\/\* \w+:.*\*\/\s*$/;

/** What a reader of lines works on. */
export interface LineTables {
  readonly buffer: LineBuffer;
  readonly trace: TextTrace;
  readonly tasks: Readonly<Record<TaskStyle, TaskTexts>>;
  readonly names: EventNames;
}

export class CarefulLines {
  /** True for the last line of a file that ends without a line feed: it may be cut. */
  unterminated = false;
  readonly gaps: PendingGaps = new PendingGaps();
  readonly instances: InstanceChoice;
  private readonly input: TraceInput;
  private readonly dialect: TextDialect;
  private readonly state: ReadState;
  private readonly buffer: LineBuffer;
  private readonly trace: TextTrace;
  private readonly tasks: Readonly<Record<TaskStyle, TaskTexts>>;
  private readonly names: EventNames;
  private readonly onLayout: (layout: LineLayout) => void;
  private readonly prefix = new LinePrefix();
  private readonly line: EventLine;

  /** @param onLayout told the columns of each line that has regular ones */
  constructor(
    input: TraceInput,
    dialect: TextDialect,
    state: ReadState,
    tables: LineTables,
    onLayout: (layout: LineLayout) => void,
  ) {
    this.input = input;
    this.dialect = dialect;
    this.state = state;
    this.buffer = tables.buffer;
    this.trace = tables.trace;
    this.tasks = tables.tasks;
    this.names = tables.names;
    this.onLayout = onLayout;
    this.instances = new InstanceChoice(input);
    this.line = new EventLine(tables.buffer.bytes);
  }

  /** Reads the line in bytes [from, to) of the buffer. */
  readLine(from: number, to: number): void {
    const { trace } = this;
    const { bytes } = this.buffer;
    trace.line++;
    if (to - from > MAX_LINE_BYTES) {
      trace.stats.add('long_line', 1, trace.position);
      return;
    }
    const start = this.skipQuote(from, to);
    const isChain = this.dialect.frames === 'callchain';
    const first = bytes[start];
    if (trace.stacks.isOpen && (!isChain || first === TAB)) {
      if (trace.stacks.take(bytes, start, to)) return;
      trace.stacks.close();
    }
    let at = start;
    while (at < to && (bytes[at] === BLANK || bytes[at] === TAB || bytes[at] === RETURN)) at++;
    if (at === to) {
      trace.stacks.close();
      trace.lastCpu = -1;
      return;
    }
    if (isChain && first === TAB && this.takeFrame(start, to)) return;
    if (first !== HASH) {
      const text = bytes.toString('latin1', from, Math.min(to, from + PREFIX_BYTES));
      if (this.dialect.grammar.read(text, this.prefix) && this.prefix.cpu <= MAX_CPU) {
        trace.stacks.close();
        this.readEvent(text, from, to);
        return;
      }
      if (isChain && first === BLANK && this.takeFrame(start, to)) return;
    }
    trace.stacks.close();
    trace.lastCpu = -1;
    this.readPlainLine(bytes.toString('latin1', at, Math.min(to, at + PLAIN_BYTES)));
  }

  /** Behind `> ` and `| ` of quoted text, and a byte order mark. */
  private skipQuote(from: number, to: number): number {
    const { bytes } = this.buffer;
    let at = from;
    const hasMark = bytes[at] === 0xef && bytes[at + 1] === 0xbb && bytes[at + 2] === 0xbf;
    if (this.trace.line === 1 && hasMark) at += 3;
    while ((bytes[at] === GREATER || bytes[at] === BAR) && at < to) {
      if (bytes[at + 1] !== BLANK && at + 1 !== to) break;
      at = Math.min(at + 2, to);
    }
    return at;
  }

  /** perf: the lines of a callchain stand right behind the event's. */
  private takeFrame(from: number, to: number): boolean {
    const { stacks, lastCpu, last } = this.trace;
    if (!stacks.isOpen) {
      if (lastCpu < 0) return false;
      stacks.open(lastCpu, last[lastCpu] === LAST.event);
    }
    return stacks.take(this.buffer.bytes, from, to);
  }

  private readEvent(text: string, from: number, to: number): void {
    const { trace, prefix, line } = this;
    const { cpu } = prefix;
    this.blankEnd(from, to);
    NAME.lastIndex = prefix.rest;
    const match = NAME.exec(text);
    const name = match?.[1] ?? '';
    const handler =
      this.names.handler(name) ?? trace.probes.handler(name, text.slice(NAME.lastIndex));
    if (!this.instances.wants(prefix.instance, handler !== undefined)) return;
    if (prefix.layout !== undefined) this.onLayout(prefix.layout);
    trace.lastCpu = cpu;
    if (!this.gaps.isEmpty || handler !== undefined) {
      const ts = trace.since(prefix.hi, prefix.lo, prefix.whole);
      if (ts === undefined) {
        this.settle(handler === undefined ? OUTCOME.other : OUTCOME.bad, cpu);
        return;
      }
      line.ts = ts;
      this.gaps.write(cpu, ts, trace);
    }
    if (match === null) {
      this.settle(this.readNameless(text, cpu), cpu);
      return;
    }
    const tasks = this.tasks[prefix.taskStyle];
    if (this.instances.isChosen) {
      // From here on such lines may go the fast way.
      line.task = tasks.key(line.bytes, from + prefix.taskStart, from + prefix.taskEnd);
      if (match[0].startsWith(name)) this.learn(from + prefix.rest, name, handler);
    }
    if (handler === undefined) {
      this.names.countName(name);
      this.settle(OUTCOME.other, cpu);
      return;
    }
    line.unterminated = this.unterminated;
    line.from = from;
    line.to = to;
    line.name = from + prefix.rest + match[0].indexOf(name);
    line.fields = Math.min(from + NAME.lastIndex, to);
    line.cpu = cpu;
    line.flags = prefix.flags;
    line.task = tasks.task(line.task);
    this.settle(handler.add(line), cpu);
  }

  /**
   * Blanks out what stands behind the fields and is none of them: the end of a comment, and `\n\` of
   * the strings in which old systrace pages hold their lines.
   */
  private blankEnd(from: number, to: number): void {
    const { bytes } = this.buffer;
    let end = to;
    while (end > from && bytes[end - 1]! <= BLANK) end--;
    const tail = this.prefix.isComment ? COMMENT_END : LINE_END;
    const at = end - tail.length;
    if (at > from && bytes.subarray(at, end).equals(tail)) bytes.fill(BLANK, at, end);
  }

  /** Remembers the first word of an event, its colon included. */
  private learn(at: number, name: string, handler: LineHandler | undefined): void {
    this.names.learn(this.buffer.bytes, at, at + name.length + 1, handler);
  }

  /** Event lines that no name begins: stacks, function tracers, perf's own records. */
  private readNameless(text: string, cpu: number): Outcome {
    const { trace, prefix, line } = this;
    STACK.lastIndex = prefix.rest;
    const stack = STACK.exec(text);
    if (stack !== null) {
      trace.stacks.open(cpu, stack[1] === undefined && trace.last[cpu] !== LAST.other);
      return OUTCOME.none;
    }
    PERF_LOST.lastIndex = prefix.rest;
    const lost = PERF_LOST.exec(text);
    if (lost === null) return this.isCut ? OUTCOME.bad : OUTCOME.other;
    const ts = trace.since(prefix.hi, prefix.lo, prefix.whole);
    countLost(Number(lost[1]), trace);
    trace.writeLost(Number(lost[1]), ts ?? line.ts, cpu);
    return OUTCOME.none;
  }

  /** Lines that are no event's. */
  private readPlainLine(text: string): void {
    const { trace } = this;
    if (readHeaderLine(text, trace.info, trace.stats)) return;
    const gap = parseLostLine(text);
    if (gap !== undefined) {
      if (this.instances.wants(gap.instance, false)) this.gaps.add(gap, trace);
      this.instances.inherit(gap.instance);
      return;
    }
    const noFields = NO_FIELDS.exec(text);
    if (noFields !== null && trace.writer.count === 0) {
      const option = noFields[1] === undefined ? 'hex' : 'raw';
      throw new TraceFormatError(
        `${this.input.path}: ${trace.position}: the lines carry no fields (options/${option} was on)`,
        {
          hint: `Switch it off (echo 0 > /sys/kernel/tracing/options/${option}) and read it again.`,
        },
      );
    }
    const shows = showsObject(text);
    if (shows && trace.writer.count === 0 && COMMENT.test(text)) {
      throw new TraceFormatError(
        `${this.input.path}: ${trace.position}: the events of function_graph have no time`,
        {
          hint: 'Switch it on (echo 1 > /sys/kernel/tracing/options/funcgraph-abstime) and read it again.',
        },
      );
    }
    if (shows || noFields !== null || this.isCut) this.settle(OUTCOME.bad, 0);
  }

  /** True for a last line behind events that ends without a line feed: the file was cut there. */
  private get isCut(): boolean {
    return this.unterminated && this.trace.writer.count > 0;
  }

  /** Counts a line by what became of it. */
  settle(outcome: Outcome, cpu: number): void {
    const { trace } = this;
    if (outcome === OUTCOME.other) {
      trace.others++;
      trace.last[cpu] = LAST.other;
    } else if (outcome === OUTCOME.bad) {
      trace.last[cpu] = LAST.other;
      // Packed input that ends too early is counted once, by whoever unpacks it.
      if (this.unterminated && this.state.truncated) return;
      trace.stats.add(this.unterminated ? 'truncated' : 'bad_line', 1, trace.position);
    }
  }
}

/** True for a line that names a kmem event and a pointer behind it; looked for once each. */
function showsObject(text: string): boolean {
  KMEM_EVENT.lastIndex = 0;
  if (!KMEM_EVENT.test(text)) return false;
  POINTER.lastIndex = KMEM_EVENT.lastIndex;
  return POINTER.test(text);
}
