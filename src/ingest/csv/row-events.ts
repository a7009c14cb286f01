// Rows whose fields are cut → events.

import type { Dictionary } from '../../kernel/events/dictionary.ts';
import { EVENT_KIND, isAlloc, isFree } from '../../kernel/events/event-kind.ts';
import { gfpTableOf } from '../../kernel/events/gfp-flags.ts';
import type { TraceInfo } from '../../kernel/events/trace-info.ts';
import type { BatchWriter } from '../events/batch-writer.ts';
import { parseIrqFlags } from '../events/irq-flags.ts';
import { PointerKind } from '../events/pointer-kind.ts';
import { internSite } from '../events/site-text.ts';
import { GIGA, TextClock } from '../events/text-clock.ts';
import type { CsvTimeUnit } from '../format.ts';
import { internRowCall } from './call-fields.ts';
import type { CsvColumns } from './columns.ts';
import { KnownTexts } from './known-texts.ts';
import { NumberText, readCount } from './number-text.ts';
import { RowCalls } from './row-calls.ts';
import type { RowCutter } from './row-cutter.ts';

const MAX_CPU = 0xffff;
const MAX_PID = 0x7fffffff;
const DEFAULT_PAGE_SIZE = 4096;

/** Digits behind the point that count, by the unit of the column. */
const DECIMALS: Readonly<Record<CsvTimeUnit, number>> = {
  s: 9,
  ms: 6,
  us: 3,
  ns: 0,
  tick: 0,
  count: 0,
};

/** Where the fields of a row stand that are read for each event. */
interface Places {
  readonly cpu: number;
  readonly pid: number;
  readonly ptr: number;
  readonly comm: number;
  readonly flags: number;
  readonly stack: number;
}

export class RowEvents {
  private readonly columns: CsvColumns;
  private readonly places: Places;
  private readonly writer: BatchWriter;
  private readonly dictionary: Dictionary;
  private readonly info: TraceInfo;
  private readonly decimals: number;
  private readonly clock = new TextClock();
  private readonly pointers: PointerKind;
  private readonly number = new NumberText();
  private readonly calls: RowCalls;
  private readonly comms: KnownTexts;
  private readonly flags = new KnownTexts(parseIrqFlags);
  private readonly stacks: KnownTexts;

  constructor(columns: CsvColumns, unit: CsvTimeUnit, writer: BatchWriter, info: TraceInfo) {
    const { dictionary } = writer;
    const pageSize = info.pageSize ?? DEFAULT_PAGE_SIZE;
    const context = { dictionary, gfpTable: gfpTableOf(info), pageSize };
    this.columns = columns;
    this.places = {
      cpu: columns.indexOf('cpu'),
      pid: columns.indexOf('pid'),
      ptr: columns.indexOf('ptr'),
      comm: columns.indexOf('comm'),
      flags: columns.indexOf('flags'),
      stack: columns.indexOf('stack'),
    };
    this.writer = writer;
    this.dictionary = dictionary;
    this.info = info;
    this.decimals = DECIMALS[unit];
    this.pointers = new PointerKind(info, dictionary);
    this.calls = new RowCalls(columns, (fields) => internRowCall(fields, context));
    this.comms = new KnownTexts((text) => dictionary.strings.intern(text));
    this.stacks = new KnownTexts((text) => internStack(text, dictionary));
  }

  /**
   * Writes the event of a row; false where its fields are none.
   * @param position 'line 12'
   */
  add(bytes: Buffer, row: RowCutter, line: number): boolean {
    const { columns, places, number, dictionary } = this;
    const { starts, ends } = row;
    if (row.count !== columns.count) return false;
    const { time } = columns;
    if (!number.readTime(bytes, starts[time]!, ends[time]!, this.decimals)) return false;
    const { hi, lo } = number;
    const cpu = this.readOptional(bytes, row, places.cpu, MAX_CPU);
    const pid = this.readOptional(bytes, row, places.pid, MAX_PID);
    const call = this.calls.find(bytes, row);
    if (cpu < 0 || pid < 0 || call < 0) return false;
    const kind = dictionary.calls.kind(call);
    if (!this.readPointer(bytes, row, call, kind)) return false;
    const task =
      ends[places.pid] === starts[places.pid]
        ? 0
        : dictionary.tasks.intern(pid, this.read(this.comms, bytes, row, places.comm));
    const flags = this.read(this.flags, bytes, row, places.flags);
    const made = kind === EVENT_KIND.cache_create ? this.calls.read(bytes, row) : call;
    this.writer.add(this.since(hi, lo), made, task, number.lo, number.hi, cpu, flags);
    const stack = places.stack < 0 ? 0 : this.read(this.stacks, bytes, row, places.stack);
    if (stack !== 0) this.writer.attachStack(cpu, stack);
    if (kind === EVENT_KIND.lost) this.countLost(call, line);
    return true;
  }

  /** What a text means; what an empty one does where the column is not there (-1). */
  private read(texts: KnownTexts, bytes: Buffer, row: RowCutter, place: number): number {
    if (place < 0) return texts.get(bytes, 0, 0);
    return texts.get(bytes, row.starts[place]!, row.ends[place]!);
  }

  /** A count, 0 where the field is empty, -1 where it is none. */
  private readOptional(bytes: Buffer, row: RowCutter, place: number, max: number): number {
    const from = row.starts[place]!;
    const to = row.ends[place]!;
    return from === to ? 0 : readCount(bytes, from, to, max);
  }

  /** Reads the pointer into `number`; only events that are not about an address may lack it. */
  private readPointer(bytes: Buffer, row: RowCutter, call: number, kind: number): boolean {
    const { number } = this;
    const from = row.starts[this.places.ptr]!;
    const to = row.ends[this.places.ptr]!;
    const isObject = isAlloc(kind) || isFree(kind);
    if (from === to) {
      number.lo = 0;
      number.hi = 0;
      return !isObject && kind !== EVENT_KIND.write;
    }
    if (!number.readAddress(bytes, from, to)) return false;
    if (isObject) this.pointers.note(number.lo, number.hi, number.digits, false, call);
    return true;
  }

  private since(hi: number, lo: number): number {
    const { clock } = this;
    if (!clock.begun) {
      clock.begin(hi, lo, this.info.clockUnit !== 'ns');
      this.info.originNs = clock.origin;
    }
    return (hi - clock.hi) * GIGA + (lo - clock.lo);
  }

  private countLost(call: number, line: number): void {
    const { stats } = this.writer;
    const count = this.dictionary.calls.bytesReq(call);
    if (count === 0) stats.add('lost_events_unknown', 1, `line ${line}`);
    else stats.add('lost_events', count, `line ${line}`);
  }
}

/** Frames with `;` between them, innermost first. */
function internStack(text: string, dictionary: Dictionary): number {
  const frames = text
    .split(';')
    .map((frame) => internSite(frame, dictionary))
    .filter((site) => site !== 0);
  return dictionary.stacks.intern(Uint32Array.from(frames), frames.length);
}
