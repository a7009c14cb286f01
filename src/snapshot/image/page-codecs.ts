// The packed page of a kdump-compressed file → its bytes, by the flags of its page descriptor
// (makedumpfile: DUMP_DH_COMPRESSED_*).

import { inflateSync } from 'node:zlib';
import { decompress as decompressZstd } from 'fzstd';
import { zstdContentSize } from '../../base/zstd.ts';
import { decompressLzo } from './lzo1x.ts';
import { decompressSnappy } from './snappy.ts';

const ZLIB = 0x01;
const LZO = 0x02;
const SNAPPY = 0x04;
const ZSTD = 0x20;
const PACKED: number = ZLIB | LZO | SNAPPY | ZSTD;

/** Fills `page`; false where the packed bytes are damaged or give another size. */
export function unpackPage(flags: number, packed: Uint8Array, page: Uint8Array): boolean {
  try {
    switch (flags & PACKED) {
      case 0:
        return copy(packed, page);
      case ZLIB:
        return copy(inflateSync(packed, { maxOutputLength: page.length }), page);
      case LZO:
        return decompressLzo(packed, page) === page.length;
      case SNAPPY:
        return decompressSnappy(packed, page) === page.length;
      case ZSTD:
        return unpackZstd(packed, page);
      default:
        return false;
    }
  } catch {
    return false;
  }
}

/** fzstd fills the buffer it is given and does not say how far, so the frame must say it. */
function unpackZstd(packed: Uint8Array, page: Uint8Array): boolean {
  if (zstdContentSize(packed) !== page.length) return false;
  decompressZstd(packed, page);
  return true;
}

function copy(bytes: Uint8Array, page: Uint8Array): boolean {
  if (bytes.length !== page.length) return false;
  page.set(bytes);
  return true;
}
