// A source that is read in large steps where small pieces of it are asked for one after the other:
// the head of a trace.dat has some ten thousand of them.

import type { ByteSource } from './byte-cursor.ts';

const WINDOW_BYTES = 256 * 1024;

/** The same bytes, with fewer reads of `source`; what is given is in memory that is not used again. */
export function windowedSource(source: ByteSource): ByteSource {
  let start = 0;
  let window: Buffer = Buffer.alloc(0);
  return {
    size: source.size,
    slice(position, length) {
      if (length > WINDOW_BYTES) return source.slice(position, length);
      if (position < start || position + length > start + window.length) {
        window = source.slice(position, WINDOW_BYTES);
        start = position;
      }
      return window.subarray(position - start, position - start + length);
    },
  };
}
