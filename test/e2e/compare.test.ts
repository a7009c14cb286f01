// `compare` as a user and a CI job run it: what is printed where, exit codes, formats, baselines.

import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { beforeEach, describe, expect, test } from 'vitest';
import { jsonOf, outputOf, ROOT, runCli, STACKS, temporaryFolder } from '../helpers/run-cli.ts';

interface Row {
  readonly subject: string;
  readonly metric: string;
  readonly cache: string | null;
  readonly symbol: string | null;
  readonly module: string | null;
  readonly base: number[];
  readonly new: number[];
  readonly verdict: string;
}

interface Result {
  readonly formatVersion: number;
  readonly type: string;
  readonly rows: Row[];
  readonly warnings: string[];
  readonly gates: { readonly spec: string; readonly matched: number; readonly crossed: number }[];
  readonly run: { readonly label: string };
  readonly base: unknown[];
  readonly new: unknown[];
}

const RUN = 'Linux version 6.1.0-test (me@here) (gcc) #1 SMP\n';

/** An ftrace text: `idle` holds 500 objects and has freed one, `probe` leaks `leaked` of 4097 bytes. */
function trace(leaked: number): string {
  const lines = ['# tracer: nop', '#'];
  let at = 1_000_000;
  let address = 0xffff_8880_0100_0000n;
  const alloc = (site: string, req: number, bytes: number): void => {
    at += 1000;
    address += 0x4000n;
    lines.push(
      `            init-1       [000] .....   ${(at / 1e6).toFixed(6)}: kmalloc: call_site=${site}` +
        ` ptr=${address.toString(16)} bytes_req=${req} bytes_alloc=${bytes}` +
        ' gfp_flags=GFP_KERNEL node=-1 accounted=false',
    );
  };
  for (let i = 0; i < 501; i++) alloc('idle+0x4/0x20', 60, 64);
  lines.push(
    `            init-1       [000] .....   ${(at / 1e6).toFixed(6)}: kfree:` +
      ` call_site=idle+0x8/0x20 ptr=${address.toString(16)}`,
  );
  for (let i = 0; i < leaked; i++) alloc('probe+0x3bc/0x400 [mod]', 4097, 8192);
  return `${lines.join('\n')}\n`;
}

let folder = '';

function recording(name: string, leaked: number): string {
  const path = join(folder, name);
  mkdirSync(path);
  writeFileSync(join(path, 'trace.txt'), trace(leaked));
  writeFileSync(join(path, 'version.txt'), RUN);
  return path;
}

let [base, base2, leaky, leaky2] = ['', '', '', ''];

beforeEach(() => {
  folder = temporaryFolder();
  base = recording('base', 0);
  base2 = recording('base2', 0);
  leaky = recording('leaky', 50);
  leaky2 = recording('leaky2', 52);
});

describe('results', () => {
  test('variadic runs on both sides, then options', async () => {
    const result = await jsonOf<Result>(['compare', base, base2, '--to', leaky, leaky2]);
    expect(result).toMatchObject({ formatVersion: 1, type: 'comparison', run: { label: 'leaky' } });
    expect([result.base.length, result.new.length]).toEqual([2, 2]);
    expect(
      result.rows.find((r) => r.symbol === 'probe+0x3bc' && r.metric === 'live'),
    ).toMatchObject({
      subject: 'site',
      module: 'mod',
      cache: null,
      base: [0, 0],
      new: [409600, 425984],
      verdict: 'regression',
    });
  });

  test('text says new against base, and who did it', async () => {
    const text = await outputOf(['compare', base, '--to', leaky]);
    expect(text).toMatch(/^new \(1 run\) against base \(1 run\), per run\n/);
    expect(text).toMatch(/ {2}probe\+0x3bc \[mod\] +\+400 KB .* new, 50 x 4097 B in kmalloc-8k\n/);
    for (const line of text.split('\n')) expect(line.length).toBeLessThanOrEqual(100);
  });

  test('a run against itself is empty', async () => {
    const { rows } = await jsonOf<Result>(['compare', leaky, '--to', leaky]);
    expect(rows).toEqual([]);
  });

  test('a run database is as good as its recording', async () => {
    const db = join(folder, 'leaky.db');
    await outputOf(['ingest', leaky, '-o', db, '--quiet']);
    const stored = await jsonOf<Result>(['compare', base, '--to', db]);
    const direct = await jsonOf<Result>(['compare', base, '--to', leaky]);
    expect(stored.rows).toEqual(direct.rows);
  });

  test('standard input is a run', async () => {
    const result = await runCli(['compare', base, '--to', '-', '--json'], { input: trace(50) });
    expect(result.code).toBe(0);
    expect((JSON.parse(result.stdout) as Result).rows.some((r) => r.verdict === 'regression')).toBe(
      true,
    );
  });

  test('filters select in all runs', async () => {
    const { rows } = await jsonOf<Result>([
      'compare',
      base,
      '--to',
      leaky,
      '--cache',
      'kmalloc-64',
    ]);
    expect(rows.filter((r) => r.verdict !== 'same')).toEqual([]);
  });

  test('--out gets the result; --force overwrites it', async () => {
    const out = join(folder, 'result.txt');
    const args = ['compare', base, '--to', leaky, '-o', out];
    expect(await outputOf(args)).toBe('');
    expect(readFileSync(out, 'utf8')).toContain('probe+0x3bc');
    expect(await runCli(args)).toMatchObject({ code: 74, stdout: '' });
    expect(await runCli([...args, '--force'])).toMatchObject({ code: 0 });
  });

  test.each([
    ['lkp', /^ {9}%stddev {5}%change {9}%stddev$/m],
    ['markdown', /^\| live, end \| 31 KB \| 431 KB \| \+400 KB \|/m],
    ['junit', /<testcase name="call site probe\+0x3bc \[mod\]: live, end"/],
    ['sarif', /"version": "2\.1\.0"/],
  ])('--format %s', async (format, expected) => {
    expect(await outputOf(['compare', base, '--to', leaky, '--format', format])).toMatch(expected);
  });

  test('--csv has every row', async () => {
    const lines = (await outputOf(['compare', base, '--to', leaky, '--csv'])).trimEnd().split('\n');
    const { rows } = await jsonOf<Result>(['compare', base, '--to', leaky]);
    expect(lines).toHaveLength(rows.length + 1);
  });

  test('recordings of different kernels and lengths compare, with warnings', async () => {
    const { warnings } = await jsonOf<Result>(['compare', base, '--to', join(ROOT, STACKS)]);
    expect(warnings[0]).toMatch(/^Kernels differ \(6\.1\.0-test, 6\.12\./);
    expect(warnings.some((w) => w.startsWith('Runs last from '))).toBe(true);
  });
});

describe('gates', () => {
  const gated = (
    ...gates: string[]
  ): Promise<{ code: number | null; stdout: string; stderr: string }> =>
    runCli(['compare', base, base2, '--to', leaky, ...gates.flatMap((g) => ['--fail-on', g])]);

  test('exit 0 where all pass', async () => {
    const { code, stdout } = await gated('total:live<=1GiB', 'cache:kmalloc-64:live>+0%');
    expect(code).toBe(0);
    expect(stdout).toMatch(/^PASS {2}total:live<=1GiB {3}1 row$/m);
  });

  test('exit 1 where one is crossed, with the rows that cross it', async () => {
    const { code, stdout, stderr } = await gated('total:live<=1GiB', 'cache:*:waste>+5%');
    expect([code, stderr]).toEqual([1, '']);
    expect(stdout).toMatch(
      /^FAIL {2}cache:\*:waste>\+5% {3}1 of 2 rows\n {8}kmalloc-8k {3}is up from nothing to 200 KB$/m,
    );
  });

  test('exit 2 where one can never fail, after the result', async () => {
    const { code, stdout, stderr } = await gated('cache:no-such-cache:waste>+5%', 'total:live>+1%');
    expect(code).toBe(2);
    expect(stdout).toContain('DEAD  cache:no-such-cache:waste>+5%');
    expect(stderr).toMatch(
      /^slabreplay: --fail-on 'cache:no-such-cache:waste>\+5%': no row matches, so this gate cannot fail\n {2}\S/,
    );
  });

  test('exit 2 where one is broken, before anything is read', async () => {
    const result = await runCli(['compare', 'no-such', '--to', 'no-such', '--fail-on', 'live>5x']);
    expect(result).toMatchObject({ code: 2, stdout: '' });
    expect(result.stderr).toMatch(
      /^slabreplay: --fail-on 'live>5x': '5x' is no limit, at character 6\n/,
    );
  });

  test('a config file holds thresholds, gates and budgets', async () => {
    const config = join(folder, 'gates.json');
    writeFileSync(
      config,
      JSON.stringify({
        threshold: '1%,1MiB',
        failOn: ['total:live>+9999%'],
        budgets: { 'site:probe:live': '64KiB' },
      }),
    );
    const result = await runCli(['compare', base, '--to', leaky, '--config', config, '--json']);
    expect(result.code).toBe(1);
    const { gates, rows } = JSON.parse(result.stdout) as Result;
    expect(gates.map((g) => [g.spec, g.matched, g.crossed])).toEqual([
      ['total:live>+9999%', 1, 0],
      ['site:probe:live<=64KiB', 1, 1],
    ]);
    expect(rows.filter((r) => r.verdict === 'regression')).toEqual([]); // all below 1 MiB
    // The command line goes before the file.
    const { rows: own } = JSON.parse(
      (
        await runCli([
          'compare',
          base,
          '--to',
          leaky,
          '--config',
          config,
          '--threshold',
          '1%',
          '--json',
        ])
      ).stdout,
    ) as Result;
    expect(own.some((r) => r.verdict === 'regression')).toBe(true);
  });
});

test('a budget that matches nothing is named by its file', async () => {
  const config = join(folder, 'gates.json');
  writeFileSync(config, '{"budgets": {"cache:nix:live": "64KiB", "total:live": "1GiB"}}');
  const { code, stderr } = await runCli(['compare', base, '--to', leaky, '--config', config]);
  expect([code, stderr]).toEqual([
    2,
    expect.stringContaining(`${config}: budgets 'cache:nix:live<=64KiB': no row matches, so this`),
  ]);
});

describe('baselines', () => {
  test('stand for the runs they were made of, plain and packed', async () => {
    const file = join(folder, 'baseline.json');
    expect(await outputOf(['compare', base, base2, '--save-baseline', file])).toBe('');
    await outputOf(['compare', base, base2, '--save-baseline', `${file}.gz`]);
    expect(gunzipSync(readFileSync(`${file}.gz`))).toEqual(readFileSync(file));
    const direct = await jsonOf<Result>(['compare', base, base2, '--to', leaky]);
    for (const path of [file, `${file}.gz`]) {
      expect(await jsonOf<Result>(['compare', path, '--to', leaky])).toEqual(direct);
    }
  });

  test('are saved beside a comparison, and never overwritten unasked', async () => {
    const file = join(folder, 'baseline.json');
    const args = ['compare', base, '--to', leaky, '--save-baseline', file];
    expect(await outputOf(args)).toContain('probe+0x3bc');
    expect(existsSync(file)).toBe(true);
    const again = await runCli(args);
    expect(again).toMatchObject({ code: 74, stdout: '' });
    expect(again.stderr).toBe(
      `slabreplay: ${file}: exists already\n  Use --force to overwrite it.\n`,
    );
  });

  test('damaged ones are refused', async () => {
    const file = join(folder, 'baseline.json');
    await outputOf(['compare', base, '--save-baseline', file]);
    writeFileSync(file, readFileSync(file, 'utf8').slice(0, 500));
    const { code, stderr } = await runCli(['compare', file, '--to', leaky]);
    expect(code).toBe(65);
    expect(stderr).toMatch(/baseline\.json: a damaged baseline: /);
  });
});

describe('wrong use and bad input', () => {
  test.each([
    [2, 'the new runs are missing', (): string[] => [base]],
    [2, "missing required argument 'base'", (): string[] => ['--to', leaky]],
    [2, "--per 'day': not known", (): string[] => [base, '--to', leaky, '--per', 'day']],
    [
      2,
      'it has no mm_page_alloc event',
      (): string[] => [base, '--to', leaky, '--per', 'mm_page_alloc'],
    ],
    [
      2,
      "'much' is neither a percentage nor a size, at character 1",
      (): string[] => [base, '--to', leaky, '--threshold', 'much'],
    ],
    [2, 'Allowed choices are text, lkp', (): string[] => [base, '--to', leaky, '--format', 'pdf']],
    [2, 'standard input (-) can be one run only', (): string[] => ['-', '--to', '-']],
    [74, 'no-such: no such file or directory', (): string[] => [base, '--to', 'no-such']],
    [
      74,
      'none.json: no such file or directory',
      (): string[] => [base, '--to', leaky, '--config', 'none.json'],
    ],
  ])('exit %d: %s', async (code, message, args) => {
    const result = await runCli(['compare', ...args()]);
    expect(result).toMatchObject({ code, stdout: '' });
    expect(result.stderr).toContain(message);
    expect(result.stderr).not.toMatch(/^\s+at /m);
  });

  test('exit 65: a run without kmem events', async () => {
    const empty = join(folder, 'empty');
    mkdirSync(empty);
    writeFileSync(
      join(empty, 'trace.txt'),
      '# tracer: nop\n#\n            init-1       [000] .....     1.000000: sched_switch: prev_comm=sh ==> next_comm=sh\n',
    );
    const result = await runCli(['compare', base, '--to', empty]);
    expect(result).toMatchObject({ code: 65, stdout: '' });
    expect(result.stderr).toMatch(/: no kmem event was recorded; it holds 1 sched_switch\n/);
  });
});
