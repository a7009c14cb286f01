// What the memory dump of a recording shows of every slab (slub_truth.tsv), beside the model's state.

import type { ListedSlabs } from '../../src/replay/model/slab-cache.ts';
import type { ModelCache, SlubModel } from '../../src/replay/slub-model.ts';
import { recordedText } from './data.ts';

/** A slab as the kernel had it. */
export interface RecordedSlab {
  /** `cpu0`, `cpupartial1`, `partial`, `full`; the number of a node's list is left out. */
  readonly place: string;
  /** A letter for each object: allocated A, on the slab's freelist F, on the CPU's C. */
  readonly objects: string[];
}

/** By cache, by address. */
export type RecordedSlabs = ReadonlyMap<string, ReadonlyMap<bigint, RecordedSlab>>;

export function recordedSlabs(name: string): RecordedSlabs {
  const caches = new Map<string, Map<bigint, RecordedSlab>>();
  for (const line of recordedText(name, 'slub_truth.tsv').split('\n')) {
    const [cache = '', , state = '', base, where = '', index] = line.split('\t');
    if (state.length !== 1 || index === undefined) continue; // a heading
    let slabs = caches.get(cache);
    if (slabs === undefined) {
      slabs = new Map();
      caches.set(cache, slabs);
    }
    const address = BigInt(`0x${base}`);
    let slab = slabs.get(address);
    if (slab === undefined) {
      slab = { place: placeOf(where), objects: [] };
      slabs.set(address, slab);
    }
    slab.objects[Number(index)] = state;
  }
  return caches;
}

/** `cpupartial1@N0` and `partial1@N1` name the node as well. */
function placeOf(where: string): string {
  return where.replace(/@N\d+$/, '').replace(/^partial\d+$/, 'partial');
}

/** The slabs of a cache of the model, in the same words. */
export function modelSlabs({ table }: SlubModel, { model }: ModelCache): Map<bigint, RecordedSlab> {
  const { slabs, objects } = model.lists();
  const places = new Map<number, string>();
  for (const { kind, owner, slabs: rows } of slabs) {
    for (const row of rows) places.set(row, nameOf(kind, owner));
  }
  const held = new Set(objects.flatMap((list) => list.objects.map(([row, o]) => `${row}+${o}`)));
  const result = new Map<bigint, RecordedSlab>();
  for (let row = 0; row < table.length; row++) {
    if (table.cache[row] !== model.id) continue;
    const letters = Array.from({ length: table.objects[row] as number }, (_, object) => {
      if (!table.isFree(row, object)) return 'A';
      return held.has(`${row}+${object}`) ? 'C' : 'F';
    });
    result.set(table.base(row), { place: places.get(row) ?? 'full', objects: letters });
  }
  return result;
}

function nameOf(kind: ListedSlabs['kind'], owner: number): string {
  if (kind === 'nodePartial') return 'partial';
  return kind === 'cpuSlab' ? `cpu${owner}` : `cpupartial${owner}`;
}
