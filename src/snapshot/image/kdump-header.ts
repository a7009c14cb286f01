// The headers of a kdump-compressed file (makedumpfile: struct disk_dump_header in block 0, struct
// kdump_sub_header in block 1) → where its bitmaps, page descriptors and notes are.
// Block 0: "KDUMP   ", i32 header_version @8, utsname 6 × 65 @12, status @424, block_size @428,
// sub_hdr_size @432 (blocks), bitmap_blocks @436, max_mapnr @440. Block 1: dump_level @8, split @12,
// offset_vmcoreinfo @32 and size @40 (version 3 on), offset_note @48 and size @56 (4 on),
// max_mapnr_64 @96 (6 on).

import { PAGE_SIZE, readU64 } from '../../base/address.ts';
import { ByteCursor, OutOfBytes } from '../../base/byte-cursor.ts';
import { TraceFormatError } from '../../base/errors.ts';
import { refuseMachine } from './elf-core.ts';
import type { ImageBytes } from './physical-image.ts';

const SIGNATURE = 'KDUMP   ';
const OLD_SIGNATURE = 'DISKDUMP';
const NEWEST_VERSION = 6;
/** makedumpfile ran out of room: what is missing at the end has descriptors of zeros. */
const INCOMPLETE = 0x8;
/** One bit a page: 16 TiB of physical addresses. */
const MAX_BITMAP_BYTES = 512 * 1024 * 1024;

export interface KdumpHeader {
  readonly version: number;
  readonly incomplete: boolean;
  /** makedumpfile's -d, or undefined in version 0. */
  readonly dumpLevel: number | undefined;
  /** Where the bitmap of the pages that are in the file begins, and its bytes. */
  readonly bitmapAt: number;
  readonly bitmapBytes: number;
  /** Pages that the bitmap speaks of. */
  readonly pages: number;
  readonly descriptorsAt: number;
  readonly vmcoreinfo: FilePart;
  readonly notes: FilePart;
}

export interface FilePart {
  readonly offset: number;
  readonly size: number;
}

export function detectKdump(head: Buffer): true | string {
  const signature = head.toString('latin1', 0, 8);
  if (signature === SIGNATURE || signature === OLD_SIGNATURE) return true;
  return 'does not begin with "KDUMP"';
}

/** @throws TraceFormatError where the headers contradict themselves or are not supported */
export function readKdumpHeader(bytes: ImageBytes): KdumpHeader {
  try {
    return parseHeader(bytes);
  } catch (error) {
    if (!(error instanceof OutOfBytes)) throw error;
    throw new TraceFormatError(`${bytes.path}: the kdump file ends in its headers`, {
      hint: `${error.message}. Copy the file again.`,
      cause: error,
    });
  }
}

function parseHeader(bytes: ImageBytes): KdumpHeader {
  const { path } = bytes;
  const head = new ByteCursor(bytes).bytes(464);
  if (head.toString('latin1', 0, 8) === OLD_SIGNATURE) {
    throw new TraceFormatError(`${path}: a diskdump of a 2.6 kernel, which is not supported`);
  }
  const version = head.readInt32LE(8);
  if (version < 1 || version > NEWEST_VERSION) {
    throw new TraceFormatError(`${path}: kdump header version ${version}; 1 to 6 are known`);
  }
  const machine = cString(head, 12 + 4 * 65);
  if (machine !== '' && machine !== 'x86_64' && machine !== 'Unknown') refuseMachine(path, machine);
  const blockSize = head.readInt32LE(428);
  if (blockSize !== PAGE_SIZE) {
    throw new TraceFormatError(`${path}: kdump blocks of ${blockSize} bytes; x86-64 has 4096`);
  }
  const subBlocks = head.readInt32LE(432);
  const bitmapBlocks = head.readUInt32LE(436);
  if (subBlocks < 0 || subBlocks > 1024) {
    throw new TraceFormatError(`${path}: a kdump sub header of ${subBlocks} blocks`);
  }
  const sub = new ByteCursor(bytes, blockSize).bytes(104);
  if (version >= 2 && sub.readInt32LE(12) !== 0) {
    throw new TraceFormatError(`${path}: one part of a dump that was split`, {
      hint: '`makedumpfile --reassemble PARTS… OUT` joins them.',
    });
  }
  const pages = version >= 6 ? readU64(sub, 96) : head.readUInt32LE(440);
  const firstBitmapAt = (1 + subBlocks) * blockSize;
  const bothBytes = bitmapBlocks * blockSize;
  // Dumps without filtering may hold one bitmap for both purposes.
  const oneBytes = Math.ceil(Math.ceil(pages / 8) / blockSize) * blockSize;
  const two = bothBytes >= 2 * oneBytes;
  const bitmapBytes = two ? bothBytes / 2 : bothBytes;
  if (bitmapBytes > MAX_BITMAP_BYTES || firstBitmapAt + bothBytes > bytes.size) {
    throw new TraceFormatError(`${path}: the page bitmap (${bothBytes} bytes) is not in the file`, {
      hint: 'The file is cut off or damaged. Copy it again.',
    });
  }
  return {
    version,
    incomplete: (head.readUInt32LE(424) & INCOMPLETE) !== 0,
    dumpLevel: sub.readInt32LE(8),
    bitmapAt: firstBitmapAt + (two ? bitmapBytes : 0),
    bitmapBytes,
    pages: Math.min(pages, bitmapBytes * 8),
    descriptorsAt: firstBitmapAt + bothBytes,
    vmcoreinfo: version >= 3 ? part(sub, 32) : { offset: 0, size: 0 },
    notes: version >= 4 ? part(sub, 48) : { offset: 0, size: 0 },
  };
}

function part(sub: Buffer, at: number): FilePart {
  return { offset: readU64(sub, at), size: readU64(sub, at + 8) };
}

function cString(buffer: Buffer, at: number): string {
  const end = buffer.indexOf(0, at);
  return buffer.toString('latin1', at, Math.min(end < 0 ? at : end, at + 65));
}
