// The bytes of a Perfetto trace → its packets (protos/perfetto/trace/trace.proto: `repeated TracePacket
// packet = 1`). Behind damage it goes on at the next mark that the tracing service writes every some
// seconds for that purpose, the last field of a packet of its own (trace_packet.proto,
// synchronization_marker).

import { BinaryReader } from '@bufbuild/protobuf/wire';
import type { TraceStats } from '../../kernel/events/trace-stats.ts';
import { RecordBuffer } from '../perf-data/record-buffer.ts';
import { isWireError } from './wire.ts';

/** Field 1, bytes with their length. */
const PACKET_TAG = 0x0a;
/** Tag and length. */
const MAX_HEADER = 11;
/** A bundle of events has at most 512 KiB; memory graphs of other data sources are larger. */
const MAX_PACKET_BYTES = 64 * 1024 * 1024;
const BUFFER_BYTES = 1024 * 1024;
const MARK = Buffer.from('82477a76b28d42ba81dc33326d57a079', 'hex');

export class PacketCutter {
  /** The packet that `next` found: the bytes [from, to) of `bytes`. */
  from = 0;
  to = 0;
  private readonly stats: TraceStats;
  private readonly buffer = new RecordBuffer(BUFFER_BYTES);
  /** True behind damage, until a mark comes. */
  private isLost = false;

  constructor(stats: TraceStats) {
    this.stats = stats;
  }

  get bytes(): Buffer {
    return this.buffer.bytes;
  }

  /** Where in the input the packet begins. */
  get position(): number {
    return this.buffer.position;
  }

  push(chunk: Uint8Array): void {
    this.buffer.append(chunk);
  }

  /** Goes to the next whole packet; false where more bytes are needed. */
  next(): boolean {
    const { buffer } = this;
    buffer.take(this.to - this.from);
    this.from = buffer.from;
    this.to = buffer.from;
    while (buffer.length > 0) {
      if (this.isLost && !this.findMark()) return false;
      const length = this.length();
      if (length === undefined) return false;
      if (length >= 0) {
        if (buffer.length < this.from - buffer.from + length) {
          this.to = this.from = buffer.from;
          return false;
        }
        buffer.take(this.from - buffer.from);
        this.to = this.from + length;
        return true;
      }
      this.stats.add('bad_record', 1, `byte ${buffer.position}`);
      this.isLost = true;
    }
    return false;
  }

  /** The input ends here. */
  finish(): void {
    const { length, position } = this.buffer;
    if (length > 0 || this.isLost) this.stats.add('truncated', 1, `byte ${position + length}`);
  }

  /**
   * Bytes of the packet whose header is next, with `from` behind the header; -1 where it is none;
   * undefined where more bytes are needed.
   */
  private length(): number | undefined {
    const { bytes, from, to } = this.buffer;
    if (bytes[from] !== PACKET_TAG) return -1;
    const reader = new BinaryReader(bytes.subarray(from + 1, Math.min(to, from + MAX_HEADER)));
    try {
      const length = reader.uint32();
      this.from = from + 1 + reader.pos;
      return length <= MAX_PACKET_BYTES ? length : -1;
    } catch (error) {
      if (!isWireError(error)) throw error;
      return to - from < MAX_HEADER ? undefined : -1;
    }
  }

  private findMark(): boolean {
    const { buffer } = this;
    const at = buffer.bytes.subarray(0, buffer.to).indexOf(MARK, buffer.from);
    if (at < 0) {
      buffer.take(Math.max(0, buffer.length - MARK.length + 1));
      return false;
    }
    buffer.take(at + MARK.length - buffer.from);
    this.isLost = false;
    return true;
  }
}
