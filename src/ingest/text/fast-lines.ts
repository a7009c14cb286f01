// The lines that are like those before: same columns, a task and a call that were met already. Nearly
// all of a trace is such lines. Each field is found by its place and looked up by its bytes, without
// a string or an object; nothing is added to a table here. What is new or looks different is left to
// the careful reader (TextReader), which learns it; so both give the same events.
//
//           <idle>-0       [000] d..1.     0.429443: kmalloc: call_site=… ptr=ffff891cc6d15ec0 bytes_req=…
//                          ^ layout.cpu
//     init-1         1..... 22708us+: kmem_cache_free: call_site=…
//                  ^ layout.cpu

import { FLAGS_UNKNOWN } from '../../kernel/events/event-batch.ts';
import { FLAG_BITS } from '../events/irq-flags.ts';
import { SMALL_POINTER } from '../events/pointer-kind.ts';
import { PointerText } from '../events/pointer-text.ts';
import { GIGA } from '../events/text-clock.ts';
import { EventLine, type LineHandler, type Outcome } from './event-line.ts';
import type { EventNames } from './event-names.ts';
import { type LineBuffer, MAX_LINE_BYTES } from './line-buffer.ts';
import type { LineLayout } from './line-prefix.ts';
import type { TaskTexts } from './task-texts.ts';
import { LAST, type TextTrace } from './text-trace.ts';

const NEWLINE = 0x0a;
const BLANK = 0x20;
const ZERO = 0x30;
const COLON = 0x3a;
const EQUALS = 0x3d;
const OPEN_BRACKET = 0x5b;
const CLOSE_BRACKET = 0x5d;
const LETTER_K = 0x6b;
const LETTER_S = 0x73;
const LETTER_U = 0x75;
/** What trace_find_mark() puts behind the time in the latency form. */
const MARKS = Buffer.from(' +!#*@$');
/** ` ptr` as a little-endian word. */
const PTR = 0x72747020;

const MEGA = 1e6;
/** More digits do not fit a double exactly. */
const MAX_DIGITS = 15;
/** No event has a name of fewer letters before its pointer: where the search begins. */
const NAME_BYTES = 9;

export class FastLines {
  private readonly buffer: LineBuffer;
  private readonly bytes: Uint8Array;
  private readonly trace: TextTrace;
  private readonly tasks: TaskTexts;
  private readonly names: EventNames;
  private readonly settle: (outcome: Outcome, cpu: number) => void;
  private readonly pointer = new PointerText();
  private readonly line: EventLine;
  private layout: LineLayout | undefined;
  private cpuColumn = 0;
  private brackets = true;
  private flagsWidth = 0;
  private fraction = 0;
  private point = 0;
  private micros = false;
  /** What a unit of the last digit is, in nanoseconds. */
  private unit = 1;
  /** Where a task stands that was looked up in this buffer, and its key. */
  private taskAt = -1;
  private taskKey = 0;
  private flags = 0;
  private ts = 0.5;

  /** @param settle told what became of a line that a handler has read */
  constructor(
    buffer: LineBuffer,
    trace: TextTrace,
    tasks: TaskTexts,
    names: EventNames,
    settle: (outcome: Outcome, cpu: number) => void,
  ) {
    this.buffer = buffer;
    this.bytes = buffer.bytes;
    this.trace = trace;
    this.tasks = tasks;
    this.names = names;
    this.settle = settle;
    this.line = new EventLine(buffer.bytes);
  }

  /** Takes the columns of a line that was read carefully. */
  learn(layout: LineLayout): void {
    const { layout: old } = this;
    const isNew =
      old === undefined ||
      old.cpu !== layout.cpu ||
      old.brackets !== layout.brackets ||
      old.flagsWidth !== layout.flagsWidth ||
      old.fraction !== layout.fraction ||
      old.point !== layout.point ||
      old.micros !== layout.micros;
    if (!isNew) return;
    this.layout = layout;
    this.cpuColumn = layout.cpu;
    this.brackets = layout.brackets;
    this.micros = layout.micros;
    this.flagsWidth = layout.flagsWidth;
    this.fraction = layout.fraction;
    this.point = layout.point;
    this.unit = 10 ** (9 - layout.fraction);
  }

  /** Reads lines from `from` on; returns where the first begins that it cannot read. */
  run(from: number): number {
    const { trace } = this;
    const { clock, stacks } = trace;
    if (this.layout === undefined || !clock.begun || clock.whole !== (this.fraction === 0)) {
      return from;
    }
    const { linesEnd } = this.buffer;
    this.taskAt = -1;
    let at = from;
    while (at < linesEnd && !stacks.isOpen) {
      const next = this.readLine(at);
      if (next < 0) break;
      at = next;
    }
    return at;
  }

  /** Reads the line at `at`; returns where the next one begins, or -1. */
  private readLine(at: number): number {
    const { bytes, trace, brackets } = this;
    const column = at + this.cpuColumn;
    if (brackets && (bytes[column] !== OPEN_BRACKET || bytes[column + 4] !== CLOSE_BRACKET)) {
      return -1;
    }
    if (this.taskAt < 0 || !this.isSameTask(at)) {
      this.taskKey = this.tasks.find(bytes, at, column);
      if (this.taskKey < 0) return -1;
      this.taskAt = at;
    }
    const cpu = brackets ? this.readCpu(column + 1) : this.readPaddedCpu(column);
    if (cpu < 0) return -1;
    const flagsEnd = brackets ? this.readColumn(column + 5) : this.readFlags(column + 3);
    if (flagsEnd < 0) return -1;
    const name = this.micros ? this.readMicros(flagsEnd) : this.readTime(flagsEnd);
    if (name < 0) return -1;
    if (bytes[name] === LETTER_K) {
      const { calls } = trace;
      const guessed = calls.guess(cpu, bytes, name, this.pointer);
      const entry = guessed < 0 ? this.findCall(name) : guessed;
      if (entry >= 0) {
        this.write(entry, cpu);
        return calls.lineEnd + 1;
      }
    }
    return this.readOther(at, name, cpu);
  }

  /** Whether the task at `at` has the same bytes as the one that was looked up last. */
  private isSameTask(at: number): boolean {
    const { view } = this.buffer;
    const end = at + this.cpuColumn;
    let known = this.taskAt;
    let i = at;
    for (; i <= end - 4; i += 4, known += 4) {
      if (view.getInt32(known, true) !== view.getInt32(i, true)) return false;
    }
    for (; i < end; i++) if (view.getUint8(known++) !== view.getUint8(i)) return false;
    return true;
  }

  /** Three digits, or -1. */
  private readCpu(at: number): number {
    const { bytes } = this;
    const hundreds = bytes[at]! - ZERO;
    const tens = bytes[at + 1]! - ZERO;
    const ones = bytes[at + 2]! - ZERO;
    if (hundreds >>> 0 > 9 || tens >>> 0 > 9 || ones >>> 0 > 9) return -1;
    return hundreds * 100 + tens * 10 + ones;
  }

  /** Digits in three columns, blanks before them; or -1. */
  private readPaddedCpu(at: number): number {
    const { bytes } = this;
    let i = at;
    while (i < at + 2 && bytes[i] === BLANK) i++;
    let cpu = 0;
    for (; i < at + 3; i++) {
      const digit = bytes[i]! - ZERO;
      if (digit >>> 0 > 9) return -1;
      cpu = cpu * 10 + digit;
    }
    return cpu;
  }

  /** Reads a flags column that a blank sets off; returns where the time begins, or -1. */
  private readColumn(at: number): number {
    const { bytes } = this;
    if (bytes[at] !== BLANK) return -1;
    if (this.flagsWidth !== 0) return this.readFlags(at + 1);
    this.flags = FLAGS_UNKNOWN;
    let i = at + 1;
    while (bytes[i] === BLANK) i++;
    return i;
  }

  /** Reads the flags at `at`; returns where the time begins, or -1. */
  private readFlags(at: number): number {
    const { bytes, flagsWidth } = this;
    let flags =
      FLAG_BITS[bytes[at]!]! |
      FLAG_BITS[256 + bytes[at + 1]!]! |
      FLAG_BITS[512 + bytes[at + 2]!]! |
      FLAG_BITS[768 + bytes[at + 3]!]!;
    if (flagsWidth === 5) flags |= FLAG_BITS[1024 + bytes[at + 4]!]!;
    let i = at + flagsWidth;
    if (flags < 0 || bytes[i] !== BLANK) return -1;
    this.flags = flags;
    while (bytes[i] === BLANK) i++;
    return i;
  }

  /** Reads a time such as `22708us+` into `ts`; returns where the event's name begins, or -1. */
  private readMicros(at: number): number {
    const { bytes } = this;
    let i = at;
    let micros = 0;
    for (let d = bytes[i]! - ZERO; d >>> 0 <= 9; d = bytes[++i]! - ZERO) micros = micros * 10 + d;
    if (i === at || i - at > MAX_DIGITS) return -1;
    if (bytes[i] !== LETTER_U || bytes[i + 1] !== LETTER_S) return -1;
    i += 2;
    if (MARKS.includes(bytes[i]!)) i++;
    const rest = micros % MEGA;
    return this.endTime(i, (micros - rest) / MEGA, rest * 1000);
  }

  /** Reads the time at `at` into `ts`; returns where the event's name begins, or -1. */
  private readTime(at: number): number {
    const { bytes, fraction } = this;
    let i = at;
    let hi = 0;
    let lo = 0;
    for (let d = bytes[i]! - ZERO; d >>> 0 <= 9; d = bytes[++i]! - ZERO) hi = hi * 10 + d;
    if (i === at || i - at > MAX_DIGITS) return -1;
    if (fraction === 0) {
      lo = hi % GIGA;
      hi = (hi - lo) / GIGA;
    } else {
      if (bytes[i] !== this.point) return -1;
      const end = ++i + fraction;
      for (let d = bytes[i]! - ZERO; i < end && d >>> 0 <= 9; d = bytes[++i]! - ZERO)
        lo = lo * 10 + d;
      if (i < end) return -1;
      lo *= this.unit;
    }
    return this.endTime(i, hi, lo);
  }

  /** Takes a time that ends at `at` with a colon; returns where the event's name begins, or -1. */
  private endTime(at: number, hi: number, lo: number): number {
    const { bytes } = this;
    const { clock } = this.trace;
    if (bytes[at] !== COLON || bytes[at + 1] !== BLANK) return -1;
    this.ts = (hi - clock.hi) * GIGA + (lo - clock.lo);
    let i = at + 2;
    while (bytes[i] === BLANK) i++;
    return i;
  }

  /** The entry of the call whose name begins at `name`, its pointer in `this.pointer`; or -1. */
  private findCall(name: number): number {
    const { bytes, pointer } = this;
    const { view } = this.buffer;
    const { calls } = this.trace;
    for (let i = name + NAME_BYTES; bytes[i] !== NEWLINE; i++) {
      if (bytes[i] !== EQUALS || view.getInt32(i - 4, true) !== PTR) continue;
      const head = calls.findHead(bytes, name, i + 1);
      if (head < 0 || !pointer.read(bytes, i + 1)) return -1;
      return calls.findTail(head, bytes, pointer.end);
    }
    return -1;
  }

  private write(entry: number, cpu: number): void {
    const { trace, ts } = this;
    const { calls, pointers } = trace;
    const { lo, hi, digits, prefixed } = this.pointer;
    const call = calls.calls[entry]!;
    calls.called(cpu, entry);
    trace.line++;
    if (calls.notes[entry] !== 0) trace.countNotes(calls.notes[entry]!);
    if (hi !== 0 ? !pointers.wide : lo >= SMALL_POINTER && !trace.info.hashedPointers) {
      pointers.note(lo, hi, digits, prefixed, call);
    }
    const task = this.tasks.task(this.taskKey);
    trace.writer.add(ts, call, task, lo, hi, cpu, this.flags);
    if (trace.probes.isActive) trace.probes.noteCall(call, task, cpu, lo, hi);
    trace.last[cpu] = LAST.event;
    trace.lastCpu = cpu;
    trace.lastTs = ts;
  }

  /** An event that is no call, or a call that is new. */
  private readOther(at: number, name: number, cpu: number): number {
    const { bytes, trace, line } = this;
    let wordEnd = name;
    while (bytes[wordEnd]! > BLANK) wordEnd++;
    const word = this.names.find(bytes, name, wordEnd);
    if (word < 0) return -1;
    const to = bytes.indexOf(NEWLINE, wordEnd);
    if (to - at > MAX_LINE_BYTES) return -1;
    trace.lastCpu = cpu;
    trace.line++;
    const handler = this.names.at(word);
    if (handler === undefined) {
      trace.others++;
      this.names.countWord(word);
      trace.last[cpu] = LAST.other;
      return to + 1;
    }
    let fields = wordEnd;
    while (bytes[fields] === BLANK) fields++;
    line.from = at;
    line.name = name;
    line.fields = fields;
    line.to = to;
    line.cpu = cpu;
    this.handle(handler);
    return to + 1;
  }

  private handle(handler: LineHandler): void {
    const { line } = this;
    line.ts = this.ts;
    line.flags = this.flags;
    line.task = this.tasks.task(this.taskKey);
    this.settle(handler.add(line), line.cpu);
  }
}
