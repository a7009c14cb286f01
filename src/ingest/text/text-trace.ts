// What the parts of the text reader share while a trace is read: its tables, its clock, what the
// lines so far have told, and the one place where events are written.

import type { Dictionary } from '../../kernel/events/dictionary.ts';
import { EVENT_KIND } from '../../kernel/events/event-kind.ts';
import { type GfpTable, gfpTableOf } from '../../kernel/events/gfp-flags.ts';
import type { TraceInfo } from '../../kernel/events/trace-info.ts';
import type { TraceStats } from '../../kernel/events/trace-stats.ts';
import type { BatchWriter } from '../events/batch-writer.ts';
import { PointerKind } from '../events/pointer-kind.ts';
import { TextClock } from '../events/text-clock.ts';
import type { TraceInput } from '../format.ts';
import { parseProbeMapping } from '../probes/probe-plan.ts';
import { NOTE } from './call-fields.ts';
import { CallTexts } from './call-texts.ts';
import type { EventLine } from './event-line.ts';
import { ProbeLines } from './probe-lines.ts';
import { type FrameStyle, StackLines } from './stack-lines.ts';

/** The largest CPU number that EventBatch holds. */
export const MAX_CPU = 0xffff;

/** What the last line of a CPU was. */
export const LAST = { nothing: 0, event: 1, other: 2 } as const;

const DEFAULT_PAGE_SIZE = 4096;

export class TextTrace {
  readonly writer: BatchWriter;
  readonly dictionary: Dictionary;
  readonly stats: TraceStats;
  readonly info: TraceInfo;
  readonly clock: TextClock = new TextClock();
  readonly calls: CallTexts = new CallTexts();
  readonly pointers: PointerKind;
  readonly stacks: StackLines;
  readonly probes: ProbeLines;
  /** By CPU: LAST. */
  readonly last: Uint8Array = new Uint8Array(MAX_CPU + 1);
  /** Number of the line that is being read. */
  line = 0;
  /** CPU of the last event line, -1 where something else stood between; time of the last event. */
  lastCpu = -1;
  lastTs = 0;
  /** Lines of kmem events without any field, and with fields that have no names. */
  withoutFields = 0;
  withoutNames = 0;
  /** Lines about other things, not yet in `stats`. */
  others = 0;
  /** Called when the first event shows the clock's unit. */
  private readonly onClock: (whole: boolean) => void;

  constructor(
    input: Pick<TraceInput, 'head' | 'maps'>,
    writer: BatchWriter,
    info: TraceInfo,
    frames: FrameStyle,
    onClock: (whole: boolean) => void,
  ) {
    this.writer = writer;
    this.dictionary = writer.dictionary;
    this.stats = writer.stats;
    this.info = info;
    this.pointers = new PointerKind(info, writer.dictionary);
    this.stacks = new StackLines(writer, info, frames);
    this.probes = new ProbeLines(this, input.head, input.maps.map(parseProbeMapping));
    this.onClock = onClock;
  }

  get position(): string {
    return `line ${this.line}`;
  }

  get gfp(): GfpTable {
    return gfpTableOf(this.info);
  }

  get pageSize(): number {
    return this.info.pageSize ?? DEFAULT_PAGE_SIZE;
  }

  /** The time of a line since the origin, which the first one sets. Undefined for another clock's. */
  since(hi: number, lo: number, whole: boolean): number | undefined {
    const { clock } = this;
    if (!clock.begun) {
      clock.begin(hi, lo, whole);
      this.info.originNs = clock.origin;
      this.onClock(whole);
    }
    return whole === clock.whole ? (hi - clock.hi) * 1e9 + (lo - clock.lo) : undefined;
  }

  /** Writes the event of a line. */
  write(line: EventLine, call: number, lo: number, hi: number): void {
    this.writer.add(line.ts, call, line.task, lo, hi, line.cpu, line.flags);
    if (this.probes.isActive) this.probes.noteCall(call, line.task, line.cpu, lo, hi);
    this.wrote(line);
  }

  /** Takes note that the event of a line, or several, were written. */
  wrote(line: EventLine): void {
    this.last[line.cpu] = LAST.event;
    this.lastTs = line.ts;
  }

  /** Says that `count` events of a CPU were lost (undefined: an unknown number). */
  writeLost(count: number | undefined, ts: number, cpu: number): void {
    const call = this.dictionary.calls.intern({ kind: EVENT_KIND.lost, bytesReq: count ?? 0 });
    this.writer.add(ts, call, 0, 0, 0, cpu, 0);
    this.last[cpu] = LAST.other;
  }

  /** Counts what a call's text lacks. */
  countNotes(notes: number): void {
    if ((notes & NOTE.emptyCacheName) !== 0) this.stats.add('empty_cache_name', 1, this.position);
    if ((notes & NOTE.emptyGfpFlags) !== 0) this.stats.add('empty_gfp_flags', 1, this.position);
    if ((notes & NOTE.unknownGfpName) !== 0) this.stats.add('unknown_gfp_name', 1, this.position);
  }
}
