// Functions between an allocation (or a free) and the code that asked for it: the first frame that is
// none of these is who called, as the kernel's `call_site` and SLUB's "Allocated in" have it. Exact
// names, of kernels 2.6.22 to 7.x: mm/slub.c, mm/slab.c, mm/slob.c, mm/slab_common.c, mm/util.c (what
// hands its own caller on as that of the allocation), mm/mempool.c, include/linux/slab.h,
// mm/kasan/*.c, mm/kfence/core.c, mm/kmsan/*.c, lib/stackdepot.c, lib/dump_stack.c,
// kernel/stacktrace.c and the stack walkers of the architectures.

const NAMES = `
  save_stack save_stack_trace __save_stack_trace save_stack_trace_regs save_trace save_raw_stack
  stack_trace_save stack_trace_consume_entry arch_stack_walk walk_stackframe unwind_frame
  unwind_backtrace show_stack show_stack_log_lvl show_trace show_trace_log_lvl dump_trace dump_stack
  dump_stack_lvl __dump_stack dump_backtrace dump_stack_print_info print_trace_stack
  depot_save_stack stack_depot_save stack_depot_save_flags

  set_track set_track_prepare set_track_update __set_track kasan_save_stack kasan_set_track
  kasan_save_track kasan_track_stack kasan_save_alloc_info kasan_save_free_info
  __kasan_save_free_info kasan_set_free_info kasan_save_tag_info save_stack_info
  kasan_kmalloc __kasan_kmalloc ____kasan_kmalloc kasan_kmalloc_large __kasan_kmalloc_large
  kasan_krealloc __kasan_krealloc kasan_slab_alloc __kasan_slab_alloc ____kasan_slab_alloc
  kasan_slab_free __kasan_slab_free ____kasan_slab_free kasan_slab_pre_free
  __kasan_slab_pre_free check_slab_allocation kasan_slab_free_mempool __kasan_slab_free_mempool
  kasan_poison_kfree kasan_kfree_large __kasan_kfree_large ____kasan_kfree_large
  kasan_mempool_poison_object __kasan_mempool_poison_object kasan_mempool_unpoison_object
  __kasan_mempool_unpoison_object poison_kmalloc_redzone poison_kmalloc_large_redzone
  unpoison_slab_object poison_slab_object kasan_quarantine_put quarantine_put
  kasan_report kasan_report_error __kasan_report kasan_report_invalid_free
  kasan_report_double_free print_report print_address_description kasan_object_err
  kmsan_internal_poison_memory kmsan_internal_chain_origin kmsan_save_stack_with_flags
  kmsan_slab_alloc kmsan_slab_free kmsan_kmalloc_large
  kfence_alloc __kfence_alloc kfence_guarded_alloc kfence_free __kfence_free kfence_guarded_free
  kfence_ksize metadata_update_state kfence_report_error check_canary

  slab_alloc slab_alloc_node __slab_alloc ___slab_alloc __slab_alloc_node slab_post_alloc_hook
  slab_pre_alloc_hook slab_alloc_hook alloc_debug_processing alloc_consistency_checks
  alloc_single_from_partial alloc_single_from_new_slab alloc_from_new_slab alloc_from_pcs
  __pcs_replace_empty_main refill_objects __refill_objects get_partial get_partial_node get_any_partial
  new_slab new_slab_objects allocate_slab get_new_slab early_kmem_cache_node_alloc
  slab_free do_slab_free __slab_free slab_free_hook slab_free_freelist_hook slab_free_bulk
  slab_free_after_rcu_debug slab_free_common free_debug_processing free_consistency_checks
  free_to_partial_list free_to_pcs free_deferred_objects defer_free free_slab discard_slab __free_slab
  trace init_object init_tracking setup_object setup_object_debug check_object check_slab
  check_bytes_and_report check_pad_bytes slab_pad_check on_freelist object_err slab_err __slab_err
  slab_bug slab_fix print_trailer print_tracking set_freepointer

  kmalloc kmalloc_node kzalloc kzalloc_node kmalloc_array kmalloc_array_node kcalloc kcalloc_node
  kmalloc_trace kmalloc_node_trace kmalloc_order kmalloc_order_trace kmalloc_large kmalloc_large_node
  kmalloc_large_node_hook __kmalloc_large_node ___kmalloc_large_node kmalloc_nolock
  __kmalloc __kmalloc_node __kmalloc_cache __kmalloc_cache_node __kmalloc_track_caller
  __kmalloc_node_track_caller __do_kmalloc __do_kmalloc_node __kzalloc kmalloc_slab
  kvmalloc kvmalloc_node __kvmalloc_node kvzalloc kvzalloc_node kvmalloc_array kvcalloc
  krealloc __krealloc __do_krealloc krealloc_array krealloc_node_align kvrealloc kvrealloc_node_align
  kmem_cache_alloc __kmem_cache_alloc kmem_cache_alloc_node __kmem_cache_alloc_node
  kmem_cache_alloc_trace kmem_cache_alloc_node_trace kmem_cache_alloc_lru __kmem_cache_alloc_lru
  kmem_cache_alloc_notrace kmem_cache_zalloc kmem_cache_alloc_bulk __kmem_cache_alloc_bulk
  kmem_cache_alloc_from_sheaf
  kfree kfree_const kfree_sensitive kzfree kvfree kvfree_sensitive kvfree_atomic kfree_bulk
  kfree_nolock kfree_link free_large_kmalloc kmem_cache_free __kmem_cache_free
  kmem_cache_free_bulk __kmem_cache_free_bulk

  kmem_cache_alloc_node_nodebug kmem_cache_alloc_nodebug
  __cache_alloc __cache_alloc_node ____cache_alloc ____cache_alloc_node __do_cache_alloc
  cache_alloc_debugcheck_after cache_alloc_refill cache_free_debugcheck __cache_free ___cache_free
  slob_alloc slob_free slob_alloc_node

  kstrdup kstrdup_const kstrndup kmemdup kmemdup_array kvmemdup kmemdup_nul memdup_user vmemdup_user
  memdup_user_nul memdup_array_user strndup_user
  mempool_alloc mempool_alloc_slab mempool_kmalloc mempool_kvmalloc mempool_free mempool_free_slab
  mempool_kfree mempool_kvfree mempool_alloc_preallocated
`;

const FRAMES: ReadonlySet<string> = new Set(NAMES.split(/\s+/).filter((name) => name !== ''));

/** What a compiler or allocation profiling (6.10) adds to a function's name. */
const SUFFIX =
  /(?:_noprof|_prof|\.(?:constprop|isra|part|cold|llvm|lto_priv|localalias)(?:\.\d+)*)+$/;

/** @param symbol `__kmalloc_noprof+0x1c`, `slab_alloc.constprop.0`, with or without an offset */
export function isAllocatorFrame(symbol: string): boolean {
  const name = symbol.replace(/\+0x[0-9a-f]+$/, '').replace(/^\./, '');
  return FRAMES.has(name.replace(SUFFIX, ''));
}
