// What a reference scan reads: ranges of virtual memory, each of an object or of a class of roots, in
// the order of their addresses. Shared memory, so that threads take their share of one plan.

import { addHi, addLo } from '../../base/address.ts';
import { ensureLength } from '../../base/growable.ts';

/** Roots, in the order in which kmemleak_scan() goes through them (mm/kmemleak.c). */
export const ROOT_CLASSES = [
  'data',
  'per-CPU variables',
  'struct pages',
  'task stacks',
  'boot memory',
  'per-CPU allocations',
  'modules',
  'older vmalloc areas',
  'older page allocations',
  'older slab objects',
  'everything else',
] as const;

/** Longer ranges are cut, so that threads can share them. */
const MAX_RANGE = 4 * 1024 * 1024;

export type RootClass = (typeof ROOT_CLASSES)[number];

const STRUCT_PAGES: number = ROOT_CLASSES.indexOf('struct pages');

/** Plain data, for every thread. */
export interface ScanPlan {
  readonly count: number;
  readonly hi: Uint32Array;
  readonly lo: Uint32Array;
  /** In bytes. */
  readonly length: Float64Array;
  /** The object it belongs to, or -1 - index of its root class. */
  readonly source: Int32Array;
}

/** True where a range is an array of struct page: those with _refcount 0 are passed over. */
export function isStructPages(source: number): boolean {
  return source === -1 - STRUCT_PAGES;
}

export class ScanRanges {
  private hi: Uint32Array = new Uint32Array(1024);
  private lo: Uint32Array = new Uint32Array(1024);
  private length: Float64Array = new Float64Array(1024);
  private source: Int32Array = new Int32Array(1024);
  private count = 0;

  addRoot(root: RootClass, hi: number, lo: number, length: number): void {
    this.add(hi, lo, length, -1 - ROOT_CLASSES.indexOf(root));
  }

  /** @param object its index in the sorted list */
  addObject(object: number, hi: number, lo: number, length: number): void {
    this.add(hi, lo, length, object);
  }

  /** The ranges by address. */
  sorted(): ScanPlan {
    const { hi, lo, count } = this;
    const order = Uint32Array.from({ length: count }, (_, i) => i);
    order.sort((a, b) => hi[a]! - hi[b]! || lo[a]! - lo[b]! || a - b);
    const plan: ScanPlan = {
      count,
      hi: new Uint32Array(new SharedArrayBuffer(count * 4)),
      lo: new Uint32Array(new SharedArrayBuffer(count * 4)),
      length: new Float64Array(new SharedArrayBuffer(count * 8)),
      source: new Int32Array(new SharedArrayBuffer(count * 4)),
    };
    for (const [to, from] of order.entries()) {
      plan.hi[to] = hi[from]!;
      plan.lo[to] = lo[from]!;
      plan.length[to] = this.length[from]!;
      plan.source[to] = this.source[from]!;
    }
    return plan;
  }

  private add(hi: number, lo: number, length: number, source: number): void {
    for (let done = 0; done < length; done += MAX_RANGE) {
      const part = Math.min(MAX_RANGE, length - done);
      this.push(addHi(hi, lo, done), addLo(lo, done), part, source);
    }
  }

  private push(hi: number, lo: number, length: number, source: number): void {
    const i = this.count++;
    this.hi = ensureLength(this.hi, i + 1);
    this.lo = ensureLength(this.lo, i + 1);
    this.length = ensureLength(this.length, i + 1);
    this.source = ensureLength(this.source, i + 1);
    this.hi[i] = hi;
    this.lo[i] = lo;
    this.length[i] = length;
    this.source[i] = source;
  }
}
