// Allocated objects as a reference scan sees them (struct kmemleak_object, mm/kmemleak.c): where each
// begins, how long it is, and how many references it needs. Collected in any order, then sorted by
// address; the columns are shared memory, so that every thread of a scan looks things up in the same.

import { distance } from '../../base/address.ts';
import { ensureLength } from '../../base/growable.ts';

/** min_count of an object that is never reported and never scanned (painted black). */
export const BLACK = -1;
/** min_count of an object that is scanned whatever refers to it (painted gray). */
export const GRAY = 0;

/** Objects in the order of their addresses; plain data, for every thread. */
export interface ObjectColumns {
  readonly count: number;
  readonly hi: Uint32Array;
  readonly lo: Uint32Array;
  /** In bytes. */
  readonly size: Float64Array;
  /** References that make it gray: 1, for vmalloc areas 2; GRAY or BLACK. */
  readonly minCount: Int8Array;
  /** What the maker of the list calls the object. */
  readonly tag: Int32Array;
}

export class ObjectList {
  private hi: Uint32Array = new Uint32Array(1024);
  private lo: Uint32Array = new Uint32Array(1024);
  private size: Float64Array = new Float64Array(1024);
  private minCount: Int8Array = new Int8Array(1024);
  private tag: Int32Array = new Int32Array(1024);
  private count = 0;

  get length(): number {
    return this.count;
  }

  /** @param size in bytes, above 0 */
  add(hi: number, lo: number, size: number, minCount: number, tag: number): void {
    const i = this.count++;
    this.hi = ensureLength(this.hi, i + 1);
    this.lo = ensureLength(this.lo, i + 1);
    this.size = ensureLength(this.size, i + 1);
    this.minCount = ensureLength(this.minCount, i + 1);
    this.tag = ensureLength(this.tag, i + 1);
    this.hi[i] = hi;
    this.lo[i] = lo;
    this.size[i] = size;
    this.minCount[i] = minCount;
    this.tag[i] = tag;
  }

  /**
   * The objects by address. One that overlaps the one before it is left out, as the kernel does
   * (`Cannot insert … into the object search tree (overlaps existing)`).
   */
  sorted(): ObjectColumns {
    const { hi, lo, size } = this;
    const order = Uint32Array.from({ length: this.count }, (_, i) => i);
    order.sort((a, b) => hi[a]! - hi[b]! || lo[a]! - lo[b]! || a - b);
    const columns = sharedColumns(this.count);
    let count = 0;
    for (const i of order) {
      const last = count - 1;
      if (last >= 0) {
        const behind = distance(hi[i]!, lo[i]!, columns.hi[last]!, columns.lo[last]!);
        if (behind < columns.size[last]!) continue;
      }
      columns.hi[count] = hi[i]!;
      columns.lo[count] = lo[i]!;
      columns.size[count] = size[i]!;
      columns.minCount[count] = this.minCount[i]!;
      columns.tag[count] = this.tag[i]!;
      count++;
    }
    return { ...columns, count };
  }
}

function sharedColumns(n: number): Omit<ObjectColumns, 'count'> {
  return {
    hi: new Uint32Array(new SharedArrayBuffer(n * 4)),
    lo: new Uint32Array(new SharedArrayBuffer(n * 4)),
    size: new Float64Array(new SharedArrayBuffer(n * 8)),
    minCount: new Int8Array(new SharedArrayBuffer(n)),
    tag: new Int32Array(new SharedArrayBuffer(n * 4)),
  };
}
