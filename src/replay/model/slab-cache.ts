// What a cache of the model does, whichever allocator generation it stands for: what SLUB does. What a
// recording corrects of it is apart (observe/reconciled-cache.ts).

import type { Cpu, Node, ObjectNumber, Slab } from '../../kernel/indices.ts';
import type { Decision } from './decision.ts';

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
  /** What `decide` or `alloc` found last. */
  readonly decision: Decision;
  /**
   * Finds the object that an allocation on `cpu` would get now, without taking it.
   * @param node the requested node, negative for none
   */
  decide(cpu: Cpu, node: Node): void;
  /** Decides, and takes the object; false where a new slab is needed first. */
  alloc(cpu: Cpu, node: Node): boolean;
  /**
   * A new slab has come (all its objects on `slab->freelist`) for the allocation on `cpu` that was
   * decided last, which takes `object` of it.
   */
  newSlab(cpu: Cpu, node: Node, slab: Slab, object: ObjectNumber): void;
  free(cpu: Cpu, slab: Slab, object: ObjectNumber): void;
  /** What the CPU has goes back to the slabs and the nodes: it is off (slub_cpu_dead()). */
  flushCpu(cpu: Cpu): void;
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
  /** `lostSheaf`: the kernel passed the sheaf over, and where it is now has not shown. */
  readonly kind: 'cpuFreelist' | 'mainSheaf' | 'spareSheaf' | 'barnSheaf' | 'lostSheaf';
  /** Number of the CPU, of a barn's sheaf that of the node; null of a lost sheaf. */
  readonly owner: number | null;
  /** Slab and index of each. */
  readonly objects: readonly (readonly [slab: Slab, object: number])[];
}

export interface CacheLists {
  readonly slabs: readonly ListedSlabs[];
  readonly objects: readonly ListedObjects[];
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
