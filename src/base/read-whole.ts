// A small file as a whole, unpacked where it is packed, and never more of it than there should be.

import { closeSync, fstatSync, readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { describeError, errnoOf, InputError, TraceFormatError } from './errors.ts';
import { assertUnpacked, isTar, type Packing, packingOf } from './packing.ts';
import { openForReading } from './random-access-file.ts';
import { unxz } from './xz.ts';
import { ZstdUnpacker } from './zstd.ts';

/**
 * @param limit bytes that the file may have, packed and unpacked
 * @param takesTar true where the caller reads tar archives
 * @throws InputError where it cannot be read, TraceFormatError where it is packed and cannot be
 * unpacked, or is larger than `limit`
 */
export function readWhole(path: string, limit: number, takesTar = false): Buffer {
  const bytes = readRaw(path, limit);
  const packing = packingOf(bytes);
  if (packing === undefined) {
    if (!(takesTar && isTar(bytes))) assertUnpacked(bytes, path);
    return bytes;
  }
  try {
    return UNPACK[packing](bytes, limit);
  } catch (error) {
    throw new TraceFormatError(`${path}: cannot be unpacked: ${describeError(error)}`, {
      hint: `Copy the file again; \`${packing} -t\` tests it.`,
      cause: error,
    });
  }
}

function readRaw(path: string, limit: number): Buffer {
  const fd = openForReading(path);
  try {
    if (fstatSync(fd).size > limit) {
      throw new TraceFormatError(`${path}: larger than ${limit} bytes, so not what it claims`);
    }
    return readFileSync(fd);
  } catch (error) {
    if (error instanceof TraceFormatError) throw error;
    throw new InputError(`${path}: ${describeError(error)}`, { cause: error });
  } finally {
    closeSync(fd);
  }
}

/** Each throws an Error in words where the data are damaged, cut off, or more than `limit`. */
const UNPACK: Record<Packing, (packed: Buffer, limit: number) => Buffer> = {
  gzip(packed, limit) {
    try {
      return gunzipSync(packed, { maxOutputLength: limit });
    } catch (error) {
      if (errnoOf(error) === 'ERR_BUFFER_TOO_LARGE') throw tooLarge(limit);
      throw error;
    }
  },
  xz: unxz,
  zstd(packed, limit) {
    const unpacker = new ZstdUnpacker();
    const parts: Buffer[] = [];
    let bytes = 0;
    const take = (part: Buffer): void => {
      bytes += part.length;
      if (bytes > limit) throw tooLarge(limit);
      parts.push(part);
    };
    for (const part of unpacker.push(packed)) take(part);
    for (const part of unpacker.end()) take(part);
    return Buffer.concat(parts);
  },
};

function tooLarge(limit: number): Error {
  return new Error(`more than ${limit} bytes when unpacked`);
}
