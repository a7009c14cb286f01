// The columns of a CSV of events (docs/csv.md), and where they stand in one file.

import { parse } from 'csv-parse/sync';
import { TraceFormatError, UsageError } from '../../base/errors.ts';
import type { CsvOptions } from '../format.ts';

export const COLUMN_NAMES = [
  'ts',
  'ts_ns',
  'cpu',
  'pid',
  'event',
  'ptr',
  'comm',
  'call_site',
  'bytes_req',
  'bytes_alloc',
  'gfp_flags',
  'node',
  'cache',
  'accounted',
  'flags',
  'stack',
  'data',
] as const;

export type ColumnName = (typeof COLUMN_NAMES)[number];

/** Columns that must be there, beside one of `ts` and `ts_ns`. */
const REQUIRED: readonly ColumnName[] = ['cpu', 'pid', 'event', 'ptr'];

/** More columns than any table of events has. */
const MAX_COLUMNS = 1024;

export interface CsvColumns {
  /** Fields of every row. */
  readonly count: number;
  /** Where the times stand, and whether that column counts nanoseconds (`ts_ns`). */
  readonly time: number;
  readonly inNanoseconds: boolean;
  /** Where a column stands; -1 where there is none. */
  indexOf(name: ColumnName): number;
}

/** The fields of one line or row; undefined where its quotes are not those of RFC 4180. */
export function parseRow(text: string): string[] | undefined {
  try {
    const rows: string[][] = parse(text, {
      relax_column_count: true,
      record_delimiter: '\n',
    });
    return rows.length === 1 ? rows[0] : undefined;
  } catch {
    return;
  }
}

/** True where a line names the columns of a table of events. */
export function isHeader(fields: readonly string[]): boolean {
  const names = fields.map(normalName);
  return names.includes('event') && (names.includes('ts') || names.includes('ts_ns'));
}

/**
 * The columns that a header line names.
 * @throws TraceFormatError where one is unknown, missing, or there twice
 */
export function headerColumns(
  fields: readonly string[],
  options: CsvOptions,
  place: string,
): CsvColumns {
  const fault = findFault(fields, options);
  if (fault !== undefined) throw new TraceFormatError(`${place}: ${fault.what}`, fault);
  return columnsOf(fields);
}

/**
 * The columns that `--columns` names.
 * @throws UsageError where one is unknown, missing, or there twice
 */
export function namedColumns(names: readonly string[], options: CsvOptions): CsvColumns {
  const fault = findFault(names, options);
  if (fault !== undefined) throw new UsageError(`--columns: ${fault.what}`, fault);
  return columnsOf(names);
}

function normalName(name: string): string {
  return name.trim().toLowerCase();
}

function isColumn(name: string): name is ColumnName {
  return COLUMN_NAMES.some((column) => column === name);
}

/** Where columns of these names stand, which are known to be right. */
export function columnsOf(fields: readonly string[]): CsvColumns {
  const names = fields.map(normalName);
  const nanoseconds = names.indexOf('ts_ns');
  return {
    count: names.length,
    time: nanoseconds < 0 ? names.indexOf('ts') : nanoseconds,
    inNanoseconds: nanoseconds >= 0,
    indexOf: (name) => names.indexOf(name),
  };
}

interface Fault {
  readonly what: string;
  readonly hint: string;
}

const KNOWN = `Known: ${COLUMN_NAMES.join(', ')}.`;

function findFault(fields: readonly string[], options: CsvOptions): Fault | undefined {
  const names = fields.map(normalName);
  if (names.length > MAX_COLUMNS) return { what: `more than ${MAX_COLUMNS} columns`, hint: KNOWN };
  const known = names.filter(isColumn);
  const unknown = names.find((name) => !isColumn(name));
  if (unknown !== undefined && !options.ignoreColumns) {
    return {
      what: `unknown column "${unknown}"`,
      hint: `${KNOWN} --ignore-columns passes over others.`,
    };
  }
  const twice = known.find((name, i) => known.indexOf(name) !== i);
  if (twice !== undefined) return { what: `column "${twice}" is there twice`, hint: KNOWN };
  const hasTime = known.includes('ts') || known.includes('ts_ns');
  const missing = hasTime ? REQUIRED.find((name) => !known.includes(name)) : 'ts';
  if (missing === undefined) return;
  return {
    what: `no column "${missing}"`,
    hint: 'ts (or ts_ns), cpu, pid, event and ptr are needed.',
  };
}
