// Text with JSON in it → its outermost objects, one after the other: lines of objects, an array of them
// on one line or on many, anything between. Strings and braces are followed, nothing else is read.

/** An object about an event, with its stack, has some thousand bytes. */
const MAX_OBJECT_BYTES = 65536;

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const OPEN = 0x7b;
const CLOSE = 0x7d;
const NEWLINE = 0x0a;

export interface CutObjects {
  /** @param line in which it begins */
  object(text: string, line: number): void;
  /** An object without its end, or one that is too long. */
  broken(line: number): void;
}

export class ObjectCutter {
  private readonly out: CutObjects;
  /** What of the current object came in earlier chunks. */
  private pieces: Uint8Array[] = [];
  private bytes = 0;
  private depth = 0;
  private inString = false;
  private isEscaped = false;
  private line = 1;
  private firstLine = 1;
  private atLineStart = true;
  /** True where the current object began at the start of a line. */
  private beganLine = false;

  constructor(out: CutObjects) {
    this.out = out;
  }

  push(chunk: Uint8Array): void {
    let from = 0;
    for (let i = 0; i < chunk.length; i++) {
      const byte = chunk[i]!;
      if (byte === NEWLINE) {
        this.endLine();
        continue;
      }
      if (this.inString) this.inStringByte(byte);
      else if (byte === QUOTE) this.inString = this.depth > 0;
      else if (byte === OPEN) {
        if (this.isOutermost()) from = i;
        this.depth++;
      } else if (byte === CLOSE && this.depth > 0 && --this.depth === 0) {
        this.keep(chunk.subarray(from, i + 1));
        this.finishObject();
      }
      this.atLineStart = false;
    }
    if (this.depth === 0) return;
    this.keep(chunk.subarray(from));
    if (this.bytes > MAX_OBJECT_BYTES) this.giveUp();
  }

  finish(): void {
    if (this.depth > 0) this.giveUp();
  }

  /** True where a brace opens a new object, which may end one that lacks its end. */
  private isOutermost(): boolean {
    if (this.depth > 0 && this.atLineStart && this.beganLine) this.giveUp();
    if (this.depth > 0) return false;
    this.firstLine = this.line;
    this.beganLine = this.atLineStart;
    return true;
  }

  private inStringByte(byte: number): void {
    if (this.isEscaped) this.isEscaped = false;
    else if (byte === BACKSLASH) this.isEscaped = true;
    else if (byte === QUOTE) this.inString = false;
  }

  /** No string goes over the end of its line: its quote is missing. */
  private endLine(): void {
    if (this.inString) this.giveUp();
    this.line++;
    this.atLineStart = true;
  }

  private keep(piece: Uint8Array): void {
    this.bytes += piece.length;
    // A copy: the chunk may be used again before the object ends.
    if (this.bytes <= MAX_OBJECT_BYTES) this.pieces.push(Buffer.from(piece));
  }

  private finishObject(): void {
    if (this.bytes > MAX_OBJECT_BYTES) this.out.broken(this.firstLine);
    else this.out.object(Buffer.concat(this.pieces).toString('utf8'), this.firstLine);
    this.forget();
  }

  private giveUp(): void {
    this.out.broken(this.firstLine);
    this.forget();
  }

  private forget(): void {
    this.pieces = [];
    this.bytes = 0;
    this.depth = 0;
    this.inString = false;
    this.isEscaped = false;
  }
}
