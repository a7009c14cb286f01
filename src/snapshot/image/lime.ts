// LiME version 1 → physical memory: 32-byte headers {u32 magic "EMiL", u32 version, u64 start, u64
// end (inclusive), 8 reserved}, each followed by the bytes of its range.

import { readU64 } from '../../base/address.ts';
import { TraceFormatError } from '../../base/errors.ts';
import type { ImageFormat } from './image-format.ts';
import { NO_NOTES, PHYSICAL_END } from './physical-image.ts';
import { RangeList } from './range-table.ts';

const HEADER_BYTES = 32;
const LIME_MAGIC = 0x4c694d45;
/** "AVML": the same header, the ranges packed with snappy. */
const AVML_MAGIC = 0x4c4d5641;
const MAX_RANGES = 1024 * 1024;

export const limeFormat: ImageFormat = {
  name: 'LiME',
  detect(head) {
    const magic = head.length >= 4 ? head.readUInt32LE(0) : 0;
    return magic === LIME_MAGIC || magic === AVML_MAGIC ? true : 'does not begin with "EMiL"';
  },
  open(bytes, { findings }) {
    const ranges = new RangeList();
    for (let at = 0; at < bytes.size; ) {
      const header = bytes.slice(at, HEADER_BYTES);
      const where = `byte ${at} of ${bytes.path}`;
      if (header.length < HEADER_BYTES) {
        findings.add('truncated', where, HEADER_BYTES - header.length);
        break;
      }
      const start = readU64(header, 8);
      const end = readU64(header, 16) + 1;
      const known = header.readUInt32LE(0) === LIME_MAGIC && header.readUInt32LE(4) === 1;
      if (!known || start >= end || end > PHYSICAL_END) {
        if (at === 0) refuse(bytes.path, header);
        findings.add('bad_segment', where);
        break;
      }
      if (ranges.size === MAX_RANGES) {
        throw new TraceFormatError(`${bytes.path}: more than ${MAX_RANGES} ranges of memory`);
      }
      ranges.add(start, end - start, at + HEADER_BYTES);
      at += HEADER_BYTES + (end - start);
    }
    return { image: ranges.build(bytes, findings), notes: NO_NOTES };
  },
};

function refuse(path: string, header: Buffer): never {
  if (header.readUInt32LE(0) === AVML_MAGIC) {
    throw new TraceFormatError(`${path}: a packed image of AVML`, {
      hint: '`avml-convert FILE out.lime` unpacks it.',
    });
  }
  const version = header.readUInt32LE(4);
  throw new TraceFormatError(
    version === 1
      ? `${path}: the first LiME header names no memory`
      : `${path}: LiME version ${version}; only version 1 is known`,
  );
}
