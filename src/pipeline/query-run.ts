// SQL over a run database.

import { TraceFormatError } from '../base/errors.ts';
import { type QueryResult, RunQuery } from '../store/sql-query.ts';
import { findSource } from './find-source.ts';
import { openOrIngest } from './open-database.ts';

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
