// Numbers in a row → halves of 64 bits, or parts of a time; read from the bytes, without a string.

import { joinHalves, TWO_32 } from '../../base/address.ts';
import { HEX_VALUE } from '../events/pointer-text.ts';

const NINE = 9;
/** Digits before the last nine that a double holds exactly. */
const MAX_HIGH_DIGITS = 15;

const ZERO = 0x30;
const POINT = 0x2e;
const MINUS = 0x2d;
const LOWER_CASE = 0x20;
const LETTER_X = 0x78;

/** What was read last; reused. */
export class NumberText {
  lo = 0;
  hi = 0;
  /** Digits that it was written with. */
  digits = 0;

  /**
   * Reads a 64-bit number: `0x…`, decimal (negative ones as the two's complement that they are), or
   * 16 or 8 hexadecimal digits as the kernel prints pointers. False where the bytes are none.
   */
  readAddress(bytes: Uint8Array, from: number, to: number): boolean {
    if (hasPrefix(bytes, from)) return this.readDigits(bytes, from + 2, to, 16);
    if (bytes[from] === MINUS) {
      if (!this.readDigits(bytes, from + 1, to, 10)) return false;
      this.lo = (~this.lo + 1) >>> 0;
      this.hi = (~this.hi + (this.lo === 0 ? 1 : 0)) >>> 0;
      return true;
    }
    const isPadded = to - from === 16 || to - from === 8;
    return this.readDigits(bytes, from, to, isPadded ? 16 : 10);
  }

  private readDigits(bytes: Uint8Array, from: number, to: number, base: number): boolean {
    let lo = 0;
    let hi = 0;
    for (let i = from; i < to; i++) {
      const digit = HEX_VALUE[bytes[i]!]!;
      if (digit >= base) return false;
      lo = lo * base + digit;
      const carry = Math.floor(lo / TWO_32);
      hi = hi * base + carry;
      lo -= carry * TWO_32;
      if (hi >= TWO_32) return false;
    }
    this.lo = lo;
    this.hi = hi;
    this.digits = to - from;
    return to > from;
  }

  /**
   * Reads a time as `hi` * 10^9 + `lo`. Decimals behind the last whole unit of `lo` are cut off.
   * @param decimals digits behind the point that count: 9 where the time is in seconds
   */
  readTime(bytes: Uint8Array, from: number, to: number, decimals: number): boolean {
    if (decimals === 0 && hasPrefix(bytes, from)) return this.readHexTime(bytes, from, to);
    let point = from;
    while (point < to && bytes[point] !== POINT) point++;
    const length = point - from + decimals;
    if (point === from || length - NINE > MAX_HIGH_DIGITS) return false;
    let hi = 0;
    let lo = 0;
    let i = from;
    for (let n = length; n > 0; n--) {
      if (i === point) i++;
      let digit = 0;
      if (i < to) {
        digit = bytes[i++]! - ZERO;
        if (digit >>> 0 > NINE) return false;
      }
      if (n > NINE) hi = hi * 10 + digit;
      else lo = lo * 10 + digit;
    }
    for (; i < to; i++) if (i !== point && (bytes[i]! - ZERO) >>> 0 > NINE) return false;
    this.hi = hi;
    this.lo = lo;
    return true;
  }

  private readHexTime(bytes: Uint8Array, from: number, to: number): boolean {
    if (!this.readDigits(bytes, from + 2, to, 16)) return false;
    const value = joinHalves(this.hi, this.lo);
    this.hi = Number(value / 1_000_000_000n);
    this.lo = Number(value % 1_000_000_000n);
    return true;
  }
}

/** A whole number from 0 to `max`, decimal or `0x…`; -1 for anything else. */
export function readCount(bytes: Uint8Array, from: number, to: number, max: number): number {
  const isHex = hasPrefix(bytes, from);
  const base = isHex ? 16 : 10;
  const start = isHex ? from + 2 : from;
  let value = 0;
  for (let i = start; i < to; i++) {
    const digit = HEX_VALUE[bytes[i]!]!;
    value = value * base + digit;
    if (digit >= base || value > max) return -1;
  }
  return to > start ? value : -1;
}

function hasPrefix(bytes: Uint8Array, at: number): boolean {
  return bytes[at] === ZERO && (bytes[at + 1]! | LOWER_CASE) === LETTER_X;
}
