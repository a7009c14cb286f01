// LiME, raw images in their three layouts, and words that debuggers print.

import { Worker } from 'node:worker_threads';
import { gzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { hiOf, joinHalves, loOf } from '../../../../src/base/address.ts';
import { TraceFormatError } from '../../../../src/base/errors.ts';
import { parseWordLine } from '../../../../src/snapshot/image/word-lines.ts';
import type { AddressSpace } from '../../../../src/snapshot/memory/address-space.ts';
import { parseIomem, systemRam } from '../../../../src/snapshot/memory/iomem.ts';
import { openSnapshot, type Snapshot } from '../../../../src/snapshot/memory/open-snapshot.ts';
import { lime, pageOf, tempFile } from '../../../helpers/image-builders.ts';

function byteAt(snapshot: Snapshot, paddr: number): number | undefined {
  if (snapshot.kind !== 'physical') throw new Error('printed words');
  const byte = Buffer.alloc(1);
  return snapshot.memory.read(paddr, byte) ? byte[0] : undefined;
}

describe('LiME', () => {
  test('ranges end inclusively, and one file has many', async () => {
    const s = await openSnapshot(
      tempFile(
        lime([
          { start: 0x1000, bytes: pageOf(1) },
          { start: 0x100000000, bytes: pageOf(2) },
        ]),
      ),
    );
    expect(s.format).toBe('LiME');
    expect(byteAt(s, 0x1fff)).toBe(1);
    expect(byteAt(s, 0x2000)).toBeUndefined();
    expect(byteAt(s, 0x100000fff)).toBe(2);
  });

  test('a file that ends in a range, or goes on with nonsense, has what is before', async () => {
    const bytes = lime([{ start: 0x1000, bytes: pageOf(1) }]);
    const cut = await openSnapshot(tempFile(bytes.subarray(0, 32 + 100)));
    expect(byteAt(cut, 0x1063)).toBe(1);
    expect(byteAt(cut, 0x1064)).toBeUndefined();
    expect(cut.findings.get('truncated')).toBe(4096 - 100);
    const odd = await openSnapshot(tempFile(Buffer.concat([bytes, Buffer.alloc(40, 0xaa)])));
    expect(byteAt(odd, 0x1fff)).toBe(1);
    expect(odd.findings.get('bad_segment')).toBe(1);
  });

  test('other versions and AVML are refused with what to do', async () => {
    const bytes = lime([{ start: 0x1000, bytes: pageOf(1) }]);
    bytes.writeUInt32LE(2, 4);
    await expect(openSnapshot(tempFile(bytes))).rejects.toThrow(/LiME version 2/);
    bytes.write('LVMA', 0);
    bytes.writeUInt32LE(0x4c4d5641, 0);
    const error = await openSnapshot(tempFile(bytes)).catch((e) => e);
    expect(error.message).toContain('AVML');
    expect(error.hint).toContain('avml-convert');
  });
});

describe('raw images', () => {
  const IOMEM = [
    '00000000-00000fff : Reserved',
    '00001000-00002fff : System RAM',
    '00004000-00004fff : System RAM',
    '  00004000-000041ff : Kernel code',
    '100000000-100000fff : System RAM',
    '',
  ].join('\n');

  test('iomem.txt: ends are inclusive, children are inside', () => {
    expect(systemRam(parseIomem(IOMEM))).toEqual([
      { depth: 0, start: 0x1000, end: 0x3000, name: 'System RAM' },
      { depth: 0, start: 0x4000, end: 0x5000, name: 'System RAM' },
      { depth: 0, start: 0x100000000, end: 0x100001000, name: 'System RAM' },
    ]);
  });

  test('addresses that were hidden from whoever copied it are an error', () => {
    const hidden = '00000000-00000000 : System RAM\n00000000-00000000 : Reserved\n';
    expect(() => parseIomem(hidden)).toThrow(/without privileges/);
  });

  test('joined: the ranges one after the other', async () => {
    const file = Buffer.concat([1, 2, 3, 4].map(pageOf));
    const s = await openSnapshot(tempFile(file), { iomem: IOMEM });
    expect(s.format).toBe('raw physical memory');
    expect([0x1000, 0x2000, 0x4000, 0x100000000].map((p) => byteAt(s, p))).toEqual([1, 2, 3, 4]);
    expect(byteAt(s, 0x3000)).toBeUndefined();
  });

  test('backing file: offsets are addresses, without the hole below 4 GiB', async () => {
    const file = Buffer.concat([0, 1, 2, 3, 4, 5, 6, 7, 8].map(pageOf));
    const s = await openSnapshot(tempFile(file), { iomem: IOMEM });
    // 9 pages, the last one at 4 GiB: low memory has 8.
    expect([0x1000, 0x2000, 0x4000, 0x100000000].map((p) => byteAt(s, p))).toEqual([1, 2, 4, 8]);
    expect(byteAt(s, 0x3000)).toBeUndefined();
  });

  test('padded: offsets are addresses', async () => {
    const low = IOMEM.split('\n').slice(0, 4).join('\n');
    const s = await openSnapshot(tempFile(Buffer.concat([0, 1, 2, 3, 4].map(pageOf))), {
      iomem: low,
    });
    expect([0x1000, 0x2000, 0x4000].map((p) => byteAt(s, p))).toEqual([1, 2, 4]);
    expect(byteAt(s, 0)).toBeUndefined();
  });

  test('a size that fits none of them is an error with the sizes that would', async () => {
    const error = await openSnapshot(tempFile(Buffer.alloc(3 * 4096)), { iomem: IOMEM }).catch(
      (e) => e,
    );
    expect(error).toBeInstanceOf(TraceFormatError);
    expect(error.hint).toContain('16384');
  });
});

describe('printed words', () => {
  test.each<[string, string, (string | undefined)[]]>([
    [
      'crash rd',
      'ffff888003a40000:  0000000000000001 ffff888003a40040   ........@.......',
      ['0000000000000001', 'ffff888003a40040'],
    ],
    [
      'one word, letters that look like words',
      'ffff888003a40010:  3a30303030303030                    0000000: deadbeefdeadbeef',
      ['3a30303030303030'],
    ],
    [
      'gdb x/2gx with a symbol',
      '0xffffffff82a1a940 <init_task+16>:\t0x0000000000004000\t0x0000000000000000',
      ['0000000000004000', '0000000000000000'],
    ],
    [
      'rd -32',
      'ffff888003a40000:  00000001 00000002 00000003 00000004   ................',
      ['00000001', '00000002', '00000003', '00000004'],
    ],
    [
      'rd -s: a symbol instead of a word',
      'ffff888003a40000:  linux_banner+4   0000000000000007',
      [undefined],
    ],
  ])('%s', (_, text, words) => {
    const line = parseWordLine(text);
    const shown = line?.words.map((w) =>
      w === undefined
        ? undefined
        : (w.bytes === 8 ? w.hi.toString(16).padStart(8, '0') : '') +
          w.lo.toString(16).padStart(8, '0'),
    );
    expect(shown).toEqual(words);
  });

  test.each(['crash> rd ffff888003a40000 2', '(gdb) x/2gx 0xffff888003a40000', '', '# a comment'])(
    'no memory: %s',
    (text) => expect(parseWordLine(text)).toBeUndefined(),
  );

  const TEXT = [
    'crash> rd ffff888003a40000 4',
    'ffff888003a40000:  1111111111111111 2222222222222222   ................',
    'ffff888003a40010:  3333333333333333 4444444444444444   ................',
    '0xffff888003a40100:\t0x0000000000000005',
    'ffff888003a40110:  Cannot access memory',
    'ffff888003a40018:  4444444444444445                    ................',
  ].join('\n');

  function word(space: AddressSpace, va: bigint): string | undefined {
    const bytes = Buffer.alloc(8);
    return space.read(hiOf(va), loOf(va), bytes) ? bytes.readBigUInt64LE().toString(16) : undefined;
  }

  test('a sparse memory: what was not printed is missing', async () => {
    const s = await openSnapshot(tempFile(Buffer.from(TEXT)));
    if (s.kind !== 'printed') throw new Error('not printed words');
    expect(word(s.space, 0xffff888003a40008n)).toBe('2222222222222222');
    expect(word(s.space, 0xffff888003a4000cn)).toBe('3333333322222222');
    expect(word(s.space, 0xffff888003a40018n)).toBe('4444444444444445');
    expect(word(s.space, 0xffff888003a40100n)).toBe('5');
    expect(word(s.space, 0xffff888003a40104n)).toBeUndefined();
    expect(word(s.space, 0xffff888003a40020n)).toBeUndefined();
    expect(word(s.space, 0xffff888003a40110n)).toBeUndefined();
    expect([...s.space.kernelRuns()].map((r) => [joinHalves(r.hi, r.lo), r.length])).toEqual([
      [0xffff888003a40000n, 32],
      [0xffff888003a40100n, 8],
    ]);
    const runs = [...s.space.runs(0xffff8880, 0x03a40008, 0x100)];
    expect(runs.map((r) => [r.lo, r.length])).toEqual([
      [0x03a40008, 24],
      [0x03a40100, 8],
    ]);
    const bytes = Buffer.alloc(4);
    const [first] = runs;
    expect(first !== undefined && s.space.readRun(first, 20, bytes)).toBe(true);
    expect(bytes.toString('hex')).toBe('44444444');
    expect(s.findings.get('repeated_word')).toBe(1);
    expect(s.findings.get('bad_word')).toBe(3);
    expect(s.findings.get('odd_line')).toBe(1);
  });

  test('text that turns into binary data is refused', async () => {
    const bytes = Buffer.concat([Buffer.from(`${TEXT}\n`.repeat(400)), Buffer.alloc(10)]);
    await expect(openSnapshot(tempFile(bytes))).rejects.toThrow(/binary data/);
  });
});

test('a worker reads through the descriptor of the first thread, also what gzip packed', async () => {
  const path = tempFile(gzipSync(lime([{ start: 0x1000, bytes: pageOf(0x5a) }])), 'image.gz');
  const s = await openSnapshot(path);
  if (s.kind !== 'physical') throw new Error('printed words');
  const { descriptor } = s.shared.file;
  const code = `
    const { parentPort, workerData } = require('node:worker_threads');
    const byte = Buffer.alloc(1);
    require('node:fs').readSync(workerData, byte, 0, 1, 32);
    parentPort.postMessage(byte[0]);`;
  const answer = await new Promise((resolve, reject) => {
    const worker = new Worker(code, { eval: true, workerData: descriptor });
    worker.once('message', resolve);
    worker.once('error', reject);
  });
  expect(answer).toBe(0x5a);
  expect(byteAt(s, 0x1000)).toBe(0x5a);
});
