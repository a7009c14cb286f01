import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { InputError, TraceFormatError } from '../../../src/base/errors.ts';
import { readChunks } from '../../../src/base/input-bytes.ts';
import { testWithTools } from '../../helpers/tools.ts';

let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'input-bytes-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function file(name: string, bytes: Buffer | string): string {
  const path = join(folder, name);
  writeFileSync(path, bytes);
  return path;
}

async function readAll(path: string): Promise<{ text: string; truncated: boolean }> {
  const state = { truncated: false };
  const chunks: Buffer[] = [];
  for await (const chunk of readChunks(path, state)) chunks.push(chunk);
  return { text: Buffer.concat(chunks).toString('latin1'), truncated: state.truncated };
}

/** Text that packs badly enough to fill several pieces. */
const TEXT = Array.from({ length: 40_000 }, (_, i) => `line ${(i * 7919) % 104_729} ${i}\n`).join(
  '',
);

test('a plain file is given as it is', async () => {
  expect(await readAll(file('plain', 'abc'))).toEqual({ text: 'abc', truncated: false });
  expect(await readAll(file('empty', ''))).toEqual({ text: '', truncated: false });
  expect(await readAll(file('short', '\x1f\x8b'))).toEqual({
    text: '\x1f\xc2\x8b',
    truncated: false,
  });
});

test('a packed file is unpacked, also where it has several members', async () => {
  expect(await readAll(file('one.gz', gzipSync(TEXT)))).toEqual({ text: TEXT, truncated: false });
  const two = Buffer.concat([gzipSync(TEXT), gzipSync('end')]);
  expect(await readAll(file('two.gz', two))).toEqual({ text: `${TEXT}end`, truncated: false });
  expect(await readAll(file('empty.gz', gzipSync('')))).toEqual({ text: '', truncated: false });
});

test('of a packed file that is cut off, what could be unpacked is given, and it is said', async () => {
  const packed = gzipSync(TEXT);
  for (const length of [packed.length - 1, packed.length - 8, packed.length >> 1, 5000]) {
    const { text, truncated } = await readAll(file('cut.gz', packed.subarray(0, length)));
    expect(truncated).toBe(true);
    expect(TEXT.startsWith(text)).toBe(true);
    // Not more is missing than a block of the packed data, some 64 KiB unpacked.
    if (length > packed.length - 10) expect(text.length).toBe(TEXT.length);
    else expect(text.length).toBeGreaterThan((TEXT.length * length) / packed.length - 200_000);
  }
  const second = Buffer.concat([gzipSync(TEXT), gzipSync(TEXT).subarray(0, 3000)]);
  const { text, truncated } = await readAll(file('cut2.gz', second));
  expect(truncated).toBe(true);
  expect(text.startsWith(TEXT)).toBe(true);
});

test('a few bytes of a packed file are a packed file that is cut off', async () => {
  expect(await readAll(file('head.gz', gzipSync(TEXT).subarray(0, 10)))).toEqual({
    text: '',
    truncated: true,
  });
});

test('damaged packed data are an error that names the file and how far it went', async () => {
  const packed = gzipSync(TEXT);
  packed.fill(0xff, packed.length >> 1, (packed.length >> 1) + 100);
  const path = file('bad.gz', packed);
  const error = await readAll(path).catch((e: unknown) => e);
  expect(error).toBeInstanceOf(TraceFormatError);
  expect((error as Error).message).toMatch(
    /bad\.gz: the packed data are damaged after \d{4,} unpacked bytes: /,
  );
});

test('a wrong checksum at the end of packed data is an error', async () => {
  const packed = gzipSync(TEXT);
  packed.writeUInt32LE(0, packed.length - 8);
  await expect(readAll(file('crc.gz', packed))).rejects.toThrow(TraceFormatError);
});

test('a missing file and a folder are errors in words', async () => {
  await expect(readAll(join(folder, 'none'))).rejects.toThrow(
    new InputError(`${join(folder, 'none')}: no such file or directory`),
  );
  await expect(readAll(folder)).rejects.toThrow(new InputError(`${folder}: is a directory`));
});

testWithTools(
  ['mkfifo'],
  'a pipe that gives its first bytes one by one is unpacked too',
  async () => {
    const fifo = join(folder, 'fifo');
    expect(spawnSync('mkfifo', [fifo]).status).toBe(0);
    const packed = gzipSync(TEXT);
    const reading = readAll(fifo);
    const pipe = await open(fifo, 'w');
    for (const [from, to] of [
      [0, 1],
      [1, 2],
      [2, packed.length],
    ] as const) {
      await pipe.writeFile(packed.subarray(from, to));
      await setImmediate(); // the reader may take what is there
    }
    await pipe.close();
    expect(await reading).toEqual({ text: TEXT, truncated: false });
  },
);

test('no descriptor stays open, whether all is read, a part, or none', async () => {
  const count = (): number => readdirSync('/proc/self/fd').length;
  const path = file('fd.gz', gzipSync(TEXT));
  await readAll(path);
  const before = count();
  for (let i = 0; i < 5; i++) {
    await readAll(path);
    for await (const chunk of readChunks(path, { truncated: false })) {
      expect(chunk.length).toBeGreaterThan(0);
      break;
    }
    await readChunks(path, { truncated: false }).return(undefined);
  }
  await new Promise((resolve) => setTimeout(resolve, 50));
  expect(count()).toBeLessThanOrEqual(before);
});
