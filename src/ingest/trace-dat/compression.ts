// Packed pieces of trace.dat (trace-cmd.dat.v7(5)): u32 packed size, u32 unpacked size, data.

import { inflateSync } from 'node:zlib';
import { decompress } from 'fzstd';
import type { ByteCursor } from '../../base/byte-cursor.ts';
import { describeError } from '../../base/errors.ts';

/** The largest section that is read as a whole; the largest known, kallsyms, has some 20 MiB. */
export const MAX_SECTION_BYTES: number = 256 * 1024 * 1024;

export type Compression = 'none' | 'zlib' | 'zstd';

/** A part that is not what it should be. */
export class BadPiece extends Error {}

/** A part that may be sound, but is of a kind that cannot be read. */
export class UnknownKind extends BadPiece {
  /** What the user can do. */
  readonly hint: string;

  constructor(message: string, hint: string) {
    super(message);
    this.hint = hint;
  }
}

/** A piece that cannot be unpacked; the cursor stands behind it. */
export class DamagedPiece extends BadPiece {}

/**
 * Reads one piece at the cursor and unpacks it.
 * @param limit bytes that a piece may have, packed and unpacked
 * @throws DamagedPiece, with the cursor behind the piece; BadPiece where its sizes are not believed
 */
export function readPiece(
  cursor: ByteCursor,
  compression: Compression,
  limit: number = MAX_SECTION_BYTES,
): Buffer {
  const at = cursor.position;
  const packedSize = cursor.u32();
  const unpackedSize = cursor.u32();
  const largest = Math.max(packedSize, unpackedSize);
  if (largest > limit) {
    throw new BadPiece(`a piece at 0x${at.toString(16)} claims ${largest} bytes`);
  }
  const packed = cursor.bytes(packedSize);
  try {
    const unpacked = unpack(packed, unpackedSize, compression);
    if (unpacked.length === unpackedSize) return unpacked;
    throw new Error(`${unpacked.length} bytes instead of ${unpackedSize}`);
  } catch (error) {
    const words = describeError(error);
    throw new DamagedPiece(
      `the ${compression} data at 0x${at.toString(16)} are damaged: ${words}`,
      {
        cause: error,
      },
    );
  }
}

function unpack(packed: Buffer, size: number, compression: Compression): Buffer {
  switch (compression) {
    case 'zlib':
      return inflateSync(packed, { maxOutputLength: Math.max(size, 1) });
    case 'zstd': {
      const unpacked = decompress(packed, new Uint8Array(size));
      return Buffer.from(unpacked.buffer, unpacked.byteOffset, unpacked.byteLength);
    }
    case 'none':
      return packed;
  }
}
