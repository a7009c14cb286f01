// An address as text → its two halves. The forms, by who prints them:
//   ffff891cc6d15ec0, 000000008bfd5d0f, c1482e40   %p of the kernel: 16 digits, 8 on 32-bit machines
//   0xffff8c83dfd0ac00, 0x0, (nil)                 trace-cmd, perf, babeltrace
//   (null), padded to any width                    %p of NULL until 4.15
//   0xffff8d4889533a80 (-126132295615872)          options/fields
//   (____ptrval____), (ptrval)                     before the kernel had random numbers to hash with:
//                                                  the address is not told, so the line is a bad one

/** Value of a hexadecimal digit by its byte; 255 for others. */
export const HEX_VALUE: Uint8Array = new Uint8Array(256).fill(255);
for (let digit = 0; digit < 16; digit++) {
  const letter = digit.toString(16);
  HEX_VALUE[letter.charCodeAt(0)] = digit;
  HEX_VALUE[letter.toUpperCase().charCodeAt(0)] = digit;
}

const BLANK = 0x20;
const OPEN = 0x28;
const CLOSE = 0x29;
const ZERO = 0x30;
const LOWER_CASE = 0x20;
const LETTER_X = 0x78;

/** The longest word in brackets that can stand for an address. */
const MAX_WORD = 20;

/** What was read last; reused. */
export class PointerText {
  lo = 0;
  hi = 0;
  /** Where the value ends. */
  end = 0;
  /** Digits that it was written with; 0 for a word such as (null). */
  digits = 0;
  /** True where it began with `0x`. */
  prefixed = false;

  /** Reads the value at `at`; false where there is none, or it does not tell the address. */
  read(bytes: Uint8Array, at: number): boolean {
    let from = at;
    while (bytes[from] === BLANK) from++;
    if (bytes[from] === OPEN) return this.readWord(bytes, from);
    this.prefixed = bytes[from] === ZERO && (bytes[from + 1]! | LOWER_CASE) === LETTER_X;
    if (this.prefixed) from += 2;
    const high = readEight(bytes, from);
    const low = high < 0 ? -1 : readEight(bytes, from + 8);
    if (low < 0 || HEX_VALUE[bytes[from + 16]!]! <= 15) return this.readDigits(bytes, from);
    this.hi = high;
    this.lo = low;
    this.digits = 16;
    this.end = skipAlternative(bytes, from + 16);
    return true;
  }

  /** Any number of digits. */
  private readDigits(bytes: Uint8Array, from: number): boolean {
    let lo = 0;
    let hi = 0;
    let i = from;
    for (; ; i++) {
      const digit = HEX_VALUE[bytes[i]!]!;
      if (digit > 15) break;
      hi = (hi << 4) | (lo >>> 28);
      lo = (lo << 4) | digit;
    }
    this.lo = lo >>> 0;
    this.hi = hi >>> 0;
    this.digits = i - from;
    this.end = skipAlternative(bytes, i);
    if (this.prefixed) return this.digits >= 1 && this.digits <= 16;
    return this.digits === 8 || this.digits === 16;
  }

  private readWord(bytes: Uint8Array, from: number): boolean {
    let to = from + 1;
    while (to < from + MAX_WORD && bytes[to] !== CLOSE && bytes[to]! > BLANK) to++;
    if (bytes[to] !== CLOSE) return false;
    const word = Buffer.from(bytes.subarray(from + 1, to)).toString('latin1');
    this.lo = 0;
    this.hi = 0;
    this.digits = 0;
    this.prefixed = false;
    this.end = to + 1;
    return word === 'null' || word === 'nil';
  }
}

/** The value of eight digits, or -1. */
function readEight(bytes: Uint8Array, at: number): number {
  const a = HEX_VALUE[bytes[at]!]!;
  const b = HEX_VALUE[bytes[at + 1]!]!;
  const c = HEX_VALUE[bytes[at + 2]!]!;
  const d = HEX_VALUE[bytes[at + 3]!]!;
  const e = HEX_VALUE[bytes[at + 4]!]!;
  const f = HEX_VALUE[bytes[at + 5]!]!;
  const g = HEX_VALUE[bytes[at + 6]!]!;
  const h = HEX_VALUE[bytes[at + 7]!]!;
  if ((a | b | c | d | e | f | g | h) > 15) return -1;
  const upper = (a << 28) | (b << 24) | (c << 20) | (d << 16);
  return (upper | (e << 12) | (f << 8) | (g << 4) | h) >>> 0;
}

/** Behind ` (-126132295615872)` where the same number follows in another base, else `at`. */
function skipAlternative(bytes: Uint8Array, at: number): number {
  if (bytes[at] !== BLANK || bytes[at + 1] !== OPEN) return at;
  let i = at + 2;
  if (bytes[i] === 0x2d) i++;
  const digits = i;
  while (bytes[i]! >= ZERO && bytes[i]! <= 0x39) i++;
  return i > digits && bytes[i] === CLOSE ? i + 1 : at;
}
