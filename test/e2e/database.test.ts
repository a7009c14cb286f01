// A run database stands for its recording: every analysis from it equals that of the source, ingests
// are all or nothing, and `sql` shows everything with the names that scripts rely on.

import type { ChildProcess } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  realpathSync,
  rmSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { beforeAll, describe, expect, test } from 'vitest';
import type { SlabinfoJson } from '../../src/commands/slabinfo/slabinfo-json.ts';
import {
  BOOT,
  jsonOf,
  outputOf,
  ROOT,
  runCli,
  STACKS,
  startCli,
  temporaryFolder,
} from '../helpers/run-cli.ts';
import { until } from '../helpers/until.ts';

interface Result {
  readonly run?: { label: string; sources: string[] };
}

/** A result without what says where it was read from. */
function withoutOrigin<T extends Result>(result: T): unknown {
  return { ...result, run: { ...result.run, label: '', sources: [] } };
}

/** Stores a source; what is said of it. */
async function ingest(source: string, path: string): Promise<string> {
  const { code, stderr } = await runCli(['ingest', source, '-o', path]);
  expect(code).toBe(0);
  return stderr;
}

let folder = '';
const databases = { [BOOT]: '', [STACKS]: '' };
/** What `ingest` said of each source. */
const said: Record<string, string> = {};

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'slabreplay-database-'));
  for (const source of [BOOT, STACKS] as const) {
    databases[source] = join(folder, source.replace('traces/', '') + '.db');
    said[source] = await ingest(source, databases[source]);
  }
  return () => rmSync(folder, { recursive: true, force: true });
});

/** What a whole boot adds: many segments, sidecars of every kind, slabs that are there before. */
const OF_A_BOOT = [['analyze'], ['analyze', '--time', '+0.02..+0.05', '--no-replay']];
const OF_A_SECOND = [
  ...OF_A_BOOT,
  ['frag', '--by', 'site', '--at', 'peak'],
  ['analyze', '--cpu', '1', '--exclude-comm', 'wl'],
  ['frag', '--by', 'cache'],
  ['frag', '--by', 'size', '--at', '+0.05'],
  ['frag', '--by', 'task', '--at', 'peak'],
  ['frag', '--by', 'stack'],
  ['rates', '--by', 'cache'],
  ['rates', '--by', 'site', '--series', '--interval', '0.5'],
];

describe.each([
  { source: BOOT, commands: OF_A_BOOT },
  { source: STACKS, commands: OF_A_SECOND },
] as const)('from the database of $source', ({ source, commands }) => {
  test.each(commands)('%s %s %s %s %s equals that of the source', async (command, ...options) => {
    const [own, stored] = await Promise.all(
      [source, databases[source]].map((from) => jsonOf<Result>([command, from, ...options])),
    );
    expect(withoutOrigin(stored as Result)).toEqual(withoutOrigin(own as Result));
  });

  test('perfkmem equals that of the source', async () => {
    const args = (from: string): string[] => ['perfkmem', from, '--caller', '--alloc', '-l', '50'];
    expect(await outputOf(args(databases[source]))).toBe(await outputOf(args(source)));
  });
});

test('exported events equal those of the source', async () => {
  const [own, stored] = await Promise.all(
    [STACKS, databases[STACKS]].map(async (from, i) => {
      const path = join(folder, `events-${i}.csv`);
      await outputOf(['export', from, '--to', 'csv', '-o', path]);
      return readFileSync(path);
    }),
  );
  expect(own?.length).toBeGreaterThan(100_000);
  expect(stored?.equals(own as Buffer)).toBe(true);
});

test('slabinfo from a database equals that of the recording', async () => {
  for (const options of ['-L', '-T']) {
    const stored = await outputOf(['slabinfo', databases[BOOT], options]);
    expect(stored).toBe(await outputOf(['slabinfo', BOOT, options]));
  }
  const stored = await jsonOf<SlabinfoJson>(['slabinfo', databases[BOOT], '--json']);
  const own = await jsonOf<SlabinfoJson>(['slabinfo', BOOT, '--json']);
  const { label, sources } = stored.run;
  expect(stored).toEqual({ ...own, run: { ...own.run, label, sources } });
});

test('a database is self-contained: the recording may be gone', async () => {
  const copy = join(temporaryFolder(), 'recording');
  cpSync(join(ROOT, STACKS), copy, { recursive: true });
  const path = join(folder, 'alone.db');
  const own = await jsonOf<Result>(['analyze', copy]);
  await outputOf(['ingest', copy, '-o', path]);
  rmSync(copy, { recursive: true });
  expect(withoutOrigin(await jsonOf<Result>(['analyze', path]))).toEqual(withoutOrigin(own));
});

test('two ingests of one recording give the same bytes', async () => {
  const again = join(folder, 'again.db');
  await outputOf(['ingest', STACKS, '-o', again]);
  expect(readFileSync(again).equals(readFileSync(databases[STACKS]))).toBe(true);
});

describe('an ingest that is ended', () => {
  /** Starts an ingest and waits until it has written something. */
  async function startIngest(into: string): Promise<ChildProcess> {
    const child = startCli(['ingest', BOOT, '-o', join(into, 'run.db')]);
    await until(() => readdirSync(into).length > 0 || child.exitCode !== null);
    return child;
  }

  const ended = (child: ChildProcess): Promise<number | null> =>
    new Promise((resolve) => child.on('close', (code) => resolve(code)));

  test('by SIGKILL leaves nothing under the final name', async () => {
    const into = temporaryFolder();
    const child = await startIngest(into);
    child.kill('SIGKILL');
    await ended(child);
    expect(existsSync(join(into, 'run.db'))).toBe(false);
  });

  test.each([
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const)('by %s leaves nothing at all', async (signal, code) => {
    const into = temporaryFolder();
    const child = await startIngest(into);
    child.kill(signal);
    expect(await ended(child)).toBe(code);
    expect(readdirSync(into)).toEqual([]);
  });

  test('by a bad input leaves nothing at all', async () => {
    const into = temporaryFolder();
    const { code } = await runCli(['ingest', process.execPath, '-o', join(into, 'run.db')]);
    expect(code).toBe(65);
    expect(readdirSync(into)).toEqual([]);
  });
});

describe.skipIf(!existsSync('/proc/self/fd'))('an unpacked file (seen in /proc)', () => {
  /** True while the program has a file of the folder open, which has no name there any more. */
  function hasOpen(folder: string, pid: number | undefined): boolean {
    const descriptors = `/proc/${pid}/fd`;
    return (
      readdirSync(folder).length === 0 &&
      readdirSync(descriptors).some((fd) => {
        try {
          return readlinkSync(join(descriptors, fd)).startsWith(folder);
        } catch {
          return false; // closed meanwhile
        }
      })
    );
  }

  test.each(['SIGINT', 'SIGTERM'] as const)('%s leaves none behind', async (signal) => {
    const tmp = realpathSync(temporaryFolder());
    const child = startCli(['analyze', BOOT, '--tmp', tmp]);
    const ended = new Promise((resolve) => child.on('close', (_, by) => resolve(by)));
    await until(() => child.exitCode !== null || hasOpen(tmp, child.pid));
    child.kill(signal);
    await ended;
    expect(child.exitCode).not.toBe(0);
    expect(readdirSync(tmp)).toEqual([]);
  });
});

describe('sql', () => {
  const query = (sql: string, ...options: string[]): Promise<string> =>
    outputOf(['sql', databases[STACKS], sql, ...options]);
  const rows = async (sql: string): Promise<Record<string, unknown>[]> =>
    JSON.parse(await query(sql, '--json')) as Record<string, unknown>[];

  // The names that scripts may rely on, with their columns in order.
  test.each([
    [
      'event',
      'seq ts_ns cpu pid comm event site symbol ptr bytes_req bytes_alloc gfp_flags node cache stack flags accounted',
    ],
    [
      'live_object',
      'address cache bytes_req bytes_alloc site symbol pid comm cpu allocated_ns certain reason',
    ],
    ['ingest_stat', 'name severity source count first_position'],
    ['run', 'key value'],
  ])('table %s has its columns', async (table, columns) => {
    const header = (await query(`SELECT * FROM ${table} LIMIT 1`, '--csv')).split('\n')[0];
    expect(header?.split(',')).toEqual(columns.split(' '));
  });

  test.each([
    [
      'cache',
      'name inferred object_size slab_size objs_per_slab order allocs frees bytes_req bytes_alloc live ' +
        'live_bytes_req live_bytes_alloc bytes_wasted allocs_per_sec bytes_per_sec peak_live slabs',
    ],
    [
      'call_site',
      'site symbol module cache allocs frees untraced_frees live live_uncertain bytes_req bytes_alloc ' +
        'bytes_wasted live_bytes_alloc oldest_ns cross_cpu_frees mean_lifetime_ns',
    ],
  ])('table %s has the columns of the JSON', async (table, columns) => {
    const header = (await query(`SELECT * FROM ${table} LIMIT 1`, '--csv')).split('\n')[0];
    expect(header?.split(',')).toEqual(expect.arrayContaining(columns.split(' ')));
  });

  test('its rows are those of analyze --json', async () => {
    const { caches } = await jsonOf<{ caches: { name: string; allocs: number; live: number }[] }>([
      ...['analyze', STACKS],
    ]);
    expect(await rows('SELECT name, allocs, live FROM cache ORDER BY rowid')).toEqual(
      caches.map(({ name, allocs, live }) => ({ name, allocs, live })),
    );
  });

  test('live objects add up to the totals, with whole addresses', async () => {
    const { totals } = await jsonOf<{ totals: Record<string, number> }>(['analyze', STACKS]);
    const [sums] = await rows(
      `SELECT count(*) AS liveObjects, sum(bytes_alloc) AS liveBytesAlloc, sum(certain = 0) AS liveUncertain,
              min(length(address)) AS shortest, max(length(address)) AS longest FROM live_object`,
    );
    expect(sums).toEqual({
      liveObjects: totals['liveObjects'],
      liveBytesAlloc: totals['liveBytesAlloc'],
      liveUncertain: totals['liveUncertain'],
      shortest: 18,
      longest: 18,
    });
  });

  test('event has every event, event_range those of its time', async () => {
    expect(await rows('SELECT count(*) AS n, max(seq) AS last FROM event')).toEqual([
      { n: 6445, last: 6444 },
    ]);
    const [from, to] = ['204050000000', '204060000000'];
    expect(await rows(`SELECT * FROM event_range(${from}, ${to})`)).toEqual(
      await rows(`SELECT * FROM event WHERE ts_ns BETWEEN ${from} AND ${to}`),
    );
  });

  test('a query with LIMIT over event ends well', async () => {
    expect(await rows('SELECT seq, event, ptr, cache FROM event LIMIT 1')).toEqual([
      { seq: 0, event: 'kmem_cache_free', ptr: '0xffff8d4881ac8000', cache: 'names_cache' },
    ]);
  });

  test('an event has its stack, innermost frame first', async () => {
    const [row] = await rows(
      "SELECT stack FROM event WHERE stack <> '' AND event = 'kmalloc' LIMIT 1",
    );
    expect(row?.['stack']).toMatch(
      /^trace_event_raw_event_kmalloc;.*;copy_process;.*;entry_SYSCALL_64_after_hwframe$/,
    );
  });

  test('a query may come from standard input', async () => {
    const { code, stdout } = await runCli(['sql', databases[STACKS], '--csv'], {
      input: 'SELECT count(*) AS n FROM event',
    });
    expect([code, stdout]).toEqual([0, 'n\n6445\n']);
  });

  test('a plain sqlite3 reads the small tables', () => {
    const db = new Database(databases[STACKS], { readonly: true });
    const row = db.prepare("SELECT value FROM run WHERE key = 'events'").get();
    db.close();
    expect(row).toEqual({ value: '6445' });
  });

  test('export --to sqlite-rows gives a plain sqlite3 the same events', async () => {
    const path = join(folder, 'rows.db');
    await outputOf(['export', databases[STACKS], '--to', 'sqlite-rows', '-o', path]);
    const db = new Database(path, { readonly: true });
    const all = db.prepare('SELECT * FROM event ORDER BY seq').all();
    db.close();
    expect(all).toEqual(await rows('SELECT * FROM event'));
  });
});

test.each(['csv', 'sqlite-rows'])('an export to %s that is ended leaves nothing', async (to) => {
  const into = temporaryFolder();
  const tmp = temporaryFolder();
  const child = startCli(['export', BOOT, '--to', to, '-o', join(into, 'events'), '--tmp', tmp]);
  await until(() => readdirSync(into).length > 0 || child.exitCode !== null);
  child.kill('SIGINT');
  const code = await new Promise((resolve) => child.on('close', resolve));
  expect([code, readdirSync(into), readdirSync(tmp)]).toEqual([130, [], []]);
});

test.each([
  STACKS,
  'traces/leak-example',
  ...readdirSync(join(ROOT, 'traces/tutorial'))
    .filter((name) => name.endsWith('.csv'))
    .map((name) => `traces/tutorial/${name}`),
])('analyze and ingest count the events of %s alike', async (source) => {
  const { events } = await jsonOf<{ events: { total: number } }>([
    'analyze',
    source,
    '--no-replay',
  ]);
  const stderr = said[source] ?? (await ingest(source, join(temporaryFolder(), 'run.db')));
  expect(stderr).toContain(`.db: ${events.total.toLocaleString('en-US')} events`);
});
