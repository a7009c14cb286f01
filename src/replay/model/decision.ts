// What an allocation gets: the place where slab_alloc_node() and ___slab_alloc() in mm/slub.c find an
// object, in the order in which they look. Found first, carried out after; so a recording can be
// asked in between whether the kernel found the same.

import type { ObjectNumber, Slab } from '../../kernel/indices.ts';
import { NIL, NO_SLAB } from './slab-table.ts';

export const FROM = {
  /** c->freelist, the fast path; from 6.18 on, the CPU's main sheaf. */
  cpuFreelist: 0,
  /** slab->freelist of the CPU slab: what other CPUs have freed, get_freelist(). */
  slabFreelist: 1,
  /** The CPU's partial list. */
  cpuPartial: 2,
  /** A node's partial list, get_partial(). */
  nodePartial: 3,
  /** None has a free object: new_slab(). */
  newSlab: 4,
} as const;
type From = (typeof FROM)[keyof typeof FROM];

export class Decision {
  from: From = FROM.newSlab;
  /** NO_SLAB where a new slab is needed. */
  slab: Slab = NO_SLAB;
  /**
   * NIL where a new slab is needed; of which sheaves may have taken objects already, then the place
   * in its order of the object that is given.
   */
  object: ObjectNumber = NIL;

  set(from: From, slab: Slab, object: ObjectNumber): void {
    this.from = from;
    this.slab = slab;
    this.object = object;
  }

  needsNewSlab(): void {
    this.set(FROM.newSlab, NO_SLAB, NIL);
  }

  is(slab: Slab, object: ObjectNumber): boolean {
    return this.slab === slab && this.object === object;
  }

  /** Where a new slab is needed: the place in its order of the object that is given first. */
  get firstOfNew(): ObjectNumber {
    return this.object === NIL ? 0 : this.object;
  }
}
