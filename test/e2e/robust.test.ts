// Every command with every option that changes its path, over whole recordings, cuts of them and
// traces of next to nothing: none ends in a bug, hangs, or prints NaN, undefined or Infinity.
//
// In every run: the bundled recordings. With SLABREPLAY_ROBUST=full (`npm run test:robust`) also all
// of the data folder: of each recording a fiftieth from its middle, on which every command is run with
// a sixth of its options, by turns; on the whole some commands, by turns; other event files (the
// variants of formats) whole, some commands by turns.

import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { commandsFor, faults, type Input } from '../helpers/all-commands.ts';
import { POOL_TEST_MS } from '../helpers/cli-pool.ts';
import { recording } from '../helpers/data.ts';
import {
  csvOf,
  cutCsv,
  describeInput,
  findRecordings,
  NOTHING_KNOWN,
  writeCut,
  writeRecording,
} from '../helpers/recording-cuts.ts';
import { BOOT, ROOT, runAllCli, STACKS } from '../helpers/run-cli.ts';

const EXAMPLE = join(ROOT, 'traces', 'leak-example');
const isFull = process.env['SLABREPLAY_ROBUST'] === 'full';

vi.setConfig({ testTimeout: POOL_TEST_MS });

let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'slabreplay-robust-'));
});
afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

/** Runs the commands of an input, all or by turns. */
async function check(input: Input, turns = 1, turn = 0): Promise<void> {
  const commands = commandsFor(input, turns, turn);
  expect(faults(commands, await runAllCli(commands)), input.name).toEqual([]);
}

const HEAD = 'ts,cpu,pid,comm,event,ptr,call_site,bytes_req,bytes_alloc,gfp_flags,cache\n';
const alloc = (ts: string, n: number): string =>
  `${ts},0,1,init,kmalloc,0xffff888003a4${n.toString(16).padStart(4, '0')},open+0x2c,56,64,GFP_KERNEL,\n`;
const free = (ts: string, n: number): string =>
  `${ts},0,1,init,kfree,0xffff888003a4${n.toString(16).padStart(4, '0')},close+0x1f,,,,\n`;

/** Traces of next to nothing: the name of the file, and what is in it. */
const TINY: Readonly<Record<string, readonly [file: string, text: string]>> = {
  'no event': ['trace.csv', HEAD],
  'one event': ['trace.csv', HEAD + alloc('1.0', 0)],
  'one free': ['trace.csv', HEAD + free('1.0', 0)],
  'all events at one time': [
    'trace.csv',
    HEAD + [0, 64, 128].map((n) => alloc('1.0', n)).join('') + free('1.0', 64),
  ],
  'NULL only': [
    'trace.csv',
    `${HEAD}1.0,0,1,init,kfree,0x0,close+0x1f,,,,\n2.0,0,1,init,kmalloc,0x0,open+0x2c,56,64,GFP_KERNEL,\n`,
  ],
  'no sizes': [
    'trace.csv',
    'ts,cpu,pid,event,ptr\n1.0,0,1,kmalloc,0xffff888003a40000\n2.0,0,1,kfree,0xffff888003a40000\n',
  ],
  'no CPUs named': [
    'trace.txt',
    ' sh    17     0.734000: kmem:kmalloc: call_site=0xffffffff81be5a83 ptr=0xffff888003a40000 bytes_req=40 bytes_alloc=64 gfp_flags=GFP_KERNEL\n' +
      ' sh    17     0.734000: kmem:kfree: call_site=0xffffffff81be5a83 ptr=0xffff888003a40000\n',
  ],
};

test.each(Object.entries(TINY).map(([name, [file, text]], turn) => ({ name, file, text, turn })))(
  'a trace of next to nothing: $name',
  async ({ name, file, text, turn }) => {
    const source = writeRecording(folder, name.replaceAll(' ', '-'), file, text);
    await check(await describeInput(name, source, EXAMPLE, folder), 2, turn % 2);
  },
);

test('the bundled recordings', async () => {
  await check(await describeInput('leak-example', EXAMPLE, EXAMPLE, folder));
  const input = await describeInput(STACKS, join(ROOT, STACKS), EXAMPLE, folder);
  await check(input, 5);
});

test('a cut of the bundled boot', async () => {
  const boot = join(ROOT, BOOT);
  const cut = cutCsv(await csvOf(boot, folder), 0.5, 0.505);
  const source = writeCut(folder, 'boot-cut', cut, boot);
  const input = await describeInput('boot-cut', source, join(ROOT, STACKS), folder);
  await check(input, 4);
});

/** One line in so many of each command for a cut, so that recordings of one kind have other ones. */
const TURNS = 6;
/** One command in so many for a whole recording, and for another file of events. */
const TURNS_OF_WHOLE = 60;
const TURNS_OF_FILE = 12;

describe.runIf(isFull && existsSync(recording()))('all recordings', () => {
  const all = isFull ? findRecordings(recording()) : { folders: [], files: [] };

  test.each(all.folders.map((name, turn) => ({ name, turn })))(
    '$name: a fiftieth, and the whole',
    async ({ name, turn }) => {
      const whole = recording(name);
      const csv = await csvOf(whole, folder);
      const source = writeCut(folder, name, cutCsv(csv, 0.49, 0.51), whole);
      const cut = await describeInput(name, source, EXAMPLE, folder);
      await check(cut, TURNS, turn);
      const onWhole = commandsFor({ ...cut, source: whole }).filter(
        (_, i) => i % TURNS_OF_WHOLE === turn % TURNS_OF_WHOLE,
      );
      expect(faults(onWhole, await runAllCli(onWhole)), name).toEqual([]);
    },
  );

  test.each(all.files.map((name, turn) => ({ name, turn })))(
    '$name: whole',
    async ({ name, turn }) => {
      const input = { name, source: recording(name), other: EXAMPLE, folder, ...NOTHING_KNOWN };
      const commands = commandsFor(input).filter(
        (_, i) => i % TURNS_OF_FILE === turn % TURNS_OF_FILE,
      );
      expect(faults(commands, await runAllCli(commands)), name).toEqual([]);
    },
  );
});
