// A cache with sheaves: opt-in in 6.18, all caches but a few since 7.0. In simulated replay it does
// what CpuSheaves does. In observed replay the rest is here: what to make of an allocation that the
// model did not expect. Frees without an event are its main cause (kfree_rcu() fills sheaves of its
// own, bulk frees fill the main one), the other is an interrupt while a CPU works on its sheaves.
//
//             bottom                     top
//   main      A1  B7  [unknown]  A4  A2   <- an allocation takes the top; a free is put on it
//   spare     A9  A8                      the other sheaf of the CPU (struct slub_percpu_sheaves)
//   barn      full: A5 A6 A7, empty       sheaves of the node (struct node_barn)
//   slabs     A: A0 A3, B: B0 ...         what no sheaf holds
//
// The recording shows which object was taken, and where it is in the model says what has happened:
//
//   the object is                     so the model believes, and does
//   the top of the main sheaf         as expected
//   below the top                     those above were freed by an interrupt and stay, or were allocated
//                                     unseen; the next allocation tells which (takeFromMain)
//   of a slab that is to come         see coming-slabs.ts (gaveMore, confirmKnown, newSlab)
//   on another sheaf                  that sheaf is the main one by now (takeFromOther)
//   free, on its slab                 the main sheaf was used up unseen and refilled (takeFromSlab)
//   allocated                         it was freed without an event; the next object is probably the one
//                                     that was allocated before it: a guess (takeFreedUnseen), refuted by
//                                     any other object, and then there is none (took)
//   first of all, below the one       new slabs of this cache are not shuffled (coming-slabs.ts, unshuffle)
//   that was taken last

import { present } from '../../base/assert.ts';
import { type Column, column } from '../../kernel/column.ts';
import type { Cpu, Node, ObjectNumber, Slab } from '../../kernel/indices.ts';
import type { MemoryNodes } from '../machine/memory-nodes.ts';
import { CpuSheaves } from '../model/cpu-sheaves.ts';
import { Decision, FROM } from '../model/decision.ts';
import type { FreshOrder } from '../model/fresh-order.ts';
import { COMING, type Sheaf } from '../model/sheaf.ts';
import type { CacheCounts, CacheLists, CacheShape } from '../model/slab-cache.ts';
import { NO_SLAB, type SlabTable } from '../model/slab-table.ts';
import { AllocationLog } from './allocation-log.ts';
import { ComingSlabs } from './coming-slabs.ts';
import type { ReconciledCache, SlabBacking } from './reconciled-cache.ts';

/** Deeper in the main sheaf nothing waits for its event: what is above was allocated unseen. */
const MAX_SWAPPED = 3;

/** In slabs of fewer objects chance looks like order. */
const LARGE_SLAB = 32;

/** Of slabs of so many objects hardly any order is learned. */
const HUGE_SLAB = 128;

export class SheafCache implements ReconciledCache {
  readonly id: number;
  readonly shape: CacheShape;
  readonly decision: Decision = new Decision();
  private readonly backing: SlabBacking;
  private readonly table: SlabTable;
  private readonly nodes: MemoryNodes;
  private readonly sheaves: CpuSheaves;
  private readonly coming: ComingSlabs;
  /** From the first unseen free on. */
  private log: AllocationLog | undefined = undefined;
  /** The decided object was probably freed unseen: it is on no sheaf of the model. */
  private isGuess = false;
  /** By CPU: slot of the object of its latest allocation where that was the first of it; -1. */
  private readonly lastFresh: Column<Cpu, Int32Array>;
  /** By CPU: objects freed since its latest allocation. */
  private readonly freed: Column<Cpu>;
  /** By CPU: slot of the top that the latest unexpected allocation left there. */
  private readonly topPassedOver: Column<Cpu, Int32Array>;
  /** By CPU: what was passed over had all been freed since the allocation before. */
  private readonly wasFreed: Column<Cpu, Uint8Array>;

  constructor(
    backing: SlabBacking,
    table: SlabTable,
    order: FreshOrder,
    nodes: MemoryNodes,
    cpus: number,
    capacity: number,
  ) {
    this.id = backing.id;
    this.shape = backing.shape;
    this.backing = backing;
    this.table = table;
    this.nodes = nodes;
    this.sheaves = new CpuSheaves(backing, table, nodes, cpus, capacity);
    this.coming = new ComingSlabs(backing, table, order, this.sheaves, cpus);
    this.lastFresh = column(new Int32Array(cpus).fill(-1));
    this.freed = column(new Uint32Array(cpus));
    this.topPassedOver = column(new Int32Array(cpus).fill(-1));
    this.wasFreed = column(new Uint8Array(cpus));
  }

  get isBulk(): boolean {
    return this.backing.isBulk;
  }

  set isBulk(isBulk: boolean) {
    this.backing.isBulk = isBulk;
  }

  /**
   * Brings an object to the main sheaf where it has none, as the allocation will do.
   * Of an object of a slab that is still to come the decision has no slab, and for the object its
   * place in the order of that slab.
   */
  decide(cpu: Cpu, node: Node): void {
    const { sheaves, decision } = this;
    this.isGuess = false;
    if (!this.usesSheaves(cpu, node)) {
      this.backing.decide(cpu, node);
      const { from, slab, object } = this.backing.decision;
      decision.set(from, slab, object);
      return;
    }
    if (sheaves.main[cpu].size === 0) {
      sheaves.pcsReplaceEmptyMain(cpu);
      if (sheaves.isNewMain) this.coming.changedMain(cpu);
    }
    this.isGuess = this.hasGuess(cpu);
    const main = sheaves.main[cpu];
    if (this.isGuess) decision.set(FROM.cpuFreelist, main.guess.slab, main.guess.object);
    else if (main.topSlab === NO_SLAB) decision.needsNewSlab();
    else if (main.topSlab === COMING) decision.set(FROM.newSlab, NO_SLAB, main.topObject);
    else decision.set(FROM.cpuFreelist, main.topSlab, main.topObject);
  }

  alloc(cpu: Cpu, node: Node): boolean {
    this.decide(cpu, node);
    const { slab, object } = this.decision;
    if (slab === NO_SLAB) return false;
    if (!this.usesSheaves(cpu, node)) return this.backing.alloc(cpu, node);
    if (this.isGuess) this.takeFreedUnseen(cpu, slab, object);
    else this.sheaves.main[cpu].size--;
    this.noteAlloc(cpu, slab, object);
    return true;
  }

  objectsBefore(): number[] {
    return []; // swapped events are dealt with in `took`
  }

  takenUnseen(slab: Slab, object: ObjectNumber): void {
    if (this.table.isHeld(slab, object)) {
      this.sheaves.remove(slab, object);
      this.table.setAllocated(slab, object);
    } else this.backing.takenUnseen(slab, object);
  }

  /** What does not fit is dealt with in `took`. */
  freedElsewhere(): void {}

  /** Slabs of early boot have shown their order before anything is taken from a sheaf again. */
  unshuffle(): void {}

  /** What does not fit is dealt with in `took`. */
  passedOver(): void {}

  took(cpu: Cpu, node: Node, slab: Slab, object: ObjectNumber): void {
    const { table, coming, sheaves } = this;
    if (!this.usesSheaves(cpu, node)) {
      this.takenUnseen(slab, object);
      return;
    }
    if (this.isDescending(cpu, slab, object) && coming.unshuffle(cpu, slab, object)) {
      this.noteAlloc(cpu, slab, object);
      return;
    }
    const isInMain = sheaves.main[cpu].indexOf(slab, object) >= 0;
    if (this.isGuess && table.isFree(slab, object)) sheaves.main[cpu].guess.slab = NO_SLAB;
    if (isInMain) this.takeFromMain(cpu, slab, object);
    else if (!coming.gaveMore(cpu, slab, object) && !coming.confirmKnown(cpu, slab, object)) {
      if (table.isHeld(slab, object)) this.takeFromOther(cpu, slab, object);
      else if (table.isFree(slab, object)) this.takeFromSlab(cpu, slab, object);
      else this.takeFreedUnseen(cpu, slab, object);
    }
    this.noteAlloc(cpu, slab, object);
  }

  newSlab(cpu: Cpu, node: Node, slab: Slab, object: ObjectNumber): void {
    if (!this.usesSheaves(cpu, node)) {
      this.backing.newSlab(cpu, node, slab, object);
      return;
    }
    this.coming.newSlab(cpu, slab, object);
    this.noteAlloc(cpu, slab, object);
  }

  free(cpu: Cpu, slab: Slab, object: ObjectNumber): void {
    if (this.table.isFree(slab, object)) this.takenUnseen(slab, object); // it was allocated unseen
    if (this.table.node[slab] !== this.nodes.nodeOfCpu(cpu)) this.backing.free(cpu, slab, object);
    else {
      this.sheaves.freeToPcs(cpu, slab, object);
      this.freed[cpu]++;
    }
  }

  flushCpu(cpu: Cpu): void {
    this.sheaves.pcsFlushAll(cpu);
    this.backing.flushCpu(cpu);
  }

  drop(slab: Slab): void {
    const { table } = this;
    for (let object: ObjectNumber = 0; object < table.objects[slab]; object++) {
      if (table.isHeld(slab, object)) this.takenUnseen(slab, object);
    }
    this.backing.drop(slab);
  }

  addOldSlab(slab: Slab): void {
    this.backing.addOldSlab(slab);
  }

  count(): CacheCounts {
    const counts = this.backing.count();
    const { objects, coming, comingSlabs } = this.sheaves.count();
    const comingObjects = comingSlabs * this.shape.objsPerSlab;
    return {
      ...counts,
      slabs: counts.slabs + comingSlabs,
      totalObjects: counts.totalObjects + comingObjects,
      activeObjects: counts.activeObjects + comingObjects,
      allocated: counts.allocated - (objects - coming),
    };
  }

  lists(): CacheLists {
    const { slabs, objects } = this.backing.lists();
    return { slabs, objects: [...objects, ...this.sheaves.listed()] };
  }

  private get isHuge(): boolean {
    return this.shape.objsPerSlab >= HUGE_SLAB;
  }

  /** Allocations for another node go to its slabs. */
  private usesSheaves(cpu: Cpu, node: Node): boolean {
    return node < 0 || node === this.nodes.nodeOfCpu(cpu);
  }

  /** Both this object and the one above it, which was taken before, are taken for the first time. */
  private isDescending(cpu: Cpu, slab: Slab, object: ObjectNumber): boolean {
    const { table } = this;
    if (table.wasUsed(slab, object) || object + 1 >= table.objects[slab]) return false;
    const { objsPerSlab } = this.shape;
    return objsPerSlab >= LARGE_SLAB && this.lastFresh[cpu] === table.slot(slab, object + 1);
  }

  private noteAlloc(cpu: Cpu, slab: Slab, object: ObjectNumber): void {
    this.lastFresh[cpu] = this.table.wasUsed(slab, object) ? -1 : this.table.slot(slab, object);
    this.sheaves.isNewMain = false;
    this.freed[cpu] = 0;
    this.table.setAllocated(slab, object);
    this.log?.add(cpu, slab, object);
  }

  private hasGuess(cpu: Cpu): boolean {
    const { guess, size } = this.sheaves.main[cpu];
    if (guess.slab === NO_SLAB || size !== guess.size) return false;
    return this.table.cache[guess.slab] === this.id && !this.table.isFree(guess.slab, guess.object);
  }

  /**
   * The object was freed without an event: onto the main sheaf, or it came with a whole sheaf of such
   * from the barn. The next one is probably the one that was allocated before it.
   */
  private takeFreedUnseen(cpu: Cpu, slab: Slab, object: ObjectNumber): void {
    const { sheaves } = this;
    this.log ??= new AllocationLog(this.table, this.id);
    this.log.follow(sheaves.main[cpu].guess, slab, object);
    const main = this.mainOfUnseen(cpu);
    this.log.guess(main.guess, slab, object, main.size);
  }

  /** The main sheaf, without an object that was freed unseen. */
  private mainOfUnseen(cpu: Cpu): Sheaf {
    const { sheaves } = this;
    const main = sheaves.main[cpu];
    if (!sheaves.isNewMain) {
      if (main.size > 0 && main.topSlab === NO_SLAB) main.size--;
      return main;
    }
    const barn = sheaves.barnOf(cpu);
    barn.full.push(main);
    const unknown = sheaves.setMain(cpu, barn.takeEmpty());
    unknown.fillUnknown();
    unknown.size--;
    return unknown;
  }

  /**
   * An object below the top. Those above it were freed by an interrupt: after this one was taken and
   * before its event, then they stay; or while the CPU was at its sheaf, then they went to their slabs.
   * Which of the two shows with the next allocation. Otherwise they were allocated unseen.
   */
  private takeFromMain(cpu: Cpu, slab: Slab, object: ObjectNumber): void {
    const { sheaves, table, coming } = this;
    const main = sheaves.main[cpu];
    this.dropUnknown(main);
    const at = main.indexOf(slab, object);
    const above = main.size - 1 - at;
    const top = above > 0 && main.topSlab >= 0 ? table.slot(main.topSlab, main.topObject) : -1;
    const isPassedOverAgain = top >= 0 && this.topPassedOver[cpu] === top;
    if (isPassedOverAgain && this.wasFreed[cpu] === 1) sheaves.bypassAbove(cpu, main, at);
    else if (isPassedOverAgain) coming.passOver(cpu, main, at);
    else if (this.isBulk && above > Math.max(this.freed[cpu], MAX_SWAPPED)) {
      sheaves.forgetAbove(main, at);
    } else {
      this.topPassedOver[cpu] = top;
      this.wasFreed[cpu] = above <= this.freed[cpu] ? 1 : 0;
    }
    main.removeAt(at);
  }

  /** An object of another sheaf, which then is the main one: of this CPU or of the barn. */
  private takeFromOther(cpu: Cpu, slab: Slab, object: ObjectNumber): void {
    const { sheaves } = this;
    const main = sheaves.main[cpu];
    const barn = sheaves.barnOf(cpu);
    if (this.isHuge && this.coming.exchangeTop(cpu, slab, object)) return;
    const inSpare = sheaves.spare[cpu]?.indexOf(slab, object) ?? -1;
    const inBarn = barn.find(slab, object);
    const inLost = sheaves.lost.findLastIndex((sheaf) => sheaf.indexOf(slab, object) >= 0);
    if (inSpare >= 0) {
      if (this.isBulk) sheaves.forgetAbove(main, -1);
      sheaves.setMain(cpu, present(sheaves.spare[cpu]));
      sheaves.spare[cpu] = main;
    } else if (inBarn >= 0 || inLost >= 0) {
      const from = inBarn >= 0 ? barn.full : sheaves.lost;
      const sheaf = present(from.splice(inBarn >= 0 ? inBarn : inLost, 1)[0]);
      if (sheaves.isNewMain) barn.full.push(main);
      else {
        this.coming.passOver(cpu, main, -1);
        barn.putEmpty(main);
      }
      sheaves.setMain(cpu, sheaf);
    }
    sheaves.remove(slab, object); // else of another CPU: the task has moved
  }

  /** An object of a slab: the kernel has refilled its main sheaf. */
  private takeFromSlab(cpu: Cpu, slab: Slab, object: ObjectNumber): void {
    const { sheaves } = this;
    if (this.coming.refilledTwice(cpu, slab, object)) return;
    if (this.isHuge && this.coming.exchangeTop(cpu, slab, object)) return;
    if (!sheaves.isNewMain) {
      this.coming.passOverAll(cpu);
      sheaves.pcsReplaceEmptyMain(cpu);
    }
    this.takenUnseen(slab, object);
  }

  private dropUnknown(sheaf: Sheaf): void {
    while (sheaf.size > 0 && sheaf.topSlab === NO_SLAB) sheaf.size--;
  }
}
