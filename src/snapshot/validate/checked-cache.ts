// A kmem_cache of a snapshot → what of its slabs can be checked: its debug flags under our names, and
// where everything is in an object (calculate_sizes()). The layout is computed from the flags and
// held against the sizes that the cache itself has; where they differ, only freelists are checked.

import type { CheckedCache } from '../../kernel/checks/checked-slab.ts';
import {
  isAtLeast,
  type KernelVersion,
  parseRelease,
} from '../../kernel/machine/kernel-version.ts';
import { calculateSizes, type ObjectLayout } from '../../kernel/slub/calculate-sizes.ts';
import { rulesFor, type SlubRules } from '../../kernel/slub/releases.ts';
import { DEBUG_METADATA_FLAGS, SLAB, SLAB_DEBUG_FLAGS } from '../../kernel/slub/slab-flags.ts';
import type { KernelImage } from '../kernel/kernel-image.ts';
import type { SlubCache } from '../slub-walk/caches.ts';

export interface SnapshotCache {
  readonly cache: SlubCache;
  readonly checked: CheckedCache;
  /** kmem_cache_debug(): such caches have no CPU slabs, and only they are validated by the kernel. */
  readonly isDebug: boolean;
  /** It has red zones, poison or tracks, and their layout is understood. */
  readonly hasMetadata: boolean;
  /**
   * There is something to look at in an object: red zones, poison, tracks, padding, or a free pointer
   * that also allocated objects keep.
   */
  readonly checksObjects: boolean;
  /** False where there are metadata whose layout is not understood. */
  readonly isUnderstood: boolean;
}

type FlagBits = readonly (readonly [kernel: number, ours: number])[];

/** include/linux/slab.h up to 6.8. */
const BEFORE_6_9: FlagBits = [
  [0x100, SLAB.CONSISTENCY_CHECKS],
  [0x400, SLAB.RED_ZONE],
  [0x800, SLAB.POISON],
  [0x1000, SLAB.KMALLOC],
  [0x10000, SLAB.STORE_USER],
  [0x80000, SLAB.TYPESAFE_BY_RCU],
  [0x200000, SLAB.TRACE],
];

/** enum _slab_flag_bits: Linux kernel commit cc61eb851461 (in v6.9). */
const SINCE_6_9: FlagBits = [
  [1 << 0, SLAB.CONSISTENCY_CHECKS],
  [1 << 1, SLAB.RED_ZONE],
  [1 << 2, SLAB.POISON],
  [1 << 3, SLAB.KMALLOC],
  [1 << 7, SLAB.STORE_USER],
  [1 << 9, SLAB.TYPESAFE_BY_RCU],
  [1 << 10, SLAB.TRACE],
];

/** In the order of the caches. */
export function snapshotCaches(
  { release, layout }: KernelImage,
  caches: readonly SlubCache[],
): SnapshotCache[] {
  const known = rulesFor(release);
  const rules = { ...known, trackSize: layout?.sizeOf('track') ?? known.trackSize };
  const version = parseRelease(release ?? null);
  return caches.map((cache) => snapshotCache(cache, slabFlags(cache.flags, version), rules));
}

function snapshotCache(cache: SlubCache, flags: number, rules: SlubRules): SnapshotCache {
  const { name, objectSize, align, hasCtor, offset } = cache;
  const freeptrOffset = offset < objectSize ? offset : undefined;
  const computed = calculateSizes({ objectSize, align, flags, hasCtor, freeptrOffset }, rules);
  const wantsMetadata = (flags & DEBUG_METADATA_FLAGS) !== 0;
  const isUnderstood = !wantsMetadata || isLayoutOf(computed, cache);
  const hasMetadata = wantsMetadata && isUnderstood;
  const layout = hasMetadata ? computed : layoutWithoutMetadata(cache);
  const shown = hasMetadata ? flags : flags & ~DEBUG_METADATA_FLAGS;
  return {
    cache,
    checked: { name, geometry: { objectSize, flags: shown, layout }, rules, contentsKnown: true },
    isDebug: (flags & SLAB_DEBUG_FLAGS) !== 0,
    hasMetadata,
    checksObjects: hasMetadata || layout.freePointerOutside,
    isUnderstood,
  };
}

function isLayoutOf(layout: ObjectLayout, cache: SlubCache): boolean {
  const { size, inuse, offset, redLeftPad } = layout;
  return (
    size === cache.size &&
    inuse === cache.inuse &&
    offset === cache.offset &&
    redLeftPad === cache.redLeftPad
  );
}

/** As the cache itself says it: merging and constructors leave sizes that no flag tells. */
function layoutWithoutMetadata(cache: SlubCache): ObjectLayout {
  const { size, inuse, offset, redLeftPad, align } = cache;
  const freePointerOutside = offset >= inuse;
  const infoEnd = freePointerOutside ? inuse + 8 : inuse;
  return {
    size,
    inuse,
    offset,
    freePointerOutside,
    redLeftPad,
    align,
    infoEnd,
    allocTrack: null,
    freeTrack: null,
    origSize: null,
    origSizeBytes: 0,
    metadataEnd: infoEnd,
    objectPoison: false,
  };
}

function slabFlags(kernelFlags: number, version: KernelVersion | undefined): number {
  const bits = isAtLeast(version, 6, 9) ? SINCE_6_9 : BEFORE_6_9;
  let flags = 0;
  for (const [kernel, ours] of bits) if ((kernelFlags & kernel) !== 0) flags |= ours;
  return flags;
}
