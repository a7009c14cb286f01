// What a recording corrects in a cache with CPU slabs: objects that were allocated without an event,
// slabs that are another CPU's than the model thought, slabs that are gone.

import { type Column, column } from '../../kernel/column.ts';
import type { Cpu, Node, ObjectNumber, Slab } from '../../kernel/indices.ts';
import { CpuSlabs } from '../model/cpu-slabs.ts';
import { FROM } from '../model/decision.ts';
import { NIL, NO_SLAB, ON } from '../model/slab-table.ts';
import type { SlabBacking } from './reconciled-cache.ts';

/** So often in a row others take from a CPU's slab, and it is theirs; fewer are tasks that have moved. */
const MAX_FOREIGN = 3;

export class ReconciledCpuSlabs extends CpuSlabs implements SlabBacking {
  isBulk: boolean = false;
  /** By CPU: how often others have taken from its slab since it did so itself. */
  private readonly foreign: Column<Cpu, Uint8Array> = column(new Uint8Array(this.cpuSlab.length));

  override alloc(cpu: Cpu, node: Node): boolean {
    if (!super.alloc(cpu, node)) return false;
    this.foreign[cpu] = 0;
    return true;
  }

  override free(cpu: Cpu, slab: Slab, object: ObjectNumber): void {
    if (this.table.isFree(slab, object)) this.takenUnseen(slab, object);
    super.free(cpu, slab, object);
  }

  override newSlab(cpu: Cpu, node: Node, slab: Slab, object: ObjectNumber): void {
    this.slabs++;
    // Where nothing fits, what the CPU had of other nodes has gone back to their lists.
    if (this.decision.from === FROM.newSlab) this.slabAlloc(cpu, node);
    this.replaceCpuSlab(cpu, slab);
    this.takenUnseen(slab, object);
  }

  took(cpu: Cpu, _node: number, slab: Slab, object: ObjectNumber): void {
    const { table } = this;
    const owner = table.cpu[slab];
    switch (table.on[slab]) {
      case ON.cpuSlab:
        if (owner !== cpu) this.noteForeign(owner, cpu);
        else if (this.cpuFreelist[cpu] === NIL) this.getFreelist(cpu);
        break;
      case ON.cpuPartial:
        this.cpuPartial[owner].remove(slab);
        this.replaceCpuSlab(cpu, slab);
        break;
      case ON.nodePartial:
        this.leaveCpuSlab(cpu);
        this.getPartialNode(cpu, slab);
        break;
      default:
        this.replaceCpuSlab(cpu, slab);
    }
    this.takenUnseen(slab, object);
  }

  /** Marks an object allocated, off the list it is on. */
  takenUnseen(slab: Slab, object: ObjectNumber): void {
    const { table } = this;
    if (table.isFree(slab, object)) {
      this.allocated++;
      let head = object;
      while (table.prevObject(slab, head) !== NIL) head = table.prevObject(slab, head);
      const isOnSlab = table.freelist[slab] === head;
      const next = table.unlink(slab, object);
      if (isOnSlab) table.inuse[slab]++;
      if (head === object) {
        if (isOnSlab) table.freelist[slab] = next;
        else this.cpuFreelist[table.cpu[slab]] = next;
      }
    }
    table.setAllocated(slab, object);
  }

  freedElsewhere(slab: Slab, object: ObjectNumber): void {
    const { table } = this;
    let head = object;
    while (table.prevObject(slab, head) !== NIL) head = table.prevObject(slab, head);
    if (table.on[slab] !== ON.cpuSlab || table.freelist[slab] === head) return;
    this.takenUnseen(slab, object);
    this.allocated--;
    table.freelist[slab] = table.push(slab, object, table.freelist[slab]);
    table.inuse[slab]--;
  }

  passedOver(slab: Slab): void {
    if (this.isBulk) {
      this.takeAll(slab);
      this.unlist(slab);
    } else this.setAside(slab);
  }

  objectsBefore(cpu: Cpu, slab: Slab, object: ObjectNumber, max: number): number[] {
    const { table } = this;
    if (this.cpuSlab[cpu] !== slab || !table.isFree(slab, object)) return [];
    // The slab's own list serves when the CPU's is used up.
    const before: number[] = [];
    for (const head of [this.cpuFreelist[cpu], table.freelist[slab]]) {
      for (let at = head; at !== NIL; at = table.nextObject(slab, at)) {
        if (at === object) return before;
        if (before.length === max) return [];
        before.push(at);
      }
    }
    return [];
  }

  unshuffle(cpu: Cpu, slab: Slab, object: ObjectNumber): void {
    if (this.cpuSlab[cpu] !== slab) return;
    const { head, lower } = this.table.sortUnused(slab, this.cpuFreelist[cpu], object);
    this.cpuFreelist[cpu] = head;
    for (const unseen of lower) this.takenUnseen(slab, unseen);
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

  addOpened(cpu: Cpu, slab: Slab): void {
    const { table } = this;
    this.slabs++;
    this.allocated += table.inuse[slab];
    // One that is used up was the CPU's before another one that is not.
    const isUsedUp = table.freelist[slab] === NIL;
    if (!isUsedUp || this.cpuFreelist[cpu] === NIL) this.replaceCpuSlab(cpu, slab);
  }

  reopen(cpu: Cpu, slab: Slab, free: ArrayLike<number>): void {
    this.takeAll(slab);
    this.unlist(slab);
    this.table.fillUnseen(slab, free);
    this.allocated -= free.length;
    this.replaceCpuSlab(cpu, slab);
  }

  private replaceCpuSlab(cpu: Cpu, slab: Slab): void {
    this.leaveCpuSlab(cpu);
    this.setCpuSlab(cpu, slab);
    this.getFreelist(cpu);
  }

  /**
   * Another slab is the CPU's now. On one node only a used-up slab is replaced, so what the model
   * still has on its freelists was allocated unseen; on several, an allocation for another node may
   * have sent it back as it was.
   */
  private leaveCpuSlab(cpu: Cpu): void {
    const slab = this.cpuSlab[cpu];
    if (slab === NO_SLAB) return;
    if (this.nodes.length > 1) this.deactivateSlab(cpu);
    else this.setAside(slab);
  }

  /**
   * A slab with free objects that the kernel does not have where the model has it. It is on no list
   * until an event shows it, and keeps the objects that an event has freed; the others were allocated
   * before the trace.
   */
  private setAside(slab: Slab): void {
    const { table } = this;
    for (let object: ObjectNumber = 0; object < table.objects[slab]; object++) {
      const isOnList = table.isFree(slab, object) && !table.isHeld(slab, object);
      if (isOnList && !table.wasFreed(slab, object)) this.takenUnseen(slab, object);
    }
    const cpu = table.cpu[slab];
    if (table.on[slab] !== ON.cpuSlab) {
      this.unlist(slab);
      return;
    }
    const { head, count } = table.splice(slab, this.cpuFreelist[cpu], table.freelist[slab]);
    table.freelist[slab] = head;
    table.inuse[slab] -= count;
    this.clearCpuSlab(cpu);
  }

  /** A CPU whose slab another one uses again and again has it no more. */
  private noteForeign(owner: number, cpu: Cpu): void {
    const { table } = this;
    this.foreign[owner]!++;
    if (this.foreign[owner]! < MAX_FOREIGN) return;
    const slab = this.cpuSlab[owner]!;
    const { head } = table.splice(slab, table.freelist[slab]!, this.cpuFreelist[owner]!);
    table.freelist[slab] = NIL;
    table.inuse[slab] = table.objects[slab]!;
    this.clearCpuSlab(owner);
    this.replaceCpuSlab(cpu, slab);
    this.cpuFreelist[cpu] = head;
    this.foreign[owner] = 0;
  }

  private takeAll(slab: Slab): void {
    const { table } = this;
    while (table.freelist[slab] !== NIL) this.takenUnseen(slab, table.freelist[slab]);
    const cpu = table.cpu[slab];
    if (table.on[slab] !== ON.cpuSlab) return;
    while (this.cpuFreelist[cpu] !== NIL) this.takenUnseen(slab, this.cpuFreelist[cpu]);
  }

  /** Off the list that the slab is on, whichever it is. */
  private unlist(slab: Slab): void {
    const { table } = this;
    const owner = table.cpu[slab];
    switch (table.on[slab]) {
      case ON.cpuSlab:
        this.clearCpuSlab(owner);
        break;
      case ON.cpuPartial:
        this.cpuPartial[owner].remove(slab);
        table.on[slab] = ON.none;
        break;
      case ON.nodePartial:
        this.nodes.removePartial(slab);
        break;
    }
  }
}
