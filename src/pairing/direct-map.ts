// Where the kernel maps physical memory, learned from the trace: the events of the page allocator
// tell frame numbers, those of slab memory addresses. An allocation that comes next after an
// mm_page_alloc of the same task on the same CPU often lies in those pages, as the first object of a
// new slab; the distance that most of them agree on is the direct map's (PAGE_OFFSET of the machine).

import { ensureLength } from '../base/growable.ts';
import { type Column, column } from '../kernel/column.ts';
import type { Cpu, Task } from '../kernel/indices.ts';

/** In pages of 4 KiB: the direct map begins at a multiple of 2 MiB, on x86-64 of 1 GiB. */
const ALIGNMENT = 512;
const MIN_VOTES = 3;
const MAX_CANDIDATES = 4096;

/** Pages are numbered from address 0, in units of 4 KiB: 52 bits, exact in a double. */
export class DirectMap {
  /** What is to be added to a physical page's number to get its virtual one. */
  distance: number | undefined;
  /** True while allocations can tell more: to be asked before `objectAllocated`. */
  isLearning: boolean = false;
  private readonly votes = new Map<number, number>();
  private cast = 0;
  /** By CPU, the pages that were allocated last: the first one, how many, for which task. */
  private first: Column<Cpu, Float64Array> = column(new Float64Array(16));
  private count: Column<Cpu, Float64Array> = column(new Float64Array(16));
  private task: Column<Cpu, Uint32Array, Task> = column(new Uint32Array(16));

  /** The page allocator gave `count` pages from `first` on. */
  pagesAllocated(cpu: Cpu, task: Task, first: number, count: number): void {
    if (this.distance !== undefined) return;
    this.isLearning = true;
    this.first = ensureLength(this.first, cpu + 1);
    this.count = ensureLength(this.count, cpu + 1);
    this.task = ensureLength(this.task, cpu + 1);
    this.first[cpu] = first;
    this.count[cpu] = count;
    this.task[cpu] = task;
  }

  /** An object was allocated on a page. */
  objectAllocated(cpu: Cpu, task: Task, page: number): void {
    const count = this.count[cpu] ?? 0;
    if (count === 0) return;
    this.count[cpu] = 0;
    if (this.task[cpu] !== task) return;
    // Of the pages of a slab, only one stands at a distance that can be.
    const behind = page - (this.first[cpu] ?? 0);
    const distance = behind - (((behind % ALIGNMENT) + ALIGNMENT) % ALIGNMENT);
    if (behind - distance < count) this.vote(distance);
  }

  private vote(distance: number): void {
    const votes = (this.votes.get(distance) ?? 0) + 1;
    if (votes === 1 && this.votes.size === MAX_CANDIDATES) return;
    this.votes.set(distance, votes);
    this.cast++;
    if (votes < MIN_VOTES || votes * 2 <= this.cast) return;
    this.distance = distance;
    this.isLearning = false;
  }
}
