// A sheaf: a stack of free objects (struct slab_sheaf in mm/slub.c since 6.18). An observed replay
// does not always know them: objects of new slabs whose address the recording has not shown yet
// (COMING), and objects that kfree_rcu() put there without an event (unknown, NO_SLAB).

import { type Column, column } from '../../kernel/column.ts';
import type { ObjectNumber, Row, Slab } from '../../kernel/indices.ts';
import { NIL, NO_SLAB } from './slab-table.ts';

/** In place of the slab: one that is still to come; the object is its place in that slab's order. */
export const COMING: Slab = -2 as number;

/** An object that was probably freed without an event, and is on a sheaf of `size` others. */
export class Guess {
  /** NO_SLAB: none. */
  slab: Slab = NO_SLAB;
  object: ObjectNumber = NIL;
  size: Row = 0;
  /** What it would be if such objects came in the opposite order. */
  otherSlab: Slab = NO_SLAB;
  otherObject: ObjectNumber = NIL;
}

export class Sheaf {
  size: Row = 0;
  /** What may be on the top without having been freed with an event. */
  readonly guess: Guess = new Guess();
  readonly slabs: Column<Row, Int32Array, Slab>;
  readonly objects: Column<Row, Uint16Array, ObjectNumber>;

  constructor(capacity: number) {
    this.slabs = column(new Int32Array(capacity));
    this.objects = column(new Uint16Array(capacity));
  }

  get isFull(): boolean {
    return this.size === this.slabs.length;
  }

  /** NO_SLAB where it is empty or the top is not known. */
  get topSlab(): Slab {
    return this.size === 0 ? NO_SLAB : this.slabs[this.size - 1]!;
  }

  get topObject(): ObjectNumber {
    return this.objects[this.size - 1]!;
  }

  push(slab: Slab, object: ObjectNumber): void {
    this.slabs[this.size] = slab;
    this.objects[this.size] = object;
    this.size++;
  }

  /** `count` objects of new slabs: all of the first ones, what is left of the last one. */
  pushComing(count: number, objsPerSlab: number): void {
    for (let n = 0; n < count; n++) this.push(COMING, n % objsPerSlab);
  }

  /** Unknown objects up to the brim. */
  fillUnknown(): void {
    this.slabs.fill(NO_SLAB, this.size);
    this.objects.fill(NIL, this.size);
    this.size = this.slabs.length;
  }

  indexOf(slab: Slab, object: ObjectNumber): number {
    for (let at = this.size - 1; at >= 0; at--) {
      if (this.slabs[at] === slab && this.objects[at] === object) return at;
    }
    return -1;
  }

  /** Takes an object out; those above it move down. */
  removeAt(at: number): void {
    this.slabs.copyWithin(at, at + 1, this.size);
    this.objects.copyWithin(at, at + 1, this.size);
    this.size--;
  }
}
