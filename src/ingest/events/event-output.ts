// Rows in time order → events: threads get the names that they had then, times count from the first.

import type { EventBatch } from '../../kernel/events/event-batch.ts';
import type { TraceInfo } from '../../kernel/events/trace-info.ts';
import type { ProbeStash } from '../probes/probe-stash.ts';
import type { BatchWriter } from './batch-writer.ts';
import type { RowClock } from './row-clock.ts';
import type { TaskNames } from './task-names.ts';

/** In the `call` of rows that are no events. */
export const MARK = {
  /** The thread `task` is called `ptrLo` (index into `strings`) from here on. */
  comm: 0xffffffff,
  /** The thread `task` is a child of `ptrLo`. */
  fork: 0xfffffffe,
  /** A probe's record, kept under the number `ptrLo`. */
  probe: 0xfffffffd,
} as const;

export class EventOutput {
  private readonly writer: BatchWriter;
  private readonly info: TraceInfo;
  private readonly names: TaskNames;
  private readonly clock: RowClock;
  /** What the events' times count from, as a row's time. */
  private origin: number | undefined;
  private lastTs = -Infinity;
  /** The probes' records that rows stand for, where there are probes. */
  probes: ProbeStash | undefined;

  constructor(writer: BatchWriter, info: TraceInfo, names: TaskNames, clock: RowClock) {
    this.writer = writer;
    this.info = info;
    this.names = names;
    this.clock = clock;
  }

  receive(rows: EventBatch, from: number, to: number): void {
    const { writer, names } = this;
    for (let i = from; i < to; i++) {
      const call = rows.call[i]!;
      if (call >= MARK.probe) {
        this.receiveMark(call, rows, i);
        continue;
      }
      const rowTs = rows.ts[i]!;
      const ts = rowTs - (this.origin ?? this.begin(rowTs));
      const cpu = rows.cpu[i]!;
      const task = names.task(rows.task[i]!);
      if (ts < this.lastTs) this.addLate(ts, call, task, rows, i);
      else {
        writer.add(ts, call, task, rows.ptrLo[i]!, rows.ptrHi[i]!, cpu, rows.flags[i]!);
        this.lastTs = ts;
      }
      this.probes?.events.noteTold(task, cpu, rows.ptrLo[i]!, rows.ptrHi[i]!, call);
      if (rows.stack[i] !== 0) writer.attachStack(cpu, rows.stack[i]!);
    }
  }

  private receiveMark(mark: number, rows: EventBatch, i: number): void {
    if (mark === MARK.comm) this.names.setName(rows.task[i]!, rows.ptrLo[i]!);
    else if (mark === MARK.fork) this.names.fork(rows.task[i]!, rows.ptrLo[i]!);
    else this.tellProbe(rows, i);
  }

  private tellProbe(rows: EventBatch, i: number): void {
    const { writer } = this;
    const rowTs = rows.ts[i]!;
    const ts = rowTs - (this.origin ?? this.begin(rowTs));
    const cpu = rows.cpu[i]!;
    const task = this.names.task(rows.task[i]!);
    const before = writer.count;
    if (this.probes?.tell(rows.ptrLo[i]!, ts, task, cpu, rows.flags[i]!) !== true) {
      writer.stats.add('bad_record', 1, `event ${before}`);
    }
    if (writer.count === before) return;
    this.lastTs = Math.max(this.lastTs, ts);
    if (rows.stack[i] !== 0) writer.attachStack(cpu, rows.stack[i]!);
  }

  /** The first event: times count from it. */
  private begin(ts: number): number {
    this.origin = ts;
    this.info.originNs = this.clock.base + BigInt(ts);
    return ts;
  }

  /** An event that should have stood before one that is written: of any CPU, a backward step. */
  private addLate(ts: number, call: number, task: number, rows: EventBatch, i: number): void {
    const { writer } = this;
    const { stats } = writer;
    const steps = stats.get('backward_steps');
    const position = `CPU ${rows.cpu[i]!}, by ${this.lastTs - ts} ns at event ${writer.count}`;
    writer.add(ts, call, task, rows.ptrLo[i]!, rows.ptrHi[i]!, rows.cpu[i]!, rows.flags[i]!);
    if (stats.get('backward_steps') === steps) stats.add('backward_steps', 1, position);
  }
}
