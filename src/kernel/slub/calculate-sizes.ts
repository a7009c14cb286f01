// Where everything is from one object of a cache to the next: mm/slub.c calculate_sizes(),
// get_info_end(), get_track(), get_orig_size(); mm/slab_common.c calculate_alignment()
// (5.10, 6.1.192, 6.12.117). Offsets are counted from the object, sizes in bytes.
//
//   slab + i * size
//   | red_left_pad | object | right red zone | free pointer | tracks | orig_size | padding |
//                  ^ 0      ^ object_size    ^ inuse        ^ infoEnd
//
// Without debug flags, constructor and RCU the free pointer is in the middle of the object, and
// nothing else is there.
// Model: KASAN's own metadata (kasan_cache_create()) is not counted.

import type { SlubRules } from './releases.ts';
import { SLAB } from './slab-flags.ts';

const WORD = 8;

/** What the creator of a cache decides about its objects. */
export interface LayoutRequest {
  readonly objectSize: number;
  /** Final, as calculateAlignment() gives it and sysfs shows it. */
  readonly align: number;
  /** SLAB bits, debug flags included. */
  readonly flags: number;
  readonly hasCtor: boolean;
  /** Where in the object the creator wants the free pointer (use_freeptr_offset). */
  readonly freeptrOffset?: number | undefined;
}

export interface ObjectLayout {
  /** From object to object; sysfs slab_size, slabinfo objsize, bytes_alloc of events. */
  readonly size: number;
  /** End of object and right red zone. */
  readonly inuse: number;
  /** The free pointer. */
  readonly offset: number;
  /** It is behind the object, where freeing does not touch the contents. */
  readonly freePointerOutside: boolean;
  /** Left red zone; the first object of a slab starts behind it. */
  readonly redLeftPad: number;
  readonly align: number;
  /** Where the metadata of STORE_USER begin. */
  readonly infoEnd: number;
  /** struct track of the allocation and the free; null without STORE_USER. */
  readonly allocTrack: number | null;
  readonly freeTrack: number | null;
  /** The requested size; null where none is kept. */
  readonly origSize: number | null;
  readonly origSizeBytes: number;
  /** End of all metadata; padding from here to size - red_left_pad. */
  readonly metadataEnd: number;
  /** Freed objects are filled with poison (__OBJECT_POISON). */
  readonly objectPoison: boolean;
}

/** `value` rounded up to a multiple of `step`. */
function roundUp(value: number, step: number): number {
  return Math.ceil(value / step) * step;
}

/**
 * The alignment that a cache gets.
 * @param align what its creator asked for, 0 for nothing
 * @param cacheLine cache_line_size(), "HWalign=" in the boot log
 */
export function calculateAlignment(
  flags: number,
  align: number,
  size: number,
  cacheLine: number,
): number {
  let wanted = align;
  if ((flags & SLAB.HWCACHE_ALIGN) !== 0) {
    let line = cacheLine;
    while (line > WORD && size <= line / 2) line /= 2; // below a word it makes no difference
    wanted = Math.max(wanted, line);
  }
  return roundUp(Math.max(wanted, WORD), WORD);
}

/** The layout of a cache's objects. */
export function calculateSizes(
  request: LayoutRequest,
  rules: Pick<
    SlubRules,
    'trackSize' | 'origSizeBytes' | 'origSizeMovesFreePointer' | 'freeptrOffset'
  >,
): ObjectLayout {
  const { objectSize, align, flags } = request;
  const redZone = (flags & SLAB.RED_ZONE) !== 0;
  const storeUser = (flags & SLAB.STORE_USER) !== 0;
  const keepsOrigSize = storeUser && (flags & SLAB.KMALLOC) !== 0 && rules.origSizeBytes > 0;

  const aligned = roundUp(objectSize, WORD);
  const inuse = redZone && aligned === objectSize ? aligned + WORD : aligned;
  const inside = freePointerInside(request, keepsOrigSize, rules);
  const outside = inside === undefined;

  const infoEnd = outside ? inuse + WORD : inuse;
  let end = infoEnd;
  if (storeUser) end += 2 * rules.trackSize;
  const origSize = keepsOrigSize ? end : null;
  if (keepsOrigSize) end += rules.origSizeBytes;

  const redLeftPad = redZone ? roundUp(WORD, align) : 0;
  // With red zones a word of padding behind the metadata catches writes from the next object.
  const stride = redZone ? end + WORD + redLeftPad : end;
  return {
    size: roundUp(stride, align),
    inuse,
    offset: inside ?? inuse,
    freePointerOutside: outside,
    redLeftPad,
    align,
    infoEnd,
    allocTrack: storeUser ? infoEnd : null,
    freeTrack: storeUser ? infoEnd + rules.trackSize : null,
    origSize,
    origSizeBytes: keepsOrigSize ? rules.origSizeBytes : 0,
    metadataEnd: end,
    objectPoison: poisonsObject(request),
  };
}

/** Where in the object the free pointer is; undefined where it is behind the object. */
function freePointerInside(
  request: LayoutRequest,
  keepsOrigSize: boolean,
  rules: Pick<SlubRules, 'origSizeMovesFreePointer' | 'freeptrOffset'>,
): number | undefined {
  const { objectSize, flags, hasCtor } = request;
  if ((flags & SLAB.POISON) !== 0) return undefined;
  if ((flags & SLAB.RED_ZONE) !== 0) {
    if (objectSize < WORD || (keepsOrigSize && rules.origSizeMovesFreePointer)) return undefined;
  }
  const typesafe = (flags & SLAB.TYPESAFE_BY_RCU) !== 0;
  if (!(typesafe || hasCtor)) return Math.floor(objectSize / 2 / WORD) * WORD;
  // Freeing must leave the contents: there is a place for the pointer only if the creator names one.
  if (rules.freeptrOffset === 'rcu-or-ctor') return request.freeptrOffset;
  return rules.freeptrOffset === 'rcu' && !hasCtor ? request.freeptrOffset : undefined;
}

function poisonsObject({ flags, hasCtor }: LayoutRequest): boolean {
  return (flags & SLAB.POISON) !== 0 && (flags & SLAB.TYPESAFE_BY_RCU) === 0 && !hasCtor;
}
