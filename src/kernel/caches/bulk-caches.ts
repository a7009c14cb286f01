// Caches whose objects are also allocated by kmem_cache_alloc_bulk(), which leaves no event: a free
// there may belong to an allocation that was not seen. In all of 5.10 to 7.2 or since they do so:
// lib/maple_tree.c mt_alloc_bulk(), net/core/skbuff.c napi_skb_cache_get(), io_uring/io_uring.c
// __io_alloc_req_refill(). No kmalloc cache is among them.
const BULK_CACHES: ReadonlySet<string> = new Set(['io_kiocb', 'maple_node', 'skbuff_head_cache']);

export function isBulkCache(name: string): boolean {
  return BULK_CACHES.has(name);
}
