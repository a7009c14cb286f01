// Where struct slab cannot be read (no structure layouts, printed words), slabs are known by the
// objects that a trace holds live in them: red zones, poison and padding of their objects can be
// checked, freelists and counts cannot. Whether an object is free, its own red zones say.

import { hiOf, loOf } from '../../base/address.ts';
import {
  type CheckedCache,
  type CheckedSlab,
  hasFlag,
  objectOffset,
  sizeFromObject,
  UNTOLD_POINTER,
} from '../../kernel/checks/checked-slab.ts';
import { POISON_FREE, SLUB_RED_ACTIVE, SLUB_RED_INACTIVE } from '../../kernel/checks/poison.ts';
import { SlubChecks } from '../../kernel/checks/slub-checks.ts';
import { SlubReports } from '../../kernel/checks/slub-reports.ts';
import { SLAB } from '../../kernel/slub/slab-flags.ts';
import type { KernelImage } from '../kernel/kernel-image.ts';
import { SnapshotDetails } from './report-details.ts';
import { remarkOn, type SlabReport } from './slab-report.ts';

/** A slab by what a trace and the recorded caches tell. */
export interface TracedSlab {
  readonly cache: CheckedCache;
  readonly base: bigint;
  /** Bytes in all. */
  readonly size: number;
  readonly objects: number;
  /** False where the slab's size is computed: what is behind its objects is not certain then. */
  readonly isRecorded: boolean;
}

export interface TracedValidation {
  readonly slabs: number;
  readonly objects: number;
  /** Their memory is not in the image. */
  readonly objectsUnchecked: number;
  /** Slabs whose memory is something else by now. */
  readonly slabsGone: number;
  readonly reports: readonly SlabReport[];
}

const MAX_ROUNDS = 8;
const MAX_REPORTS = 10_000;
/** The page allocator gives no larger slab (MAX_PAGE_ORDER on x86). */
const MAX_SLAB_BYTES = 4 * 1024 * 1024;

export function validateTraced(kernel: KernelImage, slabs: Iterable<TracedSlab>): TracedValidation {
  const details = new SnapshotDetails(kernel, undefined);
  const found: SlabReport[] = [];
  const counts = { slabs: 0, objects: 0, objectsUnchecked: 0, slabsGone: 0 };
  for (const traced of slabs) {
    if (traced.size > MAX_SLAB_BYTES) continue;
    const slab = new TracedCopy(kernel, traced);
    const { cache, objects } = traced;
    const { there } = slab;
    counts.objectsUnchecked += objects - there.length;
    if (there.length === 0) continue;
    if (!looksLikeSlab(cache, slab, there)) {
      counts.slabsGone++;
      continue;
    }
    counts.slabs++;
    counts.objects += there.length;
    if (found.length >= MAX_REPORTS) continue;
    details.setLayout(cache.geometry.layout);
    const reports = new SlubReports(details);
    const checks = new SlubChecks(cache, reports);
    if (slab.isWhole && traced.isRecorded) checks.padding(slab);
    for (const object of there) {
      const offset = objectOffset(cache, object);
      const isActive = !looksFree(cache, slab, offset);
      for (let n = 0; n < MAX_ROUNDS && !checks.object(slab, offset, isActive); n++);
    }
    const list = reports.reports();
    found.push(...list.map((_, i) => remarkOn(list, i, undefined, cache, slab)));
  }
  return { ...counts, reports: found };
}

/** Freelist and counts are not known: they are given as what no check finds fault with. */
class TracedCopy implements CheckedSlab {
  readonly base: bigint;
  readonly bytes: Uint8Array;
  readonly objects: number;
  readonly inuse: number;
  readonly freelist = 0n;
  readonly frozen = false;
  /** True where the image holds all of it. */
  readonly isWhole: boolean;
  /** The objects that it holds, with all that is around them. */
  readonly there: readonly number[];

  constructor({ space }: KernelImage, { cache, base, size, objects }: TracedSlab) {
    this.base = base;
    this.bytes = new Uint8Array(size);
    this.objects = objects;
    this.inuse = objects;
    const read = (from: number, to: number): boolean => {
      const address = base + BigInt(from);
      return space.read(hiOf(address), loOf(address), this.bytes.subarray(from, to));
    };
    const { layout } = cache.geometry;
    const all = Array.from({ length: objects }, (_, object) => object);
    this.isWhole = read(0, size);
    this.there = this.isWhole
      ? all
      : all.filter((object) => {
          const offset = objectOffset(cache, object);
          return read(offset - layout.redLeftPad, offset + sizeFromObject(cache));
        });
  }

  freePointer(): bigint {
    return UNTOLD_POINTER;
  }

  setFreePointer(): void {
    // No check finds fault with a pointer that is not known.
  }
}

/** Half of the objects have red zones or poison as this cache's objects have. */
function looksLikeSlab(cache: CheckedCache, slab: TracedCopy, objects: readonly number[]): boolean {
  const fitting = objects.filter((object) => {
    const offset = objectOffset(cache, object);
    const { zone, active, inactive } = zonesOf(cache, slab, offset);
    return zone > 0 ? (active + inactive) * 2 > zone : isPoisoned(cache, slab, offset);
  });
  const needed = hasFlag(cache, SLAB.RED_ZONE) ? objects.length / 2 : 1;
  return fitting.length >= needed;
}

function looksFree(cache: CheckedCache, slab: TracedCopy, offset: number): boolean {
  const { zone, active, inactive } = zonesOf(cache, slab, offset);
  return zone > 0 ? inactive > active : isPoisoned(cache, slab, offset);
}

/** How many bytes of an object's red zones are there, and are as in an allocated or a free one. */
function zonesOf(
  cache: CheckedCache,
  { bytes }: TracedCopy,
  offset: number,
): { zone: number; active: number; inactive: number } {
  const count = { zone: 0, active: 0, inactive: 0 };
  if (!hasFlag(cache, SLAB.RED_ZONE)) return count;
  const { layout, objectSize } = cache.geometry;
  const tally = (from: number, to: number): void => {
    for (let at = from; at < to; at++) {
      count.zone++;
      if (bytes[at] === SLUB_RED_ACTIVE) count.active++;
      else if (bytes[at] === SLUB_RED_INACTIVE) count.inactive++;
    }
  };
  tally(offset - layout.redLeftPad, offset);
  tally(offset + objectSize, offset + layout.inuse);
  return count;
}

function isPoisoned(cache: CheckedCache, { bytes }: TracedCopy, offset: number): boolean {
  const { layout, objectSize } = cache.geometry;
  if (!layout.objectPoison || objectSize < 2) return false;
  let poisoned = 0;
  for (let at = 0; at < objectSize - 1; at++) {
    if (bytes[offset + at] === POISON_FREE) poisoned++;
  }
  return poisoned * 2 > objectSize - 1;
}
