// The slabs of a cache at a moment: on which list each one is, which of its objects are free and in
// which order they would be handed out.

import { formatAddress } from '../base/format-address.ts';
import type { ListedObjects, ListedSlabs } from '../replay/model/slab-cache.ts';
import type { ModelCache, SlubModel } from '../replay/slub-model.ts';

export interface SlabMap {
  readonly cache: string;
  readonly objsPerSlab: number;
  readonly slabs: readonly MappedSlab[];
}

export interface MappedSlab {
  readonly address: string;
  readonly list: ListedSlabs['kind'] | 'full';
  /** Number of the CPU or node whose list it is; null where it is on none. */
  readonly owner: number | null;
  /** Place on its list, the head is 0. */
  readonly place: number | null;
  /** slab->freelist, its first object first. */
  readonly freelist: readonly number[];
  /** Objects that are free in another place, and where. */
  readonly held: readonly HeldObject[];
  /** One letter for each object: see `SLAB_MAP_LEGEND`. */
  readonly map: string;
}

interface HeldObject {
  readonly object: number;
  readonly kind: ListedObjects['kind'];
  readonly owner: number | null;
}

/** Letters of a map. */
export const SLAB_MAP_LEGEND = {
  allocated: '#',
  free: '.',
  /** Free, but not on the slab's freelist: a CPU has it. */
  held: 'o',
} as const;

/** Slabs in the order of the lists, those that are on none (full) last, by address. */
export function mapSlabs(slub: SlubModel, cache: ModelCache): SlabMap {
  const { table } = slub;
  const lists = cache.model.lists();
  const held = new Map<number, HeldObject[]>();
  for (const { kind, owner, objects } of lists.objects) {
    for (const [slab, object] of objects) {
      const ofSlab = held.get(slab) ?? [];
      held.set(slab, ofSlab);
      ofSlab.push({ object, kind, owner });
    }
  }
  const listed = new Set<number>();
  const slabs: MappedSlab[] = [];
  const add = (
    slab: number,
    list: MappedSlab['list'],
    owner: number | null,
    place: number | null,
  ) =>
    slabs.push({
      address: formatAddress(table.base(slab)) ?? '',
      list,
      owner,
      place,
      freelist: table.listed(slab, table.freelist[slab]!),
      held: held.get(slab) ?? [],
      map: lettersOf(slub, slab, held.get(slab) ?? []),
    });
  for (const { kind, owner, slabs: rows } of lists.slabs) {
    rows.forEach((slab, place) => {
      listed.add(slab);
      add(slab, kind, owner, place);
    });
  }
  for (const slab of table.rowsByCache(slub.caches.length)[cache.model.id] ?? []) {
    if (!listed.has(slab)) add(slab, 'full', null, null);
  }
  return { cache: cache.plan.name, objsPerSlab: cache.plan.geometry.objsPerSlab, slabs };
}

function lettersOf({ table }: SlubModel, slab: number, held: readonly HeldObject[]): string {
  const letters: string[] = [];
  for (let object = 0; object < table.objects[slab]!; object++) {
    letters.push(table.isFree(slab, object) ? SLAB_MAP_LEGEND.free : SLAB_MAP_LEGEND.allocated);
  }
  for (const { object } of held) letters[object] = SLAB_MAP_LEGEND.held;
  return letters.join('');
}
