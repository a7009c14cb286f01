// A kernel log → the allocations and frees that SLUB traced. Each has a line of its own, below it the
// bytes of a freed object, then who ran and the stack (dump_stack()):
//
//   TRACE kmalloc-128 alloc 0xffff888001230080 inuse=25 fp=0x          (null)
//   CPU: 3 PID: 723 Comm: paintd Tainted: G           O      4.19.0 #1
//   Call trace:
//    alloc_debug_processing+0x58/0x188
//    __kmalloc+0x284/0x2e0
//    brush_new+0x28/0x68
//
// Those of several CPUs stand between each other; the caller tells them apart where the log has it.

import { TraceFormatError } from '../../base/errors.ts';
import type { ReadState } from '../../base/input-bytes.ts';
import type { TraceInfo } from '../../kernel/events/trace-info.ts';
import { type LogLine, LogMessages } from '../../kernel/memory-reports/log-lines.ts';
import { parseHead } from '../../kernel/memory-reports/report-heads.ts';
import { parseFrame } from '../../kernel/memory-reports/stack-frame.ts';
import { parseRelease, parseTaskLine } from '../../kernel/memory-reports/task-line.ts';
import type { BatchWriter } from '../events/batch-writer.ts';
import type { TraceInput, TraceReader } from '../format.ts';
import { LineBuffer } from '../text/line-buffer.ts';
import { readSidecarFacts } from '../text/trace-facts.ts';
import { SlubEvents, type TracedCall } from './slub-events.ts';

const NEWLINE = 0x0a;
const TRACE = /^TRACE (\S+) (alloc|free) (0x\S+)/;
/** What shows that the stack below is another's. */
const OTHER = /^(?:-+\[ cut here \]|-+\[ end trace|={40,}|WARNING: |INFO: )/;
/** Events that wait for their stack, and lines after which none is looked for. */
const MOST_WAITING = 256;
const MOST_LINES = 400;

export class SlubTraceReader implements TraceReader {
  private readonly input: TraceInput;
  private readonly writer: BatchWriter;
  private readonly info: TraceInfo;
  private readonly state: ReadState = { truncated: false };
  private readonly chunks: AsyncIterator<Uint8Array>;
  private readonly buffer = new LineBuffer();
  private readonly messages: LogMessages;
  private readonly events: SlubEvents;
  /** Events whose stack may go on, in the order of the log; by caller the last one. */
  private waiting: TracedCall[] = [];
  private readonly open = new Map<string, TracedCall>();
  private line = 0;
  private found = 0;

  constructor(input: TraceInput, writer: BatchWriter, info: TraceInfo) {
    this.input = input;
    this.writer = writer;
    this.info = info;
    this.chunks = input.chunks(this.state)[Symbol.asyncIterator]();
    this.messages = new LogMessages(Buffer.from(input.head).toString('latin1'));
    readSidecarFacts(input.sidecars, info);
    this.events = new SlubEvents(writer, info);
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
    return true;
  }

  progress(): number {
    return this.input.share();
  }

  close(): void {
    this.chunks.return?.().catch(() => undefined);
  }

  /** @throws TraceFormatError where the log has no event */
  private finish(): void {
    this.countLong(this.buffer.finish());
    this.readLines();
    this.flush(true);
    if (this.state.truncated) this.writer.stats.add('truncated', 1, `line ${this.line}`);
    if (this.found > 0) return;
    throw new TraceFormatError(`${this.input.path}: a kernel log without TRACE lines of SLUB`, {
      hint:
        'It holds no events. Its reports of memory bugs are read beside a trace: ' +
        'slabreplay history SOURCE --dmesg LOG.',
    });
  }

  private countLong(lines: number): void {
    if (lines === 0) return;
    this.line += lines;
    this.writer.stats.add('long_line', lines, `line ${this.line}`);
  }

  private readLines(): void {
    const { bytes, linesEnd } = this.buffer;
    let at = 0;
    while (at < linesEnd) {
      const end = bytes.indexOf(NEWLINE, at);
      this.line++;
      const raw = bytes.toString('utf8', at, end);
      at = end + 1;
      const line = this.messages.read({ raw, line: this.line });
      if (line !== undefined) this.readLine(line);
    }
  }

  private readLine(line: LogLine): void {
    const text = line.text.trim();
    const trace = TRACE.exec(text);
    if (trace !== null) {
      this.begin(line, trace);
      return;
    }
    const key = line.caller ?? '';
    const call = this.open.get(key);
    if (call === undefined) return;
    const task = parseTaskLine(text);
    const isOther =
      (task !== undefined && call.task !== undefined) ||
      line.line - call.line > MOST_LINES ||
      OTHER.test(text) ||
      parseHead(text) !== undefined;
    if (isOther) {
      this.end(key, call);
      return;
    }
    if (task !== undefined) {
      call.task = task;
      this.info.kernelRelease ??= parseRelease(text) ?? null;
      return;
    }
    const frame = parseFrame(line.text);
    if (frame !== undefined) call.frames.push(frame);
  }

  private begin(line: LogLine, [, cache = '', what, pointer = '']: RegExpExecArray): void {
    const key = line.caller ?? '';
    const before = this.open.get(key);
    if (before !== undefined) this.end(key, before);
    this.found++;
    const call: TracedCall = {
      cache,
      isAlloc: what === 'alloc',
      pointer,
      atSec: line.atSec,
      line: line.line,
      task: undefined,
      frames: [],
      isWhole: false,
    };
    this.waiting.push(call);
    this.open.set(key, call);
    this.flush(this.waiting.length > MOST_WAITING);
  }

  private end(key: string, call: TracedCall): void {
    call.isWhole = true;
    this.open.delete(key);
  }

  /** Writes the events that are whole, in the order of the log. */
  private flush(isAll: boolean): void {
    const { waiting } = this;
    let count = 0;
    while (count < waiting.length && (isAll || waiting[count]?.isWhole === true)) count++;
    for (const call of waiting.slice(0, count)) this.events.write(call);
    this.waiting = waiting.slice(count);
  }
}
