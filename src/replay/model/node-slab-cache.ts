// A cache without CPU slabs and CPU partial lists: every allocation and free goes to the node's list.
// So do caches with debug flags (mm/slub.c, alloc_single_from_partial(),
// alloc_single_from_new_slab(), free_to_partial_list(), 6.1 and 6.12; in 5.10 a slab becomes the CPU's
// and is given back at once, which turns its freelist round), and since 7.0 all caches behind their sheaves
// (refill_objects(), __slab_free(); known by the sheets and by debian-plain-7x).

import type { NodeLists } from './node-lists.ts';
import type { Sheaf } from './sheaf.ts';
import type { SlabBacking } from './slab-backing.ts';
import type { CacheCounts, CacheLists, CacheShape } from './slab-cache.ts';
import { NIL, NO_SLAB, ON, type SlabTable } from './slab-table.ts';

export class NodeSlabCache implements SlabBacking {
  readonly id: number;
  readonly shape: CacheShape;
  readonly isShared = true;
  choiceSlab: number = NO_SLAB;
  choiceObject: number = NIL;
  readonly choiceIsFast: boolean = false;
  private readonly table: SlabTable;
  private readonly nodes: NodeLists;
  private slabs = 0;
  private allocated = 0;
  /** Slabs that a refill has taken off the list. */
  private readonly taken: number[] = [];

  private readonly turnsFreelist: boolean;

  /** @param turnsFreelist 5.10: what deactivate_slab() does to the objects behind the one allocated */
  constructor(
    id: number,
    shape: CacheShape,
    table: SlabTable,
    nodes: NodeLists,
    turnsFreelist: boolean,
  ) {
    this.id = id;
    this.shape = shape;
    this.table = table;
    this.nodes = nodes;
    this.turnsFreelist = turnsFreelist;
  }

  choose(cpu: number, node: number): void {
    this.choiceSlab = this.nodes.first(cpu, node, this.shape.minPartial);
    this.choiceObject = this.choiceSlab === NO_SLAB ? NIL : this.table.freelist[this.choiceSlab]!;
  }

  alloc(cpu: number, node: number): boolean {
    this.choose(cpu, node);
    if (this.choiceSlab === NO_SLAB) return false;
    this.takeFirst(this.choiceSlab, this.choiceObject);
    return true;
  }

  adopt(_cpu: number, _node: number, slab: number, object: number): void {
    this.takeFirst(slab, object);
    if (this.table.on[slab] !== ON.nodePartial) return;
    // The kernel takes from the first slab of a list, so this is the one.
    const list = this.nodes.listOf(slab);
    list.remove(slab);
    list.pushHead(slab);
  }

  useNewSlab(_cpu: number, _node: number, slab: number, object: number): void {
    this.slabs++;
    this.table.on[slab] = ON.nodePartial;
    this.nodes.listOf(slab).pushHead(slab);
    this.takeFirst(slab, object);
  }

  free(_cpu: number, slab: number, object: number): void {
    const { table } = this;
    if (table.isFree(slab, object)) this.take(slab, object); // it was allocated unseen
    this.allocated--;
    const wasFull = table.freelist[slab] === NIL;
    table.freelist[slab] = table.push(slab, object, table.freelist[slab]!);
    table.inuse[slab]!--;
    if (table.inuse[slab] === 0 && this.nodes.listOf(slab).length >= this.shape.minPartial) {
      this.unlist(slab);
      this.discard(slab);
    } else if (wasFull) {
      table.on[slab] = ON.nodePartial;
      this.nodes.listOf(slab).pushTail(slab);
    }
  }

  /**
   * refill_objects(): takes slabs from the head of the list until they have enough, then empties them
   * one after the other; what the last one has left over goes to the tail of the list.
   */
  refillSheaf(cpu: number, sheaf: Sheaf, count: number): number {
    const { table, taken } = this;
    taken.length = 0;
    for (let free = 0; free < count; ) {
      const slab = this.nodes.first(cpu, -1, this.shape.minPartial);
      if (slab === NO_SLAB) break;
      this.unlist(slab);
      taken.push(slab);
      free += table.objects[slab]! - table.inuse[slab]!;
    }
    let lacking = count;
    for (const slab of taken) {
      for (; lacking > 0 && table.freelist[slab] !== NIL; lacking--) this.moveTo(sheaf, slab);
      if (table.freelist[slab] === NIL) continue;
      table.on[slab] = ON.nodePartial;
      this.nodes.listOf(slab).pushTail(slab);
    }
    return lacking;
  }

  addOpened(_cpu: number, slab: number): void {
    const { table } = this;
    this.slabs++;
    this.allocated += table.inuse[slab]!;
    if (table.freelist[slab] === NIL) return;
    table.on[slab] = ON.nodePartial;
    this.nodes.listOf(slab).pushHead(slab);
  }

  reopen(_cpu: number, slab: number, free: ArrayLike<number>): void {
    const { table } = this;
    this.giveUp(slab);
    for (let k = 0; k < free.length; k++) table.setOld(slab, free[k]!);
    table.fill(slab, free);
    table.inuse[slab] = table.objects[slab]! - free.length;
    this.allocated -= free.length;
    if (free.length === 0) return;
    table.on[slab] = ON.nodePartial;
    this.nodes.listOf(slab).pushHead(slab);
  }

  drop(slab: number): void {
    this.unlist(slab);
    for (let i = 0; i < this.table.objects[slab]!; i++) {
      if (!this.table.isFree(slab, i)) this.allocated--;
    }
    this.discard(slab);
  }

  objectsBefore(_cpu: number, slab: number, object: number, max: number): number[] {
    return this.table.before(slab, this.table.freelist[slab]!, object, max);
  }

  takeUnseen(slab: number, object: number): void {
    this.take(slab, object);
  }

  unshuffle(_cpu: number, slab: number, object: number): void {
    const { table } = this;
    const { head, lower } = table.sortUnused(slab, table.freelist[slab]!, object);
    table.freelist[slab] = head;
    for (const unseen of lower) this.take(slab, unseen);
  }

  giveUp(slab: number): void {
    while (this.table.freelist[slab] !== NIL) this.take(slab, this.table.freelist[slab]!);
  }

  addOldSlab(slab: number): void {
    this.slabs++;
    this.allocated += this.table.objects[slab]!;
  }

  count(): CacheCounts {
    const { partial, freeObjects } = this.nodes.count();
    const totalObjects = this.slabs * this.shape.objsPerSlab;
    return {
      slabs: this.slabs,
      totalObjects,
      activeObjects: totalObjects - freeObjects,
      allocated: this.allocated,
      partial,
      cpuSlabs: 0,
      cpuPartialSlabs: 0,
    };
  }

  lists(): CacheLists {
    return { slabs: this.nodes.listed(), objects: [] };
  }

  private takeFirst(slab: number, object: number): void {
    const { table } = this;
    this.take(slab, object);
    if (this.turnsFreelist) table.freelist[slab] = table.reverse(slab, table.freelist[slab]!);
  }

  private moveTo(sheaf: Sheaf, slab: number): void {
    const { table } = this;
    const object = table.freelist[slab]!;
    const wasUsed = table.wasUsed(slab, object);
    table.freelist[slab] = table.unlink(slab, object);
    table.inuse[slab]!++;
    this.allocated++;
    table.setHeld(slab, object, wasUsed);
    sheaf.push(slab, object);
  }

  /** Marks an object allocated; a slab that is full then is on no list. */
  private take(slab: number, object: number): void {
    const { table } = this;
    if (table.isFree(slab, object)) {
      this.allocated++;
      const next = table.unlink(slab, object);
      if (table.freelist[slab] === object) table.freelist[slab] = next;
      table.inuse[slab]!++;
      if (table.freelist[slab] === NIL) this.unlist(slab);
    }
    table.setAllocated(slab, object);
  }

  private unlist(slab: number): void {
    if (this.table.on[slab] !== ON.nodePartial) return;
    this.nodes.listOf(slab).remove(slab);
    this.table.on[slab] = ON.none;
  }

  private discard(slab: number): void {
    this.slabs--;
    this.table.remove(slab);
  }
}
