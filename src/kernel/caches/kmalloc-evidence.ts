// What the sizes in kmalloc events tell of a machine: its smallest size class, and whether its objects
// carry metadata. bytes_alloc is the stride of the slab (s->size), which is a size class unless
// slub_debug or KASAN made it larger (mm/slab_common.c kmalloc_info[], mm/slub.c calculate_sizes(),
// mm/kasan/generic.c kasan_cache_create(); 6.1.192, 6.12.117).

import type { CallTable } from '../events/dictionary.ts';
import { isAlloc, isKmalloc } from '../events/event-kind.ts';
import { GFP } from '../events/gfp-flags.ts';
import { defaultKmallocSizes } from './kmalloc-caches.ts';

export interface KmallocEvidence {
  /** A request whose stride is no size class, which shows metadata; null where there is none. */
  readonly withMetadata: { readonly bytesReq: number; readonly bytesAlloc: number } | null;
  /** KMALLOC_MIN_SIZE or what DMA makes of it: smaller classes are proven not to be there. */
  readonly minimum: number;
  /** True where sizes are no classes: mm/slob.c (until 6.3) gives what is asked for, and a header. */
  readonly isSlob: boolean;
  /**
   * True where flags are of a kernel before 5.1, which had the bits of reclaim elsewhere: __GFP_IO or
   * __GFP_FS without them (include/linux/gfp.h).
   */
  readonly hasOldFlags: boolean;
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
    } else if (bytesAlloc <= LARGEST_MINIMUM) {
      minimum = minimumFor(bytesReq, bytesAlloc, minimum, pageSize);
    }
  }
  // Debug strides may be powers of two by chance, so next to metadata they prove no minimum.
  const rest = { isSlob: !isSlub, hasOldFlags: hasOldFlags(calls) };
  if (!isSlub) return { withMetadata: null, minimum: 8, ...rest };
  return { withMetadata, minimum: withMetadata === null ? minimum : 8, ...rest };
}

/** The smallest minimum, at least `from`, with which a request takes so much. */
function minimumFor(bytesReq: number, bytesAlloc: number, from: number, pageSize: number): number {
  let minimum = from;
  // 80 takes 128 also where the minimum is 64: 96 is then no class.
  while (minimum < bytesAlloc && classOf(bytesReq, minimum, pageSize) < bytesAlloc) minimum *= 2;
  return minimum;
}

function classOf(bytesReq: number, minimum: number, pageSize: number): number {
  return defaultKmallocSizes(pageSize, minimum).find((size) => size >= bytesReq) ?? bytesReq;
}

/** The same of any allocation. */
function hasOldFlags(calls: CallTable): boolean {
  let found = false;
  for (let call = 1; call < calls.length; call++) {
    if (!isAlloc(calls.kind(call))) continue;
    const gfp = calls.gfp(call);
    if ((gfp & (GFP.DIRECT_RECLAIM | GFP.KSWAPD_RECLAIM)) !== 0) return false;
    found ||= (gfp & (GFP.IO | GFP.FS)) !== 0;
  }
  return found;
}

function isPowerOfTwo(n: number): boolean {
  return Number.isInteger(Math.log2(n));
}
