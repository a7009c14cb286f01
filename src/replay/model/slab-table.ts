// Every slab of the model, as columns: where it is in memory, which list it is on, and its objects
// with their freelist links (struct slab in mm/slab.h; a free object's link is at s->offset in it).
// An object is named by its slab's row and its index. Rows and link space are used again.

import { joinHalves, TWO_32 } from '../../base/address.ts';
import { AddressMap } from '../../base/address-map.ts';
import { ensureLength } from '../../base/growable.ts';
import { type Column, column } from '../../kernel/column.ts';
import type { Cache, Cpu, Node, ObjectNumber, Slab } from '../../kernel/indices.ts';

/** No object: the end of a freelist. */
export const NIL: ObjectNumber = 0xffff as number;
/** Cache of an unused row. */
const NO_CACHE: Cache = -1 as number;
/** No slab. */
export const NO_SLAB: Slab = -1 as number;

/** Which list a slab is on. */
export const ON = {
  /** No list: full, or (debug caches without U) full and untracked. */
  none: 0,
  cpuSlab: 1,
  cpuPartial: 2,
  nodePartial: 3,
} as const;

/** Free; not set: allocated. */
const FREE = 1;
/** Was allocated at least once since its slab is known. */
const USED = 2;
/** Free, but in a sheaf: on no freelist. */
const HELD = 4;
/** The latest event of the object is a free. */
const FREED = 8;
/** What stays true of an object whatever list it is put on. */
const KEPT = USED | FREED;

/** Called before a slab is forgotten. */
export interface SlabWatcher {
  slabRemoved(row: Slab): void;
}

export class SlabTable {
  private readonly watchers: SlabWatcher[] = [];
  private readonly pageShift: number;
  private readonly pages = new AddressMap(1024);
  private capacity = 0;
  private unused: Slab[] = [];
  /** Offsets into the link columns that are free again, by number of objects. */
  private readonly unusedLinks = new Map<number, number[]>();
  private linksEnd = 0;

  baseLo: Column<Slab> = column(new Uint32Array(0));
  baseHi: Column<Slab> = column(new Uint32Array(0));
  /** Number of the cache; -1 in an unused row. */
  cache: Column<Slab, Int32Array, Cache> = column(new Int32Array(0));
  /** Pages, as a power of two. */
  order: Column<Slab, Uint8Array> = column(new Uint8Array(0));
  objects: Column<Slab, Uint16Array> = column(new Uint16Array(0));
  /** slab->inuse: all objects but those on slab->freelist; a CPU freelist counts as in use. */
  inuse: Column<Slab, Uint16Array> = column(new Uint16Array(0));
  /** slab->freelist: index of its first object, or NIL. */
  freelist: Column<Slab, Uint16Array, ObjectNumber> = column(new Uint16Array(0));
  /** ON */
  on: Column<Slab, Uint8Array> = column(new Uint8Array(0));
  /** The CPU whose slab or partial list it is on. */
  cpu: Column<Slab, Uint16Array, Cpu> = column(new Uint16Array(0));
  node: Column<Slab, Uint8Array, Node> = column(new Uint8Array(0));
  /** 5.10, on a CPU's partial list: free objects of it and those behind it when it was put there. */
  pobjects: Column<Slab, Int32Array> = column(new Int32Array(0));
  /** Links of the list it is on; NO_SLAB at the ends. */
  next: Column<Slab, Int32Array, Slab> = column(new Int32Array(0));
  prev: Column<Slab, Int32Array, Slab> = column(new Int32Array(0));
  private links: Column<Slab> = column(new Uint32Array(0));
  private objNext: Uint16Array = new Uint16Array(0);
  private objPrev: Uint16Array = new Uint16Array(0);
  private objState: Uint8Array = new Uint8Array(0);

  constructor(pageSize: number) {
    this.pageShift = Math.log2(pageSize);
  }

  watch(watcher: SlabWatcher): void {
    this.watchers.push(watcher);
  }

  /** Rows are below this. */
  get length(): number {
    return this.capacity;
  }

  /** A slab of `objects` objects, all allocated as far as is known, on no list. */
  add(
    cache: Cache,
    baseLo: number,
    baseHi: number,
    order: number,
    objects: number,
    node: Node,
  ): Slab {
    const row = this.unused.pop() ?? this.grow();
    this.cache[row] = cache;
    this.baseLo[row] = baseLo;
    this.baseHi[row] = baseHi;
    this.order[row] = order;
    this.objects[row] = objects;
    this.inuse[row] = objects;
    this.freelist[row] = NIL;
    this.on[row] = ON.none;
    this.node[row] = node;
    this.next[row] = NO_SLAB;
    this.prev[row] = NO_SLAB;
    const links = this.takeLinks(objects);
    this.links[row] = links;
    this.objState.fill(0, links, links + objects);
    this.eachPage(row, (lo, hi) => this.pages.set(lo, hi, row));
    return row;
  }

  /** All objects of a slab become free, to be handed out in the order of `sequence`. */
  fill(row: Slab, sequence: ArrayLike<number>): void {
    let head = NIL;
    for (let k = sequence.length - 1; k >= 0; k--) head = this.push(row, sequence[k]!, head);
    this.freelist[row] = head;
    this.inuse[row] = 0;
  }

  /** These objects, in this order, are free and were never used; all others are allocated. */
  fillUnseen(row: Slab, free: ArrayLike<number>): void {
    for (let k = 0; k < free.length; k++) this.setOld(row, free[k]!);
    this.fill(row, free);
    this.inuse[row] = this.objects[row] - free.length;
  }

  /** Objects that are not free. */
  countAllocated(row: Slab): number {
    let allocated = 0;
    for (let object: ObjectNumber = 0; object < this.objects[row]; object++) {
      if (!this.isFree(row, object)) allocated++;
    }
    return allocated;
  }

  /** Objects that are allocated here although their latest event is a free. */
  countImpossible(row: Slab): number {
    let count = 0;
    for (let object: ObjectNumber = 0; object < this.objects[row]; object++) {
      if (this.wasFreed(row, object) && !this.isFree(row, object)) count++;
    }
    return count;
  }

  /** A number, counted up from 0, that no other object has as long as the slab is there. */
  slot(row: Slab, object: ObjectNumber): number {
    return this.links[row] + object;
  }

  /** Forgets a slab that is on no list: its pages went back to the page allocator. */
  remove(row: Slab): void {
    for (const watcher of this.watchers) watcher.slabRemoved(row);
    this.eachPage(row, (lo, hi) => this.pages.delete(lo, hi));
    const objects = this.objects[row];
    const free = this.unusedLinks.get(objects);
    if (free === undefined) this.unusedLinks.set(objects, [this.links[row]]);
    else free.push(this.links[row]);
    this.cache[row] = NO_CACHE;
    this.unused.push(row);
  }

  /** The slab in whose pages an address is, or NO_SLAB. */
  find(lo: number, hi: number): Slab {
    const { pageShift } = this;
    return this.pages.get(((lo >>> pageShift) | (hi << (32 - pageShift))) >>> 0, hi >>> pageShift);
  }

  /** The address of a slab. */
  base(row: Slab): bigint {
    return joinHalves(this.baseHi[row], this.baseLo[row]);
  }

  /** Bytes from the start of a slab to an address in it. */
  offsetIn(row: Slab, lo: number, hi: number): number {
    return (hi - this.baseHi[row]) * TWO_32 + (lo - this.baseLo[row]);
  }

  isFree(row: Slab, object: ObjectNumber): boolean {
    return (this.objState[this.links[row] + object]! & FREE) !== 0;
  }

  /** True once the object was allocated since its slab is known. */
  wasUsed(row: Slab, object: ObjectNumber): boolean {
    return (this.objState[this.links[row] + object]! & USED) !== 0;
  }

  setAllocated(row: Slab, object: ObjectNumber): void {
    const at = this.links[row] + object;
    this.objState[at] = USED | (this.objState[at]! & FREED);
  }

  /** The object is allocated, as far as is known since before its slab is known. */
  setOld(row: Slab, object: ObjectNumber): void {
    this.objState[this.links[row] + object]! &= FREED;
  }

  /** An event shows the object allocated or freed. */
  noteEvent(row: Slab, object: ObjectNumber, isFree: boolean): void {
    const at = this.links[row] + object;
    if (isFree) this.objState[at]! |= FREED;
    else this.objState[at]! &= ~FREED;
  }

  /** True where the latest event of the object is a free. */
  wasFreed(row: Slab, object: ObjectNumber): boolean {
    return (this.objState[this.links[row] + object]! & FREED) !== 0;
  }

  /** True where a sheaf has the object. */
  isHeld(row: Slab, object: ObjectNumber): boolean {
    return (this.objState[this.links[row] + object]! & HELD) !== 0;
  }

  /** A sheaf has the object now, which is on no list. */
  setHeld(row: Slab, object: ObjectNumber, wasUsed: boolean): void {
    const at = this.links[row] + object;
    this.objState[at] = FREE | HELD | (wasUsed ? USED : 0) | (this.objState[at]! & FREED);
  }

  nextObject(row: Slab, object: ObjectNumber): ObjectNumber {
    return this.objNext[this.links[row] + object]!;
  }

  prevObject(row: Slab, object: ObjectNumber): ObjectNumber {
    return this.objPrev[this.links[row] + object]!;
  }

  /** Puts an object in front of a freelist; the object is the new head. */
  push(row: Slab, object: ObjectNumber, head: ObjectNumber): ObjectNumber {
    const at = this.links[row];
    this.objNext[at + object] = head;
    this.objPrev[at + object] = NIL;
    if (head !== NIL) this.objPrev[at + head] = object;
    this.objState[at + object] = (this.objState[at + object]! & KEPT) | FREE;
    return object;
  }

  /** In the place of an object on `slab->freelist` another one is there. */
  exchange(row: Slab, listed: number, other: number): void {
    const at = this.links[row];
    const prev = this.objPrev[at + listed]!;
    const next = this.objNext[at + listed]!;
    if (this.freelist[row] === listed) this.freelist[row] = other;
    if (prev !== NIL) this.objNext[at + prev] = other;
    if (next !== NIL) this.objPrev[at + next] = other;
    this.objPrev[at + other] = prev;
    this.objNext[at + other] = next;
    this.objState[at + other] = (this.objState[at + other]! & KEPT) | FREE;
    this.objState[at + listed]! &= KEPT;
  }

  /** Takes an object out of the middle of a list; returns what follows it. */
  unlink(row: Slab, object: ObjectNumber): ObjectNumber {
    const at = this.links[row];
    const next = this.objNext[at + object]!;
    const prev = this.objPrev[at + object]!;
    if (prev !== NIL) this.objNext[at + prev] = next;
    if (next !== NIL) this.objPrev[at + next] = prev;
    this.objState[at + object]! &= ~FREE;
    return next;
  }

  /** Turns a list round; returns its new head. */
  reverse(row: Slab, list: ObjectNumber): ObjectNumber {
    let reversed = NIL;
    for (let object: ObjectNumber = list; object !== NIL; ) {
      const next = this.nextObject(row, object);
      reversed = this.push(row, object, reversed);
      object = next;
    }
    return reversed;
  }

  /** Puts the list `front` in front of the list `back`; returns the head and counts `front`. */
  splice(row: Slab, front: number, back: number): { head: number; count: number } {
    if (front === NIL) return { head: back, count: 0 };
    const at = this.links[row];
    let last = front;
    let count = 1;
    for (;;) {
      const next = this.objNext[at + last]!;
      if (next === NIL) break;
      last = next;
      count++;
    }
    this.objNext[at + last] = back;
    if (back !== NIL) this.objPrev[at + back] = last;
    return { head: front, count };
  }

  /**
   * The objects in front of one on a list, the head first; none where they are more than `max` or
   * the object is not on it.
   */
  before(row: Slab, head: number, object: ObjectNumber, max: number): number[] {
    const found: number[] = [];
    let at = head;
    for (; at !== NIL && at !== object; at = this.nextObject(row, at)) {
      if (found.length === max) return [];
      found.push(at);
    }
    return at === object ? found : [];
  }

  /**
   * Puts the objects of a list that were never used behind the others, in ascending order.
   * @returns the new head, and which of the unused objects are below `from`
   */
  sortUnused(row: Slab, list: number, from: number): { head: number; lower: number[] } {
    const used: number[] = [];
    const unused: number[] = [];
    for (let at = list; at !== NIL; at = this.nextObject(row, at)) {
      (this.wasUsed(row, at) ? used : unused).push(at);
    }
    unused.sort((a, b) => a - b);
    const order = [...used, ...unused];
    let head = NIL;
    for (let k = order.length - 1; k >= 0; k--) head = this.push(row, order[k]!, head);
    return { head, lower: unused.filter((object) => object < from) };
  }

  /** The objects of a list, its head first. */
  listed(row: Slab, head: ObjectNumber): ObjectNumber[] {
    const objects: ObjectNumber[] = [];
    for (let object: ObjectNumber = head; object !== NIL; object = this.nextObject(row, object)) {
      objects.push(object);
    }
    return objects;
  }

  /** Objects on a list. */
  countList(row: Slab, head: ObjectNumber): number {
    let count = 0;
    for (let object: ObjectNumber = head; object !== NIL; object = this.nextObject(row, object))
      count++;
    return count;
  }

  /** The rows of each cache's slabs, by ascending address. */
  rowsByCache(caches: number): number[][] {
    const rows: number[][] = Array.from({ length: caches }, () => []);
    for (let row: Slab = 0; row < this.capacity; row++) rows[this.cache[row]]?.push(row);
    for (const ofCache of rows) {
      ofCache.sort(
        (a, b) => this.baseHi[a]! - this.baseHi[b]! || this.baseLo[a]! - this.baseLo[b]!,
      );
    }
    return rows;
  }

  private eachPage(row: Slab, act: (lo: number, hi: number) => void): void {
    const { pageShift } = this;
    const lo = this.baseLo[row];
    const hi = this.baseHi[row];
    for (let page = 0; page < 2 ** this.order[row]; page++) {
      const sum = lo + page * 2 ** pageShift;
      const at = sum >>> 0;
      const high = sum >= TWO_32 ? hi + 1 : hi;
      act(((at >>> pageShift) | (high << (32 - pageShift))) >>> 0, high >>> pageShift);
    }
  }

  private takeLinks(objects: number): number {
    const again = this.unusedLinks.get(objects)?.pop();
    if (again !== undefined) return again;
    const links = this.linksEnd;
    this.linksEnd += objects;
    this.objNext = ensureLength(this.objNext, this.linksEnd);
    this.objPrev = ensureLength(this.objPrev, this.linksEnd);
    this.objState = ensureLength(this.objState, this.linksEnd);
    return links;
  }

  private grow(): Slab {
    const from = this.capacity;
    const length = Math.max(1024, from * 2);
    this.baseLo = ensureLength(this.baseLo, length);
    this.baseHi = ensureLength(this.baseHi, length);
    this.cache = ensureLength(this.cache, length).fill(-1, from);
    this.order = ensureLength(this.order, length);
    this.objects = ensureLength(this.objects, length);
    this.inuse = ensureLength(this.inuse, length);
    this.freelist = ensureLength(this.freelist, length);
    this.on = ensureLength(this.on, length);
    this.cpu = ensureLength(this.cpu, length);
    this.node = ensureLength(this.node, length);
    this.pobjects = ensureLength(this.pobjects, length);
    this.next = ensureLength(this.next, length);
    this.prev = ensureLength(this.prev, length);
    this.links = ensureLength(this.links, length);
    this.capacity = length;
    for (let row: Slab = length - 1; row > from; row--) this.unused.push(row);
    return from;
  }
}
