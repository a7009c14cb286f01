// Chunks of any size → whole lines in one buffer. A line never falls apart at the border of two
// chunks; one that is too long to be an event is passed over without being kept.

/** No event line is longer; the longest that were recorded have some hundred bytes. */
export const MAX_LINE_BYTES: number = 1024 * 1024;

/** Bytes taken in at a time, so that lines are still in the cache when they are read. */
const PIECE_BYTES: number = 256 * 1024;

/** Zeros behind the lines, so that words may be read across their end. */
const SLACK_BYTES = 8192;

const NEWLINE = 0x0a;

export class LineBuffer {
  readonly bytes: Buffer<ArrayBuffer> = Buffer.alloc(MAX_LINE_BYTES + PIECE_BYTES + SLACK_BYTES);
  readonly view: DataView<ArrayBuffer> = new DataView(this.bytes.buffer);
  /** Where the last whole line ends, behind its line feed. */
  linesEnd = 0;
  private end = 0;
  /** True inside a line that is too long. */
  private skipping = false;

  /**
   * Takes in a chunk of any size, piece by piece: after each the new lines are in [0, linesEnd).
   * @yields lines that ended with the piece and were too long
   */
  *take(chunk: Uint8Array): Generator<number> {
    for (let at = 0; at < chunk.length; at += PIECE_BYTES) {
      yield this.append(chunk.subarray(at, at + PIECE_BYTES));
    }
  }

  /**
   * Takes in at most PIECE_BYTES; the lines before are given up. The new ones lie in [0, linesEnd).
   * @returns lines that ended and were too long
   */
  append(piece: Uint8Array): number {
    const rest = this.end - this.linesEnd;
    this.bytes.copyWithin(0, this.linesEnd, this.end);
    this.end = rest;
    this.linesEnd = 0;
    let from = 0;
    let longLines = 0;
    if (this.skipping) {
      const newline = piece.indexOf(NEWLINE);
      if (newline < 0) return 0;
      this.skipping = false;
      longLines = 1;
      from = newline + 1;
    }
    this.bytes.set(from === 0 ? piece : piece.subarray(from), this.end);
    this.end += piece.length - from;
    this.linesEnd = this.bytes.lastIndexOf(NEWLINE, Math.max(this.end - 1, 0)) + 1;
    if (this.linesEnd > this.end) this.linesEnd = 0;
    if (this.end - this.linesEnd > MAX_LINE_BYTES) {
      this.skipping = true;
      this.end = this.linesEnd;
    }
    return longLines;
  }

  /**
   * The input has ended: a last line without line feed becomes a line in [0, linesEnd).
   * @returns 1 where that line was too long
   */
  finish(): number {
    if (this.skipping) {
      this.skipping = false;
      return 1;
    }
    if (this.end > this.linesEnd) this.append(Buffer.of(NEWLINE));
    else this.linesEnd = this.end = 0;
    return 0;
  }
}
