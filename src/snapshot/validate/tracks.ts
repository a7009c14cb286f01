// struct track of an object: who allocated it and who freed it. The kernel does not check these; an
// address in it that is no code shows that something was written over it.

import { type CheckedCache, sizeFromObject } from '../../kernel/checks/checked-slab.ts';
import type { SlabCopy } from './slab-copy.ts';

/** From here on are the kernel and its modules (Documentation/arch/x86/x86_64/mm.rst). */
const KERNEL_TEXT_HI = 0xffffffff;
const KERNEL_TEXT_LO = 0x80000000;

/** Which of an object's tracks names an address where no code can be; undefined: none. */
export function damagedTrack(
  cache: CheckedCache,
  slab: SlabCopy,
  offset: number,
): 'alloc' | 'free' | undefined {
  const { allocTrack, freeTrack } = cache.geometry.layout;
  if (allocTrack === null || freeTrack === null) return undefined;
  if (freeTrack + 8 > sizeFromObject(cache)) return undefined;
  if (!canBeCode(slab, offset + allocTrack)) return 'alloc';
  return canBeCode(slab, offset + freeTrack) ? undefined : 'free';
}

/** 0 is an object that was never allocated, or never freed. */
function canBeCode({ bytes }: SlabCopy, at: number): boolean {
  const lo = word(bytes, at);
  const hi = word(bytes, at + 4);
  return (hi === 0 && lo === 0) || (hi === KERNEL_TEXT_HI && lo >= KERNEL_TEXT_LO);
}

function word(bytes: Uint8Array, at: number): number {
  const high = ((bytes[at + 3] ?? 0) << 8) | (bytes[at + 2] ?? 0);
  return high * 65536 + (((bytes[at + 1] ?? 0) << 8) | (bytes[at] ?? 0));
}
