// Every slab of an image → what each cache holds, counted by list: the figures that slabinfo and the
// kernel's own sysfs are compared with.

import type { SlabView } from './slab-view.ts';
import { SLOT } from './slab-view.ts';

export interface CacheOccupancy {
  readonly name: string;
  slabs: number;
  slabsOnCpu: number;
  slabsOnCpuPartial: number;
  slabsOnPartial: number;
  slabsFull: number;
  /** Slots in all. */
  objects: number;
  allocated: number;
  /** On the freelist of a CPU. */
  freeOnCpuFreelist: number;
  /** On the freelist of a slab that is a CPU's, a CPU's partial one, a node's partial one. */
  freeOnCpuSlab: number;
  freeOnCpuPartial: number;
  freeOnPartial: number;
  inSheaves: number;
}

/** Adds one slab to its cache's counts. */
export function addSlab(count: CacheOccupancy, slab: SlabView): void {
  let free = 0;
  let cpuFree = 0;
  let sheaf = 0;
  for (const state of slab.states) {
    if (state === SLOT.free) free++;
    else if (state === SLOT.cpuFree) cpuFree++;
    else if (state !== SLOT.allocated) sheaf++;
  }
  count.slabs++;
  count.objects += slab.slots;
  count.allocated += slab.slots - free - cpuFree - sheaf;
  count.freeOnCpuFreelist += cpuFree;
  count.inSheaves += sheaf;
  switch (slab.place) {
    case 'cpu':
      count.slabsOnCpu++;
      count.freeOnCpuSlab += free;
      break;
    case 'cpu-partial':
      count.slabsOnCpuPartial++;
      count.freeOnCpuPartial += free;
      break;
    case 'partial':
      count.slabsOnPartial++;
      count.freeOnPartial += free;
      break;
    default:
      count.slabsFull++;
  }
}

/** Of a cache of which no slab was seen yet. */
export function emptyOccupancy(name: string): CacheOccupancy {
  return {
    name,
    slabs: 0,
    slabsOnCpu: 0,
    slabsOnCpuPartial: 0,
    slabsOnPartial: 0,
    slabsFull: 0,
    objects: 0,
    allocated: 0,
    freeOnCpuFreelist: 0,
    freeOnCpuSlab: 0,
    freeOnCpuPartial: 0,
    freeOnPartial: 0,
    inSheaves: 0,
  };
}
