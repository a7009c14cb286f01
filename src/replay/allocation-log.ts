// The latest allocations of a cache in their order. What kfree_rcu() and bulk frees give back without
// an event comes in that order as well, mostly.

import { NIL, NO_SLAB, type SlabTable } from './slab-table.ts';

const LENGTH = 4096;

export class AllocationLog {
  /** What `seekBefore` found. */
  slab: number = NO_SLAB;
  object: number = NIL;
  private readonly table: SlabTable;
  private readonly cache: number;
  private readonly slabs = new Int32Array(LENGTH);
  private readonly cpus = new Uint16Array(LENGTH);
  private readonly objects = new Uint16Array(LENGTH);
  private end = 0;

  constructor(table: SlabTable, cache: number) {
    this.table = table;
    this.cache = cache;
  }

  add(cpu: number, slab: number, object: number): void {
    const at = this.end++ % LENGTH;
    this.cpus[at] = cpu;
    this.slabs[at] = slab;
    this.objects[at] = object;
  }

  /** Finds the object that was allocated before this one and is still; NO_SLAB where none is known. */
  seekBefore(slab: number, object: number): void {
    const { table } = this;
    this.slab = NO_SLAB;
    const from = this.latest(slab, object);
    if (from < 0) return;
    const cpu = this.cpus[from % LENGTH];
    for (let n = from - 1; n >= this.begin; n--) {
      if (this.cpus[n % LENGTH] !== cpu) continue;
      const other = this.slabs[n % LENGTH]!;
      const index = this.objects[n % LENGTH]!;
      if (table.cache[other] !== this.cache || table.isFree(other, index)) continue;
      if (this.latest(other, index) !== n) continue;
      this.slab = other;
      this.object = index;
      return;
    }
  }

  private get begin(): number {
    return Math.max(0, this.end - LENGTH);
  }

  private latest(slab: number, object: number): number {
    for (let n = this.end - 1; n >= this.begin; n--) {
      if (this.slabs[n % LENGTH] === slab && this.objects[n % LENGTH] === object) return n;
    }
    return -1;
  }
}
