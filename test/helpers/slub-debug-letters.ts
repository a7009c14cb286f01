// Debug flags as the letters of slub_debug=, for expectations that one can read.

import { SLAB } from '../../src/kernel/slub/slab-flags.ts';

const LETTERS = [
  ['F', SLAB.CONSISTENCY_CHECKS],
  ['Z', SLAB.RED_ZONE],
  ['P', SLAB.POISON],
  ['U', SLAB.STORE_USER],
  ['T', SLAB.TRACE],
  ['A', SLAB.FAILSLAB],
] as const;

/** In the order of the kernel's documentation: 'FZPU'; '-' for none. */
export function slubDebugLetters(flags: number): string {
  const letters = LETTERS.filter(([, flag]) => (flags & flag) !== 0).map(([letter]) => letter);
  return letters.join('') || '-';
}
