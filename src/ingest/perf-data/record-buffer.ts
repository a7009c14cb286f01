// Bytes of a record stream that are not cut yet: what comes is put behind what is left. Its memory is
// used again and again; a view of it is valid until the next `room`.

export class RecordBuffer {
  bytes: Buffer;
  view: DataView;
  /** The bytes [from, to) are still to be cut. */
  from = 0;
  to = 0;
  /** Where in the input `from` lies; for messages. */
  position = 0;

  constructor(capacity: number) {
    this.bytes = Buffer.from(new ArrayBuffer(capacity));
    this.view = new DataView(this.bytes.buffer);
  }

  get length(): number {
    return this.to - this.from;
  }

  /** Where in the input the byte at `at` lies. */
  positionOf(at: number): number {
    return this.position + at - this.from;
  }

  /** Makes room for `length` more bytes at `to`. */
  room(length: number): void {
    if (this.to + length <= this.bytes.length) return;
    const left = this.length;
    if (left + length <= this.bytes.length) this.bytes.copyWithin(0, this.from, this.to);
    else {
      const grown = Buffer.from(new ArrayBuffer(Math.max(left + length, this.bytes.length * 2)));
      this.bytes.copy(grown, 0, this.from, this.to);
      this.bytes = grown;
      this.view = new DataView(grown.buffer);
    }
    this.from = 0;
    this.to = left;
  }

  append(chunk: Uint8Array): void {
    this.room(chunk.length);
    this.bytes.set(chunk, this.to);
    this.to += chunk.length;
  }

  /** Passes over bytes that were cut. */
  take(length: number): void {
    this.from += length;
    this.position += length;
  }
}
