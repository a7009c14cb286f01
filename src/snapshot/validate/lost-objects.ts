// A freelist that is damaged loses the objects behind the damage: free ones that nothing leads to any
// more. They still have the red zones (or the poison) of free objects, and their own pointers still
// show how the list went on; so the object whose pointer was damaged can be found.

import { type CheckedCache, hasFlag, objectOffset } from '../../kernel/checks/checked-slab.ts';
import { POISON_FREE, SLUB_RED_INACTIVE } from '../../kernel/checks/poison.ts';
import { SLAB } from '../../kernel/slub/slab-flags.ts';
import type { SlabCopy } from './slab-copy.ts';

/** Objects off the freelist that look free, by index. */
export function lostObjects(
  cache: CheckedCache,
  slab: SlabCopy,
  free: ReadonlySet<number>,
): Set<number> {
  const lost = new Set<number>();
  for (let object = 0; object < slab.objects; object++) {
    if (!free.has(object) && looksFree(cache, slab, objectOffset(cache, object))) lost.add(object);
  }
  return lost;
}

function looksFree(cache: CheckedCache, slab: SlabCopy, offset: number): boolean {
  const { layout, objectSize } = cache.geometry;
  const isFilled = (from: number, to: number, byte: number): boolean =>
    from < to && slab.has(from, to) && slab.bytes.subarray(from, to).every((b) => b === byte);
  if (hasFlag(cache, SLAB.RED_ZONE)) {
    return isFilled(offset - layout.redLeftPad, offset, SLUB_RED_INACTIVE);
  }
  return layout.objectPoison && isFilled(offset, offset + objectSize - 1, POISON_FREE);
}

/**
 * The object whose free pointer leads past the lost ones: it points where the last of them does.
 * @param free the objects on the list, in its order
 * @returns undefined where it is the list's head, or cannot be found
 */
export function pointerThatLostThem(
  cache: CheckedCache,
  slab: SlabCopy,
  free: ReadonlySet<number>,
  lost: ReadonlySet<number>,
): number | undefined {
  const addressOf = (object: number): bigint => slab.base + BigInt(objectOffset(cache, object));
  const next = (object: number): bigint | undefined =>
    slab.freePointer(objectOffset(cache, object));
  const lostAddresses = new Set([...lost].map(addressOf));
  for (const object of lost) {
    const successor = next(object);
    if (successor === undefined || lostAddresses.has(successor)) continue;
    for (const candidate of free) if (next(candidate) === successor) return candidate;
  }
  return undefined;
}
