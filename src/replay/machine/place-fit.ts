// Whether the objects of kmalloc are as large as on a machine, and where it puts them. So a trace
// that nothing is known of beside it shows whether it can be one of caches with debug flags. CSV need
// not give bytes_alloc, and then has the size of the class: there the addresses decide.

import { kmallocAllocatedSize, kmallocCacheName } from '../../kernel/caches/kmalloc-caches.ts';
import { kmallocCacheSet } from '../../kernel/caches/kmalloc-set.ts';
import type { CallTable } from '../../kernel/events/dictionary.ts';
import type { EventBatch } from '../../kernel/events/event-batch.ts';
import { isKmalloc } from '../../kernel/events/event-kind.ts';
import type { Call, EventRow } from '../../kernel/indices.ts';
import {
  type CacheGeometry,
  computeGeometry,
  specOfKmalloc,
} from '../../kernel/slub/cache-geometry.ts';
import type { Machine } from './machine.ts';

/** Share of the objects that KFENCE may have put into its own pages. */
const MOST_ELSEWHERE = 0.01;

export class PlaceFit {
  private objects = 0;
  private elsewhere = 0;
  private readonly calls: CallTable;
  private readonly machine: Machine;
  private readonly geometries: ReadonlyMap<string, CacheGeometry | undefined>;
  private readonly ofCall: (CacheGeometry | null)[] = [];
  private readonly isCsv: boolean;

  constructor(calls: CallTable, machine: Machine, isCsv: boolean) {
    this.calls = calls;
    this.machine = machine;
    this.isCsv = isCsv;
    this.geometries = new Map(
      kmallocCacheSet(machine.build).map((cache) => [
        cache.name,
        computeGeometry(specOfKmalloc(cache), machine.parameters),
      ]),
    );
  }

  /** True where hardly any object has another size or is elsewhere. */
  get fits(): boolean {
    return this.elsewhere <= this.objects * MOST_ELSEWHERE;
  }

  add(batch: EventBatch): void {
    for (let i: EventRow = 0; i < batch.length; i++) {
      const call = batch.call[i];
      const lo = batch.ptrLo[i];
      if (!isKmalloc(this.calls.kind(call)) || (lo === 0 && batch.ptrHi[i] === 0)) continue;
      this.ofCall[call] ??= this.geometryOf(call);
      const geometry = this.ofCall[call];
      if (geometry === null) continue;
      this.objects++;
      if (!(this.isSize(geometry, call) && this.isPlace(geometry, lo))) this.elsewhere++;
    }
  }

  private geometryOf(call: Call): CacheGeometry | null {
    const { calls, machine, geometries } = this;
    const { classes } = machine;
    const size = calls.bytesReq(call);
    const name = kmallocCacheName(classes, size, calls.gfp(call), calls.accounted(call));
    return geometries.get(name) ?? null;
  }

  private isSize({ slabSize }: CacheGeometry, call: Call): boolean {
    const { calls } = this;
    const { pageSize } = this.machine.parameters;
    const size = calls.bytesAlloc(call);
    if (size === 0 || size === slabSize) return true;
    return this.isCsv && size === kmallocAllocatedSize(calls.bytesReq(call), pageSize);
  }

  private isPlace(geometry: CacheGeometry, lo: number): boolean {
    const { order, redLeftPad, slabSize, objsPerSlab } = geometry;
    const { pageSize } = this.machine.parameters;
    const offset = (lo & (pageSize * 2 ** order - 1)) - redLeftPad;
    const object = offset / slabSize;
    return Number.isInteger(object) && object >= 0 && object < objsPerSlab;
  }
}
