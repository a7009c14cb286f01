// SQL over a run database.

import { openOrIngest } from '../../analysis/store-run/open-database.ts';
import { TraceFormatError } from '../../base/errors.ts';
import { findSource } from '../../recording/find-source.ts';
import { type QueryResult, RunQuery } from '../../store/sql-query.ts';

/** @throws TraceFormatError where the source is no database */
export async function queryRun(
  path: string,
  sql: string,
  use: (result: QueryResult) => void,
): Promise<void> {
  if (findSource(path).kind !== 'database') {
    throw new TraceFormatError(`${path}: not a run database`, {
      hint: `Make one with: slabreplay ingest ${path} -o RUN.db`,
    });
  }
  const opened = await openOrIngest({ source: path });
  try {
    const query = new RunQuery(path, opened.tables);
    try {
      use(query.run(sql));
    } finally {
      query.close();
    }
  } finally {
    opened.close();
  }
}
