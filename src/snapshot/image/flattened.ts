// makedumpfile's flattened form (-F; also what QEMU writes for its kdump formats) → the file that it
// stands for, read in place: a 4096-byte header, then {s64 offset, s64 size, data}, big-endian, up
// to offset = size = -1. A later record replaces what an earlier one put at the same place.

import { present } from '../../base/assert.ts';
import { TraceFormatError } from '../../base/errors.ts';
import { ensureLength } from '../../base/growable.ts';
import type { Findings } from '../findings.ts';
import type { ImageBytes } from './physical-image.ts';

const HEADER_BYTES = 4096;
const RECORD_BYTES = 16;
const SIGNATURE = 'makedumpfile\0';
/** Some GiB of pages written one by one; the table of them all is 400 MB. */
const MAX_RECORDS = 16 * 1024 * 1024;
const HEADERS_AT_A_TIME = 64 * 1024;

export function isFlattened(head: Buffer): boolean {
  return head.toString('latin1', 0, SIGNATURE.length) === SIGNATURE;
}

/** The records in the order of the file. */
interface Records {
  readonly count: number;
  readonly offsets: Float64Array;
  readonly sizes: Float64Array;
  readonly positions: Float64Array;
}

/** The reassembled file; stretches that no record gives read as zeros, as `-R` would write them. */
export class FlattenedFile implements ImageBytes {
  readonly path: string;
  readonly size: number;
  private readonly bytes: ImageBytes;
  private readonly pieces: Pieces;
  private last = 0;

  /** @throws TraceFormatError where the records make no sense from the start */
  constructor(bytes: ImageBytes, findings: Findings) {
    this.path = bytes.path;
    this.bytes = bytes;
    this.pieces = overlay(readRecords(bytes, findings));
    this.size = this.pieces.ends.at(-1) ?? 0;
  }

  read(position: number, target: Uint8Array): number {
    const { starts, ends, positions } = this.pieces;
    const wanted = Math.max(0, Math.min(target.length, this.size - position));
    for (let done = 0; done < wanted; ) {
      const at = position + done;
      const i = this.find(at);
      const left = wanted - done;
      if (i >= 0 && at < ends[i]!) {
        const n = Math.min(left, ends[i]! - at);
        const from = positions[i]! + at - starts[i]!;
        const got = this.bytes.read(from, target.subarray(done, done + n));
        if (got < n) return done + got;
        done += n;
      } else {
        const n = Math.min(left, (starts[i + 1] ?? this.size) - at);
        target.fill(0, done, done + n);
        done += n;
      }
    }
    return wanted;
  }

  slice(position: number, length: number): Buffer {
    const available = Math.max(0, Math.min(length, this.size - position));
    const buffer = Buffer.allocUnsafe(available);
    return buffer.subarray(0, this.read(position, buffer));
  }

  /** The last piece that starts at or before `position`, or -1. */
  private find(position: number): number {
    const { starts } = this.pieces;
    const { last } = this;
    if (starts[last]! <= position && position < (starts[last + 1] ?? Infinity)) return last;
    let low = 0;
    let high = starts.length;
    while (low < high) {
      const mid = (low + high) >>> 1;
      if (starts[mid]! <= position) low = mid + 1;
      else high = mid;
    }
    if (low > 0) this.last = low - 1;
    return low - 1;
  }
}

function readRecords(bytes: ImageBytes, findings: Findings): Records {
  let offsets: Float64Array = new Float64Array(1024);
  let sizes: Float64Array = new Float64Array(1024);
  let positions: Float64Array = new Float64Array(1024);
  let count = 0;
  let at = HEADER_BYTES;
  let window = bytes.slice(at, HEADERS_AT_A_TIME);
  let windowAt = at;
  for (;;) {
    if (at + RECORD_BYTES > windowAt + window.length) {
      window = bytes.slice(at, HEADERS_AT_A_TIME);
      windowAt = at;
    }
    const where = `byte ${at} of ${bytes.path}`;
    if (window.length < at - windowAt + RECORD_BYTES) {
      findings.add('truncated', where);
      break;
    }
    const offset = s64(window, at - windowAt);
    const size = s64(window, at - windowAt + 8);
    if (offset === -1 && size === -1) break;
    if (offset < 0 || size <= 0 || offset + size > Number.MAX_SAFE_INTEGER) {
      findings.add('bad_segment', where);
      break;
    }
    if (count === MAX_RECORDS) {
      throw new TraceFormatError(`${bytes.path}: more than ${MAX_RECORDS} records`, {
        hint: '`makedumpfile -R OUT < FILE` writes it in the plain form.',
      });
    }
    offsets = ensureLength(offsets, count + 1);
    sizes = ensureLength(sizes, count + 1);
    positions = ensureLength(positions, count + 1);
    offsets[count] = offset;
    sizes[count] = Math.min(size, bytes.size - at - RECORD_BYTES);
    positions[count] = at + RECORD_BYTES;
    if (sizes[count]! > 0) count++;
    at += RECORD_BYTES + size;
  }
  return { count, offsets, sizes, positions };
}

interface Pieces {
  readonly starts: Float64Array;
  readonly ends: Float64Array;
  readonly positions: Float64Array;
}

/** Disjoint pieces in the order of their offsets, the latest record of each byte. */
function overlay(records: Records): Pieces {
  const { count, offsets, sizes, positions } = records;
  const order = Uint32Array.from({ length: count }, (_, i) => i);
  order.sort((a, b) => offsets[a]! - offsets[b]! || a - b);
  const out: { start: number[]; end: number[]; at: number[] } = { start: [], end: [], at: [] };
  const put = (start: number, end: number, record: number): void => {
    if (end <= start) return;
    out.start.push(start);
    out.end.push(end);
    out.at.push(positions[record]! + start - offsets[record]!);
  };
  // Records that reach beyond the sweep's place, the latest (highest number) first.
  const open = new LatestFirst();
  let place = 0;
  for (let i = 0; i <= count; i++) {
    const record = order[i];
    const until = record === undefined ? Infinity : offsets[record]!;
    while (place < until && open.size > 0) {
      const top = open.top();
      const end = offsets[top]! + sizes[top]!;
      if (end <= place) {
        open.pop();
        continue;
      }
      const stop = Math.min(end, until);
      put(place, stop, top);
      place = stop;
    }
    if (record === undefined) break;
    place = Math.max(place, until);
    open.push(record);
  }
  return {
    starts: Float64Array.from(out.start),
    ends: Float64Array.from(out.end),
    positions: Float64Array.from(out.at),
  };
}

/** A heap of record numbers, the highest on top. */
class LatestFirst {
  private readonly items: number[] = [];

  get size(): number {
    return this.items.length;
  }

  top(): number {
    return present(this.items[0]);
  }

  push(item: number): void {
    const { items } = this;
    let at = items.length;
    items.push(item);
    while (at > 0) {
      const parent = (at - 1) >>> 1;
      if (items[parent]! >= item) break;
      items[at] = items[parent]!;
      at = parent;
    }
    items[at] = item;
  }

  pop(): void {
    const { items } = this;
    const item = items.pop();
    const size = items.length;
    if (item === undefined || size === 0) return;
    let at = 0;
    for (;;) {
      let child = at * 2 + 1;
      if (child >= size) break;
      if (child + 1 < size && items[child + 1]! > items[child]!) child++;
      if (items[child]! <= item) break;
      items[at] = items[child]!;
      at = child;
    }
    items[at] = item;
  }
}

/** A signed 64-bit big-endian field as a number. */
function s64(buffer: Buffer, at: number): number {
  return buffer.readInt32BE(at) * 2 ** 32 + buffer.readUInt32BE(at + 4);
}
