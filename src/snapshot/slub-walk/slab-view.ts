// One slab as the walk shows it. The walk has one view and fills it anew for every slab: who wants to
// keep something copies it.

import type { SlubCache } from './caches.ts';
import type { FreelistEnd, SlabMemory } from './freelist.ts';
import type { SlabListKind } from './slab-lists.ts';

/** The state of a slot. */
export const SLOT = {
  allocated: 0,
  /** On the slab's freelist. */
  free: 1,
  /** On the freelist of the CPU that uses the slab. */
  cpuFree: 2,
  /** In a sheaf of a CPU or a barn. */
  sheaf: 3,
  /** In a sheaf that waits for RCU. */
  rcuSheaf: 4,
} as const;

/** How one chain of free objects ended. */
export interface ChainEnd {
  count: number;
  end: FreelistEnd;
  /** The pointer that ended it: 0 where it is whole. */
  badHi: number;
  badLo: number;
  /** The slot whose free pointer that is; -1: the head. */
  badSlot: number;
}

export interface SlabView extends SlabMemory {
  cache: SlubCache;
  /** Index of the cache in the list that the walk was given. */
  cacheIndex: number;
  /** The slab's first byte. */
  hi: number;
  lo: number;
  paddr: number;
  /** Address of its struct slab (the head page). */
  pageHi: number;
  pageLo: number;
  order: number;
  slots: number;
  /** As slab->counters has them; the same as `slots` in a sound slab. */
  objects: number;
  inuse: number;
  frozen: boolean;
  /** slab->freelist. */
  freelistHi: number;
  freelistLo: number;
  place: SlabListKind;
  /** The CPU or the node of the place; -1 for full slabs. */
  placeNumber: number;
  /** One SLOT value for each slot. */
  states: Uint8Array;
  /** How the slab's own freelist and that of its CPU ended. */
  readonly slabChain: ChainEnd;
  readonly cpuChain: ChainEnd;
}
