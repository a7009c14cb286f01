import fc from 'fast-check';
import { expect, test } from 'vitest';
import { memorySource } from '../../../src/base/byte-cursor.ts';
import { windowedSource } from '../../../src/base/windowed-source.ts';

const bytes = Buffer.alloc(1_000_000);
for (let i = 0; i + 4 <= bytes.length; i += 4)
  bytes.writeUInt32LE(Math.imul(i, 0x9e3779b1) >>> 0, i);

test('every piece is that of the source, also at its end and beyond it', () => {
  const source = memorySource(bytes);
  const windowed = windowedSource(source);
  expect(windowed.size).toBe(source.size);
  fc.assert(
    fc.property(fc.nat(1_010_000), fc.oneof(fc.nat(20), fc.nat(600_000)), (position, length) => {
      expect(windowed.slice(position, length).equals(source.slice(position, length))).toBe(true);
    }),
    { seed: 20261121, numRuns: 300 },
  );
});

test('small pieces in a row take few reads', () => {
  let reads = 0;
  const counting = {
    size: bytes.length,
    slice: (position: number, length: number) => {
      reads++;
      return bytes.subarray(position, position + length);
    },
  };
  const windowed = windowedSource(counting);
  for (let at = 0; at < bytes.length; at += 4) windowed.slice(at, 4);
  expect(reads).toBe(4); // 256 KiB each
});
