// SLUB with a slab and a partial list per CPU: mm/slub.c from 5.10 to 6.18, function by function. What
// differs between the kernels is in CpuSlabRules. The state of a CPU is its struct kmem_cache_cpu:
//
//   c->slab       the slab that it allocates from, frozen: on no node's list
//   c->freelist   objects of c->slab that only this CPU takes, without a lock
//   c->partial    slabs that it takes next
//
// while c->slab->freelist holds what other CPUs have freed in it since.

import { type Column, column, type List, list } from '../../kernel/column.ts';
import type { Cpu, Node, ObjectNumber, Slab } from '../../kernel/indices.ts';
import { Decision, FROM } from './decision.ts';
import { NO_NODE, type NodeLists } from './node-lists.ts';
import type { Sheaf } from './sheaf.ts';
import type {
  CacheCounts,
  CacheLists,
  CacheShape,
  ListedObjects,
  ListedSlabs,
  SlabCache,
} from './slab-cache.ts';
import { SlabList } from './slab-list.ts';
import { NIL, NO_SLAB, ON, type SlabTable } from './slab-table.ts';

export interface CpuSlabRules {
  /** 5.10: a CPU's partial list is limited by objects (pobjects), since 5.16 by slabs. */
  readonly limitsByObjects: boolean;
  /** 5.10: deactivate_slab() returns the CPU freelist object by object, which turns it round. */
  readonly deactivateReverses: boolean;
}

export class CpuSlabs implements SlabCache {
  readonly id: number;
  readonly shape: CacheShape;
  readonly decision: Decision = new Decision();
  protected readonly table: SlabTable;
  protected readonly nodes: NodeLists;
  protected readonly cpuSlab: Column<Cpu, Int32Array, Slab>;
  protected readonly cpuFreelist: Column<Cpu, Uint16Array, ObjectNumber>;
  protected readonly cpuPartial: List<Cpu, SlabList>;
  protected slabs: number = 0;
  protected allocated: number = 0;
  private readonly rules: CpuSlabRules;

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
    this.cpuSlab = column(new Int32Array(cpus).fill(NO_SLAB));
    this.cpuFreelist = column(new Uint16Array(cpus).fill(NIL));
    this.cpuPartial = list(Array.from({ length: cpus }, () => new SlabList(table)));
  }

  /** slab_alloc_node(), ___slab_alloc(): where they find an object. */
  decide(cpu: Cpu, node: Node): void {
    const { table, decision } = this;
    const slab = this.cpuSlab[cpu];
    if (slab !== NO_SLAB && this.nodeMatch(slab, node)) {
      if (this.cpuFreelist[cpu] !== NIL) {
        decision.set(FROM.cpuFreelist, slab, this.cpuFreelist[cpu]);
        return;
      }
      if (table.freelist[slab] !== NIL) {
        decision.set(FROM.slabFreelist, slab, table.freelist[slab]);
        return;
      }
    }
    for (let next = this.cpuPartial[cpu].head; next !== NO_SLAB; next = table.next[next]) {
      if (!this.nodeMatch(next, node)) continue;
      decision.set(FROM.cpuPartial, next, table.freelist[next]);
      return;
    }
    const partial = this.nodes.getPartial(cpu, node);
    if (partial === NO_SLAB) decision.needsNewSlab();
    else decision.set(FROM.nodePartial, partial, table.freelist[partial]);
  }

  alloc(cpu: Cpu, node: Node): boolean {
    this.decide(cpu, node);
    if (this.decision.from === FROM.newSlab) return false;
    this.slabAlloc(cpu, node);
    this.takeFast(cpu);
    this.table.setAllocated(this.decision.slab, this.decision.object);
    return true;
  }

  newSlab(cpu: Cpu, node: Node, slab: Slab, object: ObjectNumber): void {
    this.slabAlloc(cpu, node);
    this.slabs++;
    this.setCpuSlab(cpu, slab);
    this.getFreelist(cpu);
    this.takeFast(cpu);
    this.table.setAllocated(slab, object);
  }

  /** do_slab_free(), __slab_free() */
  free(cpu: Cpu, slab: Slab, object: ObjectNumber): void {
    const { table } = this;
    this.allocated--;
    if (this.cpuSlab[cpu] === slab) {
      this.cpuFreelist[cpu] = table.push(slab, object, this.cpuFreelist[cpu]);
      return;
    }
    table.freelist[slab] = table.push(slab, object, table.freelist[slab]);
    table.inuse[slab]--;
    switch (table.on[slab]) {
      case ON.cpuSlab:
      case ON.cpuPartial:
        return; // frozen: nothing else
      case ON.nodePartial:
        if (table.inuse[slab] === 0 && this.nodes.isFull(slab)) {
          this.nodes.removePartial(slab);
          this.discardSlab(slab);
        }
        return;
      default:
        this.putCpuPartial(cpu, slab, true);
    }
  }

  /** __flush_cpu_slab() */
  flushCpu(cpu: Cpu): void {
    if (this.cpuSlab[cpu] !== NO_SLAB) this.deactivateSlab(cpu);
    this.unfreezePartials(cpu);
  }

  /**
   * __kmem_cache_alloc_bulk() of 6.18: one object after the other as if each were allocated.
   * @returns how many of `count` objects are lacking
   */
  refillSheaf(cpu: Cpu, sheaf: Sheaf, count: number): number {
    const { table, decision } = this;
    for (let lacking = count; lacking > 0; lacking--) {
      this.decide(cpu, NO_NODE);
      this.slabAlloc(cpu, NO_NODE);
      if (decision.from === FROM.newSlab) return lacking;
      this.takeFast(cpu);
      const { slab, object } = decision;
      table.setHeld(slab, object, table.wasUsed(slab, object));
      sheaf.push(slab, object);
    }
    return 0;
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
      cpuSlabs: this.cpuSlab.reduce((n, slab) => n + (slab === NO_SLAB ? 0 : 1), 0),
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

  /**
   * ___slab_alloc(): carries the decision out, up to the object itself. Then the decided slab is
   * c->slab and has a c->freelist; where a new slab is needed, what the CPU had is put away.
   */
  protected slabAlloc(cpu: Cpu, node: Node): void {
    const { slab, from } = this.decision;
    if (from === FROM.cpuFreelist) return;
    if (from !== FROM.slabFreelist) {
      const before = this.cpuSlab[cpu];
      if (before !== NO_SLAB) {
        if (this.nodeMatch(before, node)) this.clearCpuSlab(cpu);
        else this.deactivateSlab(cpu);
      }
      this.flushOtherNodes(cpu, slab);
      if (from === FROM.newSlab) return;
      if (from === FROM.nodePartial) {
        this.getPartialNode(cpu, slab);
        return;
      }
      this.cpuPartial[cpu].remove(slab);
      this.setCpuSlab(cpu, slab);
    }
    this.getFreelist(cpu);
  }

  /** The object at the head of c->freelist is the allocation's; slab->inuse counts it already. */
  protected takeFast(cpu: Cpu): void {
    this.allocated++;
    this.cpuFreelist[cpu] = this.table.unlink(this.cpuSlab[cpu], this.cpuFreelist[cpu]);
  }

  /** get_freelist(): c->freelist becomes all of slab->freelist, which may be empty. */
  protected getFreelist(cpu: Cpu): void {
    const { table } = this;
    const slab = this.cpuSlab[cpu];
    this.cpuFreelist[cpu] = table.freelist[slab];
    table.freelist[slab] = NIL;
    table.inuse[slab] = table.objects[slab];
  }

  /** get_partial_node(): the first slab is the CPU's; those behind it go to c->partial, up to half of it. */
  protected getPartialNode(cpu: Cpu, first: number): void {
    const { table, nodes } = this;
    const { cpuPartial, cpuPartialSlabs } = this.shape;
    let slab = table.next[first]!;
    nodes.removePartial(first);
    let available = table.objects[first]! - table.inuse[first]!;
    this.setCpuSlab(cpu, first);
    this.getFreelist(cpu);
    if (cpuPartial === 0) return;
    const mostSlabs = Math.floor(cpuPartialSlabs / 2);
    for (let taken = 0; slab !== NO_SLAB; taken++) {
      if (this.rules.limitsByObjects ? available > cpuPartial / 2 : taken > mostSlabs) return;
      const next = table.next[slab]!;
      available += table.objects[slab]! - table.inuse[slab]!;
      nodes.removePartial(slab);
      this.putCpuPartial(cpu, slab, false);
      slab = next;
    }
  }

  /**
   * put_cpu_partial()
   * @param drain where the list is too long, it goes to the node first
   */
  protected putCpuPartial(cpu: Cpu, slab: Slab, drain: boolean): void {
    const { table } = this;
    const { cpuPartial, cpuPartialSlabs } = this.shape;
    if (cpuPartial === 0) {
      this.unfreezePartial(slab);
      return;
    }
    const list = this.cpuPartial[cpu];
    let pobjects = list.head === NO_SLAB ? 0 : table.pobjects[list.head];
    const isOver = this.rules.limitsByObjects
      ? pobjects > cpuPartial
      : list.length >= cpuPartialSlabs;
    if (drain && list.length > 0 && isOver) {
      this.unfreezePartials(cpu);
      pobjects = 0;
    }
    table.pobjects[slab] = pobjects + table.objects[slab] - table.inuse[slab];
    table.on[slab] = ON.cpuPartial;
    table.cpu[slab] = cpu;
    list.pushHead(slab);
  }

  /** unfreeze_partials(): all of c->partial, the head first. */
  private unfreezePartials(cpu: Cpu): void {
    const list = this.cpuPartial[cpu];
    for (let slab = list.head; slab !== NO_SLAB; slab = list.head) {
      list.remove(slab);
      this.unfreezePartial(slab);
    }
  }

  /** unfreeze_partials(), of one slab: to its node, or away where it is empty and the node has enough. */
  protected unfreezePartial(slab: Slab): void {
    if (this.table.inuse[slab] === 0 && this.nodes.isFull(slab)) this.discardSlab(slab);
    else this.nodes.addPartial(slab, 'tail');
  }

  /** deactivate_slab(): the CPU slab goes back with what is left of it. */
  protected deactivateSlab(cpu: Cpu): void {
    const { table } = this;
    const slab = this.cpuSlab[cpu];
    const end = table.freelist[slab] === NIL ? 'head' : 'tail';
    let front = this.cpuFreelist[cpu];
    if (this.rules.deactivateReverses) front = table.reverse(slab, front);
    const { head, count } = table.splice(slab, front, table.freelist[slab]);
    table.freelist[slab] = head;
    table.inuse[slab] -= count;
    this.clearCpuSlab(cpu);
    if (head === NIL) return;
    if (table.inuse[slab] === 0 && this.nodes.isFull(slab)) this.discardSlab(slab);
    else this.nodes.addPartial(slab, end);
  }

  protected setCpuSlab(cpu: Cpu, slab: Slab): void {
    this.cpuSlab[cpu] = slab;
    this.cpuFreelist[cpu] = NIL;
    this.table.on[slab] = ON.cpuSlab;
    this.table.cpu[slab] = cpu;
  }

  /** c->slab = NULL: the slab, now full, is on no list. */
  protected clearCpuSlab(cpu: Cpu): void {
    this.table.on[this.cpuSlab[cpu]] = ON.none;
    this.cpuSlab[cpu] = NO_SLAB;
    this.cpuFreelist[cpu] = NIL;
  }

  /** discard_slab(): the pages go back to the page allocator. */
  protected discardSlab(slab: Slab): void {
    this.slabs--;
    this.table.on[slab] = ON.none;
    this.table.remove(slab);
  }

  /** node_match() */
  private nodeMatch(slab: Slab, node: Node): boolean {
    return node < 0 || this.table.node[slab] === node;
  }

  /** Slabs of c->partial in front of the taken one are of other nodes and go back there. */
  private flushOtherNodes(cpu: Cpu, until: number): void {
    const list = this.cpuPartial[cpu];
    for (let slab: Slab = list.head; slab !== NO_SLAB && slab !== until; slab = list.head) {
      list.remove(slab);
      this.unfreezePartial(slab);
    }
  }
}
