// The tables `event` and `event_range(FROM_NS, TO_NS)` over the segments. SQLite shows a virtual table
// of better-sqlite3 no WHERE clause, so `event` always reads everything; the form with parameters
// reads only the segments of its time.

import type Database from 'better-sqlite3';
import { present } from '../base/assert.ts';
import { UsageError } from '../base/errors.ts';
import { ACCOUNTED, type Dictionary, NODE_UNKNOWN } from '../kernel/events/dictionary.ts';
import { createBatch, type EventBatch, FLAGS_UNKNOWN } from '../kernel/events/event-batch.ts';
import { EVENT_NAMES } from '../kernel/events/event-kind.ts';
import { formatGfpFlags } from '../kernel/events/gfp-flags.ts';
import { formatIrqFlags } from '../kernel/events/irq-flags.ts';
import type { GfpName, TraceInfo } from '../kernel/events/trace-info.ts';
import type { EventRow } from '../kernel/indices.ts';
import { damagedRow } from './open-database.ts';
import { decodeSegment, type SegmentRow } from './segment-codec.ts';
import { type SqlValue, toStorable } from './sql-value.ts';

export const EVENT_COLUMNS: string[] = [
  'seq',
  'ts_ns',
  'cpu',
  'pid',
  'comm',
  'event',
  'site',
  'symbol',
  'ptr',
  'bytes_req',
  'bytes_alloc',
  'gfp_flags',
  'node',
  'cache',
  'stack',
  'flags',
  'accounted',
];

/** What the rows of events need beside the segments. */
export interface EventTableInput {
  readonly dictionary: Dictionary;
  readonly info: TraceInfo;
  readonly gfpNames: readonly GfpName[];
  /** `symbol+0xoff [module]` of a site, by id. */
  readonly siteLabels: readonly (string | null)[];
  /** The cache that the analysis gave a call, by id. */
  readonly cacheOfCall: readonly (string | null)[];
}

/** Registers both tables on a connection. */
export function registerEventTables(
  db: Database.Database,
  reader: Database.Database,
  input: EventTableInput,
): void {
  const rows = new EventRows(input);
  db.table('event', {
    columns: EVENT_COLUMNS,
    *rows() {
      yield* rows.read(reader, undefined, undefined);
    },
  });
  // Cast: the types of better-sqlite3 know no optional parameters.
  db.table('event_range', {
    columns: EVENT_COLUMNS,
    parameters: ['from_ns', 'to_ns'],
    *rows(from: unknown, to: unknown) {
      yield* rows.read(reader, toTime(from, Math.ceil), toTime(to, Math.floor));
    },
  } as Parameters<typeof db.table>[1]);
}

/** A bound as SQL gives it, rounded into the range; undefined where it is left out. */
function toTime(value: unknown, round: (time: number) => number): bigint | undefined {
  if (value === undefined || typeof value === 'bigint') return value;
  if (typeof value === 'number' && Number.isFinite(value)) return BigInt(round(value));
  throw new UsageError('event_range(FROM_NS, TO_NS) takes two times as numbers');
}

/** event, call_site, symbol, bytes_req, bytes_alloc, gfp, node, cache, accounted */
type CallValues = readonly [
  SqlValue,
  SqlValue,
  SqlValue,
  SqlValue,
  SqlValue,
  SqlValue,
  SqlValue,
  SqlValue,
  SqlValue,
];

/** Events as rows of SQL values. */
export class EventRows {
  private readonly input: EventTableInput;
  /** What is the same in all events of a call, by call. */
  private readonly ofCall: (CallValues | undefined)[] = [];

  constructor(input: EventTableInput) {
    this.input = input;
  }

  /** @param from, to clock units; undefined: no bound */
  *read(
    db: Database.Database,
    from: bigint | undefined,
    to: bigint | undefined,
  ): Generator<SqlValue[]> {
    const { originNs } = this.input.info;
    const lowest = from ?? -(2n ** 63n);
    const highest = to ?? 2n ** 63n - 1n;
    const batch = createBatch();
    // One segment at a time: a query with LIMIT leaves this generator where it is, and a statement
    // that is still running would keep the connection from being closed.
    const ids = db
      .prepare<[bigint, bigint], number>(
        'SELECT id FROM segment WHERE max_ns >= ? AND min_ns <= ? ORDER BY id',
      )
      .pluck()
      .all(lowest, highest);
    const select = db.prepare<[number], SegmentRow>('SELECT * FROM segment WHERE id = ?');
    for (const id of ids) {
      const segment = present(select.get(id));
      const fault = decodeSegment(segment, batch, this.input.dictionary);
      if (fault !== undefined) throw damagedRow(db.name, 'segment', `id ${id}`, fault);
      for (let i: EventRow = 0; i < batch.length; i++) {
        const ts = originNs + BigInt(batch.ts[i]);
        if (ts < lowest || ts > highest) continue;
        yield this.row(batch, i, segment.first_seq + i);
      }
    }
  }

  /** The values of an event, in the order of EVENT_COLUMNS. */
  row(batch: EventBatch, i: EventRow, seq: number): SqlValue[] {
    const { dictionary, info } = this.input;
    const { tasks, strings } = dictionary;
    const ts = info.originNs + BigInt(batch.ts[i]);
    const call = batch.call[i];
    const task = batch.task[i];
    const [event, site, symbol, bytesReq, bytesAlloc, gfp, node, cache, accounted] =
      this.fields(call);
    const flags = batch.flags[i];
    return [
      seq,
      BigInt.asIntN(64, ts),
      batch.cpu[i],
      task === 0 ? null : tasks.pid(task),
      task === 0 ? null : strings.get(tasks.comm(task)),
      event,
      site,
      symbol,
      `0x${hex(batch.ptrHi[i])}${hex(batch.ptrLo[i])}`,
      bytesReq,
      bytesAlloc,
      gfp,
      node,
      cache,
      this.stackText(batch.stack[i]),
      flags === FLAGS_UNKNOWN ? null : formatIrqFlags(flags),
      accounted,
    ];
  }

  private fields(call: number): CallValues {
    let fields = this.ofCall[call];
    if (fields === undefined) {
      fields = this.fieldsOf(call);
      this.ofCall[call] = fields;
    }
    return fields;
  }

  private fieldsOf(call: number): CallValues {
    const { dictionary, gfpNames, siteLabels, cacheOfCall } = this.input;
    const c = dictionary.calls.get(call);
    const { sites, strings } = dictionary;
    const lo = sites.lo(c.site);
    const hi = sites.hi(c.site);
    const isAlloc = c.bytesReq > 0 || c.bytesAlloc > 0;
    return [
      EVENT_NAMES[c.kind] ?? null,
      lo === 0 && hi === 0 ? null : `0x${hex(hi)}${hex(lo)}`,
      siteLabels[c.site] ?? null,
      isAlloc ? toStorable(BigInt(c.bytesReq)) : null,
      isAlloc ? toStorable(BigInt(c.bytesAlloc)) : null,
      c.gfpKnown ? formatGfpFlags(c.gfp, gfpNames) : null,
      c.node === NODE_UNKNOWN ? null : c.node,
      c.cache === 0 ? (cacheOfCall[call] ?? null) : strings.get(c.cache),
      c.accounted === ACCOUNTED.unknown ? null : c.accounted === ACCOUNTED.yes ? 1 : 0,
    ];
  }

  private stackText(stack: number): string | null {
    if (stack === 0) return null;
    const { stacks } = this.input.dictionary;
    return [...stacks.frames(stack)].map((frame) => this.input.siteLabels[frame] ?? '?').join(';');
  }
}

function hex(word: number): string {
  return word.toString(16).padStart(8, '0');
}
