// One page of ftrace's ring buffer (per_cpu/cpuN/trace_pipe_raw, the CPU data of trace.dat) cut into
// records: kernel/trace/ring_buffer.c, struct buffer_data_page and rb_update_event(), 5.10 to 7.2.
//
//   0   u64   time stamp the first record counts from
//   8   long  commit: bytes of data, with RB_MISSED_EVENTS (bit 31) and RB_MISSED_STORED (bit 30)
//   16  data  records; a record is u32 {type_len:5, time_delta:27} and what follows by type_len
//
// On big-endian machines the bit fields stand the other way round (type_len in the top bits).

import { TWO_32 } from '../../base/address.ts';
import { ensureLength } from '../../base/growable.ts';

const TWO_27 = 134217728;

const RB_MISSED_EVENTS = 0x80000000;
const RB_MISSED_STORED = 0x40000000;
/** What of `commit` is no flag (RB_MISSED_MASK in 6.12): the length of the data. */
const COMMIT_LENGTH_MASK = 0x3fffffff;

const RINGBUF_TYPE_DATA_TYPE_LEN_MAX = 28;
const RINGBUF_TYPE_PADDING = 29;
const RINGBUF_TYPE_TIME_EXTEND = 30;
const RINGBUF_TYPE_TIME_STAMP = 31;

/** How the bytes of a recording lie. */
export interface ByteLayout {
  readonly littleEndian: boolean;
  /** Bytes in a long of the traced machine. */
  readonly longSize: 4 | 8;
  readonly pageSize: number;
}

/** What all CPUs of a trace count time from: the first page's stamp, in halves. */
export interface TimeOrigin {
  readonly lo: number;
  readonly hi: number;
}

/** The records of the page that was cut last. */
export class PageRecords {
  length = 0;
  /** Time since the origin, in the clock's unit. */
  ts: Float64Array = new Float64Array(512);
  /** Where the payload starts in the bytes that were cut, and how long it is. */
  offset: Uint32Array = new Uint32Array(512);
  size: Uint32Array = new Uint32Array(512);
  /** Events lost before this page: their number, -1 where only the fact is known, 0 for none. */
  missed = 0;
  /** False where the page contradicts itself; the records before that place are still here. */
  intact = true;

  push(ts: number, offset: number, size: number): void {
    const i = this.length++;
    if (i === this.ts.length) {
      this.ts = ensureLength(this.ts, i + 1);
      this.offset = ensureLength(this.offset, i + 1);
      this.size = ensureLength(this.size, i + 1);
    }
    this.ts[i] = ts;
    this.offset[i] = offset;
    this.size[i] = size;
  }
}

/** Time from the origin to a stamp, in the clock's unit. */
export function timeSince(origin: TimeOrigin, stamp: TimeOrigin): number {
  return (stamp.hi - origin.hi) * TWO_32 + (stamp.lo - origin.lo);
}

/** The time stamp in the header of the page at `at`. */
export function pageTimestamp(view: DataView, at: number, layout: ByteLayout): TimeOrigin {
  const { littleEndian } = layout;
  const first = view.getUint32(at, littleEndian);
  const second = view.getUint32(at + 4, littleEndian);
  return littleEndian ? { lo: first, hi: second } : { lo: second, hi: first };
}

function readCommit(view: DataView, at: number, layout: ByteLayout): number {
  const low = layout.littleEndian || layout.longSize === 4 ? 8 : 12;
  return view.getUint32(at + low, layout.littleEndian);
}

/** The upper half of a 64-bit `commit` is empty, or the sign of RB_MISSED_EVENTS, which is an int. */
function hasPlainUpperHalf(view: DataView, at: number, layout: ByteLayout): boolean {
  if (layout.longSize === 4) return true;
  const upper = view.getUint32(at + (layout.littleEndian ? 12 : 8), layout.littleEndian);
  return upper === 0 || upper === 0xffffffff;
}

/**
 * Cuts the page at `at` of `view` into `out`. Where `view` ends before the page does (the file is cut
 * off), the records that are wholly there are cut.
 * Never throws: what contradicts the page's own header ends the page and clears `out.intact`.
 */
export function cutPage(
  view: DataView,
  at: number,
  layout: ByteLayout,
  origin: TimeOrigin,
  out: PageRecords,
): void {
  const { littleEndian, longSize, pageSize } = layout;
  out.length = 0;
  out.intact = true;
  out.missed = 0;
  const headerSize = 8 + longSize;
  if (at + headerSize > view.byteLength) return;
  const stamp = pageTimestamp(view, at, layout);
  let ts = timeSince(origin, stamp);
  const commit = readCommit(view, at, layout);
  const length = commit & COMMIT_LENGTH_MASK;
  if (length > pageSize - headerSize || !hasPlainUpperHalf(view, at, layout)) {
    out.intact = false;
    return;
  }
  const pageEnd = Math.min(at + pageSize, view.byteLength);
  const dataEnd = at + headerSize + length;
  const end = Math.min(dataEnd, pageEnd);
  if ((commit & RB_MISSED_EVENTS) !== 0)
    out.missed = missedBefore(view, dataEnd, pageEnd, commit, layout);

  let pos = at + headerSize;
  while (pos + 4 <= end) {
    const word = view.getUint32(pos, littleEndian);
    const typeLen = littleEndian ? word & 31 : word >>> 27;
    const delta = littleEndian ? word >>> 5 : word & (TWO_27 - 1);
    if (typeLen !== 0 && typeLen <= RINGBUF_TYPE_DATA_TYPE_LEN_MAX) {
      ts += delta;
      const size = typeLen * 4;
      if (pos + 4 + size > end) break;
      out.push(ts, pos + 4, size);
      pos += 4 + size;
      continue;
    }
    if (pos + 8 > end) {
      // A null event that fills the rest of a page has no second word.
      if (typeLen === RINGBUF_TYPE_PADDING && delta === 0) pos = end;
      break;
    }
    const second = view.getUint32(pos + 4, littleEndian);
    if (typeLen === RINGBUF_TYPE_TIME_EXTEND) {
      ts += second * TWO_27 + delta;
      pos += 8;
    } else if (typeLen === RINGBUF_TYPE_TIME_STAMP) {
      ts = absoluteTime(second, delta, stamp, origin);
      pos += 8;
    } else if (typeLen === RINGBUF_TYPE_PADDING) {
      if (delta === 0) {
        pos = end; // the rest of the page is unused
        break;
      }
      ts += delta;
      if (second < 4 || pos + 4 + second > end) break;
      pos += 4 + second;
    } else {
      // type_len 0: the length, which counts its own four bytes, stands in the second word.
      ts += delta;
      if (second < 4 || pos + 4 + second > end) break;
      out.push(ts, pos + 8, second - 4);
      pos += 4 + ((second + 3) & ~3);
    }
  }
  if (pos < end && end === dataEnd) out.intact = false;
}

/** Events lost before a page: their number stands behind its data, where there was room for it. */
function missedBefore(
  view: DataView,
  dataEnd: number,
  pageEnd: number,
  commit: number,
  layout: ByteLayout,
): number {
  const { littleEndian, longSize } = layout;
  if ((commit & RB_MISSED_STORED) === 0 || dataEnd + longSize > pageEnd) return -1;
  const lower = view.getUint32(dataEnd + (littleEndian ? 0 : longSize - 4), littleEndian);
  const upper = longSize === 8 ? view.getUint32(dataEnd + (littleEndian ? 4 : 0), littleEndian) : 0;
  return lower === 0 || upper !== 0 ? -1 : lower;
}

/** 59 bits of absolute time; the top five are taken from the page's stamp. */
function absoluteTime(
  second: number,
  delta: number,
  stamp: TimeOrigin,
  origin: TimeOrigin,
): number {
  // (second << 27) | delta, as halves
  const lo = ((second << 27) | delta) >>> 0;
  const hi = ((second >>> 5) & 0x07ffffff) | (stamp.hi & 0xf8000000);
  return ((hi >>> 0) - origin.hi) * TWO_32 + (lo - origin.lo);
}
