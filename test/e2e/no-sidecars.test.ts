// --no-sidecars: no command looks at a file beside the events. Beside them lies, under every name that
// one could look for, a link to itself: to look at it is an error.

import { copyFileSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { SIDECAR_NAMES } from '../../src/recording/sidecars.ts';
import { ROOT, runCli } from '../helpers/run-cli.ts';

const OTHERS = ['btf', 'vmlinux', 'vmcore', 'host.lime', 'tracing', 'saved_cmdlines', 'cpu0.stats'];
const ADDRESS = '0xffff888003a40040';

let folder: string;
let out: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'slabreplay-beside-'));
  out = mkdtempSync(join(tmpdir(), 'slabreplay-out-'));
  copyFileSync(join(ROOT, 'traces/leak-example/trace.csv'), join(folder, 'trace.csv'));
  for (const name of [...SIDECAR_NAMES, ...OTHERS]) {
    if (name.includes('/')) continue; // in the folder `tracing`, which is such a link too
    for (const each of [name, `${name}.gz`]) symlinkSync(each, join(folder, each));
  }
});

afterAll(() => {
  for (const each of [folder, out]) rmSync(each, { recursive: true, force: true });
});

const COMMANDS: readonly (readonly string[])[] = [
  ['analyze', '@'],
  ['frag', '@', '--by', 'site'],
  ['rates', '@'],
  ['leaks', '@'],
  ['leaks', '@', '--format', 'kmemleak'],
  ['leaks', '@', '--vmcore', 'traces/leak-example/vmcore.txt'],
  ['history', '@', ADDRESS],
  ['lint', '@'],
  ['replay', '@'],
  ['slabinfo', '@', '--from', 'replay'],
  ['perfkmem', '@'],
  ['compare', '@', '--to', '@'],
  ['export', '@', '--to', 'csv', '-o', '%.csv'],
  ['export', '@', '--to', 'pprof', '-o', '%.pb.gz'],
  ['ingest', '@', '-o', '%.db'],
  ['report', '@', '-o', '%.html'],
  ['analyze', '@', '--keep', '%.kept.db'],
];

describe.each(['trace.csv', ''])('SOURCE is folder/%s', (file) => {
  test.each(COMMANDS.map((args) => [args.join(' '), args] as const))('%s', async (name, args) => {
    const path = join(out, `${file}-${name.replace(/\W/g, '')}`);
    const source = join(folder, file);
    const real = args.map((arg) => (arg === '@' ? source : arg.replace('%', path)));
    const { code, stderr } = await runCli([...real, '--no-sidecars']);
    expect(stderr).not.toContain('ELOOP');
    expect(code).toBe(0);
  });
});

test('without the option such a file is an error', async () => {
  const { code, stderr } = await runCli(['analyze', folder]);
  expect(stderr).toContain('ELOOP');
  expect(code).toBe(74);
});
