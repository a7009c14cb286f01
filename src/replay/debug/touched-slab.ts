// A slab of a debug cache with its memory, byte by byte, kept from the moment that something other
// than SLUB wrote to it or a free was wrong. Until then its memory is what SLUB itself put there,
// which follows from the state of its objects, so nothing needs to be kept.

import type { CheckedCache, CheckedSlab } from '../../kernel/checks/checked-slab.ts';
import { objectOffset, UNTOLD_POINTER } from '../../kernel/checks/checked-slab.ts';
import { initObject, setOrigSize, setupSlab } from '../../kernel/checks/object-memory.ts';
import type { ObjectNumber } from '../../kernel/indices.ts';
import { NIL, type SlabTable } from '../model/slab-table.ts';

const POINTER_BYTES = 8;

/** What an allocation puts into an object besides SLUB's own bytes. */
export interface Request {
  readonly bytesReq: number;
  /** __GFP_ZERO */
  readonly isZeroed: boolean;
}

export interface TouchedSlabInput {
  readonly cache: CheckedCache;
  readonly table: SlabTable;
  readonly row: number;
  readonly size: number;
  /** How many reports there are so far. */
  readonly firstReport: number;
  /** SLAB_FREELIST_HARDENED: an overwritten free pointer decodes to nothing that is known. */
  readonly isHardened: boolean;
  /** The request of an allocated object, or undefined where it is older than the trace. */
  requestOf(object: ObjectNumber): Request | undefined;
}

export class TouchedSlab implements CheckedSlab {
  readonly row: number;
  readonly base: bigint;
  readonly bytes: Uint8Array;
  objects: number;
  inuse: number;
  freelist: bigint | undefined;
  frozen = false;
  /** Number of the first report that may be about it. */
  readonly firstReport: number;
  /** Something other than SLUB wrote to it. */
  isWritten = false;
  private readonly cache: CheckedCache;
  private readonly isHardened: boolean;
  /** By object. */
  private readonly pointers: (bigint | undefined)[];

  constructor(input: TouchedSlabInput) {
    const { cache, table, row } = input;
    this.cache = cache;
    this.row = row;
    this.firstReport = input.firstReport;
    this.isHardened = input.isHardened;
    this.base = table.base(row);
    this.bytes = new Uint8Array(input.size);
    this.objects = table.objects[row]!;
    this.inuse = table.inuse[row]!;
    this.freelist = this.pointerTo(table.freelist[row]!);
    setupSlab(cache, this.bytes);
    this.pointers = Array.from({ length: this.objects }, (_, object) =>
      table.isFree(row, object) || table.wasUsed(row, object)
        ? this.pointerTo(table.nextObject(row, object))
        : UNTOLD_POINTER,
    );
    for (let object: ObjectNumber = 0; object < this.objects; object++) {
      if (table.isFree(row, object)) initObject(cache, this.bytes, this.offset(object), false);
      else this.fill(object, input.requestOf(object));
    }
  }

  /** Bytes from the slab's start to an object. */
  offset(object: ObjectNumber): number {
    return objectOffset(this.cache, object);
  }

  /** The object at an offset at which one starts. */
  objectAt(offset: number): number {
    const { redLeftPad, size } = this.cache.geometry.layout;
    return (offset - redLeftPad) / size;
  }

  freePointer(offset: number): bigint | undefined {
    return this.pointers[this.objectAt(offset)];
  }

  setFreePointer(offset: number, value: bigint): void {
    this.pointers[this.objectAt(offset)] = value;
  }

  /** True where the object can be reached on the freelist. */
  isListed(object: ObjectNumber): boolean {
    return this.before(object) !== undefined;
  }

  /** An object leaves the freelist, whether it is its first or not; it counts as in use. */
  take(object: ObjectNumber): void {
    const before = this.before(object);
    if (before === undefined) return;
    const next = this.pointers[object];
    if (before < 0) this.freelist = next;
    else this.pointers[before] = next;
    this.inuse++;
  }

  /** A freed object becomes the first of the freelist. */
  push(object: ObjectNumber): void {
    initObject(this.cache, this.bytes, this.offset(object), false);
    this.pointers[object] = this.freelist;
    this.freelist = this.base + BigInt(this.offset(object));
    this.inuse--;
  }

  /** SLUB's own bytes of an object that becomes allocated. */
  fill(object: ObjectNumber, request: Request | undefined): void {
    const { cache, bytes } = this;
    const { objectSize, layout } = cache.geometry;
    const offset = this.offset(object);
    const bytesReq = request?.bytesReq ?? objectSize;
    setOrigSize(cache, bytes, offset, bytesReq);
    initObject(cache, bytes, offset, true);
    if (request?.isZeroed !== true) return;
    const keepsRequest = layout.origSize !== null && cache.rules.origSizeMovesFreePointer;
    bytes.fill(0, offset, offset + (keepsRequest ? bytesReq : objectSize));
  }

  /** A write from outside, of which the part inside the slab is taken. */
  write(from: number, data: Uint8Array): void {
    this.isWritten = true;
    this.bytes.set(data.subarray(0, this.bytes.length - from), from);
    const to = Math.min(from + data.length, this.bytes.length);
    const { offset, freePointerOutside } = this.cache.geometry.layout;
    for (const object of this.objectsIn(from, to)) {
      // An allocated object's contents cover a free pointer inside of it.
      if (!(freePointerOutside || this.isListed(object))) continue;
      const at = this.offset(object) + offset;
      if (from < at + POINTER_BYTES && to > at) {
        this.pointers[object] = this.isHardened
          ? undefined
          : overwritten(this.pointers[object], data, from - at);
      }
    }
  }

  /** Objects of whose stride a range has bytes. */
  objectsIn(from: number, to: number): number[] {
    const { size } = this.cache.geometry.layout;
    const first = Math.floor(from / size);
    const last = Math.min(Math.ceil(to / size), this.objects);
    return Array.from({ length: Math.max(0, last - first) }, (_, i) => first + i);
  }

  /** The object in front of one on the freelist, -1 where it is the first; undefined: not listed. */
  private before(object: ObjectNumber): number | undefined {
    const address = this.base + BigInt(this.offset(object));
    let before = -1;
    let at = this.freelist;
    for (let seen = 0; at !== undefined && at !== 0n && seen < this.objects; seen++) {
      if (at === address) return before;
      before = this.objectAt(Number(at - this.base));
      at = this.pointers[before];
    }
    return undefined;
  }

  private pointerTo(object: ObjectNumber): bigint {
    return object === NIL ? 0n : this.base + BigInt(this.offset(object));
  }
}

/** A plain pointer after some of its bytes were written: `data` begins `shift` bytes behind it. */
function overwritten(pointer: bigint | undefined, data: Uint8Array, shift: number): bigint {
  const view = new DataView(new ArrayBuffer(POINTER_BYTES));
  view.setBigUint64(0, pointer === undefined || pointer < 0n ? 0n : pointer, true);
  for (let i = 0; i < POINTER_BYTES; i++) {
    const byte = data[i - shift];
    if (byte !== undefined) view.setUint8(i, byte);
  }
  return view.getBigUint64(0, true);
}
