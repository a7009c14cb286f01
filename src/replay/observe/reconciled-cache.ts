// A cache of the model that a recording corrects. The model decides, the recording shows what the
// kernel really took; where the two differ, something happened without an event, and these methods
// bring the lists to the kernel's state.

import type { Cpu, Node, ObjectNumber, Slab } from '../../kernel/indices.ts';
import type { SheafSource } from '../model/cpu-sheaves.ts';
import type { SlabCache } from '../model/slab-cache.ts';

export interface ReconciledCache extends SlabCache {
  /**
   * Objects are also allocated without an event (kmem_cache_alloc_bulk(), lost events). In all other
   * caches what the kernel passes over is still free, and only somewhere else than was thought.
   */
  isBulk: boolean;
  /** The kernel took this object of a known slab and not the one that was decided. */
  took(cpu: Cpu, node: Node, slab: Slab, object: ObjectNumber): void;
  /** An object was allocated without an event, or its event is still to come. */
  takenUnseen(slab: Slab, object: ObjectNumber): void;
  /** A free object of a CPU slab was not freed by the CPU that has the slab, as had been thought. */
  freedElsewhere(slab: Slab, object: ObjectNumber): void;
  /**
   * The kernel passes this slab over: it is not where the model has it, or, in bulk caches, its free
   * objects were allocated unseen.
   */
  passedOver(slab: Slab): void;
  /**
   * Objects in front of `object` on the freelist of `cpu` (at most `max`), nearest to the head first;
   * none where it is not on that list.
   */
  objectsBefore(cpu: Cpu, slab: Slab, object: ObjectNumber, max: number): number[];
  /**
   * The unused objects of a CPU slab turn out to be handed out in ascending order from `object` on
   * (slabs of early boot are not shuffled): lower ones were allocated before the trace.
   */
  unshuffle(cpu: Cpu, slab: Slab, object: ObjectNumber): void;
  /** A slab that was there before the trace: all its objects are allocated as far as is known. */
  addOldSlab(slab: Slab): void;
  /** The slab's pages are gone although the model still has it: forgets it. */
  drop(slab: Slab): void;
}

/**
 * What a cache with sheaves gets its objects from and gives them back to. In its counts an object in a
 * sheaf is allocated.
 */
export interface SlabBacking extends ReconciledCache, SheafSource {
  /** A new slab has come, of which sheaves have all objects but those on `slab->freelist`. */
  addOpened(cpu: Cpu, slab: Slab): void;
  /** Of a new slab these objects, in this order, are on its freelist, and no others. */
  reopen(cpu: Cpu, slab: Slab, free: ArrayLike<number>): void;
}
