// How many bytes an input has when unpacked, for the progress bar.

import { closeSync, fstatSync, readSync } from 'node:fs';
import { fileStat } from '../../base/file-stat.ts';
import { isGzip, STDIN } from '../../base/input-bytes.ts';
import { openForReading } from '../../base/random-access-file.ts';

const TRAILER_BYTES = 4;

/** The unpacked size; 0 where it is not known (standard input, a pipe). */
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
    const head = Buffer.alloc(2);
    readSync(fd, head, 0, head.length, 0);
    if (!isGzip(head)) return size;
    // RFC 1952: a member ends with its unpacked size, modulo 2^32.
    const trailer = Buffer.alloc(TRAILER_BYTES);
    readSync(fd, trailer, 0, TRAILER_BYTES, Math.max(size - TRAILER_BYTES, 0));
    return trailer.readUInt32LE();
  } finally {
    closeSync(fd);
  }
}
