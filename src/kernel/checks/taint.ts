// The kernel's taint mask → the letters in reports: kernel/panic.c taint_flags[], print_tainted()
// (5.10, 6.1, 6.12). `Not tainted`, or a place for every flag: `Tainted: G    B      OE     `.

import { isAtLeast, type KernelVersion } from '../machine/kernel-version.ts';

/** By bit. TEST (N) came last (in v6.0). */
const LETTERS = 'PFSRMBUDAWCIOELKXTN';
const LETTERS_BEFORE_TEST = 18;

/** TAINT_BAD_PAGE: SLUB reported something. TAINT_WARN: a WARN_ON was printed. */
export const TAINT: { readonly BAD_PAGE: number; readonly WARN: number } = {
  BAD_PAGE: 1 << 5,
  WARN: 1 << 9,
};

/** @param mask tainted_mask */
export function printTainted(mask: number, version: KernelVersion | undefined): string {
  if (mask === 0) return 'Not tainted';
  const count = isAtLeast(version, 6, 0) ? LETTERS.length : LETTERS_BEFORE_TEST;
  let text = 'Tainted: ';
  for (let bit = 0; bit < count; bit++) {
    // Only the first flag has a letter for its absence: no proprietary module.
    const absent = bit === 0 ? 'G' : ' ';
    text += (mask >>> bit) & 1 ? LETTERS.charAt(bit) : absent;
  }
  return text;
}
