// A run database as an SQLite file with real rows for every event, for tools that know no segments.

import { setImmediate } from 'node:timers/promises';
import Database from 'better-sqlite3';
import { OutputError, ToolError } from '../base/errors.ts';
import { PartialFile } from '../base/partial-file.ts';
import { EventRows, type EventTableInput } from './event-table.ts';
import { openRunDatabase } from './open-database.ts';
import { describeSqlError } from './sqlite-error.ts';

const EVENT_TABLE = `CREATE TABLE event (
  seq INTEGER PRIMARY KEY, ts_ns INTEGER NOT NULL, cpu INTEGER NOT NULL, pid INTEGER, comm TEXT,
  event TEXT NOT NULL, site TEXT, symbol TEXT, ptr TEXT NOT NULL, bytes_req INTEGER,
  bytes_alloc INTEGER, gfp_flags TEXT, node INTEGER, cache TEXT, stack TEXT, flags TEXT,
  accounted INTEGER
) STRICT`;

/** Tables whose rows are taken over as they are. */
const COPIED = ['run', 'ingest_stat', 'cache', 'call_site', 'free_site', 'kernel_cache', 'finding'];

/**
 * @returns the number of events written
 * @throws OutputError where the file exists (without `force`) or cannot be written
 */
export async function writeEventRows(
  source: string,
  input: EventTableInput,
  path: string,
  force: boolean,
): Promise<number> {
  const file = new PartialFile(path, force);
  let reader: Database.Database | undefined;
  let target: Database.Database | undefined;
  try {
    if (!file.isFile) throw new OutputError(`${path}: is no file that a database could be in`);
    reader = openRunDatabase(source);
    target = new Database(file.partial);
    target.pragma('journal_mode = MEMORY');
    target.pragma('synchronous = OFF');
    target.exec(EVENT_TABLE);
    const insert = target.prepare(
      `INSERT INTO event VALUES (${Array.from({ length: 17 }, () => '?').join(', ')})`,
    );
    let count = 0;
    target.exec('BEGIN');
    for (const row of new EventRows(input).read(reader, undefined, undefined)) {
      insert.run(...row);
      if (++count % 16384 === 0) await setImmediate(); // lets signals through
    }
    target.exec('COMMIT');
    target.prepare('ATTACH ? AS source').run(source);
    for (const table of COPIED) {
      target.exec(`CREATE TABLE "${table}" AS SELECT * FROM source."${table}"`);
    }
    target.exec('CREATE TABLE live_object AS SELECT * FROM source.live_object');
    target.exec('DETACH source');
    target.close();
    file.finish();
    return count;
  } catch (error) {
    target?.close();
    file.abandon();
    if (error instanceof ToolError) throw error;
    throw new OutputError(`${path}: cannot be written: ${describeSqlError(error)}`, {
      cause: error,
    });
  } finally {
    reader?.close();
  }
}
