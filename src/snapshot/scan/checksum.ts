// kmemleak's checksum of an object's contents: crc32(0, bytes) of lib/crc32.c, the reflected CRC-32
// that begins with 0 and is not inverted at the end (update_checksum(), mm/kmemleak.c). Of a per-CPU
// allocation the copies of all CPUs, one after the other.

import { crc32 } from 'node:zlib';

const INVERT = 0xffffffff;

export function kmemleakChecksum(parts: readonly Buffer[]): number {
  let crc = 0;
  // zlib inverts before and after: that is taken back.
  for (const part of parts) crc = (crc32(part, (crc ^ INVERT) >>> 0) ^ INVERT) >>> 0;
  return crc;
}
