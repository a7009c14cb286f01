// kdump-compressed files of every version and packing, and the flattened form around them.

import { execFileSync } from 'node:child_process';
import { expect, test } from 'vitest';
import {
  openSnapshot,
  type PhysicalSnapshot,
} from '../../../../src/snapshot/memory/open-snapshot.ts';
import {
  flattened,
  type KdumpOptions,
  kdump,
  note,
  PAGE,
  pageOf,
  tempFile,
} from '../../../helpers/image-builders.ts';
import { testWithTools } from '../../../helpers/tools.ts';

async function physical(bytes: Buffer): Promise<PhysicalSnapshot> {
  const snapshot = await openSnapshot(tempFile(bytes));
  if (snapshot.kind !== 'physical') throw new Error('printed words');
  return snapshot;
}

/** A page in which every word differs. */
function counted(start: number): Buffer {
  const page = Buffer.alloc(PAGE);
  for (let i = 0; i < PAGE; i += 4) page.writeUInt32LE(start + i, i);
  return page;
}

const PAGES: ReadonlyMap<number, Buffer> = new Map([
  [1, counted(1000)],
  [2, pageOf(0)],
  [5, counted(5000)],
  [40_000, pageOf(0x44)],
]);

function expectPages(s: PhysicalSnapshot): void {
  expect([...s.memory.ranges()]).toEqual([
    { start: 0x1000, length: 0x2000 },
    { start: 0x5000, length: 0x1000 },
    { start: 40_000 * PAGE, length: 0x1000 },
  ]);
  for (const [n, page] of PAGES) {
    const got = Buffer.alloc(PAGE);
    expect(s.memory.read(n * PAGE, got)).toBe(true);
    expect(got.equals(page)).toBe(true);
  }
  const across = Buffer.alloc(0x1800);
  expect(s.memory.read(0x1800, across)).toBe(true);
  expect(across.readUInt32LE(0)).toBe(1000 + 0x800);
  expect(across.subarray(0x800, 0x1800).equals(pageOf(0))).toBe(true);
  expect(s.memory.read(0x2800, across)).toBe(false);
  expect(s.memory.word(0x3000)).toBe(-1);
  expect(s.memory.words[s.memory.word(0x5008)]).toBe(5008);
  expect(s.findings.list()).toEqual([]);
}

/** Snappy of one literal: the size as a varint, then a tag with a two-byte length. */
function snappyLiteral(page: Buffer): Buffer {
  const size = page.length;
  const head = [(size & 127) | 128, size >> 7, 61 << 2, (size - 1) & 255, (size - 1) >> 8];
  return Buffer.concat([Buffer.from(head), page]);
}

/** LZO of one run of literals and the end mark. */
function lzoLiteral(page: Buffer): Buffer {
  // 0, then 255 for every zero byte: 3 + 15 + 255 n + last = page.length
  const zeros = Math.floor((page.length - 18 - 1) / 255);
  const last = page.length - 18 - zeros * 255;
  return Buffer.concat([
    Buffer.from([0]),
    Buffer.alloc(zeros),
    Buffer.from([last]),
    page,
    Buffer.from([0x11, 0, 0]),
  ]);
}

const PACKINGS: readonly [string, KdumpOptions['pack']][] = [
  ['zlib', undefined],
  ['not packed', (page) => ({ flags: 0, bytes: page })],
  ['snappy', (page) => ({ flags: 4, bytes: snappyLiteral(page) })],
  ['lzo', (page) => ({ flags: 2, bytes: lzoLiteral(page) })],
];

test.each(PACKINGS)('pages packed with %s are read; filtered ones are missing', async (_, pack) => {
  expectPages(await physical(kdump(PAGES, pack === undefined ? {} : { pack })));
});

testWithTools(['zstd'], 'pages packed with zstd are read', async () => {
  const pack = (page: Buffer): { flags: number; bytes: Buffer } => {
    const args = ['-q', '-c', `--stream-size=${PAGE}`, '--no-check'];
    return { flags: 0x20, bytes: execFileSync('zstd', args, { input: page }) };
  };
  expectPages(await physical(kdump(PAGES, { pack })));
});

test.each([1, 2, 3, 4, 5, 6])('header version %d', async (version) => {
  expectPages(await physical(kdump(PAGES, { version })));
});

test('VMCOREINFO has its own place from version 3 on, and may be among the notes', async () => {
  const vmcoreinfo = 'OSRELEASE=6.1.0\n';
  const own = await physical(kdump(PAGES, { vmcoreinfo }));
  expect(own.notes.vmcoreinfo).toBe(vmcoreinfo);
  const notes = note('VMCOREINFO', 0, Buffer.from(vmcoreinfo));
  expect((await physical(kdump(PAGES, { notes }))).notes.vmcoreinfo).toBe(vmcoreinfo);
  const old = await physical(kdump(PAGES, { vmcoreinfo, version: 2 }));
  expect(old.notes.vmcoreinfo).toBeUndefined();
});

test('a page whose packed bytes are damaged is missing and counted, its neighbours are not', async () => {
  const bytes = kdump(PAGES, {
    pack: (page) => ({
      flags: 0x1,
      bytes: page.readUInt32LE(0) === 5000 ? Buffer.from('not zlib at all') : PACKED_ZERO,
    }),
  });
  const s = await physical(bytes);
  const page = Buffer.alloc(PAGE);
  expect(s.memory.read(0x5000, page)).toBe(false);
  expect(s.memory.word(0x5000)).toBe(-1);
  expect(s.memory.read(0x1000, page)).toBe(true);
  expect(s.findings.list()).toEqual([
    {
      name: 'damaged_page',
      text: 'pages whose packed contents are damaged; they count as missing',
      count: 1,
      first: 'page descriptor 2',
    },
  ]);
});

/** zlib of 4096 zero bytes, by `python3 -c 'import zlib; print(zlib.compress(bytes(4096)).hex())'`. */
const PACKED_ZERO = Buffer.from('789cedc1010d000000c2a0f74f6d0f0714000000f06e10000001', 'hex');

test('a dump that ends in its pages has the pages before', async () => {
  const whole = kdump(PAGES, { pack: (page) => ({ flags: 0, bytes: page }) });
  const s = await physical(whole.subarray(0, whole.length - PAGE - 100));
  const page = Buffer.alloc(PAGE);
  expect(s.memory.read(0x2000, page)).toBe(true);
  expect(s.memory.read(0x5000, page)).toBe(false);
  expect(s.memory.read(40_000 * PAGE, page)).toBe(false);
  expect(s.findings.get('truncated')).toBe(2 * PAGE);
});

test.each<[string, KdumpOptions, RegExp]>([
  ['of another machine', { machine: 'aarch64' }, /image of aarch64/],
  ['of a newer version', { version: 7 }, /version 7/],
  ['one part of several', { split: 1 }, /was split/],
  ['with other blocks', { blockSize: 65536 }, /blocks of 65536/],
])('a dump %s is refused with the reason', async (_, options, message) => {
  await expect(physical(kdump(PAGES, options))).rejects.toThrow(message);
});

test('the flattened form is read in place, also out of order', async () => {
  const file = kdump(PAGES);
  const s = await physical(
    flattened([
      { offset: 8192, bytes: file.subarray(8192) },
      { offset: 0, bytes: Buffer.alloc(100, 0xff) },
      { offset: 0, bytes: file.subarray(0, 8192) },
    ]),
  );
  expect(s.format).toBe('kdump-compressed, flattened');
  expectPages(s);
});

test('a later record replaces a part of an earlier one', async () => {
  const file = kdump(PAGES, { pack: (page) => ({ flags: 0, bytes: page }) });
  const at = file.indexOf(counted(5000));
  const s = await physical(
    flattened([
      { offset: 0, bytes: file },
      { offset: at + 16, bytes: Buffer.from('cafe', 'hex') },
    ]),
  );
  const bytes = Buffer.alloc(4);
  expect(s.memory.read(0x5000 + 15, bytes)).toBe(true);
  expect(bytes.toString('hex')).toBe('00cafe00');
});

test('records that gzip wraps are unpacked', async () => {
  const { gzipSync } = await import('node:zlib');
  expectPages(await physical(gzipSync(flattened([{ offset: 0, bytes: kdump(PAGES) }]))));
});
