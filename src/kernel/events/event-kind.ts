// The kinds of event that slabreplay keeps. The kernel's tracepoints have their kernel names
// (include/trace/events/kmem.h); the others come from probes and from CSV (docs/csv.md).

export const EVENT_KIND = {
  none: 0,
  kmalloc: 1,
  /** Separate events until 5.19; Linux 6.1 merged them into kmalloc and kmem_cache_alloc. */
  kmalloc_node: 2,
  kmem_cache_alloc: 3,
  kmem_cache_alloc_node: 4,
  kfree: 5,
  kmem_cache_free: 6,
  /** One object of a kmem_cache_free_bulk(), as probes show it; the tracepoints do not. */
  bulk_free: 7,
  mm_page_alloc: 8,
  mm_page_free: 9,
  rcu_invoke_kfree_bulk_callback: 10,
  /** A recorded write to memory: `ptr` is the first byte, `data` the bytes in hex. */
  write: 11,
  cache_create: 12,
  cache_destroy: 13,
  validate: 14,
  /** Events that were lost on this CPU just before; `bytesReq` is how many (0: not known). */
  lost: 15,
} as const;

export type EventKindName = keyof typeof EVENT_KIND;
export type EventKind = (typeof EVENT_KIND)[EventKindName];

/** Names by number, as files, tables and reports print them. */
export const EVENT_NAMES: readonly string[] = Object.entries(EVENT_KIND)
  .sort((a, b) => a[1] - b[1])
  .map(([name]) => name);

/** kmalloc() and its node form. */
export function isKmalloc(kind: number): boolean {
  return kind === EVENT_KIND.kmalloc || kind === EVENT_KIND.kmalloc_node;
}

/** An allocation of slab memory (or of pages by kmalloc). */
export function isAlloc(kind: number): boolean {
  return kind >= EVENT_KIND.kmalloc && kind <= EVENT_KIND.kmem_cache_alloc_node;
}

/** A free of one object. */
export function isFree(kind: number): boolean {
  return kind >= EVENT_KIND.kfree && kind <= EVENT_KIND.bulk_free;
}
