// Which words of a window may be pointers to objects: four at a time, with the vector instructions of
// WebAssembly. Only their high halves are looked at; nine of ten words go no further than this, and
// reading them is most of a scan. The module is put together here, instruction by instruction.

/** The window, the places found in it, and the two functions over them. */
export interface PointerFilter {
  /** The window's memory: its words from byte 0 on. */
  readonly buffer: ArrayBuffer;
  /** Where the last call found pointers: indexes of 32-bit words, low halves. */
  readonly places: Int32Array;
  /**
   * Notes words [first, end) whose high half lies from `min` to `min + span` (as unsigned numbers).
   * @param first index of a 32-bit word, even; the range has a multiple of four 64-bit words
   * @returns how many
   */
  collect(first: number, end: number, min: number, span: number): number;
  /**
   * The same, and those from `minOffset` to `minOffset + offsetSpan`; where the high half is 0, the low
   * half must lie from `minLow` to `minLow + lowSpan`: else all small numbers would count.
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

/** What is used of it here; @types/node does not have it. */
declare const WebAssembly: {
  readonly Memory: new (size: { initial: number }) => { readonly buffer: ArrayBuffer };
  readonly Module: new (bytes: Uint8Array) => object;
  readonly Instance: new (
    module: object,
    imports: object,
  ) => { readonly exports: Readonly<Record<string, unknown>> };
};

/** @param windowBytes what a window has at most, a multiple of 32 */
export function createPointerFilter(windowBytes: number): PointerFilter {
  const placesAt = windowBytes;
  // One word for each 64-bit word, and one more: a place is written before it is known to count.
  const bytes = windowBytes + windowBytes / 2 + 16;
  const memory = new WebAssembly.Memory({ initial: Math.ceil(bytes / PAGE) });
  const module = new WebAssembly.Module(filterModule(placesAt));
  const { exports } = new WebAssembly.Instance(module, { env: { memory } });
  const plain = exports['plain'] as (...numbers: number[]) => number;
  const offsets = exports['offsets'] as (...numbers: number[]) => number;
  const { buffer } = memory;
  return {
    buffer,
    places: new Int32Array(buffer, placesAt, windowBytes / 8 + 1),
    collect: (first, end, min, span) => plain(first * 4, end * 4, min, span),
    collectWithOffsets: (first, end, ...bounds) => offsets(first * 4, end * 4, ...bounds),
  };
}

// The parts of the binary format (WebAssembly core specification, chapter 5).
const I32 = 0x7f;
const V128 = 0x7b;
const FUNCTION_TYPE = 0x60;
const EMPTY_BLOCK = 0x40;

const OP = {
  block: 0x02,
  loop: 0x03,
  if: 0x04,
  end: 0x0b,
  br: 0x0c,
  brIf: 0x0d,
  localGet: 0x20,
  localSet: 0x21,
  localTee: 0x22,
  i32Store: 0x36,
  i32Const: 0x41,
  i32GeU: 0x4f,
  i32Add: 0x6a,
  i32Sub: 0x6b,
  i32And: 0x71,
  i32Shl: 0x74,
  i32ShrU: 0x76,
  vector: 0xfd,
} as const;

const VECTOR = {
  load: 0x00,
  shuffle: 0x0d,
  i32x4Splat: 0x11,
  i32x4Ne: 0x38,
  i32x4LeU: 0x3e,
  and: 0x4e,
  or: 0x50,
  i32x4Bitmask: 0xa4,
  i32x4Sub: 0xb1,
} as const;

type Code = readonly number[];

/** Unsigned LEB128. */
function leb(value: number): Code {
  return value < 128 ? [value] : [(value & 127) | 128, ...leb(value >>> 7)];
}

/** Signed LEB128 of a number from 0 on. */
function constant(value: number): Code {
  const low = value & 127;
  const rest = value >>> 7;
  const bytes = rest === 0 && (low & 64) === 0 ? [low] : [low | 128, ...constant(rest).slice(1)];
  return [OP.i32Const, ...bytes];
}

const get = (local: number): Code => [OP.localGet, local];
const set = (local: number): Code => [OP.localSet, local];
const tee = (local: number): Code => [OP.localTee, local];
const vector = (op: number, ...rest: Code): Code => [OP.vector, ...leb(op), ...rest];
/** Aligned to 8 bytes at least, as windows are. */
const load = (local: number, offset: number): Code => [
  ...get(local),
  ...vector(VECTOR.load, 3, offset),
];

/** Four 32-bit halves out of two vectors of two 64-bit words each, from byte `from` of each word. */
function halves(from: number): Code {
  const lanes = [0, 8, 16, 24].flatMap((word) => [0, 1, 2, 3].map((byte) => word + from + byte));
  return vector(VECTOR.shuffle, ...lanes);
}

function section(id: number, content: Code): Code {
  return [id, ...leb(content.length), ...content];
}

function vectorOf(items: readonly Code[]): Code {
  return [...leb(items.length), ...items.flat()];
}

function named(text: string): Code {
  return [...leb(text.length), ...Buffer.from(text)];
}

function filterModule(placesAt: number): Uint8Array {
  const type = (parameters: number): Code => [
    FUNCTION_TYPE,
    ...vectorOf(Array.from({ length: parameters }, () => [I32])),
    1,
    I32,
  ];
  const bodies = [false, true].map((withOffsets) => {
    const body = filterBody(placesAt, withOffsets);
    return [...leb(body.length), ...body];
  });
  return Uint8Array.from([
    ...Buffer.from('\0asm'),
    ...[1, 0, 0, 0],
    ...section(1, vectorOf([type(4), type(8)])),
    ...section(2, vectorOf([[...named('env'), ...named('memory'), 2, 0, 1]])),
    ...section(3, vectorOf([[0], [1]])),
    ...section(
      7,
      vectorOf([
        [...named('plain'), 0, 0],
        [...named('offsets'), 0, 1],
      ]),
    ),
    ...section(10, vectorOf(bodies)),
  ]);
}

/** Parameters at, end, min, span (, minOffset, offsetSpan, minLow, lowSpan); locals behind them. */
function filterBody(placesAt: number, withOffsets: boolean): Code {
  const at = 0;
  const end = 1;
  const min = 2;
  const span = 3;
  const parameters = withOffsets ? 8 : 4;
  const out = parameters;
  const mask = parameters + 1;
  const index = parameters + 2;
  // Vectors: high halves, and the bounds four times each.
  const high = parameters + 3;
  const mins = parameters + 4;
  const spans = parameters + 5;
  const minOffsets = parameters + 6;
  const offsetSpans = parameters + 7;
  const minLows = parameters + 8;
  const lowSpans = parameters + 9;
  const splat = (from: number, to: number): Code => [
    ...get(from),
    ...vector(VECTOR.i32x4Splat),
    ...set(to),
  ];
  const within = (low: number, width: number): Code => [
    ...get(high),
    ...get(low),
    ...vector(VECTOR.i32x4Sub),
    ...get(width),
    ...vector(VECTOR.i32x4LeU),
  ];
  const zero = [...constant(0), ...vector(VECTOR.i32x4Splat)];
  // …or within the offsets and (high half not 0 or low half within its own bounds)
  const orOffset: Code = [
    ...within(minOffsets, offsetSpans),
    ...get(high),
    ...zero,
    ...vector(VECTOR.i32x4Ne),
    ...load(at, 0),
    ...load(at, 16),
    ...halves(0),
    ...get(minLows),
    ...vector(VECTOR.i32x4Sub),
    ...get(lowSpans),
    ...vector(VECTOR.i32x4LeU),
    ...vector(VECTOR.or),
    ...vector(VECTOR.and),
    ...vector(VECTOR.or),
  ];
  /** Writes the place of word i of the four, and moves on where its bit is set. */
  const note = (i: number): Code => [
    ...get(out),
    ...get(index),
    ...constant(i * 2),
    OP.i32Add,
    ...[OP.i32Store, 2, 0],
    ...get(out),
    ...get(mask),
    ...constant(i),
    OP.i32ShrU,
    ...constant(1),
    OP.i32And,
    ...constant(2),
    OP.i32Shl,
    OP.i32Add,
    ...set(out),
  ];
  const code: Code = [
    ...constant(placesAt),
    ...set(out),
    ...splat(min, mins),
    ...splat(span, spans),
    ...(withOffsets ? [minOffsets, offsetSpans, minLows, lowSpans] : []).flatMap((to, i) =>
      splat(4 + i, to),
    ),
    ...[OP.block, EMPTY_BLOCK, OP.loop, EMPTY_BLOCK],
    ...get(at),
    ...get(end),
    OP.i32GeU,
    ...[OP.brIf, 1],
    ...load(at, 0),
    ...load(at, 16),
    ...halves(4),
    ...set(high),
    ...within(mins, spans),
    ...(withOffsets ? orOffset : []),
    ...vector(VECTOR.i32x4Bitmask),
    ...tee(mask),
    ...[OP.if, EMPTY_BLOCK],
    ...get(at),
    ...constant(2),
    OP.i32ShrU,
    ...set(index),
    ...[0, 1, 2, 3].flatMap(note),
    OP.end,
    ...get(at),
    ...constant(32),
    OP.i32Add,
    ...set(at),
    ...[OP.br, 0, OP.end, OP.end],
    ...get(out),
    ...constant(placesAt),
    OP.i32Sub,
    ...constant(2),
    OP.i32ShrU,
    OP.end,
  ];
  const locals = vectorOf([
    [3, I32],
    [withOffsets ? 7 : 3, V128],
  ]);
  return [...locals, ...code];
}
