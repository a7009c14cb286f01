// The small decoders under the image formats, against bytes worked out by hand from the formats'
// descriptions, and against slow models.

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Findings } from '../../../../src/snapshot/findings.ts';
import { FlattenedFile } from '../../../../src/snapshot/image/flattened.ts';
import { BadLzo, decompressLzo } from '../../../../src/snapshot/image/lzo1x.ts';
import { PageBitmap } from '../../../../src/snapshot/image/page-bitmap.ts';
import type { ImageBytes } from '../../../../src/snapshot/image/physical-image.ts';
import { RangeList } from '../../../../src/snapshot/image/range-table.ts';
import { BadSnappy, decompressSnappy } from '../../../../src/snapshot/image/snappy.ts';
import { flattened } from '../../../helpers/image-builders.ts';
import { SEED } from '../../../helpers/random-traces.ts';

function hex(text: string): Buffer {
  return Buffer.from(text.replaceAll(' ', ''), 'hex');
}

function inMemory(bytes: Buffer): ImageBytes {
  return {
    path: 'memory',
    size: bytes.length,
    read: (position, target) => bytes.copy(target, 0, position, position + target.length),
    slice: (position, length) => bytes.subarray(position, position + length),
  };
}

describe('LZO1X', () => {
  const END = '11 00 00';
  test.each<[string, string, string]>([
    // First byte 17 + n: n literals.
    ['a first run of literals', `15 61626364 ${END}`, 'abcd'],
    // 0 0 1 L: length 2 + L from (D >> 2) + 1 back; here "ab", then 6 more from 2 back.
    ['a copy that overlaps itself', `13 6162 24 0400 ${END}`, 'abababab'],
    // 0 1 L D S: length 3 + L, distance (H << 3) + D + 1; one literal follows (S = 1).
    ['a short copy and a literal', `15 61626364 6d 00 7a ${END}`, 'abcdabcdz'],
    // 1 L D S: length 5 + L.
    ['a longer short copy', `15 61626364 ac 00 ${END}`, 'abcdabcdab'],
    // 0 0 0 0 with literals before (1 to 3): two bytes, distance (H << 2) + D + 1.
    ['two bytes after some literals', `13 6162 04 00 ${END}`, 'abab'],
  ])('%s', (_, packed, text) => {
    const target = Buffer.alloc(64);
    const n = decompressLzo(hex(packed), target);
    expect(target.toString('latin1', 0, n)).toBe(text);
  });

  test('long literals and lengths go on in zero bytes', () => {
    // 0 0 0 0 0 0 0 0: 3 + 15 + 255 + 2 literals; then a copy of 2 + 31 + 255 + 1 from 1 back.
    const literals = Buffer.from(Array.from({ length: 275 }, (_, i) => i % 251));
    const packed = Buffer.concat([hex('00 00 02'), literals, hex(`20 00 01 0000 ${END}`)]);
    const target = Buffer.alloc(1024);
    expect(decompressLzo(packed, target)).toBe(275 + 289);
    expect(target.subarray(0, 275).equals(literals)).toBe(true);
    expect(target.subarray(275, 564).equals(Buffer.alloc(289, literals[274]))).toBe(true);
  });

  test('a copy from 16 KiB back and beyond', () => {
    // 16384 literals, then 0 0 0 1 H LLL: length 2 + 3, distance 16384 + (D >> 2) with D >> 2 = 0
    // would be the end mark, so one more byte back is the nearest: 16385 literals.
    const literals = Buffer.from(Array.from({ length: 16_385 }, (_, i) => (i * 7) % 253));
    const zeros = Math.floor((literals.length - 19) / 255);
    const last = literals.length - 18 - zeros * 255;
    const head = Buffer.concat([hex('00'), Buffer.alloc(zeros), Buffer.from([last])]);
    const target = Buffer.alloc(20_000);
    const n = decompressLzo(Buffer.concat([head, literals, hex(`13 0400 ${END}`)]), target);
    expect(n).toBe(16_390);
    expect(target.subarray(16_385, 16_390).equals(literals.subarray(0, 5))).toBe(true);
  });

  test.each(['', '15 6162', '13 6162 24', '13 6162 24 ff00 110000', '00', '00 00 00'])(
    'damaged bytes end in an error: %s',
    (packed) => {
      expect(() => decompressLzo(hex(packed), Buffer.alloc(64))).toThrow(BadLzo);
    },
  );

  test('more than the target holds is an error', () => {
    expect(() => decompressLzo(hex(`15 61626364 ${END}`), Buffer.alloc(3))).toThrow(BadLzo);
  });

  test('any bytes end, within the target or in an error of its own', () => {
    const law = (bytes: Uint8Array): void => {
      const target = new Uint8Array(256);
      try {
        expect(decompressLzo(bytes, target)).toBeLessThanOrEqual(256);
      } catch (error) {
        expect(error).toBeInstanceOf(BadLzo);
      }
    };
    fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), law), { seed: SEED, numRuns: 2000 });
  });
});

describe('snappy', () => {
  test.each<[string, string, string]>([
    ['a literal', '04 0c 61626364', 'abcd'],
    // Tag 01: length 4 + 0, offset in the upper three bits and the next byte.
    ['a copy with one byte of offset', '08 0c 61626364 01 04', 'abcdabcd'],
    // Tag 10: length 1 + 5, offset in two bytes; it overlaps itself.
    ['a copy with two bytes of offset', '08 04 6162 16 0200', 'abababab'],
    ['a copy with four bytes of offset', '08 0c 61626364 0f 04000000', 'abcdabcd'],
    ['a literal with its length in a byte', '04 f0 03 61626364', 'abcd'],
  ])('%s', (_, packed, text) => {
    const target = Buffer.alloc(64);
    const n = decompressSnappy(hex(packed), target);
    expect(target.toString('latin1', 0, n)).toBe(text);
  });

  test.each(['', '04', '04 0c 6162', '08 0c 61626364 01 05', '02 0c 61626364', 'ffffffffff01'])(
    'damaged bytes end in an error: %s',
    (packed) => {
      const target = Buffer.alloc(64);
      // "04" alone says four bytes and has none.
      expect(() => decompressSnappy(hex(packed), target)).toThrow(BadSnappy);
    },
  );

  test('any bytes end, within the target or in an error of its own', () => {
    const law = (bytes: Uint8Array): void => {
      const target = new Uint8Array(256);
      try {
        expect(decompressSnappy(bytes, target)).toBeLessThanOrEqual(256);
      } catch (error) {
        expect(error).toBeInstanceOf(BadSnappy);
      }
    };
    fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), law), { seed: SEED, numRuns: 2000 });
  });
});

describe('page bitmap', () => {
  test('rank and next are those of counting bit by bit', () => {
    const law = (bytes: Uint8Array, cut: number): void => {
      const pages = Math.max(0, bytes.length * 8 - cut);
      const bits = Array.from({ length: pages }, (_, i) => ((bytes[i >> 3] ?? 0) >> (i & 7)) & 1);
      const bitmap = new PageBitmap(bytes, pages);
      expect(bitmap.count).toBe(bits.filter((b) => b === 1).length);
      let rank = 0;
      for (let i = 0; i < pages; i++) {
        expect(bitmap.has(i)).toBe(bits[i] === 1);
        expect(bitmap.rank(i)).toBe(rank);
        rank += bits[i] ?? 0;
        for (const set of [true, false]) {
          const naive = bits.indexOf(set ? 1 : 0, i);
          expect(bitmap.next(i, set)).toBe(naive < 0 ? pages : naive);
        }
      }
      expect(bitmap.has(pages)).toBe(false);
    };
    const bytes = fc.uint8Array({ maxLength: 200 });
    fc.assert(fc.property(bytes, fc.nat(20), law), { seed: SEED, numRuns: 40 });
  });
});

describe('ranges', () => {
  const END = 140;
  const segment = fc.record({ paddr: fc.nat(80), length: fc.nat(40), position: fc.nat(120) });

  test('of overlapping segments each byte has one place, and reads stop at the first gap', () => {
    const file = Buffer.from(Array.from({ length: 120 }, (_, i) => i));
    const law = (segments: { paddr: number; length: number; position: number }[]): void => {
      const list = new RangeList();
      for (const s of segments) list.add(s.paddr, s.length, s.position);
      const table = list.build(inMemory(file), new Findings());
      const possible = Array.from({ length: END }, (_, p) =>
        segments
          .filter((s) => p >= s.paddr && p < s.paddr + s.length)
          .map((s) => s.position + p - s.paddr)
          .filter((at) => at < file.length),
      );
      const byte = Buffer.alloc(1);
      const found = possible.map((places, p) => ({
        there: table.read(p, byte) === 1,
        isOfASegment: places.length === 0 || places.includes(byte[0] ?? -1),
        present: table.presentFrom(p) > 0,
        next: table.nextPresent(p),
      }));
      const wanted = possible.map((places, p) => ({
        there: places.length > 0,
        isOfASegment: true,
        present: places.length > 0,
        next: possible.findIndex((x, i) => i >= p && x.length > 0),
      }));
      expect(found).toEqual(wanted);
      const gap = possible.findIndex((x) => x.length === 0);
      expect(table.read(0, Buffer.alloc(END))).toBe(gap < 0 ? END : gap);
    };
    fc.assert(fc.property(fc.array(segment, { maxLength: 6 }), law), { seed: SEED, numRuns: 300 });
  });
});

describe('flattened form', () => {
  test('reads as the file that the writes make', () => {
    const write = fc.record({
      offset: fc.nat(60),
      bytes: fc.uint8Array({ minLength: 1, maxLength: 30 }),
    });
    const law = (writes: { offset: number; bytes: Uint8Array }[]): void => {
      const size = Math.max(0, ...writes.map((w) => w.offset + w.bytes.length));
      const model = Buffer.alloc(size);
      for (const w of writes) model.set(w.bytes, w.offset);
      const packed = flattened(writes.map((w) => ({ ...w, bytes: Buffer.from(w.bytes) })));
      const file = new FlattenedFile(inMemory(packed), new Findings());
      expect(file.size).toBe(size);
      expect(file.slice(0, size + 10).equals(model)).toBe(true);
      for (let at = 0; at < size; at += 7) {
        expect(file.slice(at, 5).equals(model.subarray(at, at + 5))).toBe(true);
      }
    };
    fc.assert(fc.property(fc.array(write, { maxLength: 8 }), law), { seed: SEED, numRuns: 300 });
  });

  test('a record that the file ends in is there as far as it goes', () => {
    const packed = flattened([{ offset: 0, bytes: Buffer.from('abcdefgh') }]);
    const findings = new Findings();
    const file = new FlattenedFile(inMemory(packed.subarray(0, 4096 + 16 + 5)), findings);
    expect(file.slice(0, 10).toString()).toBe('abcde');
    expect(findings.get('truncated')).toBe(1);
  });
});
