// A cache with a slab and a partial list per CPU: mm/slub.c from 5.10 to 6.18 (___slab_alloc(),
// get_partial_node(), put_cpu_partial(), deactivate_slab(), __slab_free()). What differs between
// the kernels is in CpuSlabRules.

import type { NodeLists } from './node-lists.ts';
import type { Sheaf } from './sheaf.ts';
import type { SlabBacking } from './slab-backing.ts';
import type {
  CacheCounts,
  CacheLists,
  CacheShape,
  ListedObjects,
  ListedSlabs,
} from './slab-cache.ts';
import { SlabList } from './slab-list.ts';
import { NIL, NO_SLAB, ON, type SlabTable } from './slab-table.ts';

export interface CpuSlabRules {
  /** 5.10: a CPU's partial list is limited by objects (pobjects), since 5.16 by slabs. */
  readonly limitsByObjects: boolean;
  /** 5.10: deactivate_slab() returns the CPU freelist object by object, which turns it round. */
  readonly deactivateReverses: boolean;
}

/** One or two such allocations are of tasks that have moved. */
const MAX_FOREIGN = 3;

export class CpuSlabCache implements SlabBacking {
  readonly id: number;
  readonly shape: CacheShape;
  choiceSlab: number = NO_SLAB;
  choiceObject: number = NIL;
  choiceIsFast: boolean = false;
  private readonly table: SlabTable;
  private readonly rules: CpuSlabRules;
  private readonly cpuSlab: Int32Array;
  private readonly cpuFreelist: Uint16Array;
  private readonly cpuPartial: SlabList[];
  private readonly nodes: NodeLists;
  /** By CPU: how often others have taken from its slab since it did so itself. */
  private readonly foreign: Uint8Array;
  private slabs = 0;
  private allocated = 0;

  constructor(
    id: number,
    shape: CacheShape,
    table: SlabTable,
    nodes: NodeLists,
    cpus: number,
    rules: CpuSlabRules,
  ) {
    this.id = id;
    this.shape = shape;
    this.table = table;
    this.rules = rules;
    this.nodes = nodes;
    this.cpuSlab = new Int32Array(cpus).fill(NO_SLAB);
    this.cpuFreelist = new Uint16Array(cpus).fill(NIL);
    this.foreign = new Uint8Array(cpus);
    this.cpuPartial = Array.from({ length: cpus }, () => new SlabList(table));
  }

  choose(cpu: number, node: number): void {
    const { table } = this;
    const slab = this.cpuSlab[cpu]!;
    this.choiceIsFast = false;
    if (slab !== NO_SLAB && this.nodeMatches(slab, node)) {
      const fast = this.cpuFreelist[cpu]!;
      if (fast !== NIL) {
        this.choiceIsFast = true;
        this.setChoice(slab, fast);
        return;
      }
      if (table.freelist[slab] !== NIL) {
        this.setChoice(slab, table.freelist[slab]!);
        return;
      }
    }
    for (let row = this.cpuPartial[cpu]!.head; row !== NO_SLAB; row = table.next[row]!) {
      if (!this.nodeMatches(row, node)) continue;
      this.setChoice(row, table.freelist[row]!);
      return;
    }
    const row = this.nodes.first(cpu, node, this.shape.minPartial);
    this.setChoice(row, row === NO_SLAB ? NIL : table.freelist[row]!);
  }

  alloc(cpu: number, node: number): boolean {
    if (!this.prepare(cpu, node)) {
      this.setChoice(NO_SLAB, NIL);
      return false;
    }
    this.foreign[cpu] = 0;
    this.setChoice(this.cpuSlab[cpu]!, this.cpuFreelist[cpu]!);
    this.take(this.choiceSlab, this.choiceObject);
    return true;
  }

  objectsBefore(cpu: number, slab: number, object: number, max: number): number[] {
    const { table } = this;
    if (this.cpuSlab[cpu] !== slab || !table.isFree(slab, object)) return [];
    // The slab's own list serves when the CPU's is used up.
    const before: number[] = [];
    for (const head of [this.cpuFreelist[cpu]!, table.freelist[slab]!]) {
      for (let at = head; at !== NIL; at = table.nextObject(slab, at)) {
        if (at === object) return before;
        if (before.length === max) return [];
        before.push(at);
      }
    }
    return [];
  }

  unshuffle(cpu: number, slab: number, object: number): void {
    if (this.cpuSlab[cpu] !== slab) return;
    const { head, lower } = this.table.sortUnused(slab, this.cpuFreelist[cpu]!, object);
    this.cpuFreelist[cpu] = head;
    for (const unseen of lower) this.take(slab, unseen);
  }

  giveUp(slab: number): void {
    const { table } = this;
    const owner = table.cpu[slab]!;
    this.takeAll(slab);
    switch (table.on[slab]) {
      case ON.cpuSlab:
        this.detach(owner);
        break;
      case ON.cpuPartial:
        this.cpuPartial[owner]!.remove(slab);
        table.on[slab] = ON.none;
        break;
      case ON.nodePartial:
        this.nodes.listOf(slab).remove(slab);
        table.on[slab] = ON.none;
        break;
    }
  }

  takeUnseen(slab: number, object: number): void {
    this.take(slab, object);
  }

  adopt(cpu: number, _node: number, slab: number, object: number): void {
    const { table } = this;
    const owner = table.cpu[slab]!;
    switch (table.on[slab]) {
      case ON.cpuSlab:
        // Of this CPU: objects before it were taken unseen. Of another: the task has moved.
        if (owner !== cpu) this.noteForeign(owner, cpu);
        else if (this.cpuFreelist[cpu] === NIL) this.refill(cpu);
        break;
      case ON.cpuPartial:
        this.cpuPartial[owner]!.remove(slab);
        this.replaceCpuSlab(cpu, slab);
        break;
      case ON.nodePartial: {
        const followers = this.takeFromNode(slab);
        this.replaceCpuSlab(cpu, slab);
        this.takeFollowers(cpu, slab, followers);
        break;
      }
      default:
        this.replaceCpuSlab(cpu, slab);
    }
    this.take(slab, object);
  }

  useNewSlab(cpu: number, node: number, slab: number, object: number): void {
    this.slabs++;
    // Where nothing fits, what the CPU had of other nodes has gone back to their lists.
    if (this.choiceSlab === NO_SLAB) this.prepare(cpu, node);
    this.replaceCpuSlab(cpu, slab);
    this.take(slab, object);
  }

  /** __kmem_cache_alloc_bulk() of 6.18: one object after the other as if each were allocated. */
  refillSheaf(cpu: number, sheaf: Sheaf, count: number): number {
    const { table } = this;
    for (let lacking = count; lacking > 0; lacking--) {
      if (!this.prepare(cpu, -1)) return lacking;
      const slab = this.cpuSlab[cpu]!;
      const object = this.cpuFreelist[cpu]!;
      const wasUsed = table.wasUsed(slab, object);
      this.take(slab, object);
      table.setHeld(slab, object, wasUsed);
      sheaf.push(slab, object);
    }
    return 0;
  }

  addOpened(cpu: number, slab: number): void {
    const { table } = this;
    this.slabs++;
    this.allocated += table.inuse[slab]!;
    // One that is used up was the CPU's before another one that is not.
    const isUsedUp = table.freelist[slab] === NIL;
    if (!isUsedUp || this.cpuFreelist[cpu] === NIL) this.replaceCpuSlab(cpu, slab);
  }

  reopen(cpu: number, slab: number, free: ArrayLike<number>): void {
    const { table } = this;
    this.giveUp(slab);
    for (let k = 0; k < free.length; k++) table.setOld(slab, free[k]!);
    table.fill(slab, free);
    table.inuse[slab] = table.objects[slab]! - free.length;
    this.allocated -= free.length;
    this.replaceCpuSlab(cpu, slab);
  }

  free(cpu: number, slab: number, object: number): void {
    const { table } = this;
    if (table.isFree(slab, object)) this.take(slab, object); // it was allocated unseen
    this.allocated--;
    if (table.on[slab] === ON.cpuSlab && table.cpu[slab] === cpu) {
      this.cpuFreelist[cpu] = table.push(slab, object, this.cpuFreelist[cpu]!);
      return;
    }
    const wasFull = table.freelist[slab] === NIL;
    table.freelist[slab] = table.push(slab, object, table.freelist[slab]!);
    table.inuse[slab]!--;
    switch (table.on[slab]) {
      case ON.cpuSlab:
      case ON.cpuPartial:
        return; // frozen, or not on a node's list: nothing else
      case ON.nodePartial:
        if (table.inuse[slab] === 0 && this.isNodeFull(slab)) {
          this.nodes.listOf(slab).remove(slab);
          this.discard(slab);
        }
        return;
      default:
        if (wasFull) this.putCpuPartial(cpu, slab, true);
    }
  }

  drop(slab: number): void {
    const { table } = this;
    const owner = table.cpu[slab]!;
    switch (table.on[slab]) {
      case ON.cpuSlab:
        this.cpuSlab[owner] = NO_SLAB;
        this.cpuFreelist[owner] = NIL;
        break;
      case ON.cpuPartial:
        this.cpuPartial[owner]!.remove(slab);
        break;
      case ON.nodePartial:
        this.nodes.listOf(slab).remove(slab);
        break;
    }
    this.allocated -= this.countAllocated(slab);
    this.discard(slab);
  }

  /** A slab that was there before the trace: all its objects are allocated as far as is known. */
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
      cpuSlabs: this.cpuSlab.reduce((n, row) => n + (row === NO_SLAB ? 0 : 1), 0),
      cpuPartialSlabs: this.cpuPartial.reduce((n, list) => n + list.length, 0),
    };
  }

  lists(): CacheLists {
    const { table } = this;
    const slabs: ListedSlabs[] = [];
    const objects: ListedObjects[] = [];
    this.cpuSlab.forEach((slab, owner) => {
      if (slab === NO_SLAB) return;
      slabs.push({ kind: 'cpuSlab', owner, slabs: [slab] });
      const free = table.listed(slab, this.cpuFreelist[owner]!);
      objects.push({ kind: 'cpuFreelist', owner, objects: free.map((o) => [slab, o] as const) });
    });
    this.cpuPartial.forEach((list, owner) => {
      if (list.length > 0) slabs.push({ kind: 'cpuPartial', owner, slabs: list.toArray() });
    });
    return { slabs: [...slabs, ...this.nodes.listed()], objects };
  }

  private setChoice(slab: number, object: number): void {
    this.choiceSlab = slab;
    this.choiceObject = object;
  }

  /** A CPU whose slab another one uses again and again has it no more. */
  private noteForeign(owner: number, cpu: number): void {
    const { table } = this;
    this.foreign[owner]!++;
    if (this.foreign[owner]! < MAX_FOREIGN) return;
    const slab = this.cpuSlab[owner]!;
    const { head } = table.splice(slab, table.freelist[slab]!, this.cpuFreelist[owner]!);
    table.freelist[slab] = NIL;
    table.inuse[slab] = table.objects[slab]!;
    this.detach(owner);
    this.replaceCpuSlab(cpu, slab);
    this.cpuFreelist[cpu] = head;
    this.foreign[owner] = 0;
  }

  private nodeMatches(slab: number, node: number): boolean {
    return node < 0 || this.table.node[slab] === node;
  }

  private isNodeFull(slab: number): boolean {
    return this.nodes.listOf(slab).length >= this.shape.minPartial;
  }

  /** Goes through ___slab_alloc() until the CPU freelist has an object; false: a new slab is needed. */
  private prepare(cpu: number, node: number): boolean {
    for (;;) {
      const slab = this.cpuSlab[cpu]!;
      if (slab !== NO_SLAB) {
        if (!this.nodeMatches(slab, node)) this.deactivate(cpu);
        else {
          if (this.cpuFreelist[cpu] !== NIL) return true;
          if (this.refill(cpu)) return true;
          this.detach(cpu);
        }
      }
      const partial = this.cpuPartial[cpu]!;
      if (partial.length > 0) {
        const row = partial.head;
        partial.remove(row);
        if (this.nodeMatches(row, node)) this.setCpuSlab(cpu, row);
        else this.putOnNode(row, false);
        continue;
      }
      const row = this.nodes.first(cpu, node, this.shape.minPartial);
      if (row === NO_SLAB) return false;
      const followers = this.takeFromNode(row);
      this.setCpuSlab(cpu, row);
      this.takeFollowers(cpu, row, followers);
    }
  }

  /** Takes slab->freelist whole to the CPU; false where it is empty. */
  private refill(cpu: number): boolean {
    const { table } = this;
    const slab = this.cpuSlab[cpu]!;
    const list = table.freelist[slab]!;
    if (list === NIL) return false;
    this.cpuFreelist[cpu] = list;
    table.freelist[slab] = NIL;
    table.inuse[slab] = table.objects[slab]!;
    return true;
  }

  /** The CPU slab is used up: on no list from now on. */
  private detach(cpu: number): void {
    this.table.on[this.cpuSlab[cpu]!] = ON.none;
    this.cpuSlab[cpu] = NO_SLAB;
    this.cpuFreelist[cpu] = NIL;
  }

  private setCpuSlab(cpu: number, slab: number): void {
    this.cpuSlab[cpu] = slab;
    this.cpuFreelist[cpu] = NIL;
    this.table.on[slab] = ON.cpuSlab;
    this.table.cpu[slab] = cpu;
  }

  /**
   * Another slab is the CPU's now. On one node only a used-up slab is replaced, so what the model
   * still has on its freelists was allocated unseen; on several, an allocation for another node may
   * have sent it back as it was.
   */
  private replaceCpuSlab(cpu: number, slab: number): void {
    const before = this.cpuSlab[cpu]!;
    if (before !== NO_SLAB) {
      if (this.nodes.length > 1) this.deactivate(cpu);
      else {
        this.takeAll(before);
        this.detach(cpu);
      }
    }
    this.setCpuSlab(cpu, slab);
    this.refill(cpu);
  }

  private takeAll(slab: number): void {
    const { table } = this;
    while (table.freelist[slab] !== NIL) this.take(slab, table.freelist[slab]!);
    const cpu = table.cpu[slab]!;
    if (table.on[slab] !== ON.cpuSlab) return;
    while (this.cpuFreelist[cpu] !== NIL) this.take(slab, this.cpuFreelist[cpu]!);
  }

  /** Marks an object allocated, off the list it is on. */
  private take(slab: number, object: number): void {
    const { table } = this;
    if (table.isFree(slab, object)) {
      this.allocated++;
      let head = object;
      while (table.prevObject(slab, head) !== NIL) head = table.prevObject(slab, head);
      const isOnSlab = table.freelist[slab] === head;
      const next = table.unlink(slab, object);
      if (isOnSlab) table.inuse[slab]!++;
      if (head === object) {
        if (isOnSlab) table.freelist[slab] = next;
        else this.cpuFreelist[table.cpu[slab]!] = next;
      }
    }
    table.setAllocated(slab, object);
  }

  /** Removes a slab from its node's list; returns the slab behind it. */
  private takeFromNode(slab: number): number {
    const next = this.table.next[slab]!;
    this.nodes.listOf(slab).remove(slab);
    return next;
  }

  /** get_partial_node(): slabs behind the first one go to the CPU's partial list, up to half of it. */
  private takeFollowers(cpu: number, first: number, from: number): void {
    const { table } = this;
    const { cpuPartial, cpuPartialSlabs } = this.shape;
    if (cpuPartial === 0) return;
    let row = from;
    if (this.rules.limitsByObjects) {
      let available = table.countList(first, this.freelistOf(first));
      while (row !== NO_SLAB && available <= cpuPartial / 2) {
        const next = this.takeFromNode(row);
        available += table.objects[row]! - table.inuse[row]!;
        this.putCpuPartial(cpu, row, false);
        row = next;
      }
      return;
    }
    const most = Math.floor(cpuPartialSlabs / 2);
    for (let taken = 0; row !== NO_SLAB && taken <= most; taken++) {
      const next = this.takeFromNode(row);
      this.putCpuPartial(cpu, row, false);
      row = next;
    }
  }

  private freelistOf(slab: number): number {
    const { table } = this;
    const isCpuSlab = table.on[slab] === ON.cpuSlab;
    const fast = isCpuSlab ? this.cpuFreelist[table.cpu[slab]!]! : NIL;
    return fast === NIL ? table.freelist[slab]! : fast;
  }

  private putCpuPartial(cpu: number, slab: number, drain: boolean): void {
    const { table } = this;
    const list = this.cpuPartial[cpu]!;
    const { cpuPartial, cpuPartialSlabs } = this.shape;
    if (cpuPartial === 0) {
      this.putOnNode(slab, false);
      return;
    }
    const before = list.head === NO_SLAB ? 0 : table.pobjects[list.head]!;
    const isOver = this.rules.limitsByObjects
      ? before > cpuPartial
      : list.length >= cpuPartialSlabs;
    let pobjects = before;
    if (drain && list.length > 0 && isOver) {
      while (list.head !== NO_SLAB) {
        const row = list.head;
        list.remove(row);
        this.putOnNode(row, false);
      }
      pobjects = 0;
    }
    table.pobjects[slab] = pobjects + table.objects[slab]! - table.inuse[slab]!;
    table.on[slab] = ON.cpuPartial;
    table.cpu[slab] = cpu;
    list.pushHead(slab);
  }

  /** To the node's partial list, or back to the page allocator where it is empty and enough are there. */
  private putOnNode(slab: number, atHead: boolean): void {
    const { table } = this;
    if (table.inuse[slab] === 0 && this.isNodeFull(slab)) {
      this.discard(slab);
      return;
    }
    table.on[slab] = ON.nodePartial;
    if (atHead) this.nodes.listOf(slab).pushHead(slab);
    else this.nodes.listOf(slab).pushTail(slab);
  }

  /** deactivate_slab(): the CPU slab goes back with what is left of it. */
  private deactivate(cpu: number): void {
    const { table } = this;
    const slab = this.cpuSlab[cpu]!;
    const atHead = table.freelist[slab] === NIL;
    let front = this.cpuFreelist[cpu]!;
    if (this.rules.deactivateReverses) front = table.reverse(slab, front);
    const { head, count } = table.splice(slab, front, table.freelist[slab]!);
    table.freelist[slab] = head;
    table.inuse[slab]! -= count;
    this.detach(cpu);
    if (head !== NIL) this.putOnNode(slab, atHead);
  }

  private discard(slab: number): void {
    this.slabs--;
    this.table.on[slab] = ON.none;
    this.table.remove(slab);
  }

  private countAllocated(slab: number): number {
    let allocated = 0;
    for (let i = 0; i < this.table.objects[slab]!; i++)
      if (!this.table.isFree(slab, i)) allocated++;
    return allocated;
  }
}
