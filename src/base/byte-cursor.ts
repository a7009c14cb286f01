// Reading binary headers front to back with every length checked before use: what a file says about
// itself is not to be trusted.

/** Where bytes come from: a file, or something unpacked in memory. */
export interface ByteSource {
  readonly size: number;
  /** The bytes [position, position + length), fewer only at the end. */
  slice(position: number, length: number): Buffer;
}

/** The source ended, or a length in it exceeds what is there. */
export class OutOfBytes extends Error {
  readonly position: number;

  constructor(position: number, wanted: number, available: number) {
    super(`${wanted} bytes wanted at 0x${position.toString(16)}, ${available} there`);
    this.position = position;
  }
}

export class ByteCursor {
  readonly source: ByteSource;
  readonly littleEndian: boolean;
  position: number;

  constructor(source: ByteSource, position = 0, littleEndian = true) {
    this.source = source;
    this.position = position;
    this.littleEndian = littleEndian;
  }

  get remaining(): number {
    return this.source.size - this.position;
  }

  u8(): number {
    return this.bytes(1).readUInt8();
  }

  u16(): number {
    const bytes = this.bytes(2);
    return this.littleEndian ? bytes.readUInt16LE() : bytes.readUInt16BE();
  }

  u32(): number {
    const bytes = this.bytes(4);
    return this.littleEndian ? bytes.readUInt32LE() : bytes.readUInt32BE();
  }

  u64(): bigint {
    const bytes = this.bytes(8);
    return this.littleEndian ? bytes.readBigUInt64LE() : bytes.readBigUInt64BE();
  }

  /** A 64-bit offset or length; one beyond 2^53 counts as beyond the end of the source. */
  size64(): number {
    const at = this.position;
    const value = this.u64();
    if (value > BigInt(Number.MAX_SAFE_INTEGER))
      throw new OutOfBytes(at, Number(value), this.remaining);
    return Number(value);
  }

  bytes(length: number): Buffer {
    if (length < 0 || length > this.remaining) {
      throw new OutOfBytes(this.position, length, Math.max(0, this.remaining));
    }
    const bytes = this.source.slice(this.position, length);
    if (bytes.length < length) throw new OutOfBytes(this.position, length, bytes.length);
    this.position += length;
    return bytes;
  }

  /** A string up to its NUL, which is passed over; at most `max` bytes. */
  cString(max = 4096): string {
    const bytes = this.source.slice(this.position, Math.min(max, Math.max(0, this.remaining)));
    const end = bytes.indexOf(0);
    if (end < 0) throw new OutOfBytes(this.position, max, bytes.length);
    this.position += end + 1;
    return bytes.toString('latin1', 0, end);
  }
}

/** Bytes in memory as a source. */
export function memorySource(bytes: Buffer): ByteSource {
  return {
    size: bytes.length,
    slice: (position, length) => bytes.subarray(position, position + length),
  };
}
