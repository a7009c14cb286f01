// SLUB without CPU slabs and CPU partial lists: every allocation and free goes to the node's list. So do
// caches with debug flags (mm/slub.c, alloc_single_from_partial(), alloc_single_from_new_slab(),
// free_to_partial_list(), 6.1 and 6.12; in 5.10 a slab becomes the CPU's and is given back at once,
// which turns its freelist round), and from 7.0 on all caches behind their sheaves (refill_objects(),
// __slab_free(); shown by recordings of 7.2).

import type { Cpu, Node, ObjectNumber, Slab } from '../../kernel/indices.ts';
import { Decision, FROM } from './decision.ts';
import { NO_NODE, type NodeLists } from './node-lists.ts';
import type { Sheaf } from './sheaf.ts';
import type { CacheCounts, CacheLists, CacheShape, SlabCache } from './slab-cache.ts';
import { NIL, NO_SLAB, ON, type SlabTable } from './slab-table.ts';

export class NodeSlabs implements SlabCache {
  readonly id: number;
  readonly shape: CacheShape;
  readonly isShared = true;
  readonly decision: Decision = new Decision();
  protected readonly table: SlabTable;
  protected readonly nodes: NodeLists;
  protected slabs: number = 0;
  protected allocated: number = 0;
  private readonly turnsFreelist: boolean;
  /** Slabs that a refill has taken off the list. */
  private readonly taken: Slab[] = [];

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

  decide(cpu: Cpu, node: Node): void {
    const slab = this.nodes.getPartial(cpu, node);
    if (slab === NO_SLAB) this.decision.needsNewSlab();
    else this.decision.set(FROM.nodePartial, slab, this.table.freelist[slab]);
  }

  alloc(cpu: Cpu, node: Node): boolean {
    this.decide(cpu, node);
    if (this.decision.from === FROM.newSlab) return false;
    this.allocSingle(this.decision.slab, this.decision.object);
    return true;
  }

  /** alloc_single_from_new_slab() */
  newSlab(_cpu: number, _node: number, slab: Slab, object: ObjectNumber): void {
    this.slabs++;
    this.nodes.addPartial(slab, 'head');
    this.allocSingle(slab, object);
  }

  /** free_to_partial_list(), and __slab_free() from 7.0 on */
  free(_cpu: number, slab: Slab, object: ObjectNumber): void {
    const { table, nodes } = this;
    this.allocated--;
    const isListed = table.on[slab] === ON.nodePartial;
    table.freelist[slab] = table.push(slab, object, table.freelist[slab]);
    table.inuse[slab]--;
    if (table.inuse[slab] === 0 && nodes.isFull(slab)) {
      this.unlist(slab);
      this.discardSlab(slab);
    } else if (!isListed) nodes.addPartial(slab, 'tail');
  }

  /** A CPU has nothing of its own. */
  flushCpu(): void {}

  /**
   * refill_objects(): takes slabs from the head of the list until they have enough, then empties them
   * one after the other; what the last one has left over goes to the tail of the list.
   * @returns how many of `count` objects are lacking
   */
  refillSheaf(cpu: Cpu, sheaf: Sheaf, count: number): number {
    const { table, nodes, taken } = this;
    taken.length = 0;
    for (let free = 0; free < count; ) {
      const slab = nodes.getPartial(cpu, NO_NODE);
      if (slab === NO_SLAB) break;
      nodes.removePartial(slab);
      taken.push(slab);
      free += table.objects[slab] - table.inuse[slab];
    }
    let lacking = count;
    for (const slab of taken) {
      for (; lacking > 0 && table.freelist[slab] !== NIL; lacking--) this.moveTo(sheaf, slab);
      if (table.freelist[slab] !== NIL) nodes.addPartial(slab, 'tail');
    }
    return lacking;
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

  /** alloc_single_from_partial() */
  protected allocSingle(slab: Slab, object: ObjectNumber): void {
    const { table } = this;
    this.take(slab, object);
    if (this.turnsFreelist) table.freelist[slab] = table.reverse(slab, table.freelist[slab]);
  }

  /** Marks an object allocated; a slab that is full then is on no list. */
  protected take(slab: Slab, object: ObjectNumber): void {
    const { table } = this;
    if (table.isFree(slab, object)) {
      this.allocated++;
      const next = table.unlink(slab, object);
      if (table.freelist[slab] === object) table.freelist[slab] = next;
      table.inuse[slab]++;
      if (table.freelist[slab] === NIL) this.unlist(slab);
    }
    table.setAllocated(slab, object);
  }

  protected unlist(slab: Slab): void {
    if (this.table.on[slab] === ON.nodePartial) this.nodes.removePartial(slab);
  }

  /** discard_slab(): the pages go back to the page allocator. */
  protected discardSlab(slab: Slab): void {
    this.slabs--;
    this.table.remove(slab);
  }

  private moveTo(sheaf: Sheaf, slab: Slab): void {
    const { table } = this;
    const object = table.freelist[slab];
    const wasUsed = table.wasUsed(slab, object);
    table.freelist[slab] = table.unlink(slab, object);
    table.inuse[slab]++;
    this.allocated++;
    table.setHeld(slab, object, wasUsed);
    sheaf.push(slab, object);
  }
}
