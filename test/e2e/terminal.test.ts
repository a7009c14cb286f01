// Every command that reads, in a real terminal: it ends, what it prints is what it prints elsewhere,
// and nothing of its progress stays. A named pipe that is fed when progress is on the screen takes the
// speed of the machine out of it.

import {
  closeSync,
  ftruncateSync,
  openSync,
  readdirSync,
  readFileSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { SeededRandom } from '../../src/base/seeded-random.ts';
import { outputOf, ROOT, STACKS, temporaryFolder } from '../helpers/run-cli.ts';
import {
  drawnLines,
  inTerminal,
  makePipe,
  PROGRAM,
  type Step,
  screenOf,
  shellInTerminal,
  TERMINAL_TOOLS,
} from '../helpers/terminal.ts';
import { describeWithTools } from '../helpers/tools.ts';

const TEXT = gunzipSync(readFileSync(join(ROOT, STACKS, 'trace.txt.gz')));
const HALF = 600_000;

function pipeOf(all: Uint8Array = TEXT): {
  path: string;
  first: Uint8Array;
  rest: Uint8Array;
} {
  return { path: makePipe(), first: all.subarray(0, HALF), rest: all.subarray(HALF) };
}

/** What is printed of the same events where no terminal is. */
async function plainly(args: readonly string[]): Promise<string> {
  const path = join(temporaryFolder(), 'trace.txt');
  writeFileSync(path, TEXT);
  return outputOf(args.map((arg) => (arg === 'TRACE' ? path : arg)));
}

const unhidden = (text: string): string => text.replace(/\/\S+\/trace\.txt/g, 'TRACE');

describeWithTools(TERMINAL_TOOLS, 'in a terminal', () => {
  test.each([
    [80, 'reading', ['analyze', 'TRACE']],
    [160, 'reading', ['frag', 'TRACE', '--by', 'site']],
    [80, 'reading', ['rates', 'TRACE', '--series']],
    [160, 'reading', ['lint', 'TRACE']],
    [80, 'reading', ['leaks', 'TRACE', '--outstanding']],
    [160, 'reading', ['perfkmem', 'TRACE', '--caller']],
    [80, 'reading', ['history', 'TRACE', '0xffff9b1980a9dc00']],
    [160, 'storing', ['replay', 'TRACE']],
    [80, 'storing', ['slabinfo', 'TRACE', '--from', 'replay']],
    [20, 'reading', ['compare', 'TRACE', '--to', STACKS]],
  ] as const)('%i columns, while it is %s: %j', async (columns, doing, args) => {
    const pipe = pipeOf();
    const own = args.map((arg) => (arg === 'TRACE' ? pipe.path : arg));
    const { status, output } = await inTerminal(own, {
      columns,
      pipe,
      steps: [[doing, 'feed']],
    });
    expect(status).toBe(0);
    expect(output.match(/(reading|storing|replaying) /g)).not.toBeNull();
    for (const line of drawnLines(output)) expect(line.length).toBeLessThan(columns);
    const expected = args[0] === 'compare' ? undefined : await plainly(args);
    // A pipe cannot be replayed beside an overview, so these say less than of a file.
    const isWhole = ['analyze', 'lint', 'frag', 'compare'].includes(args[0]);
    if (isWhole) expect(screenOf(output)).not.toMatch(/reading|storing|replaying|\[#|\d%,/);
    else expect(unhidden(screenOf(output))).toBe(unhidden(expected ?? ''));
  });

  test.each([
    ['storing', ['ingest', 'TRACE', '-o', 'OUT'], /^slabreplay: OUT: 6,445 events\n$/],
    ['reading', ['report', 'TRACE', '-o', 'OUT'], /^slabreplay: OUT: \d+ KB\n$/],
    [
      'reading',
      ['export', 'TRACE', '--to', 'collapsed', '-o', 'OUT'],
      /^slabreplay: OUT: \S+ stacks\n$/,
    ],
    [
      'storing',
      ['export', 'TRACE', '--to', 'csv', '-o', 'OUT'],
      /^slabreplay: OUT: 6,445 events\n$/,
    ],
  ] as const)('while it is %s: %j', async (doing, args, expected) => {
    const pipe = pipeOf();
    const out = join(temporaryFolder(), 'out');
    const own = args.map((arg) => ({ TRACE: pipe.path, OUT: out })[arg as string] ?? arg);
    const { status, output } = await inTerminal(own, { pipe, steps: [[doing, 'feed']] });
    expect(screenOf(output).replace(out, 'OUT')).toMatch(expected);
    expect(status).toBe(0);
  });

  test('each pass of a replay has a word of its own, and none stays', async () => {
    const pipe = pipeOf();
    const job = { pipe, steps: [['storing', 'feed']] as Step[] };
    const { status, output } = await inTerminal(['replay', pipe.path, '--json'], job);
    const words = output.match(/\r(storing|reading|replaying) /g)?.map((word) => word.trim());
    expect([...new Set(words)]).toEqual(['storing', 'reading', 'replaying']);
    expect([status, screenOf(output)[0]]).toEqual([0, '{']);
  });

  test('> file: the terminal is empty, the file has it all', async () => {
    const pipe = pipeOf();
    const file = join(temporaryFolder(), 'out');
    const line = `${PROGRAM} rates '${pipe.path}' > '${file}'`;
    const { status, output } = await shellInTerminal(line, { pipe, steps: [['reading', 'feed']] });
    expect([status, screenOf(output)]).toEqual([0, '']);
    expect(readFileSync(file, 'utf8')).toBe(await plainly(['rates', 'TRACE']));
  });

  test('| head -1: one line', async () => {
    const pipe = pipeOf();
    const line = `set -o pipefail; ${PROGRAM} perfkmem '${pipe.path}' --alloc -l 100000 | head -1`;
    const { status, output } = await shellInTerminal(line, { pipe, steps: [['reading', 'feed']] });
    const [first = ''] = (await plainly(['perfkmem', 'TRACE', '--alloc'])).split('\n');
    expect([status, screenOf(output)]).toEqual([0, `${first}\n`]);
  });

  test('an error in the middle: exit 65, and its line alone', async () => {
    const random = new SeededRandom(1);
    const noise = Buffer.from(Array.from({ length: HALF }, () => random.below(256)));
    const packed = gzipSync(Buffer.concat(Array.from({ length: 12 }, () => TEXT)), { level: 1 });
    const pipe = pipeOf(Buffer.concat([packed.subarray(0, HALF), noise]));
    const job = { pipe, steps: [['reading', 'feed']] as Step[] };
    const { status, output } = await inTerminal(['analyze', pipe.path], job);
    expect(screenOf(output)).toMatch(/^slabreplay: \S+: the packed data are damaged .*\n {2}.*\n$/);
    expect(status).toBe(65);
  });

  test.each([
    ['ctrl-c', 130],
    ['SIGTERM', 143],
    ['SIGHUP', 129],
  ] as const)('%s while the thread reads: exit %i, the line is gone', async (action, code) => {
    // It never ends: a hole as large as a file may be.
    const path = join(temporaryFolder(), 'trace.txt');
    const fd = openSync(path, 'w');
    writeSync(fd, TEXT);
    ftruncateSync(fd, 2 ** 42);
    closeSync(fd);
    const { status, output } = await inTerminal(['analyze', path], {
      steps: [['reading', action]],
    });
    expect([status, screenOf(output)]).toEqual([code, '']);
  });

  test.each([
    ['ctrl-c', -2],
    ['SIGTERM', -15],
    ['SIGHUP', -1],
  ] as const)('%s while it waits for a pipe ends it', async (action, code) => {
    const pipe = pipeOf();
    const job = { pipe, steps: [['reading', action]] as Step[] };
    const { status, output } = await inTerminal(['rates', pipe.path], job);
    expect([status, screenOf(output)]).toEqual([code, '']);
  });

  test.each(['ctrl-c', 'SIGTERM', 'SIGHUP'] as const)(
    '%s leaves no half database',
    async (action) => {
      const pipe = pipeOf();
      const folder = temporaryFolder();
      const job = { pipe, steps: [['storing', action]] as Step[] };
      const { output } = await inTerminal(['ingest', pipe.path, '-o', join(folder, 'run.db')], job);
      expect(screenOf(output)).toBe('');
      expect(readdirSync(folder)).toEqual([]);
    },
  );

  test.each([['--quiet'], ['--no-progress']])('%s shows none', async (option) => {
    const pipe = pipeOf();
    const line = `(sleep 1.5; cat '${pipe.path}') | ${PROGRAM} rates - ${option}`;
    const { status, output } = await shellInTerminal(line, {
      pipe,
      steps: [['', 'feed']],
    });
    expect(output).not.toContain('reading');
    expect(status).toBe(0);
  });

  test('Ctrl-C ends standard input, and what was read until then is printed', async () => {
    const pipe = pipeOf();
    const line = `cat '${pipe.path}' | ${PROGRAM} rates -`;
    const { status, output } = await shellInTerminal(line, {
      pipe,
      steps: [['reading', 'ctrl-c']],
    });
    expect(screenOf(output)).toMatch(/^stdin +.*\n/);
    expect(status).toBe(0);
  });
});
