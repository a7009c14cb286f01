// The head of a perf.data file: tools/perf/util/header.h, struct perf_file_header.
//
//   0 u64 magic   8 u64 size (104)   16 u64 attr_size   24 attrs   40 data   56 event_types
//   72 u64[4] bits of the features that there are
//
// attrs, data and each feature are sections {u64 offset, u64 size}. attr_size is that of one entry:
// a perf_event_attr and the section of its ids. The sections of the features stand behind the data,
// one per bit. In pipe mode the size is 16 and everything comes as records.

import { ByteCursor, type ByteSource } from '../../base/byte-cursor.ts';
import { BadPiece } from '../trace-dat/compression.ts';
import { type EventAttr, parseEventAttr, readIds } from './event-attr.ts';

const MAGIC = Buffer.from('PERFILE2', 'latin1');
const MAGIC_SWAPPED = Buffer.from(MAGIC).reverse();
const PIPE_HEADER_SIZE = 16;
const FILE_HEADER_SIZE = 104;
const SECTION_SIZE = 16;
const MIN_ATTR_ENTRY = 64 + SECTION_SIZE;
/** Entries that are taken for real; a recording of every tracepoint of a kernel has some 2,000. */
const MAX_ATTRS = 65536;

/** How a file begins: its byte order, and whether it was written through a pipe. */
export interface FileKind {
  readonly littleEndian: boolean;
  readonly isPipe: boolean;
  /** Bytes before the first record (pipe mode only). */
  readonly headerSize: number;
}

export interface Section {
  readonly offset: number;
  readonly size: number;
}

export interface PerfFileHeader {
  readonly attrs: readonly EventAttr[];
  /** Where the records lie; reaches to the end of the file where perf could not write its size. */
  readonly data: Section;
  /** False where perf was ended before it wrote the data's size and the features. */
  readonly finished: boolean;
  /** Features by bit. */
  readonly features: ReadonlyMap<number, Section>;
  /** False where the file ends before the table of its features. */
  readonly hasFeatureTable: boolean;
}

/** What the first bytes are; undefined where they are not perf's. */
export function fileKind(head: Uint8Array): FileKind | undefined {
  const bytes = Buffer.from(head.buffer, head.byteOffset, head.byteLength);
  const littleEndian = bytes.subarray(0, 8).equals(MAGIC);
  if (!littleEndian && !bytes.subarray(0, 8).equals(MAGIC_SWAPPED)) return undefined;
  if (bytes.length < 16) return { littleEndian, isPipe: false, headerSize: 0 };
  const size = littleEndian ? bytes.readBigUInt64LE(8) : bytes.readBigUInt64BE(8);
  const isPipe = size === BigInt(PIPE_HEADER_SIZE);
  return { littleEndian, isPipe, headerSize: isPipe ? PIPE_HEADER_SIZE : 0 };
}

/** @throws OutOfBytes, BadPiece where the head contradicts itself or the file ends inside it */
export function readFileHeader(source: ByteSource, littleEndian: boolean): PerfFileHeader {
  const at = new ByteCursor(source, MAGIC.length, littleEndian);
  const size = at.size64();
  if (size < FILE_HEADER_SIZE) throw new BadPiece(`a file header of ${size} bytes`);
  const entrySize = at.size64();
  const attrs = readSection(at);
  const data = readSection(at);
  readSection(at);
  const bits = [at.u64(), at.u64(), at.u64(), at.u64()];
  if (entrySize < MIN_ATTR_ENTRY || entrySize > 4096) {
    throw new BadPiece(`an event description of ${entrySize} bytes`);
  }
  const count = Math.floor(attrs.size / entrySize);
  if (count > MAX_ATTRS) throw new BadPiece(`descriptions of ${count} events`);
  const budget = { bytes: source.size };
  const finished = data.size > 0;
  const available = Math.max(0, source.size - data.offset);
  const table = finished
    ? readFeatureTable(source, data.offset + data.size, bits, littleEndian)
    : undefined;
  return {
    attrs: Array.from({ length: count }, (_, i) =>
      readAttrEntry(source, attrs.offset + i * entrySize, entrySize, littleEndian, budget),
    ),
    data: { offset: data.offset, size: finished ? data.size : available },
    finished,
    features: table ?? new Map(),
    hasFeatureTable: table !== undefined,
  };
}

function readSection(at: ByteCursor): Section {
  return { offset: at.size64(), size: at.size64() };
}

function readAttrEntry(
  source: ByteSource,
  offset: number,
  entrySize: number,
  littleEndian: boolean,
  budget: { bytes: number },
): EventAttr {
  const at = new ByteCursor(source, offset, littleEndian);
  const attr = at.bytes(entrySize - SECTION_SIZE);
  const { offset: idsAt, size } = readSection(at);
  // All ids together cannot have more bytes than the file.
  budget.bytes -= size;
  if (budget.bytes < 0) throw new BadPiece(`${size} bytes of event ids`);
  const ids = readIds(new ByteCursor(source, idsAt, littleEndian), idsAt + size);
  return parseEventAttr(attr, littleEndian, ids);
}

/** Undefined where the file ends before it. */
function readFeatureTable(
  source: ByteSource,
  offset: number,
  bits: readonly bigint[],
  littleEndian: boolean,
): Map<number, Section> | undefined {
  const features = new Map<number, Section>();
  const at = new ByteCursor(source, offset, littleEndian);
  for (let bit = 0; bit < 256; bit++) {
    if ((((bits[bit >> 6] ?? 0n) >> BigInt(bit & 63)) & 1n) === 0n) continue;
    if (at.remaining < SECTION_SIZE) return undefined;
    const section = { offset: at.u64(), size: at.u64() };
    // A section outside the file is one that cannot be read; those behind it may be there.
    if (section.offset + section.size > BigInt(source.size)) continue;
    features.set(bit, { offset: Number(section.offset), size: Number(section.size) });
  }
  return features;
}
