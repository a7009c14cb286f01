// The wire format of protocol buffers, as far as a trace needs it, on the reader of @bufbuild/protobuf:
// fields in place, without an object for a field (protobuf.dev/programming-guides/encoding).

import { BinaryReader, WireType } from '@bufbuild/protobuf/wire';
import { TWO_32 } from '../../base/address.ts';

/** Names of events, fields, functions and tasks are shorter. */
const MAX_TEXT_BYTES = 512;

/** Reads the fields of one message after the other out of the same bytes. */
export class WireReader extends BinaryReader {
  /** The field that `next` came to. */
  field = 0;
  type: number = WireType.Varint;
  /** Halves of what `word` read. */
  lo = 0;
  hi = 0;
  /** The bytes of what `range` found. */
  from = 0;
  to = 0;
  /** All bytes that are read. */
  readonly data: Buffer;
  private readonly word64 = new BigUint64Array(1);
  private readonly halves = new Uint32Array(this.word64.buffer);

  constructor(data: Buffer) {
    super(data);
    this.data = data;
  }

  /**
   * Goes to the next field of a message that ends at `end`; false behind the last.
   * @throws Error where the bytes are no message
   */
  next(end: number): boolean {
    if (this.pos >= end) {
      if (this.pos > end) throw new RangeError('a field ends behind its message');
      return false;
    }
    const tag = this.uint32();
    this.field = tag >>> 3;
    this.type = tag & 7;
    if (this.field === 0) throw new RangeError('a field has the number 0');
    return true;
  }

  get isVarint(): boolean {
    return this.type === WireType.Varint;
  }

  get isRange(): boolean {
    return this.type === WireType.LengthDelimited;
  }

  /** Reads a varint of 64 bits. */
  word(): void {
    this.word64[0] = BigInt(this.uint64());
    this.lo = this.halves[0]!;
    this.hi = this.halves[1]!;
  }

  /** Finds a string or an inner message, and goes behind it. */
  range(end: number): void {
    const length = this.uint32();
    this.from = this.pos;
    this.to = this.pos + length;
    if (this.to > end) throw new RangeError('a field ends behind its message');
    this.pos = this.to;
  }

  /**
   * Goes through the message [from, to): its numbers, and its strings and inner messages, which may be
   * gone through in turn. For what does not run for every event.
   */
  each(
    from: number,
    to: number,
    takeNumber: (field: number, value: number) => void,
    takeRange: (field: number, from: number, to: number) => void,
  ): void {
    this.pos = from;
    while (this.next(to)) {
      const { field } = this;
      if (this.isVarint) {
        this.word();
        takeNumber(field, this.hi * TWO_32 + this.lo);
      } else if (this.isRange) {
        this.range(to);
        const end = this.to;
        takeRange(field, this.from, end);
        this.pos = end;
      } else this.pass(to);
    }
  }

  /** The string [from, to), as far as names are long. */
  text(from: number, to: number): string {
    return this.data.toString('utf8', from, Math.min(to, from + MAX_TEXT_BYTES));
  }

  /** Passes over the field. */
  pass(end: number): void {
    if (this.isRange) this.range(end);
    else this.skip(this.type);
  }
}

/** True for what the readers throw of bytes that are no message: Error and RangeError, no other kind. */
export function isWireError(error: unknown): boolean {
  return (
    error instanceof Error && (error.constructor === Error || error.constructor === RangeError)
  );
}

/** For `each`, where fields of a kind are of no use. */
export function ignore(): void {}
