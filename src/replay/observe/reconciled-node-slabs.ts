// What a recording corrects in a cache that has node lists only.

import type { Cpu, ObjectNumber, Slab } from '../../kernel/indices.ts';
import { NodeSlabs } from '../model/node-slabs.ts';
import { NIL, ON } from '../model/slab-table.ts';
import type { SlabBacking } from './reconciled-cache.ts';

export class ReconciledNodeSlabs extends NodeSlabs implements SlabBacking {
  isBulk: boolean = false;

  override free(cpu: Cpu, slab: Slab, object: ObjectNumber): void {
    if (this.table.isFree(slab, object)) this.takenUnseen(slab, object);
    super.free(cpu, slab, object);
  }

  took(_cpu: Cpu, _node: number, slab: Slab, object: ObjectNumber): void {
    const { nodes } = this;
    this.allocSingle(slab, object);
    if (this.table.freelist[slab] === NIL) return;
    // The kernel takes from the first slab of a list, so this is the one.
    if (this.table.on[slab] === ON.nodePartial) nodes.removePartial(slab);
    nodes.addPartial(slab, 'head');
  }

  takenUnseen(slab: Slab, object: ObjectNumber): void {
    this.take(slab, object);
  }

  /** There are no CPU slabs. */
  freedElsewhere(): void {}

  passedOver(slab: Slab): void {
    const { table, nodes } = this;
    for (const object of table.listed(slab, table.freelist[slab])) {
      if (this.isBulk || !table.wasFreed(slab, object)) this.take(slab, object);
    }
    // What is left free is on no list until an event shows the slab.
    if (table.on[slab] === ON.nodePartial) nodes.removePartial(slab);
  }

  objectsBefore(_cpu: Cpu, slab: Slab, object: ObjectNumber, max: number): number[] {
    return this.table.before(slab, this.table.freelist[slab], object, max);
  }

  unshuffle(_cpu: Cpu, slab: Slab, object: ObjectNumber): void {
    const { table } = this;
    const { head, lower } = table.sortUnused(slab, table.freelist[slab], object);
    table.freelist[slab] = head;
    for (const unseen of lower) this.take(slab, unseen);
  }

  addOldSlab(slab: Slab): void {
    this.slabs++;
    this.allocated += this.table.objects[slab];
  }

  drop(slab: Slab): void {
    this.unlist(slab);
    this.allocated -= this.table.countAllocated(slab);
    this.discardSlab(slab);
  }

  addOpened(_cpu: Cpu, slab: Slab): void {
    const { table } = this;
    this.slabs++;
    this.allocated += table.inuse[slab];
    if (table.freelist[slab] !== NIL) this.nodes.addPartial(slab, 'head');
  }

  reopen(_cpu: Cpu, slab: Slab, free: ArrayLike<number>): void {
    while (this.table.freelist[slab] !== NIL) this.take(slab, this.table.freelist[slab]);
    this.table.fillUnseen(slab, free);
    this.allocated -= free.length;
    if (free.length > 0) this.nodes.addPartial(slab, 'head');
  }
}
