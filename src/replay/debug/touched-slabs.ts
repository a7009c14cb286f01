// The slabs of debug caches whose bytes are kept, see touched-slab.ts.

import type { CheckedCache } from '../../kernel/checks/checked-slab.ts';
import type { CallTable } from '../../kernel/events/dictionary.ts';
import { GFP } from '../../kernel/events/gfp-flags.ts';
import type { Cache, Call, Slab } from '../../kernel/indices.ts';
import type { SlubModel } from '../slub-model.ts';
import { type ObjectTracks, TRACK } from './object-tracks.ts';
import { type Request, TouchedSlab } from './touched-slab.ts';

export interface TouchedSlabsInput {
  readonly slub: SlubModel;
  readonly calls: CallTable;
  readonly tracks: ObjectTracks;
  /** CONFIG_SLAB_FREELIST_HARDENED */
  readonly isHardened: boolean;
  /** The cache of a slab, which has debug flags. */
  readonly cacheOf: (row: Slab) => CheckedCache;
  /** How many reports there are so far. */
  readonly reports: () => number;
}

/** Bytes that are kept at most: as much slab memory as a large machine has in use. */
const MOST_BYTES = 2 ** 30;

export class TouchedSlabs {
  private readonly input: TouchedSlabsInput;
  private readonly byRow = new Map<number, TouchedSlab>();
  private bytes = 0;

  constructor(input: TouchedSlabsInput) {
    this.input = input;
  }

  get(row: Slab): TouchedSlab | undefined {
    return this.byRow.size === 0 ? undefined : this.byRow.get(row);
  }

  /** The slab's memory, kept from now on; undefined where there is no room for it. */
  touch(row: Slab): TouchedSlab | undefined {
    const known = this.byRow.get(row);
    if (known !== undefined) return known;
    const { slub, tracks, isHardened } = this.input;
    const { table } = slub;
    const size = slub.pageSize * 2 ** table.order[row];
    if (this.bytes + size > MOST_BYTES) return undefined;
    this.bytes += size;
    const slab = new TouchedSlab({
      cache: this.input.cacheOf(row),
      table,
      row,
      size,
      firstReport: this.input.reports(),
      isHardened,
      requestOf: (object) => {
        const call = tracks.call(table.slot(row, object), TRACK.alloc);
        return call === 0 ? undefined : this.request(call);
      },
    });
    this.byRow.set(row, slab);
    return slab;
  }

  /** What an allocation asks for. */
  request(call: Call): Request {
    const { calls } = this.input;
    return { bytesReq: calls.bytesReq(call), isZeroed: (calls.gfp(call) & GFP.ZERO) !== 0 };
  }

  /** False where the slab is none of these. */
  forget(row: Slab): boolean {
    const slab = this.byRow.get(row);
    if (slab === undefined) return false;
    this.bytes -= slab.bytes.length;
    return this.byRow.delete(row);
  }

  /** Those of a cache: the slabs on its lists in their order, then the others by address. */
  ofCache(cache: Cache): TouchedSlab[] {
    const { table, caches } = this.input.slub;
    const slabs = [...this.byRow.values()].filter(({ row }) => table.cache[row] === cache);
    if (slabs.length < 2) return slabs;
    const place = new Map<number, number>();
    for (const { slabs: rows } of caches[cache].model.lists().slabs) {
      for (const row of rows) place.set(row, place.size);
    }
    const placeOf = ({ row }: TouchedSlab): number => place.get(row) ?? Number.POSITIVE_INFINITY;
    return slabs.sort((a, b) => {
      const [first, second] = [placeOf(a), placeOf(b)];
      if (first !== second) return first - second;
      return a.base < b.base ? -1 : 1;
    });
  }
}
