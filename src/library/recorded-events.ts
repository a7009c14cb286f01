// The events of a run as objects, for programs that look at them one by one. Results are built from
// batches (kernel/events/event-batch.ts), without an object for an event.

import type { EventBatch } from '../kernel/events/event-batch.ts';
import type { EventRow } from '../kernel/indices.ts';
import { EVENT_COLUMNS, EventRows, type EventTableInput } from '../store/event-table.ts';
import type { SqlValue } from '../store/sql-value.ts';

/** One event; what the trace does not tell is null. The columns of the table `event` (docs/sql.md). */
export interface RecordedEvent {
  /** From 0, in the order of time. */
  readonly seq: number;
  /** Nanoseconds, or units of the trace's clock. */
  readonly timeNs: bigint;
  readonly cpu: number;
  readonly pid: number | null;
  readonly comm: string | null;
  /** `kmalloc`, `kmem_cache_free`, … */
  readonly event: string;
  /** The address of the call site, `0x…`. */
  readonly site: string | null;
  /** `symbol+0xoff [module]` */
  readonly symbol: string | null;
  /** The address of the object, `0x…` of 16 hex digits. */
  readonly ptr: string;
  readonly bytesReq: number | null;
  readonly bytesAlloc: number | null;
  readonly gfpFlags: string | null;
  readonly node: number | null;
  /** As the event prints it, else as the whole run tells it. */
  readonly cache: string | null;
  /** Innermost first; empty where none was recorded. */
  readonly stack: readonly string[];
  /** The latency letters (`dNh2`). */
  readonly flags: string | null;
  readonly accounted: boolean | null;
}

const AT: Readonly<Record<string, number>> = Object.fromEntries(
  EVENT_COLUMNS.map((name, i) => [name, i]),
);

/** Turns the rows of batches into objects. */
export class EventObjects {
  private readonly rows: EventRows;
  private seq = 0;

  constructor(input: EventTableInput) {
    this.rows = new EventRows(input);
  }

  /** The events of the next batch. */
  *of(batch: EventBatch): Generator<RecordedEvent> {
    for (let i: EventRow = 0; i < batch.length; i++)
      yield toEvent(this.rows.row(batch, i, this.seq++));
  }
}

function toEvent(row: readonly SqlValue[]): RecordedEvent {
  const value = (name: string): SqlValue => row[AT[name] ?? -1] ?? null;
  const text = (name: string): string | null => {
    const found = value(name);
    return found === null ? null : String(found);
  };
  const number = (name: string): number | null => {
    const found = value(name);
    return found === null ? null : Number(found);
  };
  const stack = text('stack');
  const accounted = number('accounted');
  return {
    seq: number('seq') ?? 0,
    timeNs: BigInt(text('ts_ns') ?? 0),
    cpu: number('cpu') ?? 0,
    pid: number('pid'),
    comm: text('comm'),
    event: text('event') ?? '',
    site: text('site'),
    symbol: text('symbol'),
    ptr: text('ptr') ?? '',
    bytesReq: number('bytes_req'),
    bytesAlloc: number('bytes_alloc'),
    gfpFlags: text('gfp_flags'),
    node: number('node'),
    cache: text('cache'),
    stack: stack === null ? [] : stack.split(';'),
    flags: text('flags'),
    accounted: accounted === null ? null : accounted === 1,
  };
}
