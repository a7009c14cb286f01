import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { UsageError } from '../../../src/base/errors.ts';
import { RunQuery } from '../../../src/store/sql-query.ts';
import { storeTrace, tablesOf } from '../../helpers/stored.ts';

function ask(sql: string, path = storeTrace('@1000 free A')): unknown[][] {
  const query = new RunQuery(path, tablesOf(path));
  try {
    return Array.from(query.run(sql).rows, (row) => [...row]);
  } finally {
    query.close();
  }
}

test('rows have the values of SQLite: numbers where a double holds them, else bigints', () => {
  expect(
    ask("SELECT 1, 1.5, 'text', NULL, 9007199254740991, 9007199254740993, -9223372036854775808"),
  ).toEqual([[1, 1.5, 'text', null, 9007199254740991, 9007199254740993n, -(2n ** 63n)]]);
});

test('columns are named, also where there are no rows', () => {
  const path = storeTrace('');
  const query = new RunQuery(path, tablesOf(path));
  expect(query.run('SELECT seq AS number, ptr FROM event').columns).toEqual(['number', 'ptr']);
  query.close();
});

test.each([
  ['an unknown table', 'SELECT * FROM nothing'],
  ['a slip', 'SELEC 1'],
  ['nothing', ''],
  ['a comment', '-- nothing'],
  ['two statements', 'SELECT 1; SELECT 2'],
  ['a value to be bound', 'SELECT ?'],
  ['an overflow while it runs', 'SELECT abs(-9223372036854775808)'],
  ['a wrong function call', 'SELECT * FROM event_range(1, 2, 3)'],
])('%s is a wrong query, not a bug', (_, sql) => {
  expect(() => ask(sql)).toThrow(UsageError);
});

describe('a database is only read', () => {
  test.each([
    'DELETE FROM run',
    "INSERT INTO run VALUES ('a', 'b')",
    'DROP TABLE run',
    "ATTACH '/tmp/other.db' AS other",
    "VACUUM INTO '/tmp/copy.db'",
    'PRAGMA user_version = 7',
    'DELETE FROM run RETURNING key',
    'CREATE TEMP TABLE t AS SELECT 1',
  ])('%s changes nothing', (sql) => {
    const path = storeTrace('@1000 free A');
    const before = readFileSync(path);
    try {
      ask(sql, path);
    } catch (error) {
      expect(error).toBeInstanceOf(UsageError);
    }
    expect(readFileSync(path).equals(before)).toBe(true);
  });
});
