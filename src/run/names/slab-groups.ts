// Which groups of allocations share slabs: a slab belongs to one cache, so groups with objects on
// the same slab have the same cache, and one of them that has a name names the others.

import { present } from '../../base/assert.ts';
import type { KnownCaches } from '../../kernel/caches/known-cache.ts';
import type { LiveObjects } from '../../pairing/live-objects.ts';

/** Allocations of one call site and stride that are live; a cache is wanted for them. */
export interface SlabGroup {
  readonly bytesAlloc: number;
  /** Rows of the live objects. */
  readonly rows: readonly number[];
  readonly name: string | undefined;
}

/** Groups that belong together, because they share slabs. */
export interface SlabComponent<G extends SlabGroup> {
  readonly groups: G[];
  /** Slabs on which their objects lie. */
  readonly slabs: number;
  /** How many of these slabs hold objects of each cache that is known by name. */
  readonly votes: ReadonlyMap<string, number>;
}

/** For objects of a stride: the number of the slab on which a row's object lies. */
export type SlabKeys = (bytesAlloc: number) => (row: number) => number;

/** Numbers for slabs: by page, or by slab where the recorded caches tell the order of a stride. */
export function slabKeys(
  live: LiveObjects,
  known: KnownCaches | undefined,
  pageSize: number,
): SlabKeys {
  return (bytesAlloc) => {
    const order = known?.ofSlabSize(bytesAlloc)[0]?.order ?? 0;
    const slabBytes = pageSize * 2 ** order;
    return (row) => slabNumber(live.ptrLo(row), live.ptrHi(row), slabBytes);
  };
}

/** The number of the slab at an address, counted in slabs of `slabBytes`. */
export function slabNumber(lo: number, hi: number, slabBytes: number): number {
  // 52 bits of address are exact in a double; the top ones are the same for all slab memory.
  return Math.floor(((hi & 0xfffff) * 4294967296 + lo) / slabBytes);
}

/** Unnamed groups each by itself, for pointers that tell no slabs: as many as its objects need. */
export function groupsAlone<G extends SlabGroup>(
  groups: readonly G[],
  known: KnownCaches | undefined,
): SlabComponent<G>[] {
  return groups
    .filter((group) => group.name === undefined)
    .map((group) => {
      const objects = known?.ofSlabSize(group.bytesAlloc)[0]?.objsPerSlab ?? 1;
      return { groups: [group], slabs: Math.ceil(group.rows.length / objects), votes: new Map() };
    });
}

/** Joins unnamed groups over the slabs they share; named ones vote. */
export function joinBySlabs<G extends SlabGroup>(
  groups: readonly G[],
  keys: SlabKeys,
): SlabComponent<G>[] {
  const parent = groups.map((_, i) => i);
  const find = (i: number): number => {
    let root = i;
    while (parent[root] !== root) root = parent[root]!;
    parent[i] = root;
    return root;
  };
  /** By stride and slab: the first unnamed group, and the names seen. */
  const slabs = new Map<number, { first: number; names: Set<string> }>();
  const strides = [...new Set(groups.filter((g) => g.name === undefined).map((g) => g.bytesAlloc))];
  for (let i = 0; i < groups.length; i++) {
    const { bytesAlloc, name, rows } = groups[i]!;
    const stride = strides.indexOf(bytesAlloc);
    if (stride < 0) continue;
    const slabOf = keys(bytesAlloc);
    for (const row of rows) {
      const key = slabOf(row) * strides.length + stride;
      let slab = slabs.get(key);
      if (slab === undefined) {
        slab = { first: -1, names: new Set() };
        slabs.set(key, slab);
      }
      if (name !== undefined) slab.names.add(name);
      else if (slab.first < 0) slab.first = i;
      else parent[find(i)] = find(slab.first);
    }
  }
  type Building = { groups: G[]; slabs: number; votes: Map<string, number> };
  const emptyComponent = (): Building => ({ groups: [], slabs: 0, votes: new Map() });
  const components = new Map<number, Building>();
  for (let i = 0; i < groups.length; i++) {
    if (groups[i]!.name !== undefined) continue;
    const root = find(i);
    const component: Building = components.get(root) ?? emptyComponent();
    component.groups.push(groups[i]!);
    components.set(root, component);
  }
  for (const { first, names } of slabs.values()) {
    if (first < 0) continue;
    const component = present(components.get(find(first)));
    component.slabs++;
    for (const name of names) component.votes.set(name, (component.votes.get(name) ?? 0) + 1);
  }
  return [...components.values()];
}
