// Opens a run database for reading, or says why the file is none.

import { existsSync } from 'node:fs';
import Database from 'better-sqlite3';
import { InputError, StoreError } from '../base/errors.ts';
import { APPLICATION_ID, SCHEMA_VERSION } from './schema.ts';
import { describeSqlError } from './sqlite-error.ts';

/**
 * @throws StoreError where the file is not a run database that this version reads, InputError where
 *   there is none
 */
export function openRunDatabase(path: string): Database.Database {
  if (!existsSync(path)) throw new InputError(`${path}: no such file or directory`);
  let db: Database.Database | undefined;
  try {
    db = new Database(path, { readonly: true, fileMustExist: true });
    db.pragma('query_only = ON');
    const application = db.pragma('application_id', { simple: true });
    const version = db.pragma('user_version', { simple: true });
    if (application !== APPLICATION_ID) {
      throw new StoreError(`${path}: an SQLite database, but none of slabreplay`, {
        hint: 'Make one with: slabreplay ingest TRACE -o RUN.db',
      });
    }
    if (version !== SCHEMA_VERSION) {
      throw new StoreError(
        `${path}: schema version ${version}, this slabreplay reads ${SCHEMA_VERSION}`,
        { hint: 'Ingest the recording again, or use the version that wrote it.' },
      );
    }
    return db;
  } catch (error) {
    db?.close();
    if (error instanceof StoreError) throw error;
    throw damaged(path, error);
  }
}

/** What SQLite complains about while reading a database of ours. */
export function damaged(path: string, error: unknown): StoreError {
  return new StoreError(`${path}: the database is damaged: ${describeSqlError(error)}`, {
    hint: 'Ingest the recording again.',
    cause: error,
  });
}

/** A row that holds what was never written there. `row` names it: `id 3`. */
export function damagedRow(path: string, table: string, row: string, fault: string): StoreError {
  return new StoreError(`${path}: the database is damaged: table ${table}, ${row}: ${fault}`, {
    hint: 'Ingest the recording again.',
  });
}

/** What goes wrong with a file that was opened as a run database. */
export function asDamage(path: string, error: unknown): StoreError {
  return error instanceof StoreError ? error : damaged(path, error);
}
