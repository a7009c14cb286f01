// Lines of CSV → events. Nearly all rows are cut in place; those with quotes inside their fields, or
// with a line feed inside one, go through csv-parse.

import { TraceFormatError } from '../../base/errors.ts';
import type { ReadState } from '../../base/input-bytes.ts';
import type { TraceInfo } from '../../kernel/events/trace-info.ts';
import type { BatchWriter } from '../events/batch-writer.ts';
import type { CsvOptions, TraceInput, TraceReader } from '../format.ts';
import { LineBuffer, MAX_LINE_BYTES } from '../text/line-buffer.ts';
import { readSidecarFacts } from '../text/trace-facts.ts';
import { type CsvColumns, headerColumns, isHeader, namedColumns, parseRow } from './columns.ts';
import { RowCutter } from './row-cutter.ts';
import { RowEvents } from './row-events.ts';
import { timeUnitOf } from './time-unit.ts';

/** Lines of one row at most: only a task's name, of 15 bytes, can hold a line feed. */
const MAX_ROW_LINES = 16;

const NEWLINE = 0x0a;
const RETURN = 0x0d;
const HASH = 0x23;
const BYTE_ORDER_MARK = Buffer.of(0xef, 0xbb, 0xbf);

/** What is needed to read rows, once the columns are known. */
interface Table {
  readonly cutter: RowCutter;
  readonly events: RowEvents;
}

export class CsvReader implements TraceReader {
  private readonly input: TraceInput;
  private readonly options: CsvOptions;
  private readonly writer: BatchWriter;
  private readonly info: TraceInfo;
  private readonly state: ReadState = { truncated: false };
  private readonly chunks: AsyncIterator<Uint8Array>;
  private readonly buffer = new LineBuffer();
  private table: Table | undefined;
  /** Number of the line that is being read. */
  private line = 0;
  /** Lines of a row whose quote is still open. */
  private open: string[] = [];
  /** True for the first row under `--columns`: a header line that other names replace. */
  private mayBeHeader: boolean;

  constructor(input: TraceInput, writer: BatchWriter, info: TraceInfo) {
    this.input = input;
    this.options = input.csv;
    this.writer = writer;
    this.info = info;
    this.chunks = input.chunks(this.state)[Symbol.asyncIterator]();
    readSidecarFacts(input.sidecars, info);
    const { columns } = this.options;
    this.mayBeHeader = columns !== undefined;
    if (columns !== undefined) this.begin(namedColumns(columns, this.options));
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

  private finish(): void {
    this.countLong(this.buffer.finish());
    this.readLines();
    if (this.open.length > 0) this.countBad(this.open.length);
    if (this.state.truncated) this.writer.stats.add('truncated', 1, `line ${this.line}`);
    if (this.table === undefined) throw this.noHeader();
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
      if (this.line === 1 && bytes.subarray(0, 3).equals(BYTE_ORDER_MARK))
        at += BYTE_ORDER_MARK.length;
      this.readLine(at, end);
      at = end + 1;
    }
  }

  private readLine(from: number, end: number): void {
    const { bytes } = this.buffer;
    const to = end > from && bytes[end - 1] === RETURN ? end - 1 : end;
    if (this.open.length > 0) this.readOpen(from, end);
    else if (from === to || bytes[from] === HASH) return;
    else if (to - from > MAX_LINE_BYTES) {
      this.writer.stats.add('long_line', 1, `line ${this.line}`);
    } else if (this.table === undefined) this.readHeader(bytes.toString('utf8', from, to));
    else if (this.table.cutter.cut(bytes, from, to)) this.addRow(this.table, bytes);
    else this.readOpen(from, end);
  }

  /** A row that csv-parse cuts: its quotes are all closed when their number is even. */
  private readOpen(from: number, end: number): void {
    const { open, table } = this;
    open.push(this.buffer.bytes.toString('utf8', from, end));
    const text = open.join('\n');
    const isClosed = text.split('"').length % 2 === 1;
    if (!isClosed && open.length < MAX_ROW_LINES && text.length < MAX_LINE_BYTES) return;
    const fields = isClosed ? parseRow(text.replace(/\r$/, '')) : undefined;
    if (fields === undefined || table === undefined) this.countBad(open.length);
    else this.addRow(table, table.cutter.take(fields));
    this.open = [];
  }

  private addRow({ cutter, events }: Table, bytes: Buffer): void {
    const isEvent = events.add(bytes, cutter, this.line);
    if (!isEvent && !this.mayBeHeader) this.countBad(1);
    this.mayBeHeader = false;
  }

  private countBad(lines: number): void {
    this.writer.stats.add('bad_row', lines, `line ${this.line - lines + 1}`);
  }

  private readHeader(text: string): void {
    const fields = parseRow(text);
    if (fields === undefined || !isHeader(fields)) throw this.noHeader();
    this.begin(headerColumns(fields, this.options, `${this.input.path}: line ${this.line}`));
  }

  private noHeader(): TraceFormatError {
    return new TraceFormatError(`${this.input.path}: no header line that names the columns`, {
      hint: 'Add one (docs/csv.md), or name them: --columns ts,cpu,pid,event,ptr,...',
    });
  }

  private begin(columns: CsvColumns): void {
    const unit = timeUnitOf(columns, this.options, this.input.sidecars, this.info);
    this.table = {
      cutter: new RowCutter(columns.count),
      events: new RowEvents(columns, unit, this.writer, this.info),
    };
  }
}
