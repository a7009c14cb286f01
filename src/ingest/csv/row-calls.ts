// The fields of a row that make up its call (all that is the same each time it is made) → an entry of
// Dictionary.calls. Fields that stand side by side are looked up as one run of bytes, so that each
// distinct call of a file is interpreted once.

import { ByteTable } from '../../base/byte-table.ts';
import { TupleTable } from '../../base/tuple-table.ts';
import type { ColumnName, CsvColumns } from './columns.ts';
import { MAX_TEXT_BYTES, MAX_TEXTS } from './known-texts.ts';
import type { RowCutter } from './row-cutter.ts';

/** Columns whose fields are those of every call. */
const CALL_COLUMNS: readonly ColumnName[] = [
  'event',
  'call_site',
  'bytes_req',
  'bytes_alloc',
  'gfp_flags',
  'node',
  'cache',
  'accounted',
  'data',
];

/** The fields of a row by column; '' where it has none. */
export type RowFields = (column: ColumnName) => string;

/** Columns that stand side by side. */
interface Run {
  readonly first: number;
  last: number;
}

export class RowCalls {
  private readonly runs: readonly Run[];
  private readonly interpret: (fields: RowFields) => number;
  private readonly indexOf: ReadonlyMap<ColumnName, number>;
  private readonly tuple: Uint32Array;
  private tables: ByteTable[] = [];
  private tuples: TupleTable;
  /** By tuple: what `interpret` said. */
  private calls: number[] = [];
  private bytes = 0;

  /** @param interpret the call that the fields describe: index into Dictionary.calls, or -1 */
  constructor(columns: CsvColumns, interpret: (fields: RowFields) => number) {
    this.runs = runsOf(columns);
    this.interpret = interpret;
    this.indexOf = new Map(
      [...CALL_COLUMNS, 'flags' as const].map((name) => [name, columns.indexOf(name)]),
    );
    this.tuple = new Uint32Array(this.runs.length);
    this.tuples = new TupleTable(this.runs.length);
    this.forget();
  }

  /** The call of a row, or -1 where its fields are none. */
  find(bytes: Buffer, row: RowCutter): number {
    const { runs, tables, tuple } = this;
    for (let i = 0; i < runs.length; i++) {
      const run = runs[i]!;
      tuple[i] = tables[i]!.intern(bytes, row.starts[run.first]!, row.ends[run.last]!);
    }
    const id = this.tuples.intern(tuple);
    const known = this.calls[id];
    if (known !== undefined) return known;
    const call = this.read(bytes, row);
    this.calls[id] = call;
    for (const { first, last } of runs) this.bytes += row.ends[last]! - row.starts[first]!;
    if (this.tuples.length > MAX_TEXTS || this.bytes > MAX_TEXT_BYTES) this.forget();
    return call;
  }

  /** As `find`, with a look at `flags` too, where a cache_create may have attributes. */
  read(bytes: Buffer, row: RowCutter): number {
    return this.interpret((column) => {
      const at = this.indexOf.get(column) ?? -1;
      return at < 0 ? '' : bytes.toString('utf8', row.starts[at], row.ends[at]);
    });
  }

  private forget(): void {
    this.tables = this.runs.map(() => new ByteTable());
    this.tuples = new TupleTable(this.runs.length);
    this.calls = [];
    this.bytes = 0;
  }
}

function runsOf(columns: CsvColumns): Run[] {
  const places = CALL_COLUMNS.map((name) => columns.indexOf(name))
    .filter((at) => at >= 0)
    .sort((a, b) => a - b);
  const runs: Run[] = [];
  for (const at of places) {
    const run = runs.at(-1);
    if (run !== undefined && run.last === at - 1) run.last = at;
    else runs.push({ first: at, last: at });
  }
  return runs;
}
