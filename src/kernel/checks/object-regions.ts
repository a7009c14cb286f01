// Which bytes in and around an object have to hold what, in the order in which mm/slub.c
// check_object() looks at them (6.1.192, 6.12.117). Offsets are counted from the object.

import { SLAB } from '../slub/slab-flags.ts';
import { type CheckedCache, hasFlag, sizeFromObject, zonesRequests } from './checked-slab.ts';
import {
  POISON_END,
  POISON_FREE,
  POISON_INUSE,
  SLUB_RED_ACTIVE,
  SLUB_RED_INACTIVE,
  type SlubReportKind,
} from './poison.ts';

export interface ObjectRegion {
  readonly kind: SlubReportKind;
  /** In the kernel's words. */
  readonly what: string;
  readonly from: number;
  readonly to: number;
  readonly byte: number;
  /** Until 6.15 (6.12.117) padding is restored, and the object passes all the same. */
  readonly isPadding: boolean;
  /** It begins where the requested size ends. */
  readonly followsRequest: boolean;
}

/** @param isActive the object counts as allocated */
export function objectRegions(cache: CheckedCache, isActive: boolean): ObjectRegion[] {
  const { objectSize, layout } = cache.geometry;
  const regions: ObjectRegion[] = [];
  const add = (
    kind: SlubReportKind,
    what: string,
    from: number,
    to: number,
    byte: number,
  ): void => {
    regions.push({
      kind,
      what,
      from,
      to,
      byte,
      isPadding: kind === 'object-padding',
      followsRequest: what === 'kmalloc Redzone',
    });
  };
  if (hasFlag(cache, SLAB.RED_ZONE)) {
    const zone = isActive ? SLUB_RED_ACTIVE : SLUB_RED_INACTIVE;
    add('redzone-left', 'Left Redzone', -layout.redLeftPad, 0, zone);
    add('redzone-right', 'Right Redzone', objectSize, layout.inuse, zone);
    if (isActive && zonesRequests(cache)) {
      add('redzone-right', 'kmalloc Redzone', 0, objectSize, zone);
    }
  } else if (hasFlag(cache, SLAB.POISON)) {
    add('object-padding', 'Alignment padding', objectSize, layout.inuse, POISON_INUSE);
  }
  if (!isActive && layout.objectPoison) {
    add('poison', 'Poison', 0, objectSize - 1, POISON_FREE);
    add('poison', 'End Poison', objectSize - 1, objectSize, POISON_END);
  }
  if (hasFlag(cache, SLAB.POISON)) {
    const end = sizeFromObject(cache);
    add('object-padding', 'Object padding', layout.metadataEnd, end, POISON_INUSE);
  }
  return regions;
}
