// Objects of JSON → events, through the rows of CSV: the same columns, units and rules (docs/csv.md).

import { TraceFormatError, UsageError } from '../../base/errors.ts';
import type { ReadState } from '../../base/input-bytes.ts';
import { EVENT_NAMES } from '../../kernel/events/event-kind.ts';
import type { TraceInfo } from '../../kernel/events/trace-info.ts';
import { COLUMN_NAMES, columnsOf } from '../csv/columns.ts';
import { RowCutter } from '../csv/row-cutter.ts';
import { RowEvents } from '../csv/row-events.ts';
import { timeUnitOf } from '../csv/time-unit.ts';
import type { BatchWriter } from '../events/batch-writer.ts';
import type { EventsSeen, TraceInput, TraceReader } from '../format.ts';
import { readSidecarFacts } from '../text/trace-facts.ts';
import {
  columnOf,
  EventColumns,
  type EventObject,
  eventOf,
  parseEventObject,
} from './event-object.ts';
import { ObjectCutter } from './object-cutter.ts';

const KNOWN_EVENTS: ReadonlySet<string> = new Set(EVENT_NAMES.slice(1));

/** What is needed to read events, once the first has shown its time. */
interface Table {
  readonly cutter: RowCutter;
  readonly keys: EventColumns;
  readonly events: RowEvents;
}

export class JsonReader implements TraceReader {
  private readonly input: TraceInput;
  private readonly writer: BatchWriter;
  private readonly info: TraceInfo;
  private readonly state: ReadState = { truncated: false };
  private readonly chunks: AsyncIterator<Uint8Array>;
  private readonly cutter: ObjectCutter;
  private readonly others = new Map<string, number>();
  private table: Table | undefined;

  /** @throws UsageError for --columns */
  constructor(input: TraceInput, writer: BatchWriter, info: TraceInfo) {
    if (input.csv.columns !== undefined) {
      throw new UsageError(`--columns: ${input.path} is JSON, whose objects name their values`);
    }
    this.input = input;
    this.writer = writer;
    this.info = info;
    this.chunks = input.chunks(this.state)[Symbol.asyncIterator]();
    this.cutter = new ObjectCutter({
      object: (text, line) => this.readObject(text, line),
      broken: (line) => this.countBad(line),
    });
    readSidecarFacts(input.sidecars, info);
  }

  async step(): Promise<boolean> {
    const next = await this.chunks.next();
    if (next.done !== true) {
      this.cutter.push(next.value);
      return true;
    }
    this.cutter.finish();
    if (this.state.truncated) this.writer.stats.add('truncated');
    return false;
  }

  progress(): number {
    return this.input.share();
  }

  seen(): EventsSeen {
    const record = 'trace-cmd record -e kmem, or perf record -a -e "kmem:*"';
    return { described: [], others: this.others, record };
  }

  close(): void {
    this.chunks.return?.().catch(() => undefined);
  }

  private countBad(line: number): void {
    this.writer.stats.add('bad_row', 1, `line ${line}`);
  }

  private readObject(text: string, line: number): void {
    const fields = parseEventObject(text);
    if (fields === undefined) {
      this.countBad(line);
      return;
    }
    const event = eventOf(fields);
    if (!KNOWN_EVENTS.has(event)) {
      this.writer.stats.add('other_events');
      const name = event === '' ? 'objects without the name of an event' : event;
      this.others.set(name, (this.others.get(name) ?? 0) + 1);
      return;
    }
    this.table ??= this.begin(fields);
    const { cutter, keys, events } = this.table;
    const row = keys.row(fields, event);
    if ('unknown' in row) throw this.unknownKey(row.unknown, line);
    if (!events.add(cutter.take(row), cutter, line)) this.countBad(line);
  }

  private unknownKey(key: string, line: number): TraceFormatError {
    return new TraceFormatError(`${this.input.path}: line ${line}: unknown key "${key}"`, {
      hint: `Known: ${COLUMN_NAMES.join(', ')}, and other spellings (docs/csv.md). --ignore-columns passes over others.`,
    });
  }

  /** The first event shows whether times are seconds or nanoseconds. */
  private begin(fields: EventObject): Table {
    const { csv, sidecars } = this.input;
    const isNanoseconds = [...fields.keys()].some((key) => columnOf(key) === 'ts_ns');
    const other = isNanoseconds ? 'ts' : 'ts_ns';
    const names = COLUMN_NAMES.filter((name) => name !== other);
    const columns = columnsOf(names);
    const unit = timeUnitOf(columns, csv, sidecars, this.info);
    return {
      cutter: new RowCutter(columns.count),
      keys: new EventColumns(names, csv.ignoreColumns),
      events: new RowEvents(columns, unit, this.writer, this.info),
    };
  }
}
