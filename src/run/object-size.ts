// Where the bytes of one object go: what was asked for, what rounding up adds, what slub_debug adds.
// bytes_alloc is the stride of the slab (s->size), debug metadata included (mm/slab_common.c,
// __do_kmalloc_node()); so the size class of a kmalloc is taken from the request.

import { kmallocClassSize } from '../kernel/caches/kmalloc-caches.ts';
import type { Dictionary } from '../kernel/events/dictionary.ts';
import { isKmalloc } from '../kernel/events/event-kind.ts';
import type { Call } from '../kernel/indices.ts';
import type { KernelFacts } from '../recording/kernel-facts.ts';

export interface ObjectBytes {
  readonly requested: number;
  /** What the object takes in its slab (or its pages). */
  readonly allocated: number;
  /**
   * kmalloc: size class minus request. Named caches: 0, since the request is not known; what their
   * alignment adds is in `padding`.
   */
  readonly rounding: number;
  /** Named caches without slub_debug: stride minus object_size. */
  readonly padding: number;
  /** Red zones, tracks and padding of slub_debug, metadata of KASAN. */
  readonly metadata: number;
}

/** The bytes of one object of a call. */
export function objectBytes(dictionary: Dictionary, facts: KernelFacts, call: Call): ObjectBytes {
  const { calls } = dictionary;
  const requested = calls.bytesReq(call);
  const allocated = calls.bytesAlloc(call);
  const over = Math.max(0, allocated - requested);
  if (!isKmalloc(calls.kind(call))) {
    return facts.slubDebug
      ? { requested, allocated, rounding: 0, padding: 0, metadata: over }
      : { requested, allocated, rounding: 0, padding: over, metadata: 0 };
  }
  const classSize = kmallocClassSize(facts.kmalloc, requested);
  // A stride above the class is debug metadata; page-backed kmalloc has neither class nor metadata.
  const rounding =
    classSize === undefined || !facts.slubDebug ? over : Math.min(classSize - requested, over);
  return { requested, allocated, rounding, padding: 0, metadata: over - rounding };
}
