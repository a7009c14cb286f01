import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { describe, expect, test } from 'vitest';
import { OutputError } from '../../../src/base/errors.ts';
import { createBatch } from '../../../src/kernel/events/event-batch.ts';
import { TraceStore } from '../../../src/store/trace-store.ts';
import { TestTrace } from '../../helpers/builders.ts';
import { storeTrace, testFolder } from '../../helpers/stored.ts';

function thrownBy(action: () => unknown): unknown {
  try {
    action();
  } catch (error) {
    return error;
  }
  return undefined;
}

describe('a run database', () => {
  test('has its name only when it is whole', () => {
    const folder = testFolder();
    const path = join(folder, 'run.db');
    const store = new TraceStore(path, false);
    expect(readdirSync(folder)).toEqual([expect.stringMatching(/^run\.db\.partial-[0-9a-f]{16}$/)]);
    store.finish();
    expect(readdirSync(folder)).toEqual(['run.db']);
  });

  test('leaves nothing where it is abandoned', () => {
    const folder = testFolder();
    new TraceStore(join(folder, 'run.db'), false).abandon();
    expect(readdirSync(folder)).toEqual([]);
  });

  test('is marked as ours', () => {
    const db = new Database(storeTrace('alloc kmalloc-64 A'), { readonly: true });
    expect(db.pragma('application_id', { simple: true })).toBe(0x534c5252);
    expect(db.pragma('user_version', { simple: true })).toBe(1);
    expect(db.pragma('page_size', { simple: true })).toBe(16384);
    expect(db.pragma('integrity_check', { simple: true })).toBe('ok');
    db.close();
  });

  test('can be written twice towards one name at a time', () => {
    const folder = testFolder();
    const path = join(folder, 'run.db');
    const [first, second] = [new TraceStore(path, true), new TraceStore(path, true)];
    expect(readdirSync(folder)).toHaveLength(2);
    first.addRows('run', [['who', 'first']]);
    second.addRows('run', [['who', 'second']]);
    first.finish();
    second.finish();
    expect(readdirSync(folder)).toEqual(['run.db']);
    const db = new Database(path, { readonly: true });
    expect(db.prepare('SELECT value FROM run').pluck().get()).toBe('second');
    db.close();
  });

  test('is not disturbed by what a killed ingest left', () => {
    const folder = testFolder();
    const left = join(folder, 'run.db.partial-0123456789abcdef');
    writeFileSync(left, 'half a database');
    storeTrace('alloc kmalloc-64 A', { path: join(folder, 'run.db') });
    expect(readdirSync(folder).sort()).toEqual(['run.db', 'run.db.partial-0123456789abcdef']);
    expect(readFileSync(left, 'utf8')).toBe('half a database');
  });
});

describe('a file that exists', () => {
  test('is not overwritten', () => {
    const path = join(testFolder(), 'run.db');
    writeFileSync(path, 'mine');
    const error = thrownBy(() => new TraceStore(path, false)) as OutputError;
    expect(error).toBeInstanceOf(OutputError);
    expect(error.exitCode).toBe(74);
    expect(error.message).toBe(`${path}: exists already`);
    expect(error.hint).toContain('--force');
    expect(readFileSync(path, 'utf8')).toBe('mine');
  });

  test('is not overwritten either when it came in the meantime', () => {
    const path = join(testFolder(), 'run.db');
    const store = new TraceStore(path, false);
    writeFileSync(path, 'mine');
    expect(thrownBy(() => store.finish())).toBeInstanceOf(OutputError);
    store.abandon();
    expect(readFileSync(path, 'utf8')).toBe('mine');
  });

  test('is overwritten with force, when the new one is whole', () => {
    const path = join(testFolder(), 'run.db');
    writeFileSync(path, 'old');
    const store = new TraceStore(path, true);
    expect(readFileSync(path, 'utf8')).toBe('old');
    store.finish();
    expect(readFileSync(path).toString('latin1', 0, 15)).toBe('SQLite format 3');
  });

  test('is none of ours where it is a folder', () => {
    const path = join(testFolder(), 'run.db');
    mkdirSync(path);
    expect(thrownBy(() => new TraceStore(path, true))).toBeInstanceOf(OutputError);
  });
});

test('a folder that is not there is told before anything is read', () => {
  const path = join(testFolder(), 'nowhere', 'run.db');
  const error = thrownBy(() => new TraceStore(path, false)) as OutputError;
  expect(error).toBeInstanceOf(OutputError);
  expect(error.message).toContain('no such file or directory');
});

describe('a full device', () => {
  /** Lets the database grow to some pages only, as a device of that size would. */
  function limit(store: TraceStore, pages: number): void {
    (store as unknown as { db: Database.Database }).db.pragma(`max_page_count = ${pages}`);
  }

  test('ends the ingest with an error and without a file', () => {
    const folder = testFolder();
    const store = new TraceStore(join(folder, 'run.db'), false);
    limit(store, 60);
    const batch = createBatch();
    batch.length = 16384;
    const error = thrownBy(() => {
      for (let n = 0; n < 10; n++) store.addBatch(batch, 0n);
    }) as OutputError;
    expect(error).toBeInstanceOf(OutputError);
    expect(error.exitCode).toBe(74);
    expect(error.hint).toBe('The device is full.');
    expect(error.message).toBe(
      `${join(folder, 'run.db')}: cannot be written: database or disk is full`,
    );
    store.abandon();
    expect(readdirSync(folder)).toEqual([]);
  });

  test('that fills with rows does the same', () => {
    const folder = testFolder();
    const store = new TraceStore(join(folder, 'run.db'), false);
    limit(store, 40);
    const rows = Array.from({ length: 100 }, (_, i) => [String(i), 'x'.repeat(10_000)]);
    expect(thrownBy(() => store.addRows('run', rows))).toBeInstanceOf(OutputError);
    store.abandon();
    expect(existsSync(join(folder, 'run.db'))).toBe(false);
  });

  test.skipIf(!existsSync('/dev/full'))('that takes no file at all is told at once', () => {
    const error = thrownBy(() => new TraceStore('/dev/full/run.db', false)) as OutputError;
    expect(error).toBeInstanceOf(OutputError);
    expect(error.message).toMatch(/^\/dev\/full\/run\.db: cannot be made: /);
  });
});

test('a row that does not fit its table is an error, not a half database', () => {
  const store = new TraceStore(join(testFolder(), 'run.db'), false);
  expect(thrownBy(() => store.addRows('string', [[0, 'a', 'too many']]))).toBeInstanceOf(
    OutputError,
  );
  expect(thrownBy(() => store.addRows('string', [['no number', 'a']]))).toBeInstanceOf(OutputError);
  store.abandon();
});

test('numbers that are too large for SQLite are kept as the largest', () => {
  const path = storeTrace('', {
    rows: { live_row: [[-1n, null, 2n ** 64n, 2n ** 63n - 1n, 0, 0, 0, 0, 0n, 1, null]] },
  });
  const db = new Database(path, { readonly: true });
  const row = db.prepare('SELECT bytes_req, bytes_alloc FROM live_row').safeIntegers().get();
  expect(row).toEqual({ bytes_req: 2n ** 63n - 1n, bytes_alloc: 2n ** 63n - 1n });
  db.close();
});

test('two recorded caches may have one name, as old kernels’ memory cgroups do', () => {
  const cache = ['dentry', '', null, 192, 21, 0, 5, 90, 100];
  expect(() => storeTrace('', { rows: { kernel_cache: [cache, cache] } })).not.toThrow();
});

test('segments know the span of their times, also backwards and before the origin', () => {
  const trace = new TestTrace('@50 free A\n@-20 free A\n@30 free A\n@90 free A');
  const path = storeTrace(trace, { batchSize: 3, info: { originNs: 1000n } });
  const db = new Database(path, { readonly: true });
  expect(db.prepare('SELECT id, first_seq, length, min_ns, max_ns FROM segment').all()).toEqual([
    { id: 0, first_seq: 0, length: 3, min_ns: 980, max_ns: 1050 },
    { id: 1, first_seq: 3, length: 1, min_ns: 1090, max_ns: 1090 },
  ]);
  db.close();
});

test('an empty batch is no segment', () => {
  const path = storeTrace('');
  const db = new Database(path, { readonly: true });
  expect(db.prepare('SELECT count(*) FROM segment').pluck().get()).toBe(0);
  db.close();
});
