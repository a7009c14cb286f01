// Snappy (raw block format, google/snappy format_description.txt) → bytes: a varint with the size,
// then literals and copies distinguished by the low two bits of each tag.

/** The packed bytes contradict themselves. */
export class BadSnappy extends Error {}

const LITERAL = 0;
const COPY_1 = 1;
const COPY_2 = 2;
/** Literal tags above this give the length in the one to four bytes that follow. */
const INLINE_LITERAL = 59;

/** Unpacks `source` into `target`; returns the number of bytes written. */
export function decompressSnappy(source: Uint8Array, target: Uint8Array): number {
  let at = 0;
  const byte = (): number => {
    if (at >= source.length) throw new BadSnappy('ends inside a tag');
    return source[at++]!;
  };
  const little = (bytes: number): number => {
    let value = 0;
    for (let i = 0; i < bytes; i++) value += byte() * 2 ** (8 * i);
    return value;
  };
  let size = 0;
  for (let shift = 0; ; shift += 7) {
    const part = byte();
    size += (part & 127) * 2 ** shift;
    if (part < 128) break;
    if (shift > 28) throw new BadSnappy('a size beyond 32 bits');
  }
  if (size > target.length) throw new BadSnappy('more bytes than a page');
  let done = 0;
  while (at < source.length) {
    const tag = byte();
    const kind = tag & 3;
    if (kind === LITERAL) {
      const inline = tag >> 2;
      const length = 1 + (inline <= INLINE_LITERAL ? inline : little(inline - INLINE_LITERAL));
      if (length > source.length - at) throw new BadSnappy('ends inside literals');
      if (length > size - done) throw new BadSnappy('more bytes than it says');
      target.set(source.subarray(at, at + length), done);
      at += length;
      done += length;
      continue;
    }
    const length = kind === COPY_1 ? 4 + ((tag >> 2) & 7) : 1 + (tag >> 2);
    const back = kind === COPY_1 ? ((tag >> 5) << 8) + byte() : little(kind === COPY_2 ? 2 : 4);
    if (back === 0 || back > done) throw new BadSnappy('a copy from before the start');
    if (length > size - done) throw new BadSnappy('more bytes than it says');
    for (let i = 0; i < length; i++, done++) target[done] = target[done - back]!;
  }
  if (done !== size) throw new BadSnappy('fewer bytes than it says');
  return done;
}
