// Writes a run database: events as they come, the rest when they have ended. The file gets its name
// only when it is whole; an ingest that dies leaves nothing under it.

import Database from 'better-sqlite3';
import { OutputError, ToolError } from '../base/errors.ts';
import { PartialFile } from '../base/partial-file.ts';
import type { EventBatch } from '../kernel/events/event-batch.ts';
import type { EventRow } from '../kernel/indices.ts';
import { APPLICATION_ID, readSchema, SCHEMA_VERSION } from './schema.ts';
import { encodeBatch } from './segment-codec.ts';
import { type SqlValue, toStorable } from './sql-value.ts';
import { describeSqlError, isFull } from './sqlite-error.ts';

export class TraceStore {
  private readonly path: string;
  private readonly file: PartialFile;
  private readonly db: Database.Database;
  private readonly insertSegment: Database.Statement;
  private segments = 0;
  private events = 0;

  /** @throws OutputError where the file exists (without `force`) or cannot be made */
  constructor(path: string, force: boolean) {
    this.path = path;
    this.file = new PartialFile(path, force);
    const db = createDatabase(path, this.file);
    this.db = db;
    this.insertSegment = db.prepare(
      `INSERT INTO segment VALUES (${Array.from({ length: 13 }, () => '?').join(', ')})`,
    );
    db.exec('BEGIN');
  }

  /** Adds a batch. `originNs` is what its times count from. */
  addBatch(batch: EventBatch, originNs: bigint): void {
    let min = Number.POSITIVE_INFINITY;
    let max = Number.NEGATIVE_INFINITY;
    for (let i: EventRow = 0; i < batch.length; i++) {
      const ts = batch.ts[i];
      if (ts < min) min = ts;
      if (ts > max) max = ts;
    }
    if (batch.length === 0) return;
    this.guard(() =>
      this.insertSegment.run(
        this.segments++,
        this.events,
        batch.length,
        BigInt.asIntN(64, originNs + BigInt(min)),
        BigInt.asIntN(64, originNs + BigInt(max)),
        ...encodeBatch(batch),
      ),
    );
    this.events += batch.length;
  }

  /** Adds rows to a table, each with a value for every column. */
  addRows(table: string, rows: Iterable<readonly SqlValue[]>): void {
    let statement: Database.Statement | undefined;
    this.guard(() => {
      for (const row of rows) {
        statement ??= this.db.prepare(
          `INSERT INTO "${table}" VALUES (${row.map(() => '?').join(', ')})`,
        );
        statement.run(...row.map(toStorable));
      }
    });
  }

  /** Makes it a run database and gives it its name. */
  finish(): void {
    this.guard(() => {
      this.db.exec('COMMIT');
      this.db.pragma(`application_id = ${APPLICATION_ID}`);
      this.db.pragma(`user_version = ${SCHEMA_VERSION}`);
      this.db.close();
      this.file.finish();
    });
  }

  /** Throws away what was written. */
  abandon(): void {
    if (this.db.open) this.db.close();
    this.file.abandon();
  }

  private guard(write: () => void): void {
    try {
      write();
    } catch (error) {
      if (error instanceof ToolError) throw error;
      throw new OutputError(`${this.path}: cannot be written: ${describeSqlError(error)}`, {
        ...(isFull(error) ? { hint: 'The device is full.' } : {}),
        cause: error,
      });
    }
  }
}

/** An empty database with the schema, under the name that it has until it is whole. */
function createDatabase(path: string, file: PartialFile): Database.Database {
  let db: Database.Database | undefined;
  try {
    if (!file.isFile) throw new Error('is no file');
    db = new Database(file.partial);
    // Nothing to protect: a database that is not finished is thrown away.
    db.pragma('journal_mode = MEMORY');
    db.pragma('synchronous = OFF');
    db.pragma('locking_mode = EXCLUSIVE');
    db.pragma('page_size = 16384');
    db.exec(readSchema());
    return db;
  } catch (error) {
    db?.close();
    file.abandon();
    throw new OutputError(`${path}: cannot be made: ${describeSqlError(error)}`, { cause: error });
  }
}
