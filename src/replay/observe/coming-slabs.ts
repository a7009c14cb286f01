// New slabs behind sheaves, in an observed replay. A refill takes the objects of new slabs in one go,
// before the recording shows any of them. So a main sheaf may hold objects that are still to come: of
// each only its place in the order of its slab is known (COMING). The top is taken first:
//
//                bottom                                                    top
//   main sheaf   A3  A1  | place 0  place 1  place 2 | place 0 ... place 15
//                known   | of the second new slab    | all of the first one
//
// The allocation that takes the top shows the address of the first new slab, and the order of new
// slabs then gives the others. What the model believes, and what it does when it was wrong:
//
//   belief                           made by              confirmed by          refuted by, and then
//   the sheaf lacked N objects,      CpuSheaves, a refill  newSlab: a new slab   newSlab, none expected: all
//   they are of new slabs            expectNewSlabs       confirmKnown: one     sheaves were used up unseen,
//                                                         that others know      expectNewSlabs
//   the latest new slab gave         confirm              its objects come in   gaveMore: one further up its
//   as many as the sheaf lacked                           their order           order comes; gaveFewer: the
//                                                                               next new slab comes too early
//   the first main sheaf of a        changedMain          the next main sheaf   refilledTwice: it was refilled
//   CPU was empty                    (mains = 1)          (mains = 2)           from the same slab again
//   the order of the slab            FreshOrder           its objects come in   exchangeTop: two change places;
//   is known                                              that order            unshuffle: it is ascending
//
// A correction is made only where nothing else has happened to the objects that it moves.

import { type Column, column } from '../../kernel/column.ts';
import type { Cpu, ObjectNumber, Slab } from '../../kernel/indices.ts';
import type { CpuSheaves } from '../model/cpu-sheaves.ts';
import type { FreshOrder } from '../model/fresh-order.ts';
import { COMING, type Sheaf } from '../model/sheaf.ts';
import { NIL, NO_SLAB, type SlabTable } from '../model/slab-table.ts';
import type { SlabBacking } from './reconciled-cache.ts';

export class ComingSlabs {
  private readonly backing: SlabBacking;
  private readonly table: SlabTable;
  private readonly order: FreshOrder;
  private readonly sheaves: CpuSheaves;
  /** By CPU: the new slab that the latest refill took last, NO_SLAB once that is certain. */
  private readonly slab: Column<Cpu, Int32Array, Slab>;
  /** Its object that was allocated first, and the place of that in the slab's order. */
  private readonly first: Column<Cpu, Uint16Array, ObjectNumber>;
  private readonly place: Column<Cpu, Uint16Array>;
  /** How many main sheaves a CPU had, up to 2: what the first one held is from before the trace. */
  private readonly mains: Column<Cpu, Uint8Array>;

  constructor(
    backing: SlabBacking,
    table: SlabTable,
    order: FreshOrder,
    sheaves: CpuSheaves,
    cpus: number,
  ) {
    this.backing = backing;
    this.table = table;
    this.order = order;
    this.sheaves = sheaves;
    this.slab = column(new Int32Array(cpus).fill(NO_SLAB));
    this.first = column(new Uint16Array(cpus));
    this.place = column(new Uint16Array(cpus));
    this.mains = column(new Uint8Array(cpus));
  }

  /** A new slab appears with `object`; the main sheaf may have one that is to come, or not. */
  newSlab(cpu: Cpu, slab: Slab, object: ObjectNumber): void {
    const { sheaves } = this;
    if (sheaves.main[cpu].topSlab !== COMING && !this.gaveFewer(cpu)) this.expectNewSlabs(cpu);
    this.confirm(cpu, slab, object);
  }

  /**
   * The expected slab turns out to be one that is known already, from another CPU or from a free. Its
   * objects that were not seen yet are those on the sheaf.
   * @returns false where no slab is expected, or the object was used before
   */
  confirmKnown(cpu: Cpu, slab: Slab, object: ObjectNumber): boolean {
    const { table } = this;
    const main = this.sheaves.main[cpu];
    if (main.topSlab !== COMING || table.wasUsed(slab, object)) return false;
    const place = main.topObject;
    const sequence = this.order.around(object, place);
    main.size--;
    this.displace(slab, object);
    for (let k = place - 1, at = main.size - 1; k >= 0; k--, at--) {
      if (at < 0 || main.slabs[at] !== COMING || main.objects[at] !== k) break;
      const other = sequence[k]!;
      if (table.wasUsed(slab, other)) continue;
      this.displace(slab, other);
      table.setHeld(slab, other, false);
      main.slabs[at] = slab;
      main.objects[at] = other;
    }
    return true;
  }

  /** The latest new slab has given more objects to the main sheaf than the model believed. */
  gaveMore(cpu: Cpu, slab: Slab, object: ObjectNumber): boolean {
    const main = this.sheaves.main[cpu];
    if (main.topSlab !== COMING || this.slab[cpu] !== slab) return false;
    const popped = this.place[cpu] + 1;
    const given = Math.min(this.backing.shape.objsPerSlab, main.size + popped);
    if (given <= popped) return false;
    if (this.order.around(this.first[cpu], given - 1)[given - 1 - popped] !== object) return false;
    if (!this.setGiven(cpu, 0, given - popped)) return false;
    main.size--;
    return true;
  }

  /**
   * The first main sheaf was not empty: it took fewer objects, and was refilled from the same slab.
   */
  refilledTwice(cpu: Cpu, slab: Slab, object: ObjectNumber): boolean {
    const { table, sheaves } = this;
    const main = sheaves.main[cpu];
    if (this.mains[cpu] !== 1 || this.slab[cpu] !== slab) return false;
    if (!this.isOurs(slab, object, main)) return false;
    for (let at = 0; at < main.size; at++) {
      if (main.slabs[at] !== slab || table.wasUsed(slab, main.objects[at]!)) return false;
    }
    const place = Math.min(sheaves.capacity, this.backing.shape.objsPerSlab) - 1;
    const unused = [...this.order.around(object, place)].map((other) =>
      other !== object && this.isOurs(slab, other, main) ? other : NIL,
    );
    main.size = 0;
    this.backing.reopen(
      cpu,
      slab,
      unused.slice(place + 1).filter((other) => other !== NIL),
    );
    for (const other of unused.slice(0, place)) {
      if (other === NIL) continue;
      table.setHeld(slab, other, false);
      main.push(slab, other);
    }
    this.slab[cpu] = NO_SLAB;
    this.changedMain(cpu);
    return true;
  }

  /**
   * Of a slab whose order is not known the kernel has another object on the top than was thought: the
   * two change places.
   */
  exchangeTop(cpu: Cpu, slab: Slab, object: ObjectNumber): boolean {
    const { table, sheaves } = this;
    const main = sheaves.main[cpu];
    const top = main.topObject;
    if (main.topSlab !== slab || table.wasUsed(slab, top) || table.wasUsed(slab, object))
      return false;
    if (!table.isFree(slab, object)) return false;
    main.size--;
    if (!table.isHeld(slab, object)) {
      const isListed = table.freelist[slab] === object || table.prevObject(slab, object) !== NIL;
      if (isListed) table.exchange(slab, object, top);
      else main.size++;
      return isListed;
    }
    for (const sheaf of sheaves.all()) {
      const at = sheaf.indexOf(slab, object);
      if (at >= 0) sheaf.objects[at] = top;
    }
    table.setOld(slab, object);
    return true;
  }

  /**
   * Slabs of early boot are not shuffled: their objects came to sheaves in ascending order, and are
   * taken one below the other.
   */
  unshuffle(cpu: Cpu, slab: Slab, object: ObjectNumber): boolean {
    const { table, sheaves } = this;
    const main = sheaves.main[cpu];
    if (!this.isOurs(slab, object, main)) return false;
    for (let at = 0; at < main.size; at++) {
      const other = main.slabs[at]!;
      if (other !== COMING && (other !== slab || table.wasUsed(slab, main.objects[at]!)))
        return false;
    }
    // Model: refills are taken to have begun at the slab's first object.
    const first = object - (object % sheaves.capacity);
    const unused: number[] = [];
    for (let other = 0; other < table.objects[slab]; other++) {
      if (other !== object && this.isOurs(slab, other, main)) unused.push(other);
    }
    main.size = 0;
    this.backing.reopen(
      cpu,
      slab,
      unused.filter((other) => other >= first + sheaves.capacity),
    );
    for (const other of unused) {
      if (other < first || other >= object) continue;
      table.setHeld(slab, other, false);
      main.push(slab, other);
    }
    for (const other of unused) {
      const wasTaken = other < first || (other > object && other < first + sheaves.capacity);
      if (wasTaken) table.setOld(slab, other);
    }
    this.slab[cpu] = NO_SLAB;
    if (this.mains[cpu] === 1) this.changedMain(cpu);
    return true;
  }

  /**
   * The objects of a sheaf above `at` are not what the kernel would take next: allocated unseen where
   * that can be, else lost.
   */
  passOver(cpu: Cpu, sheaf: Sheaf, at: number): void {
    if (this.backing.isBulk) this.sheaves.forgetAbove(sheaf, at);
    else this.sheaves.loseAbove(cpu, sheaf, at);
  }

  /** The kernel has refilled a sheaf of this CPU: it found none with objects. */
  passOverAll(cpu: Cpu): void {
    this.sheaves.passOverAll(cpu, (sheaf, at) => this.passOver(cpu, sheaf, at));
  }

  /** To be called for each main sheaf that is refilled or comes from the barn. */
  changedMain(cpu: Cpu): void {
    if (this.mains[cpu] < 2) this.mains[cpu]++;
  }

  /**
   * The latest new slab has given fewer objects to the main sheaf than was thought: those below them
   * are of slabs that come now, the lowest of one that was there before.
   */
  private gaveFewer(cpu: Cpu): boolean {
    const main = this.sheaves.main[cpu];
    let run = 0;
    while (run < main.size && main.slabs[main.size - 1 - run] === this.slab[cpu]) run++;
    return run > 0 && this.setGiven(cpu, run, 0);
  }

  /** What the model has in sheaves was allocated unseen: the kernel has refilled. */
  private expectNewSlabs(cpu: Cpu): void {
    const { sheaves } = this;
    if (!sheaves.isNewMain) this.passOverAll(cpu);
    if (this.mains[cpu] === 1 && this.slab[cpu] !== NO_SLAB)
      this.backing.passedOver(this.slab[cpu]);
    const main = sheaves.pcsReplaceEmptyMain(cpu);
    this.changedMain(cpu);
    if (main.topSlab === COMING) return;
    this.passOver(cpu, main, -1);
    main.pushComing(sheaves.capacity, this.backing.shape.objsPerSlab);
  }

  /** The expected slab is this one. */
  private confirm(cpu: Cpu, slab: Slab, object: ObjectNumber): void {
    const { table } = this;
    const main = this.sheaves.main[cpu];
    const place = main.topObject;
    if (this.sheaves.isNewMain) {
      this.slab[cpu] = slab;
      this.first[cpu] = object;
      this.place[cpu] = place;
    }
    const sequence = this.order.around(object, place);
    main.size--;
    table.fill(slab, sequence.subarray(place + 1));
    table.inuse[slab] = place + 1;
    for (let k = 0; k <= place; k++) table.setOld(slab, sequence[k]!);
    for (let k = place - 1, at = main.size - 1; k >= 0; k--, at--) {
      if (at < 0 || main.slabs[at] !== COMING || main.objects[at] !== k) break;
      table.setHeld(slab, sequence[k]!, false);
      main.slabs[at] = slab;
      main.objects[at] = sequence[k]!;
    }
    this.backing.addOpened(cpu, slab);
  }

  /**
   * The latest new slab has `held` objects in the main sheaf instead of the topmost `run`. Only where
   * nothing else happened to it.
   */
  private setGiven(cpu: Cpu, run: number, held: number): boolean {
    const { table } = this;
    const { objsPerSlab } = this.backing.shape;
    const main = this.sheaves.main[cpu];
    const slab = this.slab[cpu];
    if (slab === NO_SLAB || this.mains[cpu] !== 2 || this.sheaves.isNewMain) return false;
    const popped = this.place[cpu] + 1 - run;
    if (popped <= 0 || table.cache[slab] !== this.backing.id) return false;
    const place = popped + held - 1;
    const sequence = this.order.around(this.first[cpu], place);
    let known = main.size - run;
    for (let k = 0; k < objsPerSlab; k++) {
      const wasPopped = k >= held && k <= place;
      if (
        !wasPopped &&
        !this.isUntouched(slab, sequence[k]!, main.indexOf(slab, sequence[k]!) >= known)
      )
        return false;
    }
    this.backing.reopen(cpu, slab, sequence.subarray(place + 1));
    while (known > 0 && main.slabs[known - 1] === COMING) known--;
    const lacking = main.size - known - held;
    main.size = known;
    const older = lacking % objsPerSlab;
    for (let k = objsPerSlab - older; k < objsPerSlab; k++) main.push(COMING, k);
    main.pushComing(lacking - older, objsPerSlab);
    for (let k = 0; k < held; k++) {
      table.setHeld(slab, sequence[k]!, false);
      main.push(slab, sequence[k]!);
    }
    this.place[cpu] = place;
    if (held === 0) this.slab[cpu] = NO_SLAB;
    return true;
  }

  /** An object that was never used, on its slab's freelist or in the main sheaf. */
  private isOurs(slab: Slab, object: ObjectNumber, main: Sheaf): boolean {
    const { table } = this;
    if (!table.isFree(slab, object) || table.wasUsed(slab, object)) return false;
    return !table.isHeld(slab, object) || main.indexOf(slab, object) >= 0;
  }

  private isUntouched(slab: Slab, object: ObjectNumber, isInMain: boolean): boolean {
    const { table } = this;
    if (!table.isFree(slab, object) || table.wasUsed(slab, object)) return false;
    return table.isHeld(slab, object) === isInMain;
  }

  /** An object that was not seen yet leaves the place where it was thought to be. */
  private displace(slab: Slab, object: ObjectNumber): void {
    const { table } = this;
    if (!table.isFree(slab, object)) return;
    if (!table.isHeld(slab, object)) {
      this.backing.takenUnseen(slab, object);
      return;
    }
    for (const sheaf of this.sheaves.all()) {
      const at = sheaf.indexOf(slab, object);
      if (at >= 0) sheaf.slabs[at] = NO_SLAB; // another one is there
    }
  }
}
