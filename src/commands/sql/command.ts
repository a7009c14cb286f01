// `slabreplay sql RUN.db [QUERY]`: SQL over everything, events included; read only.

import { readFileSync } from 'node:fs';
import type { Cell } from '../../render/table.ts';
import type { MakingCommand } from '../shared/command.ts';
import { argument, flag, text } from '../shared/specs.ts';

interface SqlOptions {
  readonly database: string;
  readonly query?: string;
  readonly json?: boolean;
  readonly csv?: boolean;
}

const HELP = `
Tables: run, ingest_stat, cache, call_site, free_site, kernel_cache, live_object, finding, rate_bin, …
(schema.sql describes them), and of the events
  event                        all of them; a WHERE on it still reads everything
  event_range(FROM_NS, TO_NS)  the same columns, reading only that time
Example:
  slabreplay sql RUN.db "SELECT cache, sum(bytes_alloc) FROM live_object GROUP BY 1 ORDER BY 2 DESC"`;

/** Rows are printed while the database is open: there may be more than memory holds. */
export const sql: MakingCommand<SqlOptions> = {
  name: 'sql',
  summary: 'SQL over a run database; the query from standard input where none is given',
  reads: 'database',
  options: {
    database: argument('<database>'),
    query: text('[query]', ''),
    json: flag('--json', 'print the rows as JSON'),
    csv: flag('--csv', 'print the rows as CSV'),
  },
  epilog: HELP,
  async run({ database, query = readFileSync(0, 'utf8'), json, csv }) {
    const { queryRun } = await import('./query-run.ts');
    const { csvLine, renderTable } = await import('../../render/table.ts');
    await queryRun(database, query, ({ columns, rows }) => {
      if (csv) {
        process.stdout.write(csvLine(columns));
        for (const row of rows) process.stdout.write(csvLine(row.map(toCell)));
      } else if (json) {
        const objects = [...rows].map((row) =>
          Object.fromEntries(columns.map((name, i) => [name, toCell(row[i])])),
        );
        process.stdout.write(`${JSON.stringify(objects, jsonValue, 1)}\n`);
      } else {
        const cells = [...rows].map((row) => row.map(toCell));
        const titles = columns.map((title, i) => ({
          title,
          align: typeof cells[0]?.[i] === 'string' ? ('left' as const) : ('right' as const),
        }));
        process.stdout.write(renderTable(titles, cells, { width: 0 }));
      }
    });
    return undefined;
  },
  render: null,
};

function toCell(value: unknown): Cell {
  if (value === null || value === undefined) return null;
  if (Buffer.isBuffer(value)) return `x'${value.toString('hex')}'`;
  return typeof value === 'bigint' || typeof value === 'number' ? value : String(value);
}

/** Integers that a double does not hold are given as digits. */
function jsonValue(_: string, value: unknown): unknown {
  return typeof value === 'bigint' ? value.toString() : value;
}
