// Which of the recorded caches can be a kernel's: what sysfs and /proc/slabinfo say of one has to fit
// together, or the cache is taken as not recorded, and a note names it. A capture may be cut, and be
// changed by hand.
// Truth: order_objects(), oo_make() and MAX_OBJS_PER_PAGE in mm/slub.c (6.12.117).

import { MAX_OBJS_PER_PAGE, MAX_ORDER, orderObjects } from '../slub/calculate-order.ts';
import type { ProcSlabCache, ProcSlabinfo } from './proc-slabinfo.ts';
import type { SlabCacheSysfs } from './slab-cache-sysfs.ts';
import { buildSlabSysfs, type SlabSysfs } from './slab-sysfs.ts';

/** Sizes of pages that Linux has had (PAGE_SHIFT 12 to 16). */
export const PAGE_SIZES: readonly number[] = [4096, 8192, 16384, 32768, 65536];

/** What could be used of a capture, and what of it could not, in sentences. */
export interface Checked<T> {
  readonly capture: T;
  readonly notes: readonly string[];
}

/** The caches of slab_sysfs.txt whose sizes fit together. */
export function checkSlabSysfs(sysfs: SlabSysfs): Checked<SlabSysfs> {
  const { pageSize, fits } = shapesOf(sysfs.caches.map(shapeOfSysfs));
  const faults = new Faults('slab_sysfs.txt');
  const lines = sysfs.badLines;
  if (lines > 0) faults.say(`${lines} ${lines === 1 ? 'line' : 'lines'} cannot be read.`);
  const caches = sysfs.caches.filter((cache) => {
    const fault = faultOfSysfs(cache, pageSize, fits);
    if (fault !== undefined) faults.add(cache.id, fault, NOT_RECORDED);
    return fault === undefined;
  });
  for (const { id, unread } of caches) {
    if (unread.size > 0) faults.add(id, `no readable ${[...unread].join(', ')}`, UNKNOWN);
  }
  const { aliases, badLines } = sysfs;
  return { capture: buildSlabSysfs(caches, aliases, badLines), notes: faults.notes() };
}

/** The caches of slabinfo.txt whose sizes fit together. */
export function checkProcSlabinfo(slabinfo: ProcSlabinfo): Checked<ProcSlabinfo> {
  const { pageSize, fits } = shapesOf(slabinfo.caches.map(shapeOfRow));
  const faults = new Faults('slabinfo.txt');
  const caches = slabinfo.caches.filter((cache) => {
    const fault = faultOfRow(cache, pageSize, fits);
    if (fault !== undefined) faults.add(cache.name, fault, NOT_RECORDED);
    return fault === undefined;
  });
  const byName = new Map([...slabinfo.byName].filter(([, cache]) => caches.includes(cache)));
  return { capture: { ...slabinfo, caches, byName }, notes: faults.notes() };
}

/**
 * The page size that most caches of a slabinfo fit; undefined where they do not tell (SLAB's fill
 * their slabs otherwise).
 */
export function pageSizeOfSlabinfo({ caches }: ProcSlabinfo): number | undefined {
  const { pageSize, fits } = shapesOf(caches.map(shapeOfRow));
  return fits ? pageSize : undefined;
}

/** Objects of `size` bytes in slabs of 2^order pages. */
interface Shape {
  readonly size: number;
  readonly objects: number;
  readonly order: number;
}

const shapeOfSysfs = ({ slabSize, objsPerSlab, order }: SlabCacheSysfs): Shape => ({
  size: slabSize,
  objects: objsPerSlab,
  order,
});

const shapeOfRow = ({ objsize, objperslab, pagesperslab }: ProcSlabCache): Shape => ({
  size: objsize,
  objects: objperslab,
  order: Math.log2(pagesperslab),
});

interface Shapes {
  /** That of the machine, by most of its caches. */
  readonly pageSize: number;
  /** True where most caches have as many objects in a slab as fit, as SLUB's have. */
  readonly fits: boolean;
}

function shapesOf(shapes: readonly Shape[]): Shapes {
  const possible = shapes.filter(isPossible);
  const fitting = PAGE_SIZES.map(
    (pageSize) =>
      possible.filter(({ size, objects, order }) => orderObjects(order, size, pageSize) === objects)
        .length,
  );
  const most = Math.max(...fitting);
  // Of none at all nothing is said of the page size: then a slab may have the largest pages.
  const pageSize = PAGE_SIZES[most === 0 ? PAGE_SIZES.length - 1 : fitting.indexOf(most)];
  return { pageSize: pageSize ?? 0, fits: most * 2 > possible.length };
}

function isPossible({ size, objects, order }: Shape): boolean {
  return (
    size > 0 &&
    objects > 0 &&
    objects <= MAX_OBJS_PER_PAGE &&
    Number.isInteger(order) &&
    order >= 0 &&
    order <= MAX_ORDER
  );
}

/** The first of a cache's attributes that cannot be, with its value; undefined where all can. */
function faultOfSysfs(cache: SlabCacheSysfs, pageSize: number, fits: boolean): string | undefined {
  const { unread, objectSize, slabSize, objsPerSlab, order } = cache;
  const missing = (['object_size', 'slab_size', 'objs_per_slab', 'order'] as const).find((name) =>
    unread.has(name),
  );
  if (missing !== undefined) return `no readable ${missing}`;
  if (order > MAX_ORDER) return `order=${order}, which no kernel has`;
  if (slabSize < 1) return `slab_size=${slabSize}, which no kernel has`;
  if (objectSize < 1 || objectSize > slabSize)
    return `object_size=${objectSize}, which does not fit slab_size=${slabSize}`;
  const shape = shapeOfSysfs(cache);
  const room = orderObjects(order, slabSize, pageSize);
  if (!isPossible(shape) || objsPerSlab > room || (fits && objsPerSlab < room))
    return `objs_per_slab=${objsPerSlab}, which does not fit slab_size=${slabSize} and order=${order}`;
  return undefined;
}

/** The same of a line of slabinfo. The kernel's other allocators fit in fewer objects than SLUB. */
function faultOfRow(row: ProcSlabCache, pageSize: number, fits: boolean): string | undefined {
  const shape = shapeOfRow(row);
  const { objsize, objperslab, pagesperslab } = row;
  if (!isPossible(shape)) {
    return `objsize ${objsize}, objperslab ${objperslab} and pagesperslab ${pagesperslab}, which do not fit`;
  }
  const room = orderObjects(shape.order, objsize, pageSize);
  return objperslab > room || (fits && objperslab * 2 < room)
    ? `objperslab ${objperslab}, which does not fit objsize ${objsize} and pagesperslab ${pagesperslab}`
    : undefined;
}

/** What follows from a fault. */
const NOT_RECORDED = 'taken as not recorded';
const UNKNOWN = 'taken as unknown';
/** Kinds of faults that are written out before the rest is counted. */
const MOST_NOTES = 3;

interface Fault {
  readonly fault: string;
  readonly consequence: string;
  readonly caches: string[];
}

/** What is wrong with the caches of a file, a note for each kind of fault. */
class Faults {
  private readonly file: string;
  private readonly said: string[] = [];
  private readonly faults = new Map<string, Fault>();

  constructor(file: string) {
    this.file = file;
  }

  say(sentence: string): void {
    this.said.push(`${this.file}: ${sentence}`);
  }

  add(cache: string, fault: string, consequence: string): void {
    const known = this.faults.get(fault) ?? { fault, consequence, caches: [] };
    this.faults.set(fault, known);
    known.caches.push(cache);
  }

  notes(): string[] {
    const faults = [...this.faults.values()];
    for (const { fault, consequence, caches } of faults.slice(0, MOST_NOTES)) {
      const others = caches.length - 1;
      if (others === 0) this.say(`${caches[0]} has ${fault}: ${consequence}.`);
      else this.say(`${caches[0]} and ${others} more have ${fault}: ${consequence}.`);
    }
    const rest = faults.slice(MOST_NOTES).reduce((sum, { caches }) => sum + caches.length, 0);
    if (rest > 0)
      this.say(`${rest} further caches have figures that do not fit: taken as not recorded.`);
    return this.said;
  }
}
