// The names in a run database that scripts may rely on, as the contract promises them.

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { beforeAll, describe, expect, test } from 'vitest';
import { ingestRun } from '../../../src/analysis/store-run/ingest-run.ts';
import { openRunDatabase } from '../../../src/store/open-database.ts';

const TRACE = `# tracer: nop
#
            bash-101     [000] .....     1.000000: kmalloc: call_site=open_file+0x10/0x40 ptr=00000000a0000040 bytes_req=40 bytes_alloc=64 gfp_flags=GFP_KERNEL node=-1 accounted=false
            bash-101     [000] .....     1.000001: kmalloc: call_site=rcu_user+0x20/0x40 ptr=00000000a0001000 bytes_req=100 bytes_alloc=128 gfp_flags=GFP_KERNEL node=-1 accounted=false
            bash-101     [000] .....     1.000002: kmalloc: call_site=rcu_user+0x20/0x40 ptr=00000000a0001000 bytes_req=100 bytes_alloc=128 gfp_flags=GFP_KERNEL node=-1 accounted=false
           udevd-7       [001] .....     1.000003: kmem_cache_alloc: call_site=__d_alloc+0x29/0x200 ptr=00000000a0002000 bytes_req=192 bytes_alloc=192 gfp_flags=GFP_KERNEL_ACCOUNT node=-1 accounted=true
           udevd-7       [001] .....     1.000004: kmem_cache_alloc: call_site=__d_alloc+0x29/0x200 ptr=00000000a00020c0 bytes_req=192 bytes_alloc=192 gfp_flags=GFP_KERNEL_ACCOUNT node=-1 accounted=true
           udevd-7       [001] .....     1.000005: kmem_cache_free: call_site=dput+0x20/0x40 ptr=00000000a0002000 name=dentry
           udevd-7       [001] .....     1.000006: kfree: call_site=close_file+0x20/0x40 ptr=0000000000000000
           udevd-7       [001] .....     1.000007: kmalloc: call_site=broken
`;

const SLABINFO = `slabinfo - version: 2.1
# name            <active_objs> <num_objs> <objsize> <objperslab> <pagesperslab> : tunables <limit> <batchcount> <sharedfactor> : slabdata <active_slabs> <num_slabs> <sharedavail>
dentry              1000   1050    192   21    1 : tunables    0    0    0 : slabdata     50     50      0
kmalloc-64           640    640     64   64    1 : tunables    0    0    0 : slabdata     10     10      0
kmalloc-128          320    320    128   32    1 : tunables    0    0    0 : slabdata     10     10      0
`;

let path = '';

beforeAll(async () => {
  const folder = mkdtempSync(join(tmpdir(), 'slabreplay-contract-'));
  const recording = join(folder, 'recording');
  mkdirSync(recording);
  writeFileSync(join(recording, 'trace.txt'), TRACE);
  writeFileSync(join(recording, 'slabinfo.txt'), SLABINFO);
  path = join(folder, 'run.db');
  await ingestRun({ source: recording, label: 'nightly' }, path, false);
  return () => rmSync(folder, { recursive: true, force: true });
});

function select(sql: string): Record<string, unknown>[] {
  const db = openRunDatabase(path);
  try {
    return db.prepare(sql).all() as Record<string, unknown>[];
  } finally {
    db.close();
  }
}

const columnsOf = (table: string): unknown[] =>
  select(`SELECT name FROM pragma_table_info('${table}')`).map((row) => row['name']);

describe('columns', () => {
  test.each([
    [
      'live_object',
      'address cache bytes_req bytes_alloc site symbol pid comm cpu allocated_ns certain reason',
    ],
    [
      'cache',
      'name inferred object_size slab_size objs_per_slab order allocs frees bytes_req bytes_alloc ' +
        'bytes_wasted live live_uncertain live_bytes_req live_bytes_alloc live_bytes_wasted ' +
        'allocs_per_sec bytes_per_sec peak_live slabs',
    ],
    [
      'call_site',
      'site symbol module cache allocs frees untraced_frees live live_uncertain bytes_req ' +
        'bytes_alloc bytes_wasted live_bytes_alloc live_bytes_wasted oldest_ns cross_cpu_frees ' +
        'mean_lifetime_ns peak_live',
    ],
    ['ingest_stat', 'name severity source count first_position'],
    ['run', 'key value'],
  ])('of %s are those promised', (table, columns) => {
    expect(columnsOf(table)).toEqual(columns.split(' '));
  });
});

describe('live_object', () => {
  test('has what is allocated at the end, where it came from, and how sure that is', () => {
    expect(select('SELECT * FROM live_object ORDER BY address')).toEqual([
      {
        address: '0x00000000a0000040',
        cache: 'kmalloc-64',
        bytes_req: 40,
        bytes_alloc: 64,
        site: null,
        symbol: 'open_file+0x10',
        pid: 101,
        comm: 'bash',
        cpu: 0,
        allocated_ns: 1_000_000_000,
        certain: 1,
        reason: null,
      },
      expect.objectContaining({
        address: '0x00000000a0001000',
        certain: 0,
        reason: 'untraced frees at its site',
        allocated_ns: 1_000_002_000,
      }),
      expect.objectContaining({
        address: '0x00000000a00020c0',
        cache: 'dentry',
        pid: 7,
        comm: 'udevd',
        cpu: 1,
      }),
    ]);
  });
});

test('cache and call_site have a row each', () => {
  expect(select('SELECT name, allocs, frees, live, slabs FROM cache ORDER BY name')).toEqual([
    { name: 'dentry', allocs: 2, frees: 1, live: 1, slabs: 50 },
    { name: 'kmalloc-128', allocs: 2, frees: 0, live: 1, slabs: 10 },
    { name: 'kmalloc-64', allocs: 1, frees: 0, live: 1, slabs: 10 },
  ]);
  expect(
    select('SELECT symbol, cache, untraced_frees, live FROM call_site ORDER BY symbol'),
  ).toEqual([
    { symbol: '__d_alloc+0x29', cache: 'dentry', untraced_frees: 0, live: 1 },
    { symbol: 'open_file+0x10', cache: 'kmalloc-64', untraced_frees: 0, live: 1 },
    { symbol: 'rcu_user+0x20', cache: 'kmalloc-128', untraced_frees: 1, live: 1 },
  ]);
});

test('kernel_cache has the recorded figures', () => {
  expect(select("SELECT * FROM kernel_cache WHERE name = 'dentry'")).toEqual([
    {
      name: 'dentry',
      aliases: '',
      object_size: null,
      slab_size: 192,
      objs_per_slab: 21,
      order: 0,
      slabs: 50,
      active_objects: 1000,
      total_objects: 1050,
    },
  ]);
});

test('ingest_stat says what could not be read, and where', () => {
  expect(select('SELECT * FROM ingest_stat')).toEqual([
    { name: 'bad_line', severity: 'error', source: 'ingest', count: 1, first_position: 'line 10' },
  ]);
});

test('run has the values of the result', () => {
  const run = Object.fromEntries(
    select('SELECT * FROM run').map((row) => [row['key'], row['value']]),
  );
  expect(run).toMatchObject({
    label: 'nightly',
    format: 'ftrace-text',
    clock_unit: 'ns',
    first_ns: '1000000000',
    last_ns: '1000006000',
    duration_sec: '0.000006',
    events: '7',
  });
});

test('every task, pair of sites and interval adds up to the whole', () => {
  expect(select('SELECT sum(allocs) AS n, sum(live) AS l FROM task_total')).toEqual([
    { n: 5, l: 3 },
  ]);
  expect(select('SELECT sum(count) AS n FROM free_pair')).toEqual([{ n: 1 }]);
  expect(select('SELECT sum(allocs) AS a, sum(frees) AS f FROM rate_bin')).toEqual([
    { a: 5, f: 1 },
  ]);
});

test('a plain sqlite3 shell reads all of it', () => {
  const db = new Database(path, { readonly: true });
  const tables = db.prepare("SELECT name FROM sqlite_schema WHERE type IN ('table', 'view')");
  for (const table of tables.pluck().all() as string[]) {
    expect(db.prepare(`SELECT count(*) FROM "${table}"`).pluck().get()).toBeGreaterThanOrEqual(0);
  }
  db.close();
});
