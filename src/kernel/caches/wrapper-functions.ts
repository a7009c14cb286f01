// Functions that allocate for whoever called them: a call site inside them says little. The list is
// the kernel's own as far as it has one: what include/linux and mm wrap with alloc_hooks() (6.12), so
// that /proc/allocinfo charges the caller; and copies (mm/util.c, lib/kasprintf.c), memory pools
// (mm/mempool.c), devres and lsm_blob_alloc() (inlined before 6.12). Allocators of one kind of object
// (__alloc_skb, __d_alloc, sk_prot_alloc) are none: they are where that kind is made.

const WRAPPER =
  /^(_*kv?[mzc]alloc\w*|_*kmem_cache_alloc\w*|kmalloc_reserve|kv?realloc\w*|kv?memdup\w*|kstrdup\w*|kstrndup|v?memdup_\w+|strndup_user|kv?asprintf\w*|mempool_(alloc|kmalloc|init|create)\w*|_*devm_\w+|_*devres_\w+|alloc_dr|nla_(mem|str)dup|lsm_blob_alloc)$/;

/** Functions whose allocations are a struct devres and the data behind it (drivers/base/devres.c). */
const DEVRES = /^(devm_k\w+|__devres_alloc_node|devres_\w+|alloc_dr)$/;

/** `.constprop.0` is a clone of the compiler, `_noprof` the function behind a macro of that name (6.10). */
const CLONE = /(_noprof)?(\.\w+)*$/;

/** True for a function that allocates for its caller. */
export function isWrapper(name: string): boolean {
  return WRAPPER.test(name.replace(CLONE, ''));
}

/** True for a function that allocates managed memory. */
export function allocatesDevres(name: string): boolean {
  return DEVRES.test(name.replace(CLONE, ''));
}

/**
 * Bytes of struct devres before its data: two list pointers, the release function, name and size, then
 * aligned to ARCH_DMA_MINALIGN (drivers/base/devres.c: 40 on x86; arm64: 128). Arm kernels are known
 * by their release (`6.12.117+deb13-arm64`) only.
 */
export function devresOverhead(release: string | null): number {
  return /arm64|aarch64/.test(release ?? '') ? 128 : 40;
}
