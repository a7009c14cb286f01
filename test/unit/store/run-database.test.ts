import { readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import Database from 'better-sqlite3';
import { describe, expect, test } from 'vitest';
import { InputError, StoreError } from '../../../src/base/errors.ts';
import type { TraceInfo } from '../../../src/kernel/events/trace-info.ts';
import { openRunDatabase } from '../../../src/store/open-database.ts';
import { RunDatabase } from '../../../src/store/run-database.ts';
import { TestTrace } from '../../helpers/builders.ts';
import { plainRows, type StoreOptions, storeTrace, testFolder } from '../../helpers/stored.ts';

const LINES = `
  @1000 cpu65535 bash-7 alloc kmalloc-64 0xffffffffffffffff 40 by=0xffffffff81000010 stack=a+0x1;b+0x2
  @900 cpu0 udevd-2147483647 free dentry 0xff11000000000040 by=put+0x1
  @9007199254740991 free NULL
  @-5 alloc x 0x1 192 name=dentry accounted=yes
  @6000 lost 5`;

/** Opens a database, looks at it and closes it. */
function withDatabase<T>(path: string, look: (database: RunDatabase) => T): T {
  const database = new RunDatabase(path);
  try {
    return look(database);
  } finally {
    database.close();
  }
}

/** A database on which some statements were run after it was written. */
function changed(sql: string, options: StoreOptions = {}): string {
  const path = storeTrace(LINES, options);
  const db = new Database(path);
  db.exec(sql);
  db.close();
  return path;
}

/** Everything that a reader of a database reads. */
function readAll(path: string): void {
  withDatabase(path, (database) => {
    for (const _ of database.batches());
    database.names();
    database.sidecars.text('version.txt');
  });
}

describe('what was stored comes back', () => {
  test.each([1, 2, 16384])('events, in order and to the bit, %i in a segment', (batchSize) => {
    const trace = new TestTrace(LINES);
    const path = storeTrace(trace, { batchSize });
    const stored = withDatabase(path, (database) => plainRows(database.batches()));
    expect(stored).toEqual(plainRows(new TestTrace(LINES).batches()));
    expect(stored[0]).toMatchObject({ ptrLo: 0xffffffff, ptrHi: 0xffffffff, cpu: 65535 });
  });

  test('what the trace says about itself', () => {
    const info: TraceInfo = {
      format: 'trace.dat',
      clock: 'x86-tsc',
      clockUnit: 'tick',
      originNs: 2n ** 63n - 1n,
      cpus: 128,
      kernelRelease: '6.1.0-56-amd64',
      pageSize: 65536,
      hashedPointers: true,
      pointerBytes: 4,
      gfpLayout: null,
      sampling: { kind: 'period', every: 11, events: ['kfree'] },
      someTasksOnly: true,
      gfpNames: [{ mask: 0xcc0, name: 'GFP_KERNEL' }],
      probes: [{ event: 'take', isRead: true, mapping: null }],
    };
    expect(withDatabase(storeTrace('', { info }), (database) => database.info)).toEqual(info);
  });

  test('what went wrong while reading', () => {
    const rows = {
      ingest_stat: [
        ['bad_line', 'error', 'ingest', 3, 'line 12'],
        ['of_a_newer_version', 'info', 'trace', 9, ''],
        ['constructor', 'info', 'trace', 9, ''],
      ],
    };
    const stats = withDatabase(storeTrace('', { rows }), (database) => database.stats.list());
    expect(stats).toEqual([{ name: 'bad_line', count: 3, firstPosition: 'line 12' }]);
  });

  test('the files that lay beside the trace', () => {
    const rows = {
      sidecar: [
        ['version.txt', '/rec/version.txt', gzipSync('Linux version 6.1\n')],
        ['tracing/trace_clock', '/rec/tracing/trace_clock', gzipSync('[mono]\n')],
      ],
    };
    withDatabase(storeTrace('', { rows }), ({ sidecars }) => {
      expect(sidecars.text('version.txt')).toBe('Linux version 6.1\n');
      expect(sidecars.bytes('dmesg.txt')).toBeUndefined();
      expect(sidecars.list('tracing')).toEqual(['trace_clock']);
      expect([...sidecars.taken]).toEqual([['version.txt', '/rec/version.txt']]);
    });
  });

  test('the names that the analysis gave', () => {
    const path = changed("UPDATE site SET symbol = 'probe+0x4', module = 'e1000' WHERE id = 1");
    const { siteLabels, cacheOfCall } = withDatabase(path, (database) => database.names());
    expect(siteLabels.slice(0, 3)).toEqual([null, 'probe+0x4 [e1000]', 'put+0x1']);
    expect(cacheOfCall).toEqual([null, null, 'dentry', null, 'dentry', null]);
  });

  test('single values of the run', () => {
    const rows = { run: [['label', 'nightly']] };
    withDatabase(storeTrace('', { rows }), (database) => {
      expect([database.value('label'), database.value('nothing')]).toEqual(['nightly', undefined]);
    });
  });
});

describe('a file that is no run database of this version', () => {
  const errorOf = (path: string): StoreError => {
    try {
      openRunDatabase(path).close();
    } catch (error) {
      if (error instanceof StoreError) return error;
      throw error;
    }
    throw new Error('it was opened');
  };

  test('is told where it is not there', () => {
    const path = join(testFolder(), 'nowhere.db');
    expect(() => new RunDatabase(path)).toThrow(InputError);
  });

  test('is told where it is something else', () => {
    const path = join(testFolder(), 'text.db');
    writeFileSync(path, 'this is no database, however long it is\n'.repeat(100));
    const error = errorOf(path);
    expect(error.exitCode).toBe(65);
    expect(error.message).toContain(path);
  });

  test('is told where it is another program’s database', () => {
    const path = join(testFolder(), 'other.db');
    const db = new Database(path);
    db.exec('CREATE TABLE event (a); PRAGMA user_version = 1');
    db.close();
    expect(errorOf(path).message).toBe(`${path}: an SQLite database, but none of slabreplay`);
    expect(errorOf(path).hint).toContain('ingest');
  });

  test('is told with both versions where it is newer', () => {
    const path = changed('PRAGMA user_version = 99');
    expect(errorOf(path).message).toBe(`${path}: schema version 99, this slabreplay reads 1`);
    expect(errorOf(path).hint).toContain('Ingest the recording again');
  });
});

describe('a damaged database', () => {
  test.each([
    ['without its description', 'DELETE FROM run'],
    ['with a description that is no JSON', "UPDATE run SET value = '{' WHERE key = 'info'"],
    ['with one that lacks the origin', "UPDATE run SET value = '{}' WHERE key = 'info'"],
    ['without a table', 'DROP TABLE ingest_stat'],
    ['without one that is read late', 'DROP TABLE sidecar'],
    ['without its events', 'DROP TABLE segment'],
    ['with a string missing', 'DELETE FROM string WHERE id = 1'],
    ['with a string twice', "UPDATE string SET value = 'bash' WHERE id > 2"],
    ['with a site missing', 'DELETE FROM site WHERE id = 2'],
    ['with a site named by no string', 'UPDATE site SET text = 999 WHERE id = 1'],
    ['with a call missing', 'DELETE FROM call WHERE id = 1'],
    ['with a call at no site', 'UPDATE call SET site = 999 WHERE id = 1'],
    ['with a call of no kind', 'UPDATE call SET kind = 200 WHERE id = 1'],
    ['with a call of no cache', 'UPDATE call SET cache = -1 WHERE id = 1'],
    ['with a task missing', 'DELETE FROM task WHERE id = 1'],
    ['with a task named by no string', 'UPDATE task SET comm = 999 WHERE id = 1'],
    ['with a stack missing', 'UPDATE stack_frame SET stack = 2'],
    ['with a frame at no site', 'UPDATE stack_frame SET site = 999 WHERE depth = 1'],
    ['with a column cut short', "UPDATE segment SET cpu = x'00'"],
    ['with a length that is wrong', 'UPDATE segment SET length = length + 1'],
    ['with a length that is absurd', 'UPDATE segment SET length = 99999999'],
    ['with a time that is no number', `UPDATE segment SET ts = ${hexOf(Number.NaN, 5)}`],
    ['with a time that is no whole number', `UPDATE segment SET ts = ${hexOf(0.5, 5)}`],
    ['with an event of no call', `UPDATE segment SET call = x'${'ff'.repeat(20)}'`],
    ['with an event of no task', `UPDATE segment SET task = x'${'ff'.repeat(20)}'`],
    ['with an event of no stack', `UPDATE segment SET stack = x'${'7f'.repeat(20)}'`],
  ])('%s is told as such', (_, sql) => {
    expect(() => readAll(changed(sql))).toThrow(StoreError);
  });

  const info = (change: string): string =>
    `UPDATE run SET value = json_set(value, ${change}) WHERE key = 'info'`;

  test.each([
    ["run, key 'info': info.pointerBytes: not 4 or 8", info("'$.pointerBytes', 5")],
    ["run, key 'info': info.originNs: not digits", info("'$.originNs', '1e999'")],
    ["run, key 'info': info.clockUnit: not ns or tick or count", info("'$.clockUnit', 'h'")],
    ["run, key 'info': info.cpus: not a whole number from 1 on", info("'$.cpus', -1")],
    ["run, key 'info': info.pageSize: not a whole number from 1 on", info("'$.pageSize', 0.5")],
    [
      "run, key 'info': info.gfpNames[0].mask: not a number of 32 bits",
      info(`'$.gfpNames', json('[{"mask":-1,"name":"X"}]')`),
    ],
    ["run, key 'info': info: not an object", "UPDATE run SET value = '[]' WHERE key = 'info'"],
    [
      "ingest_stat, name 'bad_line': count cannot be",
      "INSERT INTO ingest_stat VALUES ('bad_line', 'error', 'ingest', -1, '')",
    ],
    ['call, id 1: gfp_flags is 4294967296', 'UPDATE call SET gfp_flags = 4294967296 WHERE id = 1'],
    ['call, id 1: gfp_known is 2', 'UPDATE call SET gfp_known = 2 WHERE id = 1'],
    [
      'call, id 1: node is 9007199254740992',
      'UPDATE call SET node = 9007199254740992 WHERE id = 1',
    ],
    ['call, id 1: accounted is 3', 'UPDATE call SET accounted = 3 WHERE id = 1'],
    ['call, id 1: kind is -1', 'UPDATE call SET kind = -1 WHERE id = 1'],
    ['task, id 1: pid is 2147483648', 'UPDATE task SET pid = 2147483648 WHERE id = 1'],
    [
      'task, id 2: it would be id 1: a row is missing, or there twice',
      'DELETE FROM task WHERE id = 1',
    ],
    ['stack_frame, stack 1: site is 999', 'UPDATE stack_frame SET site = 999 WHERE depth = 1'],
    ['segment, id 0: cpu has 1 bytes and not 10', "UPDATE segment SET cpu = x'00'"],
    ['segment, id 0: length is 99999999', 'UPDATE segment SET length = 99999999'],
    ['segment, id 0: ts has what is no time', `UPDATE segment SET ts = ${hexOf(2 ** 53, 5)}`],
    ['segment, id 0: ts has what is no time', `UPDATE segment SET ts = ${hexOf(Infinity, 5)}`],
    ['segment, id 0: call points to no call', `UPDATE segment SET call = x'${'ff'.repeat(20)}'`],
  ])('is named by table, row and column: %s', (where, sql) => {
    const path = changed(sql);
    expect(() => readAll(path)).toThrow(`${path}: the database is damaged: table ${where}`);
  });

  test('may have lost its types', () => {
    // A table without STRICT takes anything: what another program has made of it.
    const loosen = (table: string): string =>
      `DROP VIEW IF EXISTS live_object; CREATE TABLE loose AS SELECT * FROM "${table}"; DROP TABLE "${table}"; ALTER TABLE loose RENAME TO "${table}";`;
    for (const [table, column, value, fault] of [
      ['string', 'value', "x'00'", 'value is no text'],
      ['site', 'address', "'here'", 'address is a text'],
      ['call', 'bytes_req', 'NULL', 'bytes_req is missing'],
      ['task', 'pid', "x'00'", 'pid is a blob'],
      ['segment', 'ts', 'NULL', 'ts is no blob'],
      ['segment', 'first_seq', 'NULL', 'first_seq is no number'],
    ] as const) {
      const sql = `${loosen(table)} UPDATE "${table}" SET "${column}" = ${value} WHERE id = (SELECT max(id) FROM "${table}")`;
      expect(() => readAll(changed(sql)), table).toThrow(fault);
    }
  });

  test('with a file beside it that cannot be unpacked is told as such', () => {
    const rows = { sidecar: [['version.txt', '/rec/version.txt', Buffer.from('no gzip')]] };
    expect(() => readAll(storeTrace('', { rows }))).toThrow(StoreError);
  });

  test('cut short anywhere is told as such', () => {
    const whole = storeTrace(LINES);
    const bytes = readFileSync(whole);
    for (let n = 1; n <= 12; n++) {
      const path = join(testFolder(), 'cut.db');
      writeFileSync(path, bytes);
      truncateSync(path, Math.floor((bytes.length * n) / 13));
      expect(() => readAll(path), `${n} of 13 parts`).toThrow(StoreError);
    }
  });

  test('with pages overwritten is told as such, or read as it is', () => {
    const bytes = readFileSync(storeTrace(LINES));
    for (let page = 1; page < bytes.length / 16384; page++) {
      const path = join(testFolder(), 'overwritten.db');
      const copy = Buffer.from(bytes);
      copy.fill(0xa5, page * 16384, (page + 1) * 16384);
      writeFileSync(path, copy);
      try {
        readAll(path);
      } catch (error) {
        expect(error).toBeInstanceOf(StoreError);
      }
    }
  });

  test('says what to do', () => {
    try {
      readAll(changed('DROP TABLE segment'));
    } catch (error) {
      expect((error as StoreError).hint).toBe('Ingest the recording again.');
      expect((error as StoreError).message).toContain('no such table: segment');
    }
    expect.assertions(2);
  });
});

/** `count` times a number as a blob of doubles. */
function hexOf(value: number, count: number): string {
  return `x'${Buffer.from(new Float64Array(count).fill(value).buffer).toString('hex')}'`;
}
