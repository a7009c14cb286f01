// The stream of records of a perf.data: cut, given to the session by type, COMPRESSED ones unpacked and
// cut in turn. What perf does not know either is passed over by its size.
//
//   u32 type  u16 misc  u16 size (of all)
//
// Two kinds have more behind them than their size says: TRACING_DATA (in pipe mode), AUXTRACE.

import { ByteCursor, memorySource } from '../../base/byte-cursor.ts';
import type { EventsSeen, TraceReader } from '../format.ts';
import { attrSize, parseEventAttr, readIds } from './event-attr.ts';
import { readFeature } from './features.ts';
import { RecordBuffer } from './record-buffer.ts';
import { FEATURE, RECORD } from './record-types.ts';
import type { PerfSession } from './session.ts';
import { readTracingData } from './tracing-data.ts';
import { u64At } from './u64.ts';
import { ZstdStream } from './zstd-stream.ts';

const HEADER_SIZE = 8;
/** PERF_ATTR_SIZE_VER0. */
const MIN_ATTR = 64;
const BUFFER_BYTES = 256 * 1024;
/** Bytes that are cut before the caller gets its turn. */
const BYTES_PER_STEP = 2 * 1024 * 1024;
/** The descriptions of all events of a kernel have some 5 MiB. */
const MAX_TRACING_DATA = 64 * 1024 * 1024;

/** Where the bytes of the stream come from. */
export interface RecordFeed {
  /** Puts bytes into the buffer; false at the end. */
  fill(buffer: RecordBuffer): boolean | Promise<boolean>;
  /** How much was given, 0 to 1; 0 where it is not known. */
  readonly progress: number;
  close(): void;
}

export class RecordReader implements TraceReader {
  private readonly session: PerfSession;
  private readonly feed: RecordFeed;
  private readonly littleEndian: boolean;
  private readonly outer = new RecordBuffer(BUFFER_BYTES);
  /** What came out of COMPRESSED records. */
  private readonly inner = new RecordBuffer(BUFFER_BYTES);
  private readonly zstd: ZstdStream;
  /** Bytes to pass over before the next record. */
  private skip = 0;
  private ended = false;
  private finished = false;

  private readonly isPart: boolean;

  /**
   * @param position of the first record in the input, for messages
   * @param isPart true for one of several files: rounds say nothing then, and others end the session
   */
  constructor(session: PerfSession, feed: RecordFeed, position: number, isPart = false) {
    this.isPart = isPart;
    this.session = session;
    this.feed = feed;
    this.littleEndian = session.littleEndian;
    this.outer.position = position;
    this.zstd = new ZstdStream((piece) => this.inner.append(piece));
  }

  step(): boolean | Promise<boolean> {
    const { queue } = this.session;
    if (queue.isFlushing) {
      queue.step();
      return true;
    }
    if (this.finished) return false;
    for (const end = this.outer.position + BYTES_PER_STEP; this.outer.position < end; ) {
      if (this.ended) return this.finish();
      if (this.cut(this.inner) || this.cut(this.outer)) return true;
      if (this.ended) continue;
      const more = this.feed.fill(this.outer);
      if (typeof more !== 'boolean') {
        return more.then((there) => {
          this.ended = !there;
          return true;
        });
      }
      this.ended = !more;
    }
    return true;
  }

  progress(): number {
    return this.feed.progress;
  }

  seen(): EventsSeen {
    return this.session.seen();
  }

  close(): void {
    this.feed.close();
  }

  private finish(): boolean {
    this.finished = true;
    const { stats } = this.session.queue;
    for (const { length, position } of [this.outer, this.inner]) {
      if (length > 0) stats.add('truncated', 1, `byte ${position}`);
    }
    if (this.skip > 0) stats.add('truncated', 1, `byte ${this.outer.position}`);
    if (!this.isPart) this.session.finish();
    return true;
  }

  /** Cuts all whole records; true where it stopped before, because rows must go out first. */
  private cut(buffer: RecordBuffer): boolean {
    const { queue, samples } = this.session;
    const le = this.littleEndian;
    if (buffer === this.outer) this.skipAhead();
    let at = buffer.from;
    const { to, view } = buffer;
    while (at + HEADER_SIZE <= to && !queue.isFlushing && !this.ended) {
      const type = view.getUint32(at, le);
      const size = view.getUint16(at + 6, le);
      if (at + size > to && size >= HEADER_SIZE) break;
      if (type === RECORD.sample && size >= HEADER_SIZE) {
        if (!samples.add(buffer, at, size)) this.countBad(buffer, at);
        at += size;
        continue;
      }
      const length = this.addOther(buffer, type, at, size);
      if (length < 0) break;
      at += length;
    }
    buffer.take(Math.min(at, to) - buffer.from);
    return queue.isFlushing;
  }

  /**
   * Reads a record that is no sample; returns how many bytes are done with, -1 where more bytes are
   * needed first.
   */
  private addOther(buffer: RecordBuffer, type: number, at: number, size: number): number {
    const { session } = this;
    const { view, to } = buffer;
    if (size < HEADER_SIZE) {
      // Nothing says where the next record begins. Zeros: the file was never written up to here.
      if (type === 0 && size === 0) session.queue.stats.add('truncated', 1, this.where(buffer, at));
      else this.countBad(buffer, at);
      this.ended = true;
      return to - at;
    }
    if (type < RECORD.firstUser) {
      if (!session.sideRecords.add(buffer, type, at, size)) this.countBad(buffer, at);
      return size;
    }
    switch (type) {
      case RECORD.finishedRound:
        if (!this.isPart) session.queue.finishRound();
        return size;
      case RECORD.idIndex:
        if (!session.sideRecords.addIdIndex(view, at, size)) this.countBad(buffer, at);
        return size;
      case RECORD.threadMap:
        session.sideRecords.addThreadMap(view, at, size);
        return size;
      case RECORD.compressed:
      case RECORD.compressed2:
        this.unpack(buffer, type, at, size);
        return size;
      case RECORD.auxtrace:
        return this.passOver(
          buffer,
          at,
          size,
          size < 16 ? 0 : u64At(view, at + 8, this.littleEndian),
        );
      case RECORD.tracingData:
        return this.addTracingData(buffer, at, size);
      default:
        if (session.isPipe) this.addPipeHead(buffer, type, at, size);
        return size;
    }
  }

  /** What a file has in its head comes as records through a pipe. */
  private addPipeHead(buffer: RecordBuffer, type: number, at: number, size: number): void {
    const { session, littleEndian } = this;
    const body = buffer.bytes.subarray(at + HEADER_SIZE, at + size);
    if (type === RECORD.headerAttr) {
      const attrLength = body.length < 8 ? 0 : attrSize(body, littleEndian);
      if (attrLength < MIN_ATTR || attrLength > body.length) {
        this.countBad(buffer, at);
        return;
      }
      const ids = new ByteCursor(memorySource(body), attrLength, littleEndian);
      const attr = body.subarray(0, attrLength);
      session.addAttr(parseEventAttr(attr, littleEndian, readIds(ids, body.length)));
    } else if (type === RECORD.headerFeature && body.length >= 8) {
      // u64 which, then what is a section of a file
      const source = memorySource(body.subarray(8));
      const which = u64At(buffer.view, at + HEADER_SIZE, littleEndian);
      readFeature(which, source, littleEndian, session.info, session.modules);
    } else if (type === RECORD.buildId) {
      const record = memorySource(buffer.bytes.subarray(at, at + size));
      readFeature(FEATURE.buildId, record, littleEndian, session.info, session.modules);
    }
  }

  /** u32 size, and behind the record as many bytes. */
  private addTracingData(buffer: RecordBuffer, at: number, size: number): number {
    const { session, littleEndian } = this;
    const length = size < 12 ? 0 : buffer.view.getUint32(at + 8, littleEndian);
    if (!session.needsDescriptions || length > MAX_TRACING_DATA || buffer === this.inner) {
      return this.passOver(buffer, at, size, length);
    }
    if (at + size + length > buffer.to && !this.ended) return -1;
    const data = buffer.bytes.subarray(at + size, at + size + length);
    session.describeEvents(readTracingData(memorySource(Buffer.from(data)), littleEndian));
    return size + length;
  }

  /** A COMPRESSED record (COMPRESSED2: with the size of what is packed before it). */
  private unpack(buffer: RecordBuffer, type: number, at: number, size: number): void {
    const { bytes, view } = buffer;
    const start = at + HEADER_SIZE + (type === RECORD.compressed2 ? 8 : 0);
    let end = at + size;
    if (type === RECORD.compressed2 && start <= end) {
      end = Math.min(end, start + u64At(view, at + HEADER_SIZE, this.littleEndian));
    }
    if (start > end || buffer === this.inner) {
      this.countBad(buffer, at);
      return;
    }
    // Where in the file what came out of it lies: somewhere in this record.
    this.inner.position = buffer.positionOf(at);
    const failure = this.zstd.push(bytes.subarray(start, end));
    if (failure !== undefined) this.countBad(buffer, at);
    this.cut(this.inner);
  }

  /** Passes over a record and `length` bytes behind it, which may not be there yet. */
  private passOver(buffer: RecordBuffer, at: number, size: number, length: number): number {
    const there = Math.min(length, buffer.to - at - size);
    this.skip = length - there;
    return size + there;
  }

  private skipAhead(): void {
    const { outer } = this;
    const length = Math.min(this.skip, outer.length);
    outer.take(length);
    this.skip -= length;
  }

  private countBad(buffer: RecordBuffer, at: number): void {
    this.session.queue.stats.add('bad_record', 1, this.where(buffer, at));
  }

  private where(buffer: RecordBuffer, at: number): string {
    return `byte ${buffer.positionOf(at)}`;
  }
}
