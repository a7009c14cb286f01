// Packets that a trace holds packed (trace_packet.proto: compressed_packets of zlib,
// zstd_compressed_packets): bounded, whatever their heads say.

import { unzipSync } from 'node:zlib';
import { ZstdUnpacker } from '../../base/zstd.ts';

/** A packet of packed packets has at most 512 KiB. */
const MAX_UNPACKED_BYTES = 64 * 1024 * 1024;

/** @throws RangeError where they are damaged, or become too large */
export function unpackZlib(packed: Uint8Array): Buffer {
  try {
    return unzipSync(packed, { maxOutputLength: MAX_UNPACKED_BYTES });
  } catch (cause) {
    throw new RangeError('packed packets are damaged', { cause });
  }
}

/** @throws RangeError where they are damaged, or become too large */
export function unpackZstd(packed: Uint8Array): Buffer {
  const unpacker = new ZstdUnpacker();
  const pieces: Buffer[] = [];
  let bytes = 0;
  const take = (parts: Iterable<Buffer>): void => {
    for (const part of parts) {
      bytes += part.length;
      if (bytes > MAX_UNPACKED_BYTES) throw new RangeError('packed packets are too large');
      pieces.push(part);
    }
  };
  try {
    take(unpacker.push(packed));
    take(unpacker.end());
  } catch (cause) {
    throw new RangeError('packed packets are damaged', { cause });
  }
  return Buffer.concat(pieces);
}
