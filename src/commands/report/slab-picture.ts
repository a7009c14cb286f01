// The slabs of a cache at the end as a picture: each slab a row, each of its slots with its state and
// with the call site that holds it. Emptiest slabs first: what they hold keeps their pages.

import { joinHalves } from '../../base/address.ts';
import type { ModelCache, SlubModel } from '../../replay/slub-model.ts';
import type { ResolvedRun } from '../../run/resolved-run.ts';
import { durationSec } from '../../run/run-summary.ts';
import { type MappedSlab, mapSlabs, SLAB_MAP_LEGEND } from '../../run/slab-map.ts';
import { VERDICT } from '../../run/verdicts/live-verdicts.ts';

/** Caches, slabs of each and slots of all that are drawn. */
const MAX_CACHES = 16;
const MAX_SLABS = 200;
const MAX_SLOTS = 80_000;

/** Letters of allocated slots; those of free ones are in `SLAB_MAP_LEGEND`. */
const SLOT_STATE = {
  /** Allocated in the second half of the recording. */
  live: 'n',
  /** Allocated in its first half. */
  longLived: 'l',
  /** Nothing refers to it in the memory snapshot. */
  leaked: 'w',
  /** Allocated, but perhaps freed without an event. */
  uncertain: 'u',
  /** Allocated before the recording, or by an allocation that left no event. */
  older: 'p',
} as const;

export interface SlabPicture {
  readonly cache: string;
  readonly slabSize: number;
  readonly slabBytes: number;
  readonly slabs: number;
  readonly slots: number;
  readonly allocated: number;
  /** Call sites that hold its objects. */
  readonly sites: readonly string[];
  readonly rows: readonly SlabRow[];
}

interface SlabRow {
  readonly address: string;
  readonly list: MappedSlab['list'];
  /** One letter for each slot: of `SLOT_STATE`, or of a free slot in `SLAB_MAP_LEGEND`. */
  readonly slots: string;
  /** For each slot an index into `sites`, or -1. */
  readonly owners: readonly number[];
}

/**
 * The caches with the most memory in free slots, then those with the most slabs.
 * @param leaked addresses of leak candidates; caches that have any come first
 */
export function drawSlabs(
  run: ResolvedRun,
  slub: SlubModel,
  leaked: ReadonlySet<bigint>,
): SlabPicture[] {
  const owners = new SlotOwners(run, slub, leaked);
  const pictures: SlabPicture[] = [];
  let slots = 0;
  for (const cache of pickCaches(run, slub, leaked)) {
    const picture = drawCache(slub, cache, owners, MAX_SLOTS - slots);
    slots += picture.rows.reduce((sum, row) => sum + row.slots.length, 0);
    if (picture.rows.length > 0) pictures.push(picture);
  }
  return pictures;
}

function pickCaches(
  run: ResolvedRun,
  { caches, table }: SlubModel,
  leaked: ReadonlySet<bigint>,
): ModelCache[] {
  const leaking = [...leaked].flatMap((address) => {
    const slab = table.find(Number(address & 0xffffffffn), Number(address >> 32n));
    return slab < 0 ? [] : (caches[table.cache[slab]] ?? []);
  });
  const rows = caches
    .map((cache) => {
      const { slabs, totalObjects, allocated } = cache.model.count();
      const { geometry } = cache.plan;
      const free = (totalObjects - allocated) * geometry.slabSize;
      return { cache, free, bytes: slabs * 2 ** geometry.order };
    })
    .filter(({ cache, bytes }) => bytes > 0 && run.selectsCache(cache.plan.name));
  const most = (of: (row: (typeof rows)[number]) => number): typeof rows =>
    [...rows].sort((a, b) => of(b) - of(a)).slice(0, MAX_CACHES / 2);
  const shown = [...most(({ free }) => free), ...most(({ bytes }) => bytes)];
  const picked = new Set([...leaking, ...shown.map(({ cache }) => cache)]);
  return [...picked].slice(0, MAX_CACHES);
}

function drawCache(
  slub: SlubModel,
  cache: ModelCache,
  owners: SlotOwners,
  room: number,
): SlabPicture {
  const { geometry, name } = cache.plan;
  const { slabs, totalObjects, allocated } = cache.model.count();
  const mapped = mapSlabs(slub, cache)
    .slabs.map((slab) => ({ slab, used: countUsed(slab.map) }))
    .sort((a, b) => a.used - b.used)
    .slice(0, Math.min(MAX_SLABS, Math.floor(room / geometry.objsPerSlab)));
  const sites = new Map<string, number>();
  const rows = mapped.map(({ slab }): SlabRow => {
    const own = [...slab.map].map((letter, object) =>
      letter === SLAB_MAP_LEGEND.allocated ? owners.of(BigInt(slab.address), object) : undefined,
    );
    return {
      address: slab.address,
      list: slab.list,
      slots: [...slab.map]
        .map((letter, i) =>
          letter === SLAB_MAP_LEGEND.allocated ? (own[i]?.state ?? SLOT_STATE.older) : letter,
        )
        .join(''),
      owners: own.map((owner) => {
        if (owner === undefined) return -1;
        const number = sites.get(owner.site) ?? sites.size;
        sites.set(owner.site, number);
        return number;
      }),
    };
  });
  return {
    cache: name,
    slabSize: geometry.slabSize,
    slabBytes: slub.pageSize * 2 ** geometry.order,
    slabs,
    slots: totalObjects,
    allocated,
    sites: [...sites.keys()],
    rows,
  };
}

function countUsed(map: string): number {
  let used = 0;
  for (const letter of map) if (letter === SLAB_MAP_LEGEND.allocated) used++;
  return used;
}

interface SlotOwner {
  readonly site: string;
  readonly state: string;
}

/** Which live object of the trace is in a slot. */
class SlotOwners {
  private readonly run: ResolvedRun;
  /** Rows of `run.live` by slab and slot. */
  private readonly rows = new Map<bigint, Map<number, number>>();
  private readonly leaked: ReadonlySet<bigint>;
  private readonly halfTs: number;

  constructor(run: ResolvedRun, { table, caches }: SlubModel, leaked: ReadonlySet<bigint>) {
    this.run = run;
    this.leaked = leaked;
    const { firstTs, lastTs } = run.tallies;
    this.halfTs = durationSec(run) === null ? -Infinity : (firstTs + lastTs) / 2;
    const { live } = run;
    for (const row of run.rows) {
      const slab = table.find(live.ptrLo(row), live.ptrHi(row));
      const cache = slab < 0 ? undefined : caches[table.cache[slab]];
      if (cache === undefined) continue;
      const offset = table.offsetIn(slab, live.ptrLo(row), live.ptrHi(row));
      const base = table.base(slab);
      const own = this.rows.get(base) ?? new Map<number, number>();
      this.rows.set(base, own.set(Math.floor(offset / cache.plan.geometry.slabSize), row));
    }
  }

  of(base: bigint, object: number): SlotOwner | undefined {
    const row = this.rows.get(base)?.get(object);
    if (row === undefined) return undefined;
    const { live, sites, dictionary } = this.run;
    return {
      site: sites.label(dictionary.calls.site(live.call(row))),
      state: this.stateOf(row),
    };
  }

  private stateOf(row: number): string {
    const { live, verdicts } = this.run;
    const address = joinHalves(live.ptrHi(row), live.ptrLo(row));
    if (this.leaked.has(address)) return SLOT_STATE.leaked;
    if (verdicts.ofRow[row] !== VERDICT.certain) return SLOT_STATE.uncertain;
    return live.ts(row) < this.halfTs ? SLOT_STATE.longLived : SLOT_STATE.live;
  }
}
