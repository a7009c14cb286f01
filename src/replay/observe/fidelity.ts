// How well the model's choices agree with the kernel's: for every allocation, was the object the one
// that the model would have given, at least the slab, and where not, why (docs/model-rules.md).

const MISMATCH_CAUSES = [
  /** The object is live in the model: it was freed without an event before. */
  'unseenFree',
  /** Objects that the model holds free in front of it were taken without an event. */
  'unseenAlloc',
  /** Right slab, learned order of a new slab not right there. */
  'freshOrder',
  /** It is in the slab of another CPU: the task moved between allocation and event, or back. */
  'migration',
  /** A slab further back on the list than the model's choice. */
  'otherSlab',
  /** A new slab, although the model has free objects. */
  'newSlab',
  /** The model would have needed a new slab. */
  'noneFree',
] as const;

export type MismatchCause = (typeof MISMATCH_CAUSES)[number];

export class Fidelity {
  allocations: number = 0;
  /** First objects of new slabs of caches with a random order: nothing can know them. */
  undetermined: number = 0;
  slotMatches: number = 0;
  slabMatches: number = 0;
  /** Choices that were on the freelist of the CPU slab. */
  cpuSlabHits: number = 0;
  /** Frees of objects whose latest event was a free already: they were allocated without an event. */
  freesOfFreed: number = 0;
  readonly mismatches: Record<MismatchCause, number> = {
    unseenFree: 0,
    unseenAlloc: 0,
    freshOrder: 0,
    migration: 0,
    otherSlab: 0,
    newSlab: 0,
    noneFree: 0,
  };

  add(other: Fidelity): void {
    this.allocations += other.allocations;
    this.undetermined += other.undetermined;
    this.slotMatches += other.slotMatches;
    this.slabMatches += other.slabMatches;
    this.cpuSlabHits += other.cpuSlabHits;
    this.freesOfFreed += other.freesOfFreed;
    for (const cause of MISMATCH_CAUSES) this.mismatches[cause] += other.mismatches[cause];
  }
}
