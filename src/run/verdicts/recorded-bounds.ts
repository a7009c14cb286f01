// What the kernel counted at the end bounds what can be live: no cache holds objects on more slabs than
// it had, nor more objects than were active. Where events were lost, or frees switched on late, what
// exceeds that was freed unseen: on the slabs whose objects had the most frees to lose (loss-risk.ts).

import type { KnownCaches } from '../../kernel/caches/known-cache.ts';
import type { LiveObjects } from '../../pairing/live-objects.ts';
import { slabNumber } from '../names/slab-groups.ts';

export interface BoundsInput {
  readonly live: LiveObjects;
  readonly known: KnownCaches | undefined;
  readonly pageSize: number;
  /** The name of a live object's cache; undefined where nothing tells. */
  cacheOf(row: number): string | undefined;
}

/** Of a smaller excess too little is known which slabs it is. */
const LEAST_EXCESS = 0.15;

interface HeldSlab {
  readonly rows: number[];
  /** When an object of it was allocated last. */
  usedTs: number;
}

/** Slabs with objects that are held live, of one cache. */
export interface HeldCache {
  readonly slabs: readonly HeldSlab[];
  readonly objects: number;
  readonly recordedSlabs: number;
  /** Free objects of CPU slabs are in it, so it may be too high. */
  readonly activeObjects: number;
}

/** The caches that were recorded with their counts, with what the trace holds of them. */
export function heldCaches(rows: Iterable<number>, input: BoundsInput): HeldCache[] {
  const { live, known, pageSize } = input;
  const held = new Map<string, Map<number, HeldSlab>>();
  for (const row of rows) {
    const cache = known?.find(input.cacheOf(row) ?? '');
    if (cache === undefined) continue;
    const slabs = held.get(cache.name) ?? new Map<number, HeldSlab>();
    held.set(cache.name, slabs);
    const key = slabNumber(live.ptrLo(row), live.ptrHi(row), pageSize * 2 ** cache.order);
    const slab = slabs.get(key) ?? { rows: [], usedTs: -Infinity };
    slabs.set(key, slab);
    slab.rows.push(row);
    slab.usedTs = Math.max(slab.usedTs, live.ts(row));
  }
  return [...held].flatMap(([name, slabs]) => {
    const cache = known?.find(name);
    if (cache === undefined || cache.slabs === null || cache.activeObjects === null) return [];
    const all = [...slabs.values()];
    return {
      slabs: all,
      objects: all.reduce((sum, slab) => sum + slab.rows.length, 0),
      recordedSlabs: cache.slabs,
      activeObjects: cache.activeObjects,
    };
  });
}

/**
 * Rows of objects on slabs beyond those that the kernel had: those whose safest object is the least
 * safe, of equal ones those that were used longest ago.
 * @param isDoubtful true for objects that may be gone; a slab with any other is there
 * @param riskOf how likely it is that an object is gone
 */
export function excessRows(
  { slabs, recordedSlabs }: HeldCache,
  isDoubtful: (row: number) => boolean,
  riskOf: (row: number) => number,
): number[] {
  const excess = slabs.length - recordedSlabs;
  if (excess <= LEAST_EXCESS * slabs.length) return [];
  return slabs
    .filter(({ rows }) => rows.every(isDoubtful))
    .map((slab) => ({ ...slab, risk: Math.min(...slab.rows.map(riskOf)) }))
    .sort((a, b) => b.risk - a.risk || a.usedTs - b.usedTs)
    .slice(0, excess)
    .flatMap(({ rows }) => rows);
}
