// 64-bit virtual addresses without BigInt: as two unsigned 32-bit halves, and as the number of
// their 4 KiB page, which is below 2^52 and so exact. BigInt is for the edges (names, messages).

export const PAGE_SIZE = 4096;
/** Pages in 4 GiB: what one step of the high half is. */
const PAGES_PER_HALF = 2 ** 20;
/** What one step of a high half is worth. */
export const TWO_32 = 4294967296;

/** The number of the page of an address. */
export function pageNumber(hi: number, lo: number): number {
  return hi * PAGES_PER_HALF + (lo >>> 12);
}

/** The high half of a page's address. */
export function pageHi(page: number): number {
  return Math.floor(page / PAGES_PER_HALF);
}

/** The low half of a page's address. */
export function pageLo(page: number): number {
  return (page % PAGES_PER_HALF) * PAGE_SIZE;
}

/** The high half of (hi, lo) + bytes, for 0 <= bytes < 2^52. */
export function addHi(hi: number, lo: number, bytes: number): number {
  return (hi + Math.floor((lo + bytes) / TWO_32)) >>> 0;
}

/** The low half of (hi, lo) + bytes. */
export function addLo(lo: number, bytes: number): number {
  return (lo + bytes) % TWO_32;
}

/** (hi, lo) - (baseHi, baseLo) in bytes; exact below 2^53, negative where it is before. */
export function distance(hi: number, lo: number, baseHi: number, baseLo: number): number {
  return (hi - baseHi) * TWO_32 + (lo - baseLo);
}

export function hiOf(address: bigint): number {
  return Number((address >> 32n) & 0xffffffffn);
}

export function loOf(address: bigint): number {
  return Number(address & 0xffffffffn);
}

export function joinHalves(hi: number, lo: number): bigint {
  return (BigInt(hi) << 32n) | BigInt(lo);
}

/** `ffff888003a40000`, as kernel texts print it. */
export function hex16(hi: number, lo: number): string {
  return hi.toString(16).padStart(8, '0') + lo.toString(16).padStart(8, '0');
}

/** The address modulo 2^64: per-CPU arithmetic wraps around. */
export function wrap64(address: bigint): bigint {
  return BigInt.asUintN(64, address);
}

/**
 * The little-endian 64-bit number at an offset; inexact from 2^53 on, which is beyond the end of every
 * file and memory that it is compared with.
 */
export function readU64(bytes: Buffer, at: number): number {
  return bytes.readUInt32LE(at + 4) * TWO_32 + bytes.readUInt32LE(at);
}
