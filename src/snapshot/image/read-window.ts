// Small reads out of a large window of the file: wide where one read follows the other, narrow where
// they jump about.

import type { ImageBytes } from './physical-image.ts';

const WIDE = 256 * 1024;
const NARROW = 8 * 1024;

export class ReadWindow {
  private readonly bytes: ImageBytes;
  private readonly buffer: Buffer = Buffer.allocUnsafe(WIDE);
  private from = 0;
  private to = 0;

  constructor(bytes: ImageBytes) {
    this.bytes = bytes;
  }

  /** A view that holds until the next call; undefined where the file does not have it whole. */
  get(position: number, length: number): Buffer | undefined {
    if (position < this.from || position + length > this.to) this.fill(position, length);
    if (position + length > this.to) return undefined;
    return this.buffer.subarray(position - this.from, position - this.from + length);
  }

  private fill(position: number, length: number): void {
    const follows = position >= this.from && position <= this.to + NARROW;
    const size = Math.min(WIDE, follows ? WIDE : Math.max(NARROW, length));
    this.from = position;
    this.to = position + this.bytes.read(position, this.buffer.subarray(0, size));
  }
}
