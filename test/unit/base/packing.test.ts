import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { TraceFormatError } from '../../../src/base/errors.ts';
import { readChunks } from '../../../src/base/input-bytes.ts';
import { packedNames, packingOf, unpackedName } from '../../../src/base/packing.ts';
import { RandomAccessFile } from '../../../src/base/random-access-file.ts';
import { readWhole } from '../../../src/base/read-whole.ts';

/** What each of the packed fixtures holds (`seq 1 20000`). */
const TEXT = Array.from({ length: 20_000 }, (_, i) => `${i + 1}\n`).join('');
const LIMIT = 1 << 20;

let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'packing-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function fixture(name: string): Buffer {
  return readFileSync(new URL(`../../fixtures/packed/${name}`, import.meta.url));
}

/** The name says nothing: what is in the file counts. */
function file(bytes: Uint8Array): string {
  const path = join(folder, 'packed.gz');
  writeFileSync(path, bytes);
  return path;
}

async function readAll(path: string): Promise<{ text: string; truncated: boolean }> {
  const state = { truncated: false };
  const chunks: Buffer[] = [];
  for await (const chunk of readChunks(path, state)) chunks.push(chunk);
  return { text: Buffer.concat(chunks).toString('latin1'), truncated: state.truncated };
}

async function readAtRandom(path: string): Promise<{ text: string; truncated: boolean }> {
  const random = await RandomAccessFile.open(path, folder);
  const text = random.slice(0, random.size).toString('latin1');
  random.close();
  return { text, truncated: random.truncated };
}

const XZ = ['crc64.xz', 'blocks.xz'];
const PACKED = [...XZ, 'lines.zst'];

function unpacksAll(names: readonly string[]): void {
  test.each(names)('%s is unpacked in a row, at random and at once', async (name) => {
    const path = file(fixture(name));
    expect(await readAll(path)).toEqual({ text: TEXT, truncated: false });
    expect(await readAtRandom(path)).toEqual({ text: TEXT, truncated: false });
    expect(readWhole(path, LIMIT).toString('latin1')).toBe(TEXT);
  });

  test.each(names)('two of %s behind each other are both unpacked', async (name) => {
    const path = file(Buffer.concat([fixture(name), fixture(name)]));
    expect(await readAll(path)).toEqual({ text: TEXT + TEXT, truncated: false });
    expect(readWhole(path, LIMIT).toString('latin1')).toBe(TEXT + TEXT);
  });

  test.each(names)(
    'of %s cut off, what could be unpacked is given, and it is said',
    async (name) => {
      const whole = fixture(name);
      for (const length of [whole.length - 1, whole.length >> 1, 20]) {
        const path = file(whole.subarray(0, length));
        const { text, truncated } = await readAll(path);
        expect(truncated).toBe(true);
        expect(TEXT.startsWith(text)).toBe(true);
        if (length === whole.length - 1) expect(text.length).toBe(TEXT.length);
        expect(await readAtRandom(path)).toEqual({ text, truncated });
        expect(() => readWhole(path, LIMIT)).toThrow(
          /packed\.gz: cannot be unpacked: .*unexpected/i,
        );
      }
    },
  );

  test.each(names)('%s with damage is an error that says how far it went', async (name) => {
    const bytes = fixture(name);
    bytes.fill(0xa5, bytes.length >> 1, (bytes.length >> 1) + 40);
    const path = file(bytes);
    await expect(readAll(path)).rejects.toThrow(
      /packed\.gz: the packed data are damaged after \d+ unpacked bytes: \w/,
    );
    expect(() => readWhole(path, LIMIT)).toThrow(TraceFormatError);
  });

  test.each(names)('no more of %s is unpacked at once than there may be', (name) => {
    expect(() => readWhole(file(fixture(name)), 100_000)).toThrow('more than 100000 bytes');
  });

  test.each(names)('reading of %s may stop early', async (name) => {
    for await (const chunk of readChunks(file(fixture(name)), { truncated: false })) {
      expect(chunk.length).toBeGreaterThan(0);
      break;
    }
  });
}

describe('with the programs of this machine', () => unpacksAll(PACKED));

describe('where there is no xz program', () => {
  beforeAll(() => {
    vi.stubEnv('PATH', '/nonexistent');
  });
  afterAll(() => {
    vi.unstubAllEnvs();
  });
  unpacksAll(['blocks.xz']);

  test('a check that only the program knows is an error that names it', async () => {
    const path = file(fixture('sha256.xz'));
    await expect(readAll(path)).rejects.toThrow(/xz program .*not installed/);
    expect(() => readWhole(path, LIMIT)).toThrow(/xz program .*not installed/);
  });
});

test('a zstd frame that wants gigabytes of memory is refused', async () => {
  // Window descriptor 0xa8: 2^31 bytes.
  const path = file(Buffer.from(`28b52ffd00a8${'00'.repeat(40)}`, 'hex'));
  await expect(readAll(path)).rejects.toThrow(/a window of 2147483648 bytes/);
});

test.each([
  ['bzip2', 'bunzip2 -k', '425a6839314159265359'],
  ['lz4', 'unlz4 -k', '04224d186440a7'],
  ['lzop', 'lzop -d', '894c5a4f000d0a1a0a'],
  ['lzma', 'unlzma -k', '5d00008000ffffffffffffffff001882'],
  ['compress', 'gunzip -k', '1f9d90'],
  ['a zip archive', 'unzip', '504b0304140000'],
  ['a 7z archive', '7z x', '377abcaf271c0004'],
  ['a tar archive', 'tar -xf', `${'61'.repeat(257)}757374617220`],
])('%s is named with what unpacks it', async (title, command, hex) => {
  const bytes = Buffer.concat([Buffer.from(hex, 'hex'), Buffer.alloc(600)]);
  const wanted = {
    exitCode: 65,
    message: expect.stringContaining(title),
    hint: expect.stringContaining(`\`${command} ${join(folder, 'packed.gz')}\``),
  };
  await expect(readAll(file(bytes))).rejects.toMatchObject(wanted);
  await expect(readAtRandom(file(bytes))).rejects.toMatchObject(wanted);
  expect(() => readWhole(file(bytes), LIMIT)).toThrow(title);
  // A tar is mostly packed too.
  await expect(readAll(file(gzipSync(bytes)))).rejects.toMatchObject(wanted);
});

test('bytes are packed only with a whole mark', () => {
  expect(packingOf(gzipSync('x'))).toBe('gzip');
  expect(packingOf(fixture('crc64.xz'))).toBe('xz');
  expect(packingOf(fixture('lines.zst'))).toBe('zstd');
  // A frame to be skipped comes first where pzstd made the file.
  expect(packingOf(Buffer.from('502a4d1804000000', 'hex'))).toBe('zstd');
  for (const hex of ['', '1f8b', '1f8b1900', '1f8b08ff', 'fd377a58', '28b52f', 'fd377a585a01']) {
    expect(packingOf(Buffer.from(hex, 'hex'))).toBeUndefined();
  }
});

test('a file may lie under its name or under a packed one', () => {
  expect(packedNames('slabinfo.before.txt')).toEqual([
    'slabinfo.before.txt',
    'slabinfo.before.txt.gz',
    'slabinfo.before.txt.xz',
    'slabinfo.before.txt.zst',
  ]);
  for (const name of packedNames('trace.dat')) expect(unpackedName(name)).toBe('trace.dat');
});
