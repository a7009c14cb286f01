// What SLUB itself writes into a slab of a debug cache: mm/slub.c setup_slab_debug(), init_object(),
// set_orig_size() (6.1.192, 6.12.117).

import { SLAB } from '../slub/slab-flags.ts';
import { type CheckedCache, hasFlag, origSize, zonesRequests } from './checked-slab.ts';
import {
  POISON_END,
  POISON_FREE,
  POISON_INUSE,
  SLUB_RED_ACTIVE,
  SLUB_RED_INACTIVE,
} from './poison.ts';

/** A new slab: all its bytes are padding, until its objects are set up. */
export function setupSlab(cache: CheckedCache, bytes: Uint8Array): void {
  if (hasFlag(cache, SLAB.POISON)) bytes.fill(POISON_INUSE);
}

/** Red zones and poison of an object that becomes allocated (`isActive`) or free. */
export function initObject(
  cache: CheckedCache,
  bytes: Uint8Array,
  offset: number,
  isActive: boolean,
): void {
  const { objectSize, layout } = cache.geometry;
  const zone = isActive ? SLUB_RED_ACTIVE : SLUB_RED_INACTIVE;
  const hasRedZone = hasFlag(cache, SLAB.RED_ZONE);
  const size = isActive && zonesRequests(cache) ? origSize(cache, bytes, offset) : objectSize;
  if (hasRedZone) bytes.fill(zone, offset - layout.redLeftPad, offset);
  if (layout.objectPoison) {
    bytes.fill(POISON_FREE, offset, offset + size - 1);
    bytes[offset + size - 1] = POISON_END;
  }
  if (hasRedZone) bytes.fill(zone, offset + size, offset + layout.inuse);
}

/** Keeps the requested size of a kmalloc where the metadata have a place for it. */
export function setOrigSize(
  { geometry: { layout } }: CheckedCache,
  bytes: Uint8Array,
  offset: number,
  size: number,
): void {
  if (layout.origSize === null) return;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  view.setUint32(offset + layout.origSize, size, true);
  if (layout.origSizeBytes === 8) view.setUint32(offset + layout.origSize + 4, 0, true);
}
