// A file or folder that holds what /sys/kernel/slab or /proc/slabinfo showed.

import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, expect, test } from 'vitest';
import { readPipedCapture, readSlabCapture } from '../../../src/recording/slab-capture.ts';

const folder = mkdtempSync(join(tmpdir(), 'slab-capture-'));
afterAll(() => rmSync(folder, { recursive: true }));

function file(name: string, content: string | Buffer): string {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
}

const ATTRIBUTES: readonly (readonly [string, string])[] = [
  ['object_size', '64'],
  ['slab_size', '64'],
  ['objs_per_slab', '64'],
  ['order', '0'],
  ['objects', '640 N0=640'],
  ['total_objects', '640 N0=640'],
  ['objects_partial', '0'],
  ['slabs', '10 N0=10'],
  ['partial', '0'],
  ['cpu_slabs', '2 N0=2'],
  ['ctor', 'init_once+0x0/0x10'],
];

const lines = (prefix: string, between: string): string =>
  ATTRIBUTES.map(([name, value]) => `${prefix}kmalloc-64/${name}${between}${value}\n`).join('');

/** One file or link of a tar archive; ustar's magic, or none as in the oldest. */
function tarEntry(path: string, type: '0' | '2', content: string, magic = 'ustar'): Buffer {
  const header = Buffer.alloc(512);
  header.write(path, 0);
  const size = type === '0' ? 4096 : 0;
  header.write(size.toString(8).padStart(11, '0'), 124);
  header.write(type, 156);
  if (type === '2') header.write(content, 157);
  header.write(magic, 257);
  header.fill(' ', 148, 156);
  const sum = header.reduce((a, b) => a + b, 0);
  header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
  // sysfs says that each of its files has a page; tar fills it with zeros.
  const bytes = Buffer.alloc(size);
  if (type === '0') bytes.write(`${content}\n`);
  return Buffer.concat([header, bytes]);
}

function tarOf(top: string, magic?: string): Buffer {
  return Buffer.concat([
    ...ATTRIBUTES.map(([name, value]) => tarEntry(`${top}:0000064/${name}`, '0', value, magic)),
    tarEntry(`${top}kmalloc-64`, '2', ':0000064', magic),
    Buffer.alloc(1024),
  ]);
}

test.each([
  ['grep -rH . /sys/kernel/slab', lines('/sys/kernel/slab/', ':')],
  ['grep -r . in a copy', lines('sys/kernel/slab/', ':')],
  ['grep -r . in the folder', lines('./', ':')],
  ['grep -H . */*', lines('', ':')],
  ['path=value', lines('/sys/kernel/slab/', '=')],
  ['a mail', lines('> /sys/kernel/slab/', ':')],
])('%s', (name, text) => {
  const capture = readSlabCapture(file(name.replaceAll('/', '_').replaceAll('*', '_'), text));
  expect(capture?.isSlabinfo).toBe(false);
  expect(capture?.notes).toEqual([]);
  expect(capture?.sysfs.caches).toMatchObject([
    { id: 'kmalloc-64', objects: 640, slabs: 10, cpuSlabs: 2, ctor: 'init_once+0x0/0x10' },
  ]);
});

test.each([
  ['tar', tarOf('sys/kernel/slab/')],
  ['old tar', tarOf('./', '')],
  ['tar.gz', gzipSync(tarOf('slab/'))],
])('%s', (name, bytes) => {
  const capture = readSlabCapture(file(name, bytes));
  expect(capture?.sysfs.caches).toMatchObject([{ id: ':0000064', objects: 640, slabs: 10 }]);
  expect(capture?.sysfs.aliases).toEqual([{ name: 'kmalloc-64', target: ':0000064' }]);
});

test.each(['sys/kernel/slab', 'slab', '.'])('a folder with %s', (where) => {
  const top = mkdtempSync(join(folder, 'tree-'));
  const cache = join(top, where, ':0000064');
  mkdirSync(cache, { recursive: true });
  for (const [name, value] of ATTRIBUTES) writeFileSync(join(cache, name), `${value}\n`);
  symlinkSync(':0000064', join(top, where, 'kmalloc-64'));
  const capture = readSlabCapture(top);
  expect(capture?.sysfs.caches).toMatchObject([{ id: ':0000064', objects: 640 }]);
  expect(capture?.sysfs.aliases).toEqual([{ name: 'kmalloc-64', target: ':0000064' }]);
});

test('/proc/slabinfo, with what it does not tell', () => {
  const row = 'kmalloc-64 2 64 64 64 1 : tunables 0 0 0 : slabdata 1 1 0\n';
  const capture = readSlabCapture(file('slabinfo', `slabinfo - version: 2.1\n${row}Hello\n`));
  expect(capture?.isSlabinfo).toBe(true);
  expect(capture?.pageSize).toBe(4096);
  expect(capture?.sysfs.caches).toMatchObject([{ id: 'kmalloc-64', objects: 2, slabs: 1 }]);
  expect(capture?.notes[0]).toBe(`${join(folder, 'slabinfo')}: 1 of its lines are no cache.`);
  expect(capture?.notes[1]).toContain('slabs on partial lists');
});

test('what is none is left to others', () => {
  expect(readSlabCapture('-')).toBeUndefined();
  expect(readSlabCapture(join(folder, 'nothing'))).toBeUndefined();
  expect(readSlabCapture(file('trace', ' sh-1 [000] ..... 1.0: kfree: ptr=1\n'))).toBeUndefined();
  expect(readSlabCapture(file('other.tar', tarEntry('a/b', '0', 'x')))).toBeUndefined();
  expect(readSlabCapture(file('cut.gz', gzipSync('x').subarray(0, 12)))).toBeUndefined();
});

test('a capture without a whole cache is an error that names the file', () => {
  const path = file('cut', '/sys/kernel/slab/kmalloc-64/cpu_slabs:2\n');
  expect(() => readSlabCapture(path)).toThrow(`${path}: a capture of /sys/kernel/slab without`);
});

test.each([
  ['text', Buffer.from(lines('./', ':'))],
  ['tar', tarOf('slab/')],
  ['tar.gz', gzipSync(tarOf('slab/'))],
])('through a pipe: %s', async (name, bytes) => {
  const capture = await readPipedCapture(file(`piped-${name}`, bytes));
  expect(capture.sysfs.caches).toMatchObject([{ objects: 640 }]);
});

test('what comes through a pipe and is none is named', async () => {
  const path = file('piped-meminfo', 'MemTotal:        2035180 kB\nMemFree:   118000 kB\n');
  await expect(readPipedCapture(path)).rejects.toMatchObject({
    exitCode: 65,
    message: `${path}: no capture of /sys/kernel/slab or /proc/slabinfo: it is /proc/meminfo`,
  });
});

test('aliases that a capture has as directories are each counted once', () => {
  const text =
    ATTRIBUTES.map(([name, value]) => `:0000064/${name}:${value}\n`).join('') +
    ':0000064/aliases:1\n' +
    ['lamp_a', 'lamp_b', 'other']
      .map((cache) => lines('', ':').replaceAll('kmalloc-64', cache))
      .join('') +
    'lamp_a/aliases:1\nlamp_b/aliases:1\nother/aliases:0\n';
  const capture = readSlabCapture(file('through-links', text));
  expect(capture?.sysfs.caches.map(({ id }) => id)).toEqual([':0000064', 'other']);
  expect(capture?.sysfs.aliases).toEqual([
    { name: 'lamp_a', target: ':0000064' },
    { name: 'lamp_b', target: ':0000064' },
  ]);
});
