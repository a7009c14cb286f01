// How many bytes an input has when unpacked, for the progress bar.

import { closeSync, fstatSync, readSync } from 'node:fs';
import { fileStat } from '../../base/file-stat.ts';
import { STDIN } from '../../base/input-bytes.ts';
import { packingOf } from '../../base/packing.ts';
import { openForReading } from '../../base/random-access-file.ts';
import { zstdContentSize } from '../../base/zstd.ts';

const HEAD_BYTES = 32;
const GZIP_TRAILER_BYTES = 4;
const XZ_FOOTER_BYTES = 12;
/** Of some hundred thousand blocks. */
const MAX_XZ_INDEX_BYTES = 1024 * 1024;

/** The unpacked size; 0 where it is not known (standard input, a pipe, a packed file without it). */
export function unpackedSize(path: string): number {
  if (path === STDIN) return 0;
  let fd: number;
  try {
    if (fileStat(path)?.isFile() !== true) return 0;
    fd = openForReading(path);
  } catch {
    return 0; // whoever reads the bytes will say why
  }
  try {
    const { size } = fstatSync(fd);
    const head = readAt(fd, 0, HEAD_BYTES);
    switch (packingOf(head)) {
      case undefined:
        return size;
      case 'gzip':
        // RFC 1952: a member ends with its unpacked size, modulo 2^32.
        return readAt(fd, size - GZIP_TRAILER_BYTES, GZIP_TRAILER_BYTES).readUInt32LE();
      case 'zstd':
        return Math.max(zstdContentSize(head), 0);
      case 'xz':
        return xzSize(fd, size);
    }
  } finally {
    closeSync(fd);
  }
}

/** `length` bytes, with zeros for those that are not there. */
function readAt(fd: number, position: number, length: number): Buffer {
  const bytes = Buffer.alloc(length);
  readSync(fd, bytes, 0, length, Math.max(position, 0));
  return bytes;
}

/**
 * The sum over the index at the end of a stream (.xz file format 1.2, 2.1.2 and 4): a zero, the
 * number of blocks, for each its packed and unpacked size, as numbers of 7 bits a byte.
 */
function xzSize(fd: number, size: number): number {
  const footer = readAt(fd, size - XZ_FOOTER_BYTES, XZ_FOOTER_BYTES);
  const indexBytes = (footer.readUInt32LE(4) + 1) * 4;
  if (footer.toString('latin1', 10) !== 'YZ' || indexBytes > MAX_XZ_INDEX_BYTES) return 0;
  const index = readAt(fd, size - XZ_FOOTER_BYTES - indexBytes, indexBytes);
  let at = 1;
  const next = (): number => {
    let value = 0;
    for (let unit = 1; at < index.length; unit *= 128) {
      const byte = index[at++] ?? 0;
      value += (byte & 0x7f) * unit;
      if (byte < 0x80) break;
    }
    return value;
  };
  let unpacked = 0;
  for (let left = next(); left > 0 && at < index.length; left--) {
    next();
    unpacked += next();
  }
  return unpacked;
}
