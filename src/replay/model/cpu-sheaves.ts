// The sheaves of a cache: main and spare of each CPU, a barn for each node. What the kernel does with
// them: mm/slub.c alloc_from_pcs(), free_to_pcs(), __pcs_replace_empty_main(),
// __pcs_replace_full_main(), refill_sheaf(), sheaf_flush_unused() of 6.18 and 7.2, as recordings of
// 6.18.15 and 7.2.13 show them.

import { type List, list } from '../../kernel/column.ts';
import type { Cpu, Node, ObjectNumber, Slab } from '../../kernel/indices.ts';
import type { MemoryNodes } from '../machine/memory-nodes.ts';
import { Barn } from './barn.ts';
import { COMING, Sheaf } from './sheaf.ts';
import type { ListedObjects, SlabCache } from './slab-cache.ts';
import type { SlabTable } from './slab-table.ts';

/** build_detached_freelist() gives up after so many objects of other slabs. */
const LOOKAHEAD = 3;

/** Lost sheaves beyond these are taken to be flushed to their slabs. */
const MAX_LOST = 16;

/** What fills sheaves and takes their objects back: the slabs behind them. */
export interface SheafSource extends SlabCache {
  /**
   * Puts free objects on a sheaf, in the order in which the kernel takes them.
   * @returns how many of `count` are lacking: they need new slabs
   */
  refillSheaf(cpu: Cpu, sheaf: Sheaf, count: number): number;
}

export class CpuSheaves {
  readonly main: List<Cpu, Sheaf>;
  readonly spare: List<Cpu, Sheaf | undefined>;
  readonly capacity: number;
  /** The main sheaf came with the latest `pcsReplaceEmptyMain`: from the barn, or refilled. */
  isNewMain: boolean = false;
  /** Sheaves that are no CPU's and not in the barn, although their objects are free; the oldest first. */
  readonly lost: Sheaf[] = [];
  private readonly backing: SheafSource;
  private readonly table: SlabTable;
  private readonly nodes: MemoryNodes;
  private readonly barns: List<Node, Barn>;

  constructor(
    backing: SheafSource,
    table: SlabTable,
    nodes: MemoryNodes,
    cpus: number,
    capacity: number,
  ) {
    this.backing = backing;
    this.table = table;
    this.nodes = nodes;
    this.capacity = capacity;
    this.barns = list(Array.from({ length: nodes.count }, () => new Barn(capacity)));
    this.main = list(Array.from({ length: cpus }, () => new Sheaf(capacity)));
    this.spare = list(new Array<Sheaf | undefined>(cpus).fill(undefined));
  }

  barnOf(cpu: Cpu): Barn {
    return this.barns[this.nodes.nodeOfCpu(cpu)]!;
  }

  /**
   * __pcs_replace_empty_main(): a main sheaf that has an object: the spare one, one of the barn, or
   * refilled from slabs.
   * Model: 6.18 refills only for allocations that may sleep, others then take one object of a slab;
   * here all refill.
   */
  pcsReplaceEmptyMain(cpu: Cpu): Sheaf {
    const main = this.main[cpu];
    if (main.size > 0) return main;
    const spare = this.spare[cpu];
    if (spare !== undefined && spare.size > 0) {
      this.spare[cpu] = main;
      return this.setMain(cpu, spare);
    }
    this.isNewMain = true;
    const full = this.barnOf(cpu).exchange(main);
    if (full !== undefined) return this.setMain(cpu, full);
    const lacking = this.backing.refillSheaf(cpu, main, this.capacity);
    main.pushComing(lacking, this.backing.shape.objsPerSlab);
    return main;
  }

  /** __pcs_flush_all_cpu(): what a CPU that is off has in its sheaves goes back to the slabs. */
  pcsFlushAll(cpu: Cpu): void {
    this.sheafFlushUnused(cpu, this.main[cpu]);
    const spare = this.spare[cpu];
    if (spare === undefined) return;
    this.sheafFlushUnused(cpu, spare);
    this.spare[cpu] = undefined;
  }

  /** free_to_pcs(): a freed object comes to the main sheaf. */
  freeToPcs(cpu: Cpu, slab: Slab, object: ObjectNumber): void {
    const main = this.main[cpu];
    const sheaf = main.isFull ? this.pcsReplaceFullMain(cpu, main) : main;
    this.table.setHeld(slab, object, true);
    sheaf.push(slab, object);
  }

  setMain(cpu: Cpu, sheaf: Sheaf): Sheaf {
    this.main[cpu] = sheaf;
    return sheaf;
  }

  /** The objects of a sheaf above `at` were freed to their slabs instead, one after the other. */
  bypassAbove(cpu: Cpu, sheaf: Sheaf, at: number): void {
    for (let k = at + 1; k < sheaf.size; k++) {
      this.giveBack(cpu, sheaf.slabs[k]!, sheaf.objects[k]!);
    }
    sheaf.size = at + 1;
  }

  /** The objects of a sheaf above `at` were allocated unseen. */
  forgetAbove(sheaf: Sheaf, at: number): void {
    for (; sheaf.size > at + 1; sheaf.size--) {
      if (sheaf.topSlab >= 0) this.table.setAllocated(sheaf.topSlab, sheaf.topObject);
    }
  }

  /** The objects of a sheaf above `at` are free, but not where they were thought to be. */
  loseAbove(cpu: Cpu, sheaf: Sheaf, at: number): void {
    if (sheaf.size <= at + 1) return;
    const lost = new Sheaf(this.capacity);
    for (let k = at + 1; k < sheaf.size; k++) {
      if (sheaf.slabs[k]! >= 0) lost.push(sheaf.slabs[k]!, sheaf.objects[k]!);
    }
    sheaf.size = at + 1;
    this.lost.push(lost);
    if (this.lost.length <= MAX_LOST) return;
    const oldest = this.lost.shift();
    if (oldest !== undefined) this.sheafFlushUnused(cpu, oldest);
  }

  /** The kernel has refilled a sheaf of this CPU: it found none with objects. */
  passOverAll(cpu: Cpu, passOver: (sheaf: Sheaf, at: number) => void): void {
    passOver(this.main[cpu], -1);
    const spare = this.spare[cpu];
    if (spare !== undefined) passOver(spare, -1);
    const barn = this.barnOf(cpu);
    for (const sheaf of barn.full.splice(0)) {
      passOver(sheaf, -1);
      barn.putEmpty(sheaf);
    }
  }

  /** Takes an object out of the sheaf that has it. */
  remove(slab: Slab, object: ObjectNumber): void {
    for (const sheaf of this.all()) {
      const at = sheaf.indexOf(slab, object);
      if (at < 0) continue;
      sheaf.removeAt(at);
      return;
    }
  }

  *all(): Generator<Sheaf> {
    yield* this.main;
    for (const spare of this.spare) if (spare !== undefined) yield spare;
    for (const barn of this.barns) yield* barn.full;
    yield* this.lost;
  }

  /** Objects in all sheaves, and slabs that are still to come with some of them. */
  count(): { objects: number; coming: number; comingSlabs: number } {
    const counts = { objects: 0, coming: 0, comingSlabs: 0 };
    for (const sheaf of this.all()) {
      counts.objects += sheaf.size;
      for (let at = 0; at < sheaf.size; at++) {
        if (sheaf.slabs[at] !== COMING) continue;
        counts.coming++;
        const isNext = at > 0 && sheaf.slabs[at - 1] === COMING;
        if (!isNext || sheaf.objects[at]! !== sheaf.objects[at - 1]! + 1) counts.comingSlabs++;
      }
    }
    return counts;
  }

  listed(): ListedObjects[] {
    const lists: ListedObjects[] = [];
    const add = (kind: ListedObjects['kind'], owner: number | null, sheaf: Sheaf): void => {
      const objects: [number, number][] = [];
      for (let at = sheaf.size - 1; at >= 0; at--) {
        if (sheaf.slabs[at]! >= 0) objects.push([sheaf.slabs[at]!, sheaf.objects[at]!]);
      }
      if (objects.length > 0) lists.push({ kind, owner, objects });
    };
    for (const [cpu, sheaf] of this.main.entries()) add('mainSheaf', cpu, sheaf);
    for (const [cpu, sheaf] of this.spare.entries()) {
      if (sheaf !== undefined) add('spareSheaf', cpu, sheaf);
    }
    for (const [node, { full }] of this.barns.entries()) {
      for (const sheaf of full.toReversed()) add('barnSheaf', node, sheaf);
    }
    for (const sheaf of this.lost) add('lostSheaf', null, sheaf);
    return lists;
  }

  /** __pcs_replace_full_main() */
  private pcsReplaceFullMain(cpu: Cpu, main: Sheaf): Sheaf {
    const spare = this.spare[cpu];
    const barn = this.barnOf(cpu);
    if (spare?.isFull === true && barn.hasRoom) {
      barn.full.push(main);
      return this.setMain(cpu, barn.takeEmpty());
    }
    if (spare?.isFull === true) this.sheafFlushUnused(cpu, spare);
    this.spare[cpu] = main;
    return this.setMain(cpu, spare ?? barn.takeEmpty());
  }

  /**
   * sheaf_flush_unused(): all objects of a sheaf go back to their slabs, those of one slab together,
   * the top first.
   */
  private sheafFlushUnused(cpu: Cpu, sheaf: Sheaf): void {
    const { slabs, objects } = sheaf;
    while (sheaf.size > 0) {
      const slab = sheaf.topSlab;
      let same = sheaf.size - 1;
      this.giveBack(cpu, slab, objects[same]!);
      let others = 0;
      for (let at = same - 1; at >= 0 && others < LOOKAHEAD; at--) {
        if (slabs[at] !== slab) {
          others++;
          continue;
        }
        this.giveBack(cpu, slab, objects[at]!);
        same--;
        slabs[at] = slabs[same]!;
        objects[at] = objects[same]!;
      }
      sheaf.size = same;
    }
  }

  private giveBack(cpu: Cpu, slab: Slab, object: ObjectNumber): void {
    if (slab < 0) return; // not known
    this.table.setAllocated(slab, object);
    this.backing.free(cpu, slab, object);
  }
}
