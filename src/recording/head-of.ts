// The first bytes of a file, unpacked: enough to tell what it is.

import { closeSync, readSync } from 'node:fs';
import { constants, gunzipSync } from 'node:zlib';
import { fileStat } from '../base/file-stat.ts';
import { packingOf } from '../base/packing.ts';
import { openForReading } from '../base/random-access-file.ts';
import { readWhole } from '../base/read-whole.ts';

const HEAD_BYTES = 65536;
/** What is packed with xz or zstd is unpacked as a whole, so only where it is small. */
const MOST_PACKED_BYTES = 1024 * 1024;
const MOST_UNPACKED_BYTES = 64 * 1024 * 1024;

/** None of what is damaged: whoever reads the file says so. */
export function headOf(path: string): Buffer {
  const fd = openForReading(path);
  try {
    const raw = Buffer.alloc(HEAD_BYTES);
    const head = raw.subarray(0, readSync(fd, raw, 0, HEAD_BYTES, 0));
    const packing = packingOf(head);
    if (packing === undefined) return head;
    if (packing === 'gzip') return gunzipSync(head, { finishFlush: constants.Z_SYNC_FLUSH });
    const isSmall = (fileStat(path)?.size ?? 0) <= MOST_PACKED_BYTES;
    return isSmall ? readWhole(path, MOST_UNPACKED_BYTES).subarray(0, HEAD_BYTES) : Buffer.alloc(0);
  } catch {
    return Buffer.alloc(0);
  } finally {
    closeSync(fd);
  }
}
