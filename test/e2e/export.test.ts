// `export` as a user runs it: every format is read back by a program that knows it, and holds what the
// other commands say of the same recording.

import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { asyncBufferFromFile, parquetReadObjects } from 'hyparquet';
import { Profile } from 'pprof-format';
import { beforeEach, describe, expect, test } from 'vitest';
import { jsonOf, outputOf, runCli, STACKS, temporaryFolder } from '../helpers/run-cli.ts';

interface Analysis {
  readonly totals: Readonly<Record<string, number>>;
  readonly caches: readonly { readonly name: string; readonly liveBytesAlloc: number }[];
}

let folder = '';
beforeEach(() => {
  folder = temporaryFolder();
});

/** The file that an export of the recording with stacks writes. */
async function exported(to: string, ...options: readonly string[]): Promise<string> {
  const path = join(folder, to);
  await outputOf(['export', STACKS, '--to', to, '-o', path, ...options]);
  return path;
}

const analysisOf = (): Promise<Analysis> => jsonOf<Analysis>(['analyze', STACKS, '--no-replay']);

test('pprof: the sums are the totals of analyze', async () => {
  const profile = Profile.decode(gunzipSync(readFileSync(await exported('pprof'))));
  const sums = profile.sampleType.map((_, i) =>
    profile.sample.reduce((sum, { value }) => sum + Number(value[i]), 0),
  );
  const { totals } = await analysisOf();
  expect(sums[1]).toBe(totals['bytesAlloc']);
  expect(sums.slice(2)).toEqual([
    totals['liveObjects'],
    totals['liveBytesAlloc'],
    totals['liveBytesReq'],
  ]);
  expect(Math.max(...profile.sample.map(({ locationId }) => locationId.length))).toBeGreaterThan(8);
});

test('speedscope: live bytes as analyze counts them', async () => {
  const file = JSON.parse(readFileSync(await exported('speedscope'), 'utf8')) as {
    profiles: { name: string; endValue: number }[];
  };
  const { totals } = await analysisOf();
  expect(file.profiles[0]).toMatchObject({
    name: 'live bytes',
    endValue: totals['liveBytesAlloc'],
  });
});

describe('collapsed', () => {
  const read = (path: string): [stack: string, ...values: number[]][] =>
    readFileSync(path, 'utf8')
      .trimEnd()
      .split('\n')
      .map((line) => {
        const [, stack = '', values = ''] = /^(.*?)((?: \d+)+)$/.exec(line) ?? [];
        return [stack, ...values.trim().split(' ').map(Number)];
      });

  test('stacks from the outside to the cache', async () => {
    const stacks = read(await exported('collapsed', '--value', 'alloc-bytes'));
    const { totals } = await analysisOf();
    expect(stacks.reduce((sum, [, bytes = 0]) => sum + bytes, 0)).toBe(totals['bytesAlloc']);
    const chains = stacks.map(([stack]) => stack);
    expect(chains).toContain(
      'entry_SYSCALL_64_after_hwframe;do_syscall_64;__do_sys_clone;kernel_clone;copy_process;' +
        '__vmalloc_node_range_noprof;__get_vm_area_node;[kmalloc-96]',
    );
  });

  test('with --base two numbers, base first', async () => {
    const lines = (bytes: number, count: number): string =>
      Array.from(
        { length: count },
        (_, i) =>
          `  init-1  [000] .....  1.00000${i}: kmalloc: call_site=probe+0x3bc/0x400 [mod] ` +
          `ptr=ffff8880010${i}0000 bytes_req=${bytes} bytes_alloc=${bytes} ` +
          'gfp_flags=GFP_KERNEL node=-1 accounted=false\n',
      ).join('');
    const path = (name: string, text: string): string => {
      writeFileSync(join(folder, name), `# tracer: nop\n#\n${text}`);
      return join(folder, name);
    };
    const [base, now] = [path('base.txt', lines(64, 1)), path('now.txt', lines(64, 3))];
    const out = join(folder, 'diff.txt');
    await outputOf(['export', now, '--base', base, '--to', 'collapsed', '-o', out]);
    expect(read(out)).toEqual([['probe [mod];[kmalloc-64]', 64, 192]]);
  });
});

test('trace events: each curve ends with what the cache holds', async () => {
  const { traceEvents } = JSON.parse(readFileSync(await exported('trace-events'), 'utf8')) as {
    traceEvents: { ph: string; name: string; ts: number; args: { bytes: number } }[];
  };
  const last = new Map(
    traceEvents.filter(({ ph }) => ph === 'C').map(({ name, args }) => [name, args.bytes]),
  );
  const { caches } = await analysisOf();
  const held = caches.filter(({ liveBytesAlloc }) => liveBytesAlloc > 0);
  expect(held.length).toBeGreaterThan(20);
  // Objects that are gone without an event leave the curve only when their address is used again.
  for (const { name, liveBytesAlloc } of held) {
    expect(last.get(name)).toBeGreaterThanOrEqual(liveBytesAlloc);
  }
  const times = traceEvents.flatMap(({ ph, ts }) => (ph === 'C' ? [ts] : []));
  expect(Math.min(...times)).toBeGreaterThanOrEqual(204_013_665);
  expect(Math.max(...times)).toBeLessThanOrEqual(204_112_868);
});

test('parquet: the rows of the SQL table event', async () => {
  const file = await asyncBufferFromFile(await exported('parquet'));
  const rows = await parquetReadObjects({ file });
  const database = join(folder, 'run.db');
  await outputOf(['ingest', STACKS, '-o', database]);
  const expected = JSON.parse(
    await outputOf(['sql', database, 'SELECT * FROM event', '--json']),
  ) as Record<string, unknown>[];
  const plain = (value: unknown): unknown => (typeof value === 'bigint' ? Number(value) : value);
  expect(rows.length).toBe(6445);
  expect(
    rows.map((row) => Object.fromEntries(Object.entries(row).map(([k, v]) => [k, plain(v)]))),
  ).toEqual(expected);
});

test.each([
  [['--to', 'csv', '--cache', 'dentry'], '--to csv writes every event'],
  [['--to', 'parquet', '--time', '1..2'], '--to parquet writes every event'],
  [['--to', 'pprof', '--value', 'live-bytes'], '--value and --base are for --to collapsed'],
  [['--to', 'svg'], "argument 'svg' is invalid"],
])('%j is refused', async (options, message) => {
  const { code, stderr } = await runCli(['export', STACKS, ...options, '-o', join(folder, 'x')]);
  expect([code, stderr]).toEqual([2, expect.stringContaining(message)]);
});

test('filters select allocations', async () => {
  const path = await exported('collapsed', '--cache', 'dentry', '--value', 'alloc-objects');
  expect(readFileSync(path, 'utf8')).toMatch(/^(\S+;\[dentry\] \d+\n)+$/);
});
