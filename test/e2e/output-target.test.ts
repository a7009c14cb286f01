// Where -o leads: a file, which is never overwritten unasked; standard output, a pipe or a device, which
// are written to as they are; and what it cannot be.

import { execFile, execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, test } from 'vitest';
import { MAIN, outputOf, ROOT, runCli, STACKS, temporaryFolder } from '../helpers/run-cli.ts';
import { describeWithTools } from '../helpers/tools.ts';

const TRACE = join(ROOT, STACKS);
/** Commands that print a result, and commands whose product is a file. */
const PRINTING = [
  ['analyze', TRACE, '--no-replay'],
  ['frag', TRACE, '--no-replay'],
  ['rates', TRACE, '--json'],
  ['lint', TRACE, '--no-replay'],
  ['leaks', TRACE, '--outstanding', '--csv'],
  ['history', TRACE, '0xffff8d4881ac8000'],
  ['compare', TRACE, '--to', TRACE, '--no-replay', '--format', 'markdown'],
  ['slabinfo', TRACE, '--from', 'replay'],
];
const WRITING = [
  ['report', TRACE, '--no-replay'],
  ['export', TRACE, '--to', 'csv'],
  ['export', TRACE, '--to', 'collapsed'],
];
const DATABASES = [
  ['ingest', TRACE],
  ['export', TRACE, '--to', 'sqlite-rows'],
];
const optionOf = ([command]: readonly string[]): string =>
  command === 'slabinfo' ? '--out' : '-o';
const withOut = (args: readonly string[], out: string): string[] => [...args, optionOf(args), out];
const ALL = [...PRINTING, ...WRITING, ...DATABASES];

/** Runs a line of shell in a folder of its own; the words are $0 and so on. */
async function shell(
  line: string,
  args: readonly string[],
): Promise<{ cwd: string; stdout: string }> {
  const cwd = temporaryFolder();
  const env = { ...process.env, NO_COLOR: '1', TZ: 'UTC' };
  const words = ['-c', line, process.execPath, MAIN, ...args];
  const { stdout } = await promisify(execFile)('bash', words, { cwd, env, maxBuffer: 2 ** 28 });
  return { cwd, stdout };
}

describe('-o -', () => {
  test.each(PRINTING)('%s prints, and makes no file', async (...args) => {
    const cwd = temporaryFolder();
    const stdout = await outputOf(withOut(args, '-'), { cwd });
    expect(stdout).toBe(await outputOf(args));
    expect(readdirSync(cwd)).toEqual([]);
  });

  test.each(WRITING)('%s writes to standard output what the file would hold', async (...args) => {
    const file = join(temporaryFolder(), 'out');
    await outputOf(withOut(args, file));
    const cwd = temporaryFolder();
    const { stdout, stderr } = await runCli(withOut(args, '-'), { cwd });
    expect(stdout).toBe(readFileSync(file, 'utf8'));
    expect([stderr, readdirSync(cwd)]).toEqual(['', []]);
  });
});

test.each(DATABASES)('%s: a database cannot go to standard output', async (...args) => {
  const result = await runCli(withOut(args, '-'));
  expect(result).toMatchObject({
    code: 2,
    stdout: '',
    stderr:
      'slabreplay: -o -: a database cannot be written to a pipe or a device\n  Name a file.\n',
  });
});

describeWithTools(['bash', 'mkfifo'], 'what is there already', () => {
  test.each(['/dev/stdout', '/dev/fd/1', '/proc/self/fd/1'])('%s behind > and >>', async (out) => {
    const args = withOut(['rates', TRACE], out);
    const { cwd } = await shell('echo before > out; "$0" "$@" >> out; echo after >> out', args);
    const text = readFileSync(join(cwd, 'out'), 'utf8');
    expect(text).toBe(`before\n${await outputOf(['rates', TRACE])}after\n`);
  });

  test('/dev/stderr', async () => {
    const { stdout } = await shell(
      '"$0" "$@" 2>&1 > /dev/null',
      withOut(['rates', TRACE], '/dev/stderr'),
    );
    expect(stdout).toBe(await outputOf(['rates', TRACE]));
  });

  test.each([...PRINTING.slice(0, 2), ...WRITING])('%s: /dev/null', async (...args) => {
    expect(await runCli(withOut(args, '/dev/null'))).toMatchObject({
      code: 0,
      stdout: '',
      stderr: '',
    });
  });

  test.each([...PRINTING.slice(2, 3), ...WRITING.slice(1)])('%s: a named pipe', async (...args) => {
    const folder = temporaryFolder();
    const pipe = join(folder, 'pipe');
    execFileSync('mkfifo', [pipe]);
    const file = join(folder, 'file');
    await outputOf(withOut(args, file));
    const [text] = await Promise.all([readFile(pipe, 'utf8'), outputOf(withOut(args, pipe))]);
    expect(text).toBe(readFileSync(file, 'utf8'));
    expect(readdirSync(folder).sort()).toEqual(['file', 'pipe']);
  });

  test('a process of the shell', async () => {
    const line = '"$0" "$@" -o >(cat > out; touch done); until [ -e done ]; do sleep 0.01; done';
    const { cwd } = await shell(line, ['rates', TRACE]);
    expect(readFileSync(join(cwd, 'out'), 'utf8')).toBe(await outputOf(['rates', TRACE]));
  });

  test('a device without room', async () => {
    expect(await runCli(withOut(['rates', TRACE], '/dev/full'))).toMatchObject({
      code: 74,
      stderr: 'slabreplay: /dev/full: cannot be written: no space left on the device\n',
    });
  });
});

describe('what cannot be written', () => {
  test.each(ALL)('%s %s %s: a folder, an empty name, a file', async (...args) => {
    const folder = temporaryFolder();
    const inner = join(folder, 'folder');
    const file = join(folder, 'file');
    mkdirSync(inner);
    writeFileSync(file, 'mine');
    expect(await runCli(withOut(args, inner))).toEqual({
      code: 74,
      signal: null,
      stdout: '',
      stderr: `slabreplay: ${inner}: is a directory\n  Name a file in it.\n`,
    });
    expect(await runCli(withOut(args, ''))).toMatchObject({
      code: 2,
      stderr: 'slabreplay: -o: the name is empty\n  Name a file.\n',
    });
    expect(await runCli(withOut(args, file))).toMatchObject({
      code: 74,
      stderr: `slabreplay: ${file}: exists already\n  Use --force to overwrite it.\n`,
    });
    expect(readFileSync(file, 'utf8')).toBe('mine');
    expect(readdirSync(folder).sort()).toEqual(['file', 'folder']);
  });

  test.each([
    ['--keep', ['rates', TRACE]],
    ['--html', ['compare', TRACE, '--to', TRACE, '--no-replay']],
    ['--save-baseline', ['compare', TRACE, '--no-replay']],
  ])('%s: a folder, an empty name', async (option, args) => {
    expect(await runCli([...args, option, ROOT])).toMatchObject({
      code: 74,
      stderr: `slabreplay: ${ROOT}: is a directory\n  Name a file in it.\n`,
    });
    expect(await runCli([...args, option, ''])).toMatchObject({
      code: 2,
      stderr: `slabreplay: ${option}: the name is empty\n  Name a file.\n`,
    });
  });

  test.each(['', '-'])('record -o %j', async (out) => {
    expect(await runCli(['record', '-o', out, '--duration', '1s'])).toMatchObject({ code: 2 });
  });
});
