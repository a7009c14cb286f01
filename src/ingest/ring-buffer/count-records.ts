// How many records about slab memory some streams hold, without interpreting them.

import type { EventFormat } from '../events/event-format.ts';
import type { CpuStream } from './cpu-stream.ts';

const KMEM_EVENT = /^(kmalloc|kfree|kmem_cache_)/;

export function countKmemRecords(
  streams: readonly CpuStream[],
  formats: readonly EventFormat[],
): number {
  const ids = new Set(formats.filter((f) => KMEM_EVENT.test(f.name)).map((f) => f.id));
  return streams.reduce((sum, stream) => sum + stream.count((id) => ids.has(id)), 0);
}
