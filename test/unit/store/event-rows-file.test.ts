import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import Database from 'better-sqlite3';
import { describe, expect, test } from 'vitest';
import { OutputError, StoreError } from '../../../src/base/errors.ts';
import { writeEventRows } from '../../../src/store/event-rows-file.ts';
import { RunQuery } from '../../../src/store/sql-query.ts';
import { storeTrace, tablesOf, testFolder } from '../../helpers/stored.ts';

const LINES = `
  @1000 cpu3 bash-7 alloc kmalloc-64 0xffff888012345678 40 by=a+0x1 stack=a+0x1;b+0x2
  @2000 free dentry 0xff11000000000040
  @3000 free NULL`;

/** All rows of a table of a plain SQLite file. */
function rowsOf(path: string, table: string): unknown[] {
  const db = new Database(path, { readonly: true });
  try {
    return db.prepare(`SELECT * FROM ${table}`).raw().all();
  } finally {
    db.close();
  }
}

describe('events as real rows', () => {
  test('are those of the table `event`', async () => {
    const source = storeTrace(LINES, { batchSize: 2 });
    const path = join(dirname(source), 'rows.db');
    expect(await writeEventRows(source, tablesOf(source), path, false)).toBe(3);
    const query = new RunQuery(source, tablesOf(source));
    expect(rowsOf(path, 'event')).toEqual(
      Array.from(query.run('SELECT * FROM event').rows, (row) => [...row]),
    );
    query.close();
  });

  test('come with the results', async () => {
    const live = [[-0x7777edcba988n, 'dentry', 192n, 192n, 0, 0, 3, 0, 1000n, 1, null]];
    const source = storeTrace(LINES, {
      rows: { live_row: live, ingest_stat: [['bad_line', 'error', 'ingest', 3, 'line 12']] },
    });
    const path = join(dirname(source), 'rows.db');
    await writeEventRows(source, tablesOf(source), path, false);
    expect(rowsOf(path, 'ingest_stat')).toEqual([['bad_line', 'error', 'ingest', 3, 'line 12']]);
    expect(rowsOf(path, 'live_object').map((row) => (row as unknown[]).slice(0, 2))).toEqual([
      ['0xffff888812345678', 'dentry'],
    ]);
    for (const table of ['run', 'cache', 'call_site', 'free_site', 'kernel_cache', 'finding']) {
      expect(Array.isArray(rowsOf(path, table))).toBe(true);
    }
  });
});

describe('a file that exists', () => {
  test('is not overwritten', async () => {
    const source = storeTrace(LINES);
    const path = join(testFolder(), 'rows.db');
    writeFileSync(path, 'mine');
    await expect(writeEventRows(source, tablesOf(source), path, false)).rejects.toThrow(
      OutputError,
    );
    expect(readFileSync(path, 'utf8')).toBe('mine');
  });

  test('is with force', async () => {
    const source = storeTrace(LINES);
    const path = join(testFolder(), 'rows.db');
    writeFileSync(path, 'old');
    await writeEventRows(source, tablesOf(source), path, true);
    expect(rowsOf(path, 'event')).toHaveLength(3);
  });
});

test('a folder that is not there is an output error', async () => {
  const source = storeTrace(LINES);
  const path = join(testFolder(), 'nowhere', 'rows.db');
  await expect(writeEventRows(source, tablesOf(source), path, false)).rejects.toThrow(OutputError);
});

test('a damaged source is an error of the source, and leaves no file', async () => {
  const source = storeTrace(LINES);
  const tables = tablesOf(source);
  const db = new Database(source);
  db.exec("UPDATE segment SET cpu = x'00'");
  db.close();
  const folder = testFolder();
  await expect(writeEventRows(source, tables, join(folder, 'rows.db'), false)).rejects.toThrow(
    StoreError,
  );
  expect(readdirSync(folder)).toEqual([]);
});
