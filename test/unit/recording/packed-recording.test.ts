import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { cpuFiles } from '../../../src/ingest/raw-pages/cpu-files.ts';
import { findSource } from '../../../src/recording/find-source.ts';
import { FolderSidecars } from '../../../src/recording/sidecar-files.ts';
import { findVmcore } from '../../../src/run/open-vmcore.ts';

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'packed-recording-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function put(name: string, content: string | Buffer = 'x'): void {
  writeFileSync(join(folder, name), content);
}

function fixture(name: string): Buffer {
  return readFileSync(new URL(`../../fixtures/packed/${name}`, import.meta.url));
}

test.each([
  ['trace.dat.xz'],
  ['trace.txt.zst'],
  ['perf.data.xz'],
  ['trace.csv.zst'],
  ['trace_pipe_raw.cpu0.xz'],
])('the events of a folder are found in %s', (name) => {
  put('slabinfo.txt.xz');
  put(name);
  expect(findSource(folder)).toMatchObject({ kind: 'trace', path: join(folder, name) });
});

test('the best events are read, packed or not', () => {
  put('trace.txt');
  put('trace.dat.zst');
  expect(findSource(folder)).toMatchObject({ path: join(folder, 'trace.dat.zst') });
});

test('the pages of all CPUs belong together, however each is packed', () => {
  for (const name of ['trace_pipe_raw.cpu0.xz', 'trace_pipe_raw.cpu1', 'trace_pipe_raw.cpu2.zst']) {
    put(name);
  }
  const files = cpuFiles(join(folder, 'trace_pipe_raw.cpu0.xz'));
  expect(files.map(({ cpu, path }) => [cpu, basename(path)])).toEqual([
    [0, 'trace_pipe_raw.cpu0.xz'],
    [1, 'trace_pipe_raw.cpu1'],
    [2, 'trace_pipe_raw.cpu2.zst'],
  ]);
});

test.each(['vmcore.xz', 'vmcore.elf.zst', 'host.lime.xz'])(
  'a snapshot is found in %s',
  async (name) => {
    put(name);
    put('vmcore-dmesg.txt.xz');
    expect(await findVmcore({ source: folder })).toEqual({ path: join(folder, name) });
  },
);

test('sidecars are found under each name and unpacked by what they are', () => {
  const sidecars = new FolderSidecars([folder]);
  put('slabinfo.before.txt.xz', fixture('crc64.xz'));
  put('slabinfo.txt.zst', fixture('lines.zst'));
  put('kallsyms.txt', fixture('blocks.xz'));
  for (const name of ['slabinfo.before.txt', 'slabinfo.txt', 'kallsyms.txt']) {
    expect(sidecars.text(name)).toMatch(/^1\n2\n[\d\n]*\n20000\n$/);
  }
  expect(sidecars.list('.')).toEqual(['kallsyms.txt', 'slabinfo.before.txt', 'slabinfo.txt']);
  put('cmdline.txt.xz', fixture('crc64.xz').subarray(0, 2000));
  expect(() => sidecars.text('cmdline.txt')).toThrow(
    /cmdline\.txt\.xz: cannot be unpacked: unexpected end of input/i,
  );
});
