// What a cache with sheaves gets its objects from and gives them back to.

import type { Sheaf } from './sheaf.ts';
import type { SlabCache } from './slab-cache.ts';

/** In its counts an object in a sheaf is allocated. */
export interface SlabBacking extends SlabCache {
  /**
   * Puts free objects on a sheaf, in the order in which the kernel takes them.
   * @returns how many of `count` are lacking: they need new slabs
   */
  refillSheaf(cpu: number, sheaf: Sheaf, count: number): number;
  /** A new slab has come, of which sheaves have all objects but those on `slab->freelist`. */
  addOpened(cpu: number, slab: number): void;
  /** Of a new slab these objects, in this order, are on its freelist, and no others. */
  reopen(cpu: number, slab: number, free: ArrayLike<number>): void;
}
