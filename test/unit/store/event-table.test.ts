import Database from 'better-sqlite3';
import { describe, expect, test } from 'vitest';
import { StoreError, UsageError } from '../../../src/base/errors.ts';
import { RunQuery } from '../../../src/store/sql-query.ts';
import { type StoreOptions, storeTrace, tablesOf } from '../../helpers/stored.ts';

type Row = Readonly<Record<string, unknown>>;

/** The rows of a query over a database, as objects. */
function query(path: string, sql: string): Row[] {
  const run = new RunQuery(path, tablesOf(path));
  try {
    const { columns, rows } = run.run(sql);
    return Array.from(rows, (row) => Object.fromEntries(columns.map((name, i) => [name, row[i]])));
  } finally {
    run.close();
  }
}

const queryTrace = (lines: string, sql: string, options?: StoreOptions): Row[] =>
  query(storeTrace(lines, options), sql);

const LINES = `
  @1000 cpu3 bash-7 alloc kmalloc-64 0xffff888012345678 40 by=0xffffffff81000010 node=0 stack=a+0x1;b+0x2
  @2000 cpu1 kworker/1:2-88 free dentry 0xff11000000000040 by=put+0x1
  @3000 free NULL by=close+0x1
  @4000 alloc x 0x10 192 name=dentry accounted=yes gfp=0xdc0
  @5000 alloc kmalloc A 9000/16384 accounted=no
  @6000 page_free 0x80 2
  @7000 lost 5`;

describe('the table `event`', () => {
  test('has the columns that are promised, in their order', () => {
    const [row] = queryTrace(LINES, 'SELECT * FROM event LIMIT 1');
    expect(Object.keys(row ?? {})).toEqual([
      'seq',
      'ts_ns',
      'cpu',
      'pid',
      'comm',
      'event',
      'site',
      'symbol',
      'ptr',
      'bytes_req',
      'bytes_alloc',
      'gfp_flags',
      'node',
      'cache',
      'stack',
      'flags',
      'accounted',
    ]);
  });

  test('shows an allocation with everything that was recorded', () => {
    expect(queryTrace(LINES, 'SELECT * FROM event')[0]).toEqual({
      seq: 0,
      ts_ns: 1000,
      cpu: 3,
      pid: 7,
      comm: 'bash',
      event: 'kmalloc',
      site: '0xffffffff81000010',
      symbol: null,
      ptr: '0xffff888012345678',
      bytes_req: 40,
      bytes_alloc: 64,
      gfp_flags: 'GFP_KERNEL',
      node: 0,
      cache: null,
      stack: 'a+0x1;b+0x2',
      flags: null,
      accounted: null,
    });
  });

  test('leaves empty what an event does not have', () => {
    expect(queryTrace(LINES, 'SELECT * FROM event')[1]).toEqual({
      seq: 1,
      ts_ns: 2000,
      cpu: 1,
      pid: 88,
      comm: 'kworker/1:2',
      event: 'kmem_cache_free',
      site: null,
      symbol: 'put+0x1',
      ptr: '0xff11000000000040',
      bytes_req: null,
      bytes_alloc: null,
      gfp_flags: null,
      node: null,
      cache: 'dentry',
      stack: null,
      flags: null,
      accounted: null,
    });
  });

  test('has every kind of event under its kernel name', () => {
    const rows = queryTrace(LINES, 'SELECT event, ptr, accounted, gfp_flags FROM event');
    expect(rows.map((row) => Object.values(row))).toEqual([
      ['kmalloc', '0xffff888012345678', null, 'GFP_KERNEL'],
      ['kmem_cache_free', '0xff11000000000040', null, null],
      ['kfree', '0x0000000000000000', null, null],
      ['kmem_cache_alloc', '0x0000000000000010', 1, 'GFP_KERNEL|0x100'],
      ['kmalloc', expect.stringMatching(/^0x[0-9a-f]{16}$/), 0, 'GFP_KERNEL'],
      ['mm_page_free', '0x0000000000080000', null, null],
      ['lost', '0x0000000000000000', null, null],
    ]);
  });

  test('can be asked as any table', () => {
    const sql =
      'SELECT event, count(*) AS n, sum(bytes_alloc) AS b FROM event GROUP BY event ORDER BY 1';
    expect(queryTrace(LINES, sql)).toContainEqual({ event: 'kmalloc', n: 2, b: 64 + 16384 });
    expect(queryTrace(LINES, "SELECT seq FROM event WHERE ptr = '0x0000000000000010'")).toEqual([
      { seq: 3 },
    ]);
  });

  test('is empty where the trace is', () => {
    expect(queryTrace('', 'SELECT * FROM event')).toEqual([]);
  });

  test('can be joined with itself, and left after some rows', () => {
    const path = storeTrace(LINES, { batchSize: 2 });
    const pairs = 'SELECT count(*) AS n FROM event a JOIN event b ON a.seq < b.seq';
    expect(query(path, pairs)).toEqual([{ n: 21 }]);
    expect(query(path, 'SELECT seq FROM event LIMIT 1 OFFSET 4')).toEqual([{ seq: 4 }]);
  });
});

describe('event_range(FROM_NS, TO_NS)', () => {
  const ORIGIN = 1_700_000_000_000_000_000n;
  const lines = Array.from({ length: 40 }, (_, i) => `@${i * 10} free O${i}`).join('\n');
  const path = (): string => storeTrace(lines, { batchSize: 7, info: { originNs: ORIGIN } });

  test.each([
    ['all', -1000, 1000],
    ['some', 95, 205],
    ['both ends', 100, 200],
    ['one moment', 70, 70],
    ['between two events', 71, 79],
    ['nothing behind the end', 391, 1000],
    ['nothing where it ends before it begins', 200, 100],
  ])('is what `event` has in that time: %s', (_, from, to) => {
    const bounds = [ORIGIN + BigInt(from), ORIGIN + BigInt(to)];
    const db = path();
    const range = query(db, `SELECT * FROM event_range(${bounds[0]}, ${bounds[1]})`);
    const filtered = query(
      db,
      `SELECT * FROM event WHERE ts_ns BETWEEN ${bounds[0]} AND ${bounds[1]}`,
    );
    expect(range).toEqual(filtered);
    const expected = Array.from({ length: 40 }, (__, i) => i * 10).filter(
      (ts) => ts >= from && ts <= to,
    );
    expect(range).toHaveLength(expected.length);
  });

  test('takes bounds to the nanosecond, beyond what a double holds', () => {
    const at = ORIGIN + 70n;
    const count = (from: bigint, to: bigint): unknown =>
      query(path(), `SELECT count(*) AS n FROM event_range(${from}, ${to})`)[0]?.['n'];
    expect([count(at, at), count(at + 1n, at + 9n), count(at - 1n, at + 1n)]).toEqual([1, 0, 1]);
  });

  test('has no bound where one is left out', () => {
    const count = (bounds: string): unknown =>
      query(path(), `SELECT count(*) AS n FROM event_range${bounds}`)[0]?.['n'];
    expect([count(''), count(`(${ORIGIN + 100n})`)]).toEqual([40, 30]);
  });

  test('takes times as fractions, and nothing that is no number', () => {
    const small = storeTrace('@10 free A\n@20 free B');
    expect(query(small, 'SELECT ts_ns FROM event_range(10.5, 20.5)')).toEqual([{ ts_ns: 20 }]);
    expect(query(small, 'SELECT ts_ns FROM event_range(9.5, 19.5)')).toEqual([{ ts_ns: 10 }]);
    expect(() => query(small, "SELECT * FROM event_range('soon', 20)")).toThrow(UsageError);
  });

  test('reads only the segments of that time', () => {
    const db = path();
    const writable = new Database(db);
    writable.exec("UPDATE segment SET ts = x'00' WHERE id >= 3");
    writable.close();
    // Segment 3 begins with event 21, at 210.
    const from = `${ORIGIN}, ${ORIGIN + 209n}`;
    expect(query(db, `SELECT count(*) AS n FROM event_range(${from})`)).toEqual([{ n: 21 }]);
    expect(() => query(db, 'SELECT count(*) FROM event')).toThrow(StoreError);
  });
});
