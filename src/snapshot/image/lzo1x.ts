// LZO1X → bytes, from the description of the stream in the kernel's documentation
// (Documentation/staging/lzo.rst): what kdump's lzo pages are packed with. Every read and every copy
// is checked: a damaged page ends in an error, never outside its buffers.

/** The packed bytes contradict themselves. */
export class BadLzo extends Error {}

/** A copy of the last bytes up to 2 KiB back, after a run of literals of four or more. */
const FAR_SHORT_BASE = 2049;
const FAR_BASE = 16384;

/** Unpacks `source` into `target`; returns the number of bytes written. */
export function decompressLzo(source: Uint8Array, target: Uint8Array): number {
  const stream = new LzoStream(source, target);
  // How many literals the instruction before copied: 0, 1 to 3, or 4 for more.
  let state = 0;
  const first = source[0] ?? 0;
  if (first > 17) {
    stream.at = 1;
    stream.literals(first - 17);
    state = first - 17 < 4 ? first - 17 : 4;
  }
  for (;;) {
    const t = stream.byte();
    if (t < 16 && state === 0) {
      stream.literals(3 + stream.length(t, 15));
      state = 4;
      continue;
    }
    let length: number;
    let back: number;
    let next: number;
    if (t >= 64) {
      length = t >= 128 ? 5 + ((t >> 5) & 3) : 3 + ((t >> 5) & 1);
      back = (stream.byte() << 3) + ((t >> 2) & 7) + 1;
      next = t & 3;
    } else if (t >= 32) {
      length = 2 + stream.length(t & 31, 31);
      const word = stream.word();
      back = (word >> 2) + 1;
      next = word & 3;
    } else if (t >= 16) {
      length = 2 + stream.length(t & 7, 7);
      const word = stream.word();
      back = FAR_BASE + ((t & 8) << 11) + (word >> 2);
      next = word & 3;
      if (back === FAR_BASE) return stream.done;
    } else {
      back = (stream.byte() << 2) + (t >> 2) + (state === 4 ? FAR_SHORT_BASE : 1);
      length = state === 4 ? 3 : 2;
      next = t & 3;
    }
    stream.copy(back, length);
    stream.literals(next);
    state = next;
  }
}

class LzoStream {
  at = 0;
  done = 0;
  private readonly source: Uint8Array;
  private readonly target: Uint8Array;

  constructor(source: Uint8Array, target: Uint8Array) {
    this.source = source;
    this.target = target;
  }

  byte(): number {
    if (this.at >= this.source.length) throw new BadLzo('ends inside an instruction');
    return this.source[this.at++]!;
  }

  word(): number {
    return this.byte() | (this.byte() << 8);
  }

  /** A length whose field is 0 goes on in the bytes that follow: 255 for each zero byte. */
  length(field: number, max: number): number {
    if (field !== 0) return field;
    let length = max;
    for (;;) {
      const more = this.byte();
      if (more !== 0) return length + more;
      length += 255;
    }
  }

  literals(count: number): void {
    const { source, target } = this;
    if (count > source.length - this.at) throw new BadLzo('ends inside literals');
    if (count > target.length - this.done) throw new BadLzo('more bytes than a page');
    for (let i = 0; i < count; i++) target[this.done++] = source[this.at++]!;
  }

  copy(back: number, count: number): void {
    const { target } = this;
    if (back > this.done) throw new BadLzo('a copy from before the start');
    if (count > target.length - this.done) throw new BadLzo('more bytes than a page');
    // Byte by byte: source and destination overlap where a pattern repeats.
    for (let i = 0; i < count; i++, this.done++) target[this.done] = target[this.done - back]!;
  }
}
