// Standard input and output as a shell joins them: text piped in, a reader that leaves early, the
// same bytes each time.

import { execFile, execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { gunzipSync } from 'node:zlib';
import { expect, test } from 'vitest';
import {
  BOOT,
  type CliResult,
  jsonOf,
  MAIN,
  outputOf,
  ROOT,
  runCli,
  STACKS,
  startCli,
  temporaryFolder,
} from '../helpers/run-cli.ts';
import { describeWithTools } from '../helpers/tools.ts';

const PACKED = readFileSync(join(ROOT, STACKS, 'trace.txt.gz'));
const TEXT = gunzipSync(PACKED);

interface Analysis {
  readonly run: object;
  readonly totals: object;
  readonly callSites: readonly object[];
}

describeWithTools(['mkfifo'], 'text from a named pipe', () => {
  test.each([
    ['plain', TEXT],
    ['packed', PACKED],
  ])('%s, gives what the file gives', async (_, input) => {
    const pipe = join(temporaryFolder(), 'pipe');
    execFileSync('mkfifo', [pipe]);
    const fromFile = await jsonOf<Analysis>(['analyze', `${STACKS}/trace.txt.gz`, '--no-sidecars']);
    const [fromPipe] = await Promise.all([
      jsonOf<Analysis>(['analyze', pipe, '--no-sidecars']),
      writeFile(pipe, input),
    ]);
    expect(fromPipe.totals).toEqual(fromFile.totals);
    expect(fromPipe.callSites).toEqual(fromFile.callSites);
  });
});

test.each([
  ['plain', TEXT],
  ['packed', PACKED],
])('text on standard input, %s, gives what the file gives', async (_, input) => {
  const fromFile = await jsonOf<Analysis>(['analyze', `${STACKS}/trace.txt.gz`, '--no-sidecars']);
  const fromPipe = await jsonOf<Analysis>(['analyze', '-'], { input });
  expect(fromPipe.totals).toEqual(fromFile.totals);
  expect(fromPipe.callSites).toEqual(fromFile.callSites);
  expect(fromPipe.run).toMatchObject({ label: 'stdin', sources: ['-'] });
});

test('standard input takes sidecars where a folder is named', async () => {
  const fromFolder = await jsonOf<Analysis>(['analyze', STACKS]);
  const fromPipe = await jsonOf<Analysis>(['analyze', '-', '--sidecars', STACKS], { input: TEXT });
  expect(fromPipe.totals).toEqual(fromFolder.totals);
  expect(fromPipe.run).toMatchObject({ kernelRelease: '6.12.117+deb12-amd64' });
});

test('Ctrl-C ends standard input, and what was read until then is printed', async () => {
  const child = startCli(['analyze', '-', '--json']);
  const chunks: Buffer[] = [];
  child.stdout?.on('data', (chunk: Buffer) => chunks.push(chunk));
  // All is written when the program has taken all but what the pipe holds.
  await new Promise((resolve) => child.stdin?.write(TEXT, resolve));
  child.kill('SIGINT');
  child.stdin?.end(); // the shell ends the whole pipeline: `cat trace_pipe | slabreplay analyze -`
  const code = await new Promise((resolve) => child.on('close', resolve));
  expect(code).toBe(0);
  const { events } = JSON.parse(Buffer.concat(chunks).toString()) as { events: { total: number } };
  expect(events.total).toBeGreaterThan(1000);
});

describeWithTools(['bash', 'head'], 'a reader that has seen enough is no error', () => {
  test.each([
    ['analyze', STACKS, '--json'],
    ['frag', STACKS, '--by', 'site', '--csv'],
    ['slabinfo', BOOT, '--json'],
    ['export', STACKS, '--to', 'csv', '-o', '-'],
  ])('%s %s | head -1', async (...args) => {
    const script = 'set -o pipefail; "$0" "$@" | head -1';
    const { stdout, stderr } = await promisify(execFile)(
      'bash',
      ['-c', script, process.execPath, MAIN, ...args],
      {
        cwd: ROOT,
      },
    );
    expect(stdout.split('\n')).toHaveLength(2);
    expect(stderr).toBe('');
  });
});

test.each([
  ['analyze', STACKS, '--json'],
  ['frag', STACKS, '--by', 'task', '--csv'],
  ['rates', STACKS, '--by', 'site', '--series'],
  ['perfkmem', STACKS, '--caller', '--alloc'],
])('the same bytes each time: %s %s %s', async (...args) => {
  const [one, other] = await Promise.all([outputOf(args), outputOf(args)]);
  expect(other).toBe(one);
});

test('-o writes what would have been printed', async () => {
  const path = join(temporaryFolder(), 'overview.txt');
  const result: CliResult = await runCli(['analyze', STACKS, '-o', path]);
  expect(result).toMatchObject({ code: 0, stdout: '', stderr: '' });
  expect(readFileSync(path, 'utf8')).toBe(await outputOf(['analyze', STACKS]));
});

test('nothing but results goes to standard output, nothing to standard error', async () => {
  for (const command of ['analyze', 'frag', 'rates', 'perfkmem']) {
    const { code, stdout, stderr } = await runCli([command, STACKS]);
    expect([code, stderr]).toEqual([0, '']);
    expect(stdout).not.toBe('');
  }
});

test('--version prints the version of the package', async () => {
  const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
    version: string;
  };
  expect(await outputOf(['--version'])).toBe(`${version}\n`);
});

test('--help names every command', async () => {
  const help = await outputOf(['--help']);
  for (const command of 'analyze ingest frag rates slabinfo perfkmem sql export formats'.split(
    ' ',
  )) {
    expect(help).toMatch(new RegExp(`^  ${command} `, 'm'));
    expect(await outputOf([command, '--help'])).toMatch(`Usage: slabreplay ${command}`);
  }
});

test('a label takes the place of the name', async () => {
  const result = await jsonOf<Analysis>(['analyze', STACKS, '--label', 'before the patch']);
  expect(result.run).toMatchObject({ label: 'before the patch' });
});
