// The sums of `slabinfo -T`: one column of average, least, most and total per quantity.
// Truth: tools/mm/slabinfo.c (6.12) totals(). Its unsigned 64-bit arithmetic is kept, since a busy
// kernel's counts can disagree and wrap, and so are its two oddities: the least of a percentage is at
// most 100, and the average of objects on partial slabs is a percentage.

import type { SlabCacheSysfs } from '../../kernel/caches/slab-cache-sysfs.ts';
import type { ToolCache } from './tool-caches.ts';

export interface Spread {
  readonly average: bigint;
  readonly least: bigint;
  readonly most: bigint;
}

export interface SpreadAndTotal extends Spread {
  readonly total: bigint;
}

interface SlabinfoSums {
  /** Loss in per cent of the bytes of allocated objects. */
  readonly lossPct: bigint;
  /** Objects on partial slabs in per cent of objects. */
  readonly partialObjectsPct: bigint;
  readonly objects: SpreadAndTotal;
  readonly slabs: SpreadAndTotal;
  readonly partialSlabs: SpreadAndTotal;
  readonly partialSlabsPct: SpreadAndTotal;
  /** `average` is in per cent of all objects. */
  readonly partialObjects: SpreadAndTotal;
  readonly partialObjectsPctPerCache: SpreadAndTotal;
  readonly memory: SpreadAndTotal;
  readonly used: SpreadAndTotal;
  readonly loss: SpreadAndTotal;
  /** Per object: slab_size, object_size, and what is between them. */
  readonly objectMemory: Spread;
  readonly objectUser: Spread;
  readonly objectLoss: Spread;
}

export interface SlabinfoTotals {
  readonly slabcaches: number;
  readonly aliases: number;
  /** Directories with a unique id. */
  readonly aliasTargets: number;
  /** Caches that have slabs and objects; the sums are over these. */
  readonly active: number;
  /** Null where no cache is active. */
  readonly sums: SlabinfoSums | null;
}

const U64 = (value: bigint): bigint => BigInt.asUintN(64, value);
const big = (value: number): bigint => U64(BigInt(value));

/** The kernel divides by what cannot be zero on a live machine; a damaged capture gives 0. */
const divide = (a: bigint, b: bigint): bigint => (b === 0n ? 0n : a / b);
const percent = (part: bigint, whole: bigint): bigint => divide(U64(part * 100n), whole);

class Column {
  least: bigint;
  most = 0n;
  total = 0n;

  constructor(ceiling: bigint = 1n << 63n) {
    this.least = ceiling;
  }

  add(value: bigint): void {
    if (value < this.least) this.least = value;
    if (value > this.most) this.most = value;
    this.total = U64(this.total + value);
  }

  spread(average: bigint): Spread {
    return { average, least: this.least, most: this.most };
  }

  over(count: bigint): SpreadAndTotal {
    return { ...this.spread(divide(this.total, count)), total: this.total };
  }
}

export function computeTotals(
  caches: readonly ToolCache[],
  counts: { readonly aliases: number; readonly aliasTargets: number },
): SlabinfoTotals {
  const active = caches.filter(({ cache }) => cache.slabs !== 0 && cache.objects !== 0);
  const sums = active.length === 0 ? null : computeSums(active);
  return { slabcaches: caches.length, ...counts, active: active.length, sums };
}

function computeSums(active: readonly ToolCache[]): SlabinfoSums {
  const objects = new Column();
  const slabs = new Column();
  const partialSlabs = new Column();
  const partialSlabsPct = new Column(100n);
  const partialObjects = new Column();
  const partialObjectsPct = new Column(100n);
  const memory = new Column();
  const used = new Column();
  const loss = new Column();
  const objectMemory = new Column();
  const objectUser = new Column();
  const objectLoss = new Column();
  let allMemory = 0n;
  let allLoss = 0n;
  for (const { cache, space, loss: cacheLoss } of active) {
    const count = big(cache.objects);
    const perObjectLoss = lossPerObject(cache);
    objects.add(count);
    slabs.add(big(cache.slabs));
    partialSlabs.add(big(cache.partial));
    partialSlabsPct.add(atMost100(percent(big(cache.partial), big(cache.slabs))));
    partialObjects.add(big(cache.objectsPartial));
    partialObjectsPct.add(atMost100(percent(big(cache.objectsPartial), count)));
    memory.add(big(space));
    used.add(big(cache.objects * cache.objectSize));
    loss.add(big(cacheLoss));
    objectMemory.add(big(cache.slabSize));
    objectUser.add(big(cache.objectSize));
    objectLoss.add(perObjectLoss);
    allMemory = U64(allMemory + count * big(cache.slabSize));
    allLoss = U64(allLoss + count * perObjectLoss);
  }

  const caches = BigInt(active.length);
  const partialPct = percent(partialObjects.total, objects.total);
  return {
    lossPct: percent(loss.total, used.total),
    partialObjectsPct: partialPct,
    objects: objects.over(caches),
    slabs: slabs.over(caches),
    partialSlabs: partialSlabs.over(caches),
    partialSlabsPct: {
      ...partialSlabsPct.over(caches),
      total: percent(partialSlabs.total, slabs.total),
    },
    partialObjects: { ...partialObjects.spread(partialPct), total: partialObjects.total },
    partialObjectsPctPerCache: { ...partialObjectsPct.over(caches), total: partialPct },
    memory: memory.over(caches),
    used: used.over(caches),
    loss: loss.over(caches),
    objectMemory: objectMemory.spread(divide(allMemory, objects.total)),
    objectUser: objectUser.spread(divide(used.total, objects.total)),
    objectLoss: objectLoss.spread(divide(allLoss, objects.total)),
  };
}

/** slab_size - object_size, unsigned ints. */
function lossPerObject(cache: SlabCacheSysfs): bigint {
  return BigInt((cache.slabSize - cache.objectSize) >>> 0);
}

function atMost100(value: bigint): bigint {
  return value > 100n ? 100n : value;
}
