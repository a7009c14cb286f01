// SQL over a run database, the events included, read only.

import Database from 'better-sqlite3';
import { UsageError } from '../base/errors.ts';
import { type EventTableInput, registerEventTables } from './event-table.ts';
import { damaged, openRunDatabase } from './open-database.ts';
import { isDamage } from './sqlite-error.ts';

export interface QueryResult {
  readonly columns: readonly string[];
  /** Values as SQLite has them; integers beyond 2^53 as bigint. */
  readonly rows: Iterable<readonly unknown[]>;
}

export class RunQuery {
  private readonly path: string;
  private readonly db: Database.Database;
  private readonly reader: Database.Database;

  constructor(path: string, input: EventTableInput) {
    this.path = path;
    // Times beyond 2^53 are exact only so, as parameters of event_range too.
    this.db = openRunDatabase(path).defaultSafeIntegers(true);
    // The segments are read on a connection of their own while a query runs on the first.
    this.reader = openRunDatabase(path).defaultSafeIntegers(false);
    registerEventTables(this.db, this.reader, input);
  }

  /** @throws UsageError where SQLite rejects the query */
  run(sql: string): QueryResult {
    let statement: Database.Statement<[], unknown[]>;
    try {
      statement = this.db.prepare<[], unknown[]>(sql);
    } catch (error) {
      throw this.rejected(error);
    }
    if (!statement.reader) {
      throw new UsageError('the query gives no rows; a run database is only read', {
        hint: 'Use SELECT.',
      });
    }
    return {
      columns: statement.columns().map((column) => column.name),
      rows: this.rows(statement.raw(true)),
    };
  }

  close(): void {
    this.db.close();
    this.reader.close();
  }

  private *rows(statement: Database.Statement<[], unknown[]>): Generator<readonly unknown[]> {
    try {
      for (const row of statement.iterate()) yield row.map(plain);
    } catch (error) {
      throw this.rejected(error);
    }
  }

  private rejected(error: unknown): Error {
    if (isDamage(error)) return damaged(this.path, error);
    // A RangeError is better-sqlite3's: no statement, several, or values that are to be bound.
    if (error instanceof Database.SqliteError || error instanceof RangeError) {
      return new UsageError(`the query failed: ${error.message}`, {
        hint: '`slabreplay sql --help` names the tables.',
        cause: error,
      });
    }
    return error instanceof Error ? error : new Error(String(error));
  }
}

/** Integers as numbers where a double holds them. */
function plain(value: unknown): unknown {
  if (typeof value !== 'bigint') return value;
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value;
}
