// What the sizes in kmalloc events tell of a machine: its smallest size class, and whether its objects
// carry metadata. bytes_alloc is the stride of the slab (s->size), which is a size class unless
// slub_debug or KASAN made it larger (mm/slab_common.c kmalloc_info[], mm/slub.c calculate_sizes(),
// mm/kasan/generic.c kasan_cache_create(); 6.1.192, 6.12.117).

import type { CallTable } from '../events/dictionary.ts';
import { isKmalloc } from '../events/event-kind.ts';
import { defaultKmallocSizes } from './kmalloc-caches.ts';

export interface KmallocEvidence {
  /** A request whose stride is no size class, which shows metadata; null where there is none. */
  readonly withMetadata: { readonly bytesReq: number; readonly bytesAlloc: number } | null;
  /** KMALLOC_MIN_SIZE or what DMA makes of it: smaller classes are proven not to be there. */
  readonly minimum: number;
}

/** ARCH_DMA_MINALIGN of arm64: no build has a larger smallest class. */
const LARGEST_MINIMUM = 128;
/** Strides are multiples of a word; those of SLOB are not (mm/slob.c, until 6.3). */
const WORD = 4;

export function kmallocEvidence(calls: CallTable, pageSize: number): KmallocEvidence {
  const sizes = defaultKmallocSizes(pageSize);
  const largest = pageSize * 2;
  let withMetadata: KmallocEvidence['withMetadata'] = null;
  let minimum = 8;
  let isSlub = true;
  for (let call = 1; call < calls.length; call++) {
    const bytesReq = calls.bytesReq(call);
    const bytesAlloc = calls.bytesAlloc(call);
    if (!isKmalloc(calls.kind(call)) || bytesReq === 0 || bytesAlloc === 0) continue;
    // Above the classes kmalloc takes whole pages, without metadata.
    if (bytesReq > largest) continue;
    const classSize = sizes.find((size) => size >= bytesReq) ?? bytesReq;
    if (bytesAlloc < classSize || bytesAlloc % WORD !== 0) isSlub = false;
    if (bytesAlloc <= classSize) continue;
    if (!sizes.includes(bytesAlloc) && !isPowerOfTwo(bytesAlloc)) {
      withMetadata ??= { bytesReq, bytesAlloc };
    } else if (bytesAlloc <= LARGEST_MINIMUM) minimum = Math.max(minimum, bytesAlloc);
  }
  // Debug strides may be powers of two by chance, so next to metadata they prove no minimum.
  if (!isSlub) return { withMetadata: null, minimum: 8 };
  return withMetadata === null ? { withMetadata, minimum } : { withMetadata, minimum: 8 };
}

function isPowerOfTwo(n: number): boolean {
  return Number.isInteger(Math.log2(n));
}
