import { spawn, spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { InputError, OutputError, TraceFormatError } from '../../../src/base/errors.ts';
import { RandomAccessFile } from '../../../src/base/random-access-file.ts';
import { testWithTools } from '../../helpers/tools.ts';

let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'random-access-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function path(name: string, bytes: Buffer | string): string {
  const full = join(folder, name);
  writeFileSync(full, bytes);
  return full;
}

const BYTES = Buffer.from(Array.from({ length: 300_000 }, (_, i) => (i * 31) % 251));

test.each([
  ['plain', BYTES],
  ['packed', gzipSync(BYTES)],
])('a %s file is read in any order', async (name, bytes) => {
  const file = await RandomAccessFile.open(path(name, bytes));
  expect(file.size).toBe(300_000);
  expect(file.truncated).toBe(false);
  expect(file.slice(299_990, 10)).toEqual(BYTES.subarray(299_990));
  expect(file.slice(0, 5)).toEqual(BYTES.subarray(0, 5));
  expect(file.slice(299_999, 100)).toEqual(BYTES.subarray(299_999));
  expect(file.slice(300_000, 1).length).toBe(0);
  expect(file.slice(1e12, 10).length).toBe(0);
  const target = new Uint8Array(20);
  expect(file.read(299_985, target)).toBe(15);
  file.close();
});

test('a packed file that is cut off is as long as what could be unpacked', async () => {
  const packed = gzipSync(BYTES);
  const file = await RandomAccessFile.open(path('cut.gz', packed.subarray(0, packed.length - 4)));
  expect(file.truncated).toBe(true);
  expect(file.slice(0, 300_000).equals(BYTES)).toBe(true); // toEqual looks at each byte
  file.close();
});

test('what is unpacked leaves no file behind', async () => {
  const tmp = join(folder, 'tmp');
  mkdirSync(tmp);
  const file = await RandomAccessFile.open(path('x.gz', gzipSync(BYTES)), tmp);
  expect(readdirSync(tmp)).toEqual([]);
  expect(file.slice(7, 3)).toEqual(BYTES.subarray(7, 10));
  file.close();
});

test('without a place to unpack, the error names the folder and --tmp', async () => {
  const error = await RandomAccessFile.open(path('y.gz', gzipSync('y')), '/nowhere').catch(
    (e: unknown) => e,
  );
  expect(error).toBeInstanceOf(OutputError);
  expect(error).toMatchObject({
    message: '/nowhere: cannot unpack here: no such file or directory',
    hint: 'Name another folder with --tmp.',
    exitCode: 74,
  });
});

testWithTools(['mkfifo', 'sh', 'cat'], 'a pipe is read as a file', async () => {
  const fifo = join(folder, 'fifo');
  spawnSync('mkfifo', [fifo]);
  const source = path('for-fifo', BYTES);
  spawn('sh', ['-c', `cat ${source} > ${fifo}`], { stdio: 'ignore' });
  const file = await RandomAccessFile.open(fifo);
  expect(file.slice(200_000, 100)).toEqual(BYTES.subarray(200_000, 200_100));
  expect(file.size).toBe(300_000);
  file.close();
});

test('a missing file, a folder and damaged data are errors of their kind', async () => {
  await expect(RandomAccessFile.open(join(folder, 'none'))).rejects.toThrow(
    new InputError(`${join(folder, 'none')}: no such file or directory`),
  );
  await expect(RandomAccessFile.open(folder)).rejects.toThrow(
    new InputError(`${folder}: is a directory`),
  );
  const packed = gzipSync(BYTES);
  packed.fill(0xee, 100, 200);
  await expect(RandomAccessFile.open(path('bad.gz', packed))).rejects.toThrow(TraceFormatError);
});

test('a descriptor is given back also where unpacking fails', async () => {
  const packed = gzipSync(BYTES);
  packed.fill(0xee, 100, 200);
  const bad = path('bad2.gz', packed);
  await RandomAccessFile.open(bad).catch(() => undefined);
  const before = readdirSync('/proc/self/fd').length;
  for (let i = 0; i < 5; i++) await RandomAccessFile.open(bad).catch(() => undefined);
  expect(readdirSync('/proc/self/fd').length).toBeLessThanOrEqual(before);
});

test.skipIf(process.getuid?.() === 0)(
  'a file without permission is an error in words',
  async () => {
    const closed = path('closed', 'x');
    chmodSync(closed, 0);
    await expect(RandomAccessFile.open(closed)).rejects.toThrow(
      new InputError(`${closed}: permission denied`),
    );
  },
);
