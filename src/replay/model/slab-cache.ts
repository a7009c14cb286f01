// What a cache of the model does, whichever allocator generation it stands for. "Observed" replay
// asks for the model's choice, compares it with the recorded object and then tells the model what was
// really taken; "simulated" replay lets the model take its choice.

import { NIL } from './slab-table.ts';

/** Sizes and limits of a cache; kernel names (struct kmem_cache). */
export interface CacheShape {
  readonly name: string;
  /** size: bytes from object to object. */
  readonly slabSize: number;
  readonly objectSize: number;
  /** Bytes before the first object of a slab (red zone); 0 without slub_debug Z. */
  readonly redLeftPad: number;
  readonly order: number;
  readonly objsPerSlab: number;
  readonly minPartial: number;
  /** In objects, as sysfs shows it. */
  readonly cpuPartial: number;
  readonly cpuPartialSlabs: number;
}

export interface SlabCache {
  readonly id: number;
  readonly shape: CacheShape;
  /** All CPUs take from one list, under its lock; their events are written outside of it. */
  readonly isShared?: true;
  /**
   * What `choose` found: a slab and an object in it, or NO_SLAB where a new slab is needed (of which
   * sheaves may get some objects at once, see `firstOfNew`) or nothing is known.
   */
  choiceSlab: number;
  choiceObject: number;
  /** True where the choice is on the freelist of the CPU slab. */
  choiceIsFast: boolean;

  /**
   * Finds the object that an allocation on `cpu` would get now, without taking it.
   * @param node the node that was asked for, negative for none
   */
  choose(cpu: number, node: number): void;
  /** Allocates what `choose` finds, and leaves it there; false where a new slab is needed first. */
  alloc(cpu: number, node: number): boolean;
  /**
   * Objects that stand before `object` on the freelist of `cpu` (at most `max`), nearest to the head
   * first; none where it is not on that list.
   */
  objectsBefore(cpu: number, slab: number, object: number, max: number): number[];
  /** An object was allocated without an event, or its event is still to come. */
  takeUnseen(slab: number, object: number): void;
  /**
   * The unused objects of a CPU slab turn out to be handed out in ascending order from `object` on
   * (slabs of early boot are not shuffled): lower ones were allocated before the trace.
   */
  unshuffle(cpu: number, slab: number, object: number): void;
  /** The kernel passes this slab over: what the model holds free in it was allocated unseen. */
  giveUp(slab: number): void;
  /** The kernel took another object than `choose` found: makes the state agree with that. */
  adopt(cpu: number, node: number, slab: number, object: number): void;
  /**
   * A new slab has come (all its objects on `slab->freelist`) for an allocation on `cpu`, which now
   * takes `object` of it.
   */
  useNewSlab(cpu: number, node: number, slab: number, object: number): void;
  free(cpu: number, slab: number, object: number): void;
  /** A slab that was there before the trace: all its objects are allocated as far as is known. */
  addOldSlab(slab: number): void;
  /** The slab's pages are gone although the model still has it: forgets it. */
  drop(slab: number): void;
  count(): CacheCounts;
  /** Its lists as they are, for digests and slab maps. */
  lists(): CacheLists;
}

/** A list of slabs, its head first. */
export interface ListedSlabs {
  readonly kind: 'cpuSlab' | 'cpuPartial' | 'nodePartial';
  /** Number of the CPU or of the node. */
  readonly owner: number;
  readonly slabs: readonly number[];
}

/** Objects that are free outside of their slabs' freelists, the next one to be handed out first. */
export interface ListedObjects {
  readonly kind: 'cpuFreelist' | 'mainSheaf' | 'spareSheaf' | 'barnSheaf';
  /** Number of the CPU, of a barn's sheaf that of the node. */
  readonly owner: number;
  /** Slab and index of each. */
  readonly objects: readonly (readonly [slab: number, object: number])[];
}

export interface CacheLists {
  readonly slabs: readonly ListedSlabs[];
  readonly objects: readonly ListedObjects[];
}

/** Where `choose` found that a new slab is needed: the place in its order of what it gives first. */
export function firstOfNew({ choiceObject }: SlabCache): number {
  return choiceObject === NIL ? 0 : choiceObject;
}

/** What a cache holds at a moment. */
export interface CacheCounts {
  readonly slabs: number;
  readonly totalObjects: number;
  /** As the kernel counts: free objects on CPU slabs, CPU partial slabs and in sheaves included. */
  readonly activeObjects: number;
  readonly allocated: number;
  /** Slabs on node partial lists. */
  readonly partial: number;
  readonly cpuSlabs: number;
  readonly cpuPartialSlabs: number;
}
