// Events as they lie in the file → events in time order, as perf puts them in order
// (tools/perf/util/ordered-events.c, 6.1). perf record empties the buffers of the CPUs one after the
// other and writes FINISHED_ROUND behind each time around; an event that is not later than every event
// of the round before cannot be preceded by one that is still to come, so those go out then.
//
// Rows wait in columns. What the buffer of one CPU held lies in a row and is in order already: such
// runs are found as rows are added, and merged. Where rounds are missing, or larger than what may
// wait, the earlier half goes out; what then comes too late for its place is the receiver's to tell.

import {
  BATCH_CAPACITY,
  BATCH_COLUMNS,
  createBatch,
  type EventBatch,
} from '../../kernel/events/event-batch.ts';
import type { EventSink } from './event-fields.ts';
import { type TimedStream, TimeOrder } from './time-order.ts';

/** Rows that may wait, of 32 bytes each: 128 MiB. */
const MAX_WAITING = 4 * 1024 * 1024;
/** Runs in one block that are merged as they are; more are in no order worth the name. */
const MAX_RUNS_OF_BLOCK = 256;
/** Rows after which the caller gets its turn. */
const ROWS_PER_STEP = 4 * BATCH_CAPACITY;

/** Takes rows [from, to), which stand in time order; `task` of a row is what was added as such. */
export type RowReceiver = (rows: EventBatch, from: number, to: number) => void;

/** Rows, and how many runs of them wait. */
interface Block {
  readonly rows: EventBatch;
  runs: number;
}

/** What is let through at the moment. */
interface Gate {
  readonly receive: RowReceiver;
  /** The latest time. */
  limit: number;
  /** Rows that went out so far. */
  gone: number;
}

/** Rows of one block that are in order. */
class Run implements TimedStream {
  readonly block: Block;
  private readonly gate: Gate;
  private at: number;
  end: number;

  constructor(block: Block, from: number, gate: Gate) {
    this.block = block;
    this.gate = gate;
    this.at = from;
    this.end = from;
  }

  get isEmpty(): boolean {
    return this.at === this.end;
  }

  get ts(): number {
    return this.block.rows.ts[this.at]!;
  }

  run(bound: number, inclusive: boolean): boolean {
    const { gate, at, end } = this;
    const { ts } = this.block.rows;
    const { limit } = gate;
    let to = at + 1;
    while (to < end && (ts[to]! < bound || (inclusive && ts[to] === bound)) && ts[to]! <= limit)
      to++;
    gate.receive(this.block.rows, at, to);
    gate.gone += to - at;
    this.at = to;
    return to < end && ts[to]! <= limit;
  }
}

export class ReorderQueue implements EventSink {
  readonly dictionary: EventSink['dictionary'];
  readonly stats: EventSink['stats'];
  private readonly maxWaiting: number;
  private readonly gate: Gate;
  /** In the order in which they began, which decides between equal times. */
  private runs: Run[] = [];
  /** The block that is filled, and its last run. */
  private block: Block;
  private rows: EventBatch;
  private last: Run | undefined;
  /** The first of the block's rows and runs that rows have not gone out from. */
  private freshRow = 0;
  private freshRun = 0;
  private readonly unused: EventBatch[] = [];
  private added = 0;
  private lastTs = -Infinity;
  private maxTs = -Infinity;
  /** `maxTs` at the end of the last round. */
  private roundTs = -Infinity;
  /** There while rows go out. */
  private order: TimeOrder | undefined;
  /** Rows that may go on waiting. */
  private goal = 0;

  /** @param maxWaiting rows that may wait */
  constructor(
    writer: Pick<EventSink, 'dictionary' | 'stats'>,
    receive: RowReceiver,
    maxWaiting: number = MAX_WAITING,
  ) {
    this.dictionary = writer.dictionary;
    this.stats = writer.stats;
    this.maxWaiting = maxWaiting;
    this.gate = { receive, limit: -Infinity, gone: 0 };
    this.rows = createBatch();
    this.block = { rows: this.rows, runs: 0 };
  }

  /** Rows added so far. */
  get count(): number {
    return this.added;
  }

  /** Time of the row that was added last; 0 before the first. */
  get lastTime(): number {
    return this.added === 0 ? 0 : this.lastTs;
  }

  /** The latest time of all rows; 0 before the first. */
  get latestTime(): number {
    return this.added === 0 ? 0 : this.maxTs;
  }

  /** True while rows must go out: nothing may be added then, `step` is to be called. */
  get isFlushing(): boolean {
    return this.order !== undefined;
  }

  add(
    ts: number,
    call: number,
    task: number,
    ptrLo: number,
    ptrHi: number,
    cpu: number,
    flags: number,
  ): void {
    if (this.last === undefined || ts < this.lastTs || this.rows.length === BATCH_CAPACITY) {
      this.beginRun();
    }
    const { rows } = this;
    const i = rows.length++;
    rows.ts[i] = ts;
    rows.call[i] = call;
    rows.task[i] = task;
    rows.ptrLo[i] = ptrLo;
    rows.ptrHi[i] = ptrHi;
    rows.cpu[i] = cpu;
    rows.flags[i] = flags;
    rows.stack[i] = 0;
    this.lastTs = ts;
    if (ts > this.maxTs) this.maxTs = ts;
    if (++this.added - this.gate.gone >= this.maxWaiting) this.releaseHalf();
  }

  /** Adds a stack to the row that was added last. */
  attachStack(_cpu: number, stack: number): void {
    this.rows.stack[this.rows.length - 1] = stack;
  }

  /** A round ended: what was there when the one before ended goes out. */
  finishRound(): void {
    const limit = this.roundTs;
    this.roundTs = this.maxTs;
    this.flush(limit, 0);
  }

  /** The earlier half goes out, whatever may still come before it. */
  releaseHalf(): void {
    this.flush(Infinity, (this.added - this.gate.gone) >> 1);
  }

  /** Everything goes out. */
  finish(): void {
    this.flush(Infinity, 0);
  }

  /** Lets some thousand rows out. */
  step(): void {
    const { order, gate } = this;
    if (order === undefined) return;
    const stop = gate.gone + ROWS_PER_STEP;
    while (gate.gone < stop) {
      if (!order.step() || this.added - gate.gone <= this.goal) {
        this.endFlush();
        return;
      }
    }
  }

  private flush(limit: number, goal: number): void {
    this.endRun();
    const due = this.runs.filter((run) => run.ts <= limit);
    if (due.length === 0) return;
    this.gate.limit = limit;
    this.goal = goal;
    this.order = new TimeOrder(due);
  }

  private endFlush(): void {
    this.order = undefined;
    for (const { isEmpty, block } of this.runs) {
      if (!isEmpty || --block.runs > 0) continue;
      block.rows.length = 0;
      if (block !== this.block) this.unused.push(block.rows);
    }
    this.runs = this.runs.filter((run) => !run.isEmpty);
    this.freshRow = this.rows.length;
    this.freshRun = this.runs.length;
  }

  private beginRun(): void {
    this.endRun();
    if (this.rows.length === BATCH_CAPACITY) {
      if (this.runs.length - this.freshRun > MAX_RUNS_OF_BLOCK) this.sortBlock();
      this.rows = this.unused.pop() ?? createBatch();
      this.block = { rows: this.rows, runs: 0 };
      this.freshRow = 0;
      this.freshRun = this.runs.length;
    }
    this.last = new Run(this.block, this.rows.length, this.gate);
    this.block.runs++;
    this.runs.push(this.last);
  }

  /** Makes one run of the block's rows, of which none has gone out. */
  private sortBlock(): void {
    const { block, freshRow, freshRun } = this;
    sortRows(block.rows, freshRow);
    block.runs -= this.runs.length - freshRun - 1;
    this.runs.length = freshRun;
    const run = new Run(block, freshRow, this.gate);
    run.end = block.rows.length;
    this.runs.push(run);
  }

  private endRun(): void {
    if (this.last !== undefined) this.last.end = this.rows.length;
    this.last = undefined;
  }
}

/** Sorts the rows from `from` on by their time; equal ones keep their order. */
function sortRows(rows: EventBatch, from: number): void {
  const { ts } = rows;
  const order = Uint32Array.from({ length: rows.length - from }, (_, i) => from + i);
  order.sort((a, b) => ts[a]! - ts[b]! || a - b);
  for (const name of BATCH_COLUMNS) {
    const column = rows[name];
    const old = column.slice();
    for (let i = 0; i < order.length; i++) column[from + i] = old[order[i]!]!;
  }
}
