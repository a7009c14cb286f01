// Traced objects and a kernel's memory → what is scanned for references to what: the objects, as
// kmemleak would have them, and the roots.

import { addHi, addLo, hiOf, joinHalves, loOf } from '../../base/address.ts';
import type { Cpu } from '../kernel/per-cpu.ts';
import type { Annotation } from './annotations.ts';
import { indexObjects, ObjectIndex, type ObjectPages } from './object-index.ts';
import { BLACK, GRAY, type ObjectColumns, ObjectList } from './object-list.ts';
import type { PerCpuAllocation } from './percpu-allocations.ts';
import type { RootClass, ScanPlan } from './scan-plan.ts';
import { ScanRanges } from './scan-plan.ts';
import type { TracedObjects } from './traced-objects.ts';
import type { VmallocArea } from './vmalloc-areas.ts';

/** An object that is no row of the trace. */
export type OtherObject =
  | { readonly kind: 'vmalloc'; readonly area: VmallocArea; readonly row: number }
  | { readonly kind: 'percpu'; readonly allocation: PerCpuAllocation }
  | { readonly kind: 'older'; readonly cache: number };

export interface BuiltScan {
  readonly objects: ObjectColumns;
  readonly table: ObjectPages;
  readonly plan: ScanPlan;
  /** By object: the one that references beyond its first count for. */
  readonly excess: ReadonlyMap<number, number>;
  /**
   * By object, of those that the user's annotations paint: the references that it needed without them.
   */
  readonly painted: ReadonlyMap<number, number>;
  /** An object whose tag is -1 - i is others[i]; other tags are rows of the trace. */
  readonly others: readonly OtherObject[];
}

/** Collects objects and roots, then puts them in order. */
export class ScanBuilder {
  private readonly list = new ObjectList();
  private readonly roots = new ScanRanges();
  private readonly others: OtherObject[] = [];
  private readonly traced: TracedObjects;
  /** By tag: only a part of the object is scanned. */
  private readonly parts = new Map<number, Annotation>();
  /** As `BuiltScan.painted`, by tag. */
  private readonly painted = new Map<number, number>();
  /** Addresses in objects that are neither reported nor scanned. */
  private readonly black: bigint[] = [];
  private readonly excessPairs: (readonly [bigint, bigint])[] = [];

  constructor(traced: TracedObjects) {
    this.traced = traced;
  }

  /** An object of the trace. @param size as kmemleak has it */
  row(row: number, size: number): void {
    const { hi, lo, annotation, annotations } = this.traced;
    const minCount = this.annotate(annotations[annotation[row]!], 1, row);
    this.list.add(hi[row]!, lo[row]!, size, minCount, row);
  }

  /** An object that is no row. */
  other(object: OtherObject, hi: number, lo: number, size: number, minCount: number): void {
    this.others.push(object);
    const tag = -this.others.length;
    const found = this.traced.annotationOfOther(object, joinHalves(hi, lo));
    this.list.add(hi, lo, size, this.annotate(found, minCount, tag), tag);
  }

  /** The references that an object needs by its annotation. @param minCount without one */
  private annotate(found: Annotation | undefined, minCount: number, tag: number): number {
    if (found === undefined) return minCount;
    if (found.action === 'no-scan' || found.action === 'scan-area') {
      this.parts.set(tag, found);
      return minCount;
    }
    if (!found.isBuiltIn) this.painted.set(tag, minCount);
    return found.action === 'ignore' ? BLACK : GRAY;
  }

  root(root: RootClass, address: bigint, bytes: number): void {
    this.rootAt(root, hiOf(address), loOf(address), bytes);
  }

  rootAt(root: RootClass, hi: number, lo: number, bytes: number): void {
    this.roots.addRoot(root, hi, lo, bytes);
  }

  ignore(address: bigint): void {
    this.black.push(address);
  }

  /** References beyond the first of the object at `holder` count for the one at `held`. */
  excess(holder: bigint, held: bigint): void {
    this.excessPairs.push([holder, held]);
  }

  /**
   * @param cpus whose copies of per-CPU objects are scanned
   * @param rest adds roots that depend on where the objects are
   */
  build(
    cpus: readonly Cpu[],
    rest?: (objects: ObjectColumns, roots: ScanRanges) => void,
  ): BuiltScan {
    const objects = this.list.sorted();
    const table = indexObjects(objects);
    const index = new ObjectIndex(objects, table);
    const find = (address: bigint): number => index.find(hiOf(address), loOf(address));
    const painted = new Map<number, number>();
    for (let i = 0; this.painted.size > 0 && i < objects.count; i++) {
      const minCount = this.painted.get(objects.tag[i]!);
      if (minCount !== undefined) painted.set(i, minCount);
    }
    for (const address of this.black) {
      const i = find(address);
      if (i < 0) continue;
      objects.minCount[i] = BLACK;
      painted.delete(i);
    }
    const excess = new Map<number, number>();
    for (const [holder, held] of this.excessPairs) {
      const from = find(holder);
      const to = find(held);
      if (from >= 0 && to >= 0) excess.set(from, to);
    }
    for (let i = 0; i < objects.count; i++) {
      if (objects.minCount[i] !== BLACK) this.objectRange(objects, i, cpus);
    }
    rest?.(objects, this.roots);
    return { objects, table, plan: this.roots.sorted(), excess, painted, others: this.others };
  }

  private objectRange(objects: ObjectColumns, i: number, cpus: readonly Cpu[]): void {
    const tag = objects.tag[i]!;
    const hi = objects.hi[i]!;
    const lo = objects.lo[i]!;
    const size = objects.size[i]!;
    const other = tag < 0 ? this.others[-1 - tag] : undefined;
    const part = this.parts.get(tag);
    if (part?.action === 'no-scan') return;
    const from = Math.min(size, part?.offset ?? 0);
    const length = Math.min(size - from, part?.size ?? size);
    if (other?.kind === 'percpu') {
      for (const { offset } of cpus) {
        const copy = BigInt.asUintN(64, other.allocation.pointer + offset + BigInt(from));
        this.roots.addObject(i, hiOf(copy), loOf(copy), length);
      }
      return;
    }
    this.roots.addObject(i, addHi(hi, lo, from), addLo(lo, from), length);
  }
}
