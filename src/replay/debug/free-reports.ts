// Wrong frees in SLUB's words, where they do not depend on what the memory holds: mm/slub.c
// free_consistency_checks(), mm/slab.h cache_from_obj(), mm/slab_common.c free_large_kmalloc()
// (6.1.192; 6.12.117: mm/slub.c; 7.2: kmem_cache_free(), free_large_kmalloc()).

import { joinHalves } from '../../base/address.ts';
import { type CheckedCache, objectOffset } from '../../kernel/checks/checked-slab.ts';
import { pointerText, type SlubReports } from '../../kernel/checks/slub-reports.ts';
import type { ObjectNumber, Slab } from '../../kernel/indices.ts';
import type { SlubRules } from '../../kernel/slub/releases.ts';
import type { SlabTable } from '../model/slab-table.ts';
import { OutlinedSlab } from './outlined-slab.ts';

export class FreeReports {
  private readonly table: SlabTable;
  private readonly found: SlubReports;
  private readonly isNewest: boolean;

  constructor(table: SlabTable, found: SlubReports, { generation }: SlubRules) {
    this.table = table;
    this.found = found;
    this.isNewest = generation === '7.2';
  }

  /** A free of a free object. */
  again(cache: CheckedCache, row: Slab, object: ObjectNumber): void {
    const slab = new OutlinedSlab(this.table, row);
    const address = slab.base + BigInt(objectOffset(cache, object));
    this.found.object(cache, slab, address, 'double-free', 'Object already free');
    this.refused(cache, address);
  }

  /** A free at which no object starts. */
  within(cache: CheckedCache, row: Slab, offset: number): void {
    const slab = new OutlinedSlab(this.table, row);
    const address = slab.base + BigInt(offset);
    const title = `Invalid object pointer ${pointerText(address)}`;
    this.found.slab(cache, slab, 'invalid-free', title, address);
    this.refused(cache, address);
  }

  /** @param freedInto the cache that was meant, undefined where the event does not say */
  intoWrongCache(
    cache: CheckedCache,
    row: Slab,
    object: ObjectNumber,
    freedInto: string | undefined,
  ): void {
    const slab = new OutlinedSlab(this.table, row);
    const offset = objectOffset(cache, object);
    const meant = freedInto ?? '...';
    const address = pointerText(slab.base + BigInt(offset));
    const title = this.isNewest
      ? `kmem_cache_free(${meant}, ${address}): object belongs to different cache ${cache.name}`
      : `cache_from_obj: Wrong slab cache. ${meant} but object is from ${cache.name}`;
    const unknown = freedInto === undefined ? ['the cache it was freed into'] : [];
    this.found.warning(cache, slab, offset, 'wrong-cache', title, unknown);
  }

  /** A kfree() of what can be no slab memory. */
  nowhere(hi: number, lo: number): void {
    const address = joinHalves(hi, lo);
    const title = this.isNewest
      ? 'page dumped because: Not a kmalloc allocation'
      : `object pointer: ${pointerText(address)}`;
    const about = { kind: 'non-slab-free', title, cache: '', address, slab: 0n } as const;
    this.found.line(about, title, [this.isNewest ? 'the dump of the page' : 'the WARNING']);
  }

  private refused(cache: CheckedCache, address: bigint): void {
    this.found.fix(cache, `Object at ${pointerText(address)} not freed`);
  }
}
