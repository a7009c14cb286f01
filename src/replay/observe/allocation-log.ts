// The latest allocations of a cache in their order. What kfree_rcu() and bulk frees give back without
// an event comes in that order as well, mostly, or in the opposite one: a look-back from the object
// that has just turned out to be such shows the next.

import { AddressMap } from '../../base/address-map.ts';
import { type Column, column } from '../../kernel/column.ts';
import type { Cache, Cpu, ObjectNumber, Row, Slab } from '../../kernel/indices.ts';
import type { Guess } from '../model/sheaf.ts';
import { NO_SLAB, type SlabTable } from '../model/slab-table.ts';

const LENGTH = 4096;
/** So often the other direction must be right before it is taken, where the present one was. */
const SURE = 2;

export class AllocationLog {
  private readonly table: SlabTable;
  private readonly cache: number;
  private readonly cpus: Column<Row, Uint16Array, Cpu> = column(new Uint16Array(LENGTH));
  private readonly slabs: Column<Row, Int32Array, Slab> = column(new Int32Array(LENGTH));
  private readonly objects: Column<Row, Uint16Array, ObjectNumber> = column(
    new Uint16Array(LENGTH),
  );
  /** By slot of the table: the number of the object's latest allocation. */
  private readonly numbers = new AddressMap(LENGTH);
  private end = 0;
  /** -1: the next to be handed out is the one that was allocated before. */
  private step = -1;
  private sureness = 0;

  constructor(table: SlabTable, cache: Cache) {
    this.table = table;
    this.cache = cache;
  }

  add(cpu: Cpu, slab: Slab, object: ObjectNumber): void {
    this.numbers.set(this.table.slot(slab, object), 0, this.end);
    const at = this.end++ % LENGTH;
    this.cpus[at] = cpu;
    this.slabs[at] = slab;
    this.objects[at] = object;
  }

  /** Turns round where the object is what the guess would have been the other way. */
  follow(guess: Guess, slab: Slab, object: ObjectNumber): void {
    if (guess.slab === slab && guess.object === object) {
      this.sureness = Math.min(this.sureness + 1, SURE);
    } else if (guess.otherSlab === slab && guess.otherObject === object && --this.sureness < 0) {
      this.sureness = 0;
      this.step = -this.step;
    }
  }

  /** Guesses what comes after an object that was freed without an event. */
  guess(guess: Guess, slab: Slab, object: ObjectNumber, size: number): void {
    const from = this.latest(slab, object);
    const next = this.neighbour(from, this.step);
    const other = this.neighbour(from, -this.step);
    guess.size = size;
    guess.slab = next < 0 ? NO_SLAB : this.slabs[next]!;
    guess.object = next < 0 ? 0 : this.objects[next]!;
    guess.otherSlab = other < 0 ? NO_SLAB : this.slabs[other]!;
    guess.otherObject = other < 0 ? 0 : this.objects[other]!;
  }

  /** Where the nearest object is that the same CPU allocated and that still is; -1: nowhere. */
  private neighbour(from: number, step: number): number {
    if (from < 0) return -1;
    const { table } = this;
    const cpu = this.cpus[from % LENGTH];
    for (let n = from + step; n >= this.begin && n < this.end; n += step) {
      const at = n % LENGTH;
      const slab = this.slabs[at]!;
      const object = this.objects[at]!;
      if (this.cpus[at] !== cpu || table.cache[slab] !== this.cache) continue;
      if (!table.isFree(slab, object) && this.latest(slab, object) === n) return at;
    }
    return -1;
  }

  private get begin(): number {
    return Math.max(0, this.end - LENGTH);
  }

  private latest(slab: Slab, object: ObjectNumber): number {
    const n = this.numbers.get(this.table.slot(slab, object), 0);
    if (n < this.begin) return -1;
    return this.slabs[n % LENGTH] === slab && this.objects[n % LENGTH] === object ? n : -1;
  }
}
