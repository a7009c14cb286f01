// Lines of text → events, for every text format. Two readers take turns on the same buffer: FastLines
// reads the lines that are like those before, CarefulLines the others, and learns from them. A format
// brings a grammar for what stands before an event, and a table of handlers by event name.

import { counted } from '../../base/bytes-format.ts';
import { TraceFormatError } from '../../base/errors.ts';
import type { ReadState } from '../../base/input-bytes.ts';
import { clockUnitOf, type TraceInfo } from '../../kernel/events/trace-info.ts';
import type { BatchWriter } from '../events/batch-writer.ts';
import { recordedClock, wholeUnit } from '../events/text-clock.ts';
import type { EventsSeen, TraceInput, TraceReader } from '../format.ts';
import { parseCmdlines } from '../saved-cmdlines.ts';
import { CarefulLines, PREFIX_BYTES, type TextDialect } from './careful-lines.ts';
import { EventNames } from './event-names.ts';
import { FastLines } from './fast-lines.ts';
import { LineBuffer } from './line-buffer.ts';
import { LinePrefix, type TaskStyle } from './line-prefix.ts';
import { TaskTexts } from './task-texts.ts';
import { TextTrace } from './text-trace.ts';
import { readSidecarFacts } from './trace-facts.ts';

/** Whole-number times that are looked at to tell cycles from a counter. */
const SAMPLE_TIMES = 50;

const NEWLINE = 0x0a;

export class TextReader implements TraceReader {
  private readonly input: TraceInput;
  private readonly dialect: TextDialect;
  private readonly state: ReadState = { truncated: false };
  private readonly chunks: AsyncIterator<Uint8Array>;
  private readonly buffer = new LineBuffer();
  private readonly trace: TextTrace;
  private readonly names: EventNames;
  private readonly careful: CarefulLines;
  private readonly fast: FastLines;

  constructor(dialect: TextDialect, input: TraceInput, writer: BatchWriter, info: TraceInfo) {
    const { sidecars } = input;
    this.input = input;
    this.dialect = dialect;
    this.chunks = input.chunks(this.state)[Symbol.asyncIterator]();
    readSidecarFacts(sidecars, info);
    this.trace = new TextTrace(input, writer, info, dialect.frames, (whole) =>
      this.noteClock(whole),
    );
    const saved = parseCmdlines(
      sidecars.text('tracing/saved_cmdlines') ?? sidecars.text('saved_cmdlines') ?? '',
    );
    const texts = (style: TaskStyle): TaskTexts =>
      new TaskTexts(writer.dictionary, style, dialect.instances, saved);
    this.names = new EventNames(dialect.handlers(this.trace));
    const tables = {
      buffer: this.buffer,
      trace: this.trace,
      tasks: { dash: texts('dash'), blank: texts('blank') },
      names: this.names,
    };
    this.careful = new CarefulLines(input, dialect, this.state, tables, (layout) =>
      this.fast.learn(layout),
    );
    this.fast = new FastLines(
      this.buffer,
      this.trace,
      tables.tasks[dialect.taskStyle],
      tables.names,
      (outcome, cpu) => this.careful.settle(outcome, cpu),
    );
  }

  async step(): Promise<boolean> {
    const next = await this.chunks.next();
    if (next.done === true) {
      this.finish();
      return false;
    }
    for (const longLines of this.buffer.take(next.value)) {
      this.countLong(longLines);
      this.readLines();
    }
    this.flushOthers();
    return true;
  }

  progress(): number {
    return this.input.share();
  }

  seen(): EventsSeen {
    return { described: [], others: this.names.others(), record: this.dialect.record };
  }

  close(): void {
    this.chunks.return?.().catch(() => undefined);
  }

  private finish(): void {
    const { trace, careful } = this;
    this.countLong(this.buffer.finish());
    careful.unterminated = this.buffer.linesEnd > 0;
    this.readLines();
    trace.stacks.close();
    careful.gaps.finish(trace.lastTs, trace);
    this.flushOthers();
    if (this.state.truncated) trace.stats.add('truncated', 1, trace.position);
    careful.instances.finish();
    if (trace.writer.count === 0) this.refuseUnreadable();
  }

  /** @throws TraceFormatError where there are kmem events, of which none can be read for one reason */
  private refuseUnreadable(): void {
    const { trace, input } = this;
    const lines = trace.withoutFields + trace.withoutNames;
    if (lines === 0 || lines < trace.stats.get('bad_line')) return;
    if (trace.withoutFields > trace.withoutNames) {
      throw new TraceFormatError(
        `${input.path}: ${counted(lines, 'kmem event')} without fields, so no address or size is known`,
        {
          hint: 'Print the fields as well: perf script without -F, or with `trace` in its list; babeltrace2 without --fields.',
        },
      );
    }
    throw new TraceFormatError(
      `${input.path}: the fields of its ${counted(lines, 'kmem event')} have no names, so they cannot be told apart`,
      { hint: 'Print the names as well: babeltrace2 without --names=none.' },
    );
  }

  private countLong(lines: number): void {
    if (lines === 0) return;
    this.trace.line += lines;
    this.trace.stats.add('long_line', lines, this.trace.position);
  }

  private flushOthers(): void {
    if (this.trace.others > 0) this.trace.stats.add('other_events', this.trace.others);
    this.trace.others = 0;
  }

  private readLines(): void {
    const { buffer, careful, fast } = this;
    let at = 0;
    for (;;) {
      if (careful.gaps.isEmpty && !careful.unterminated) at = fast.run(at);
      if (at >= buffer.linesEnd) return;
      const to = buffer.bytes.indexOf(NEWLINE, at);
      careful.readLine(at, to);
      at = to + 1;
    }
  }

  /** The first event shows whether the clock counts nanoseconds. */
  private noteClock(whole: boolean): void {
    const { info } = this.trace;
    const recorded = this.dialect.tracerClock ? recordedClock(this.input.sidecars) : null;
    const fits = (clockUnitOf(recorded) === 'ns') !== whole;
    info.clock = fits ? recorded : null;
    info.clockUnit = whole ? wholeUnit(info.clock, this.sampleTimes()) : 'ns';
  }

  private sampleTimes(): number[] {
    const times: number[] = [];
    const prefix = new LinePrefix();
    for (const text of Buffer.from(this.input.head).toString('latin1').split('\n')) {
      if (times.length === SAMPLE_TIMES) break;
      const isEvent = this.dialect.grammar.read(text.slice(0, PREFIX_BYTES), prefix);
      if (isEvent && prefix.whole) times.push(prefix.hi * 1e9 + prefix.lo);
    }
    return times;
  }
}
