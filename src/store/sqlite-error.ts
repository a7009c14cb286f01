// What SQLite says when something goes wrong, in words.

import Database from 'better-sqlite3';
import { describeError } from '../base/errors.ts';

/** SQLite's own words; else those of the system's error. */
export function describeSqlError(error: unknown): string {
  return error instanceof Database.SqliteError ? error.message : describeError(error);
}

/** True where the device has no room left. */
export function isFull(error: unknown): boolean {
  return error instanceof Database.SqliteError && error.code === 'SQLITE_FULL';
}

/** True where the file does not hold what SQLite wrote. */
export function isDamage(error: unknown): boolean {
  return error instanceof Database.SqliteError && /CORRUPT|NOTADB|IOERR/.test(error.code);
}
