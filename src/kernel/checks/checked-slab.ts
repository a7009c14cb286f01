// A slab as its checks see it: its bytes, and what struct slab says of them. Where the bytes are from
// (a model of the kernel, a snapshot) is not known here.

import type { CacheGeometry } from '../slub/cache-geometry.ts';
import type { SlubRules } from '../slub/releases.ts';
import { SLAB } from '../slub/slab-flags.ts';

const MAX_OBJS_PER_PAGE = 32767;

/** A free pointer that is in order, though its value is not known. */
export const UNTOLD_POINTER = -1n;

/** A cache whose slabs are checked. */
export interface CheckedCache {
  readonly name: string;
  readonly geometry: Pick<CacheGeometry, 'objectSize' | 'flags' | 'layout'>;
  readonly rules: Pick<SlubRules, 'generation' | 'origSizeMovesFreePointer'>;
  /** False where the objects hold what nobody recorded: they are not printed then. */
  readonly contentsKnown: boolean;
  /** False where its objects lie elsewhere than they would: nothing of their memory is printed. */
  readonly layoutKnown?: boolean;
}

/** A slab; the checks change it as the kernel does when it repairs one. */
export interface CheckedSlab {
  /** Its address. */
  readonly base: bigint;
  /** All of its bytes. */
  readonly bytes: Uint8Array;
  objects: number;
  inuse: number;
  /** Address of the first free object, 0n for none; undefined: something that is no address here. */
  freelist: bigint | undefined;
  /** Since 6.1.192 and 6.12.117 the mark of a slab that failed a check. */
  frozen: boolean;
  /**
   * The free pointer of the object at an offset, decoded (get_freepointer()); UNTOLD_POINTER; undefined
   * for one that was overwritten with something that cannot be decoded.
   */
  freePointer(offset: number): bigint | undefined;
  /** set_freepointer() */
  setFreePointer(offset: number, value: bigint): void;
}

/** Bytes from the slab's start to an object. */
export function objectOffset({ geometry }: CheckedCache, object: number): number {
  const { layout } = geometry;
  return layout.redLeftPad + object * layout.size;
}

/** How many objects there is room for (order_objects()). */
export function mostObjects({ geometry }: CheckedCache, { bytes }: CheckedSlab): number {
  return Math.min(Math.floor(bytes.length / geometry.layout.size), MAX_OBJS_PER_PAGE);
}

/** The index of the object that starts at an address of the slab; -1: none does. */
export function objectAt(
  { geometry }: CheckedCache,
  slab: Pick<CheckedSlab, 'base' | 'objects'>,
  address: bigint,
): number {
  const { size, redLeftPad } = geometry.layout;
  const offset = Number(address - slab.base) - redLeftPad;
  const object = offset / size;
  return Number.isInteger(object) && object >= 0 && object < slab.objects ? object : -1;
}

/** check_valid_pointer(): no pointer at all is valid too. */
export function isValidPointer(
  cache: CheckedCache,
  slab: CheckedSlab,
  address: bigint | undefined,
): boolean {
  if (address === undefined) return false;
  return address === 0n || address === UNTOLD_POINTER || objectAt(cache, slab, address) >= 0;
}

export function hasFlag({ geometry }: CheckedCache, flag: number): boolean {
  return (geometry.flags & flag) !== 0;
}

/** The end of an object's bytes, its left red zone being the next object's (size_from_object()). */
export function sizeFromObject({ geometry }: CheckedCache): number {
  return geometry.layout.size - geometry.layout.redLeftPad;
}

/** The requested size that the object's metadata keep; the object's where none is kept. */
export function origSize({ geometry }: CheckedCache, bytes: Uint8Array, offset: number): number {
  const { layout, objectSize } = geometry;
  if (layout.origSize === null) return objectSize;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const at = offset + layout.origSize;
  const high = layout.origSizeBytes === 8 ? view.getUint32(at + 4, true) : 0;
  return view.getUint32(at, true) + high * 2 ** 32;
}

/** The rest of a request in its kmalloc object is a red zone too (since 6.2, with Z and U). */
export function zonesRequests(cache: CheckedCache): boolean {
  return (
    cache.rules.origSizeMovesFreePointer &&
    cache.geometry.layout.origSize !== null &&
    hasFlag(cache, SLAB.RED_ZONE)
  );
}

/** Reports look and checks go on as since 6.15; 6.12.117 has that already. */
export function isNewStyle({ rules }: CheckedCache): boolean {
  return rules.generation !== '5.10' && rules.generation !== '6.1';
}
