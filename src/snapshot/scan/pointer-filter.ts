// Which words of a window may be pointers to objects: four at a time, with the vector instructions of
// WebAssembly (pointer-filter.wat). Only their high halves are looked at; nine of ten words go no
// further than this, and reading them is most of a scan. Measured over windows of 256 KiB in which a
// tenth of the words are pointers: 6.5 to 10 times as fast as the same loop in TypeScript.

/** The window, the places found in it, and the two functions over them. */
export interface PointerFilter {
  /** The window's memory: its words from byte 0 on. */
  readonly buffer: ArrayBuffer;
  /** Where the last call found pointers: indexes of 32-bit words, low halves. */
  readonly places: Int32Array;
  /**
   * Notes words [first, end) whose high half is from `min` to `min + span` (as unsigned numbers).
   * @param first index of a 32-bit word, even; the range has a multiple of four 64-bit words
   * @returns how many
   */
  collect(first: number, end: number, min: number, span: number): number;
  /**
   * The same, and those from `minOffset` to `minOffset + offsetSpan`; where the high half is 0, the low
   * half must be from `minLow` to `minLow + lowSpan`: else all small numbers would count.
   */
  collectWithOffsets(
    first: number,
    end: number,
    min: number,
    span: number,
    minOffset: number,
    offsetSpan: number,
    minLow: number,
    lowSpan: number,
  ): number;
}

const PAGE = 65536;

/** pointer-filter.wat, assembled. */
const MODULE =
  'AGFzbQEAAAABFwJgBX9/f39/AX9gCX9/f39/f39/fwF/Ag8BA2VudgZtZW1vcnkCAAEDAwIAAQcgAgdjb2xsZWN0' +
  'AAASY29sbGVjdFdpdGhPZmZzZXRzAAEKjQQC2AECA38DeyACIQUgA/0RIQkgBP0RIQoCQANAIAAgAU8NASAA/QAD' +
  'ACAA/QADEP0NBAUGBwwNDg8UFRYXHB0eHyEIIAggCf2xASAK/T79pAEhBiAGBEAgAEECdiEHIAUgB0EAajYCACAF' +
  'IAZBAHZBAXFBAnRqIQUgBSAHQQJqNgIAIAUgBkEBdkEBcUECdGohBSAFIAdBBGo2AgAgBSAGQQJ2QQFxQQJ0aiEF' +
  'IAUgB0EGajYCACAFIAZBA3ZBAXFBAnRqIQULIABBIGohAAwACwsgBSACa0ECdguwAgIDfwd7IAIhCSAD/REhDSAE' +
  '/REhDiAF/REhDyAG/REhECAH/REhESAI/REhEgJAA0AgACABTw0BIAD9AAMAIAD9AAMQ/Q0EBQYHDA0ODxQVFhcc' +
  'HR4fIQwgDCAN/bEBIA79PiAMIA/9sQEgEP0+IAxBAP0R/TggAP0AAwAgAP0AAxD9DQABAgMICQoLEBESExgZGhsg' +
  'Ef2xASAS/T79UP1O/VD9pAEhCiAKBEAgAEECdiELIAkgC0EAajYCACAJIApBAHZBAXFBAnRqIQkgCSALQQJqNgIA' +
  'IAkgCkEBdkEBcUECdGohCSAJIAtBBGo2AgAgCSAKQQJ2QQFxQQJ0aiEJIAkgC0EGajYCACAJIApBA3ZBAXFBAnRq' +
  'IQkLIABBIGohAAwACwsgCSACa0ECdgs=';

/** What is used of it here; @types/node does not have it. */
declare const WebAssembly: {
  readonly Memory: new (size: { initial: number }) => { readonly buffer: ArrayBuffer };
  readonly Module: new (bytes: Uint8Array) => object;
  readonly Instance: new (
    module: object,
    imports: object,
  ) => { readonly exports: Readonly<Record<string, unknown>> };
};

/** What the module exports, with byte offsets: words from `at` to `end`, places from `places` on. */
interface FilterFunctions {
  collect(at: number, end: number, places: number, min: number, span: number): number;
  collectWithOffsets(at: number, end: number, places: number, ...bounds: number[]): number;
}

/** @param windowBytes what a window has at most, a multiple of 32 */
export function createPointerFilter(windowBytes: number): PointerFilter {
  const placesAt = windowBytes;
  // One word for each 64-bit word, and one more: a place is written before it is known to count.
  const bytes = windowBytes + windowBytes / 2 + 16;
  const memory = new WebAssembly.Memory({ initial: Math.ceil(bytes / PAGE) });
  const module = new WebAssembly.Module(Buffer.from(MODULE, 'base64'));
  // Cast: what the module exports is in pointer-filter.wat, which a test assembles.
  const { collect, collectWithOffsets } = new WebAssembly.Instance(module, { env: { memory } })
    .exports as unknown as FilterFunctions;
  const { buffer } = memory;
  return {
    buffer,
    places: new Int32Array(buffer, placesAt, windowBytes / 8 + 1),
    collect: (first, end, min, span) => collect(first * 4, end * 4, placesAt, min, span),
    collectWithOffsets: (first, end, ...bounds) =>
      collectWithOffsets(first * 4, end * 4, placesAt, ...bounds),
  };
}
