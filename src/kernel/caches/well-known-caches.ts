// Functions that allocate from the same cache in every kernel, for traces that name no caches (5.10) and
// for objects that no free has named. Each is the function that calls kmem_cache_alloc() on that
// cache in the sources of 6.1 and 6.12; the names are of creation, so a merged cache is found
// through its alias.

const CACHES_OF_FUNCTION: ReadonlyMap<string, readonly string[]> = new Map(
  Object.entries({
    __d_alloc: ['dentry'],
    __alloc_file: ['filp'],
    alloc_empty_file: ['filp'],
    getname_flags: ['names_cache'],
    getname_kernel: ['names_cache'],
    vm_area_alloc: ['vm_area_struct', 'vma_lock'],
    vm_area_dup: ['vm_area_struct', 'vma_lock'],
    anon_vma_clone: ['anon_vma_chain'],
    anon_vma_fork: ['anon_vma_chain', 'anon_vma'],
    __anon_vma_prepare: ['anon_vma_chain', 'anon_vma'],
    prepare_creds: ['cred_jar', 'cred'],
    cred_alloc_blank: ['cred_jar', 'cred'],
    prepare_kernel_cred: ['cred_jar', 'cred'],
    security_inode_alloc: ['lsm_inode_cache'],
    security_file_alloc: ['lsm_file_cache'],
    alloc_inode: ['inode_cache'],
    new_inode_pseudo: ['inode_cache'],
    shmem_alloc_inode: ['shmem_inode_cache'],
    proc_alloc_inode: ['proc_inode_cache'],
    sock_alloc_inode: ['sock_inode_cache'],
    __proc_create: ['proc_dir_entry'],
    __kernfs_new_node: ['kernfs_node_cache'],
    __kernfs_iattrs: ['kernfs_iattrs_cache'],
    radix_tree_node_alloc: ['radix_tree_node'],
    xas_alloc: ['radix_tree_node'],
    mas_alloc_nodes: ['maple_node'],
    alloc_pid: ['pid'],
    dup_fd: ['files_cache'],
    copy_fs_struct: ['fs_cache'],
    copy_sighand: ['sighand_cache'],
    copy_signal: ['signal_cache'],
    __sigqueue_alloc: ['sigqueue'],
    mm_alloc: ['mm_struct'],
    dup_mm: ['mm_struct'],
    alloc_vfsmnt: ['mnt_cache'],
    alloc_buffer_head: ['buffer_head'],
    create_nsproxy: ['nsproxy'],
    alloc_uid: ['uid_cache'],
    __alloc_skb: ['skbuff_head_cache', 'skbuff_fclone_cache'],
    build_skb: ['skbuff_head_cache'],
    alloc_vmap_area: ['vmap_area'],
    locks_alloc_lock: ['file_lock_cache'],
    trace_create_new_event: ['trace_event_file'],
    __trace_define_field: ['ftrace_event_field'],
    fsnotify_add_mark_locked: ['fsnotify_mark_connector'],
    mempolicy_slab_node: ['numa_policy'],
    acpi_ut_create_internal_object_dbg: ['Acpi-Operand'],
    acpi_ut_allocate_object_desc_dbg: ['Acpi-Operand'],
    acpi_ns_create_node: ['Acpi-Namespace'],
    key_alloc: ['key_jar'],
    seq_open: ['seq_file'],
    bdev_alloc_inode: ['bdev_cache'],
    copy_namespaces: ['nsproxy'],
    fill_pool: ['debug_objects_cache'],
    __kmem_cache_create: ['kmem_cache_node'],
    kmem_cache_create_usercopy: ['kmem_cache'],
    __kmem_cache_create_args: ['kmem_cache', 'kmem_cache_node'],
    do_kmem_cache_create: ['kmem_cache_node'],
    kmem_buckets_create: ['kmalloc_buckets'],
    __delayacct_tsk_init: ['task_delay_info'],
    alloc_unbound_pwq: ['pool_workqueue'],
    hugetlbfs_alloc_inode: ['hugetlbfs_inode_cache'],
    tracefs_alloc_inode: ['tracefs_inode_cache'],
    dax_alloc_inode: ['dax_cache'],
    taskstats_exit: ['taskstats'],
    pcpu_get_vm_areas: ['vmap_area'],
    ep_ptable_queue_proc: ['eventpoll_pwq'],
    ep_insert: ['eventpoll_epi', 'ep_head'],
    do_epoll_ctl: ['eventpoll_epi', 'ep_head'],
    kmalloc_reserve: ['skbuff_small_head'],
  }),
);

/** The functions whose caches are known. */
export const KNOWN_ALLOCATORS: ReadonlySet<string> = new Set(CACHES_OF_FUNCTION.keys());

/** The caches that a function allocates from; none where that is not known. */
export function wellKnownCaches(allocator: string | undefined): readonly string[] {
  // `getname_flags.part.0`, `radix_tree_node_alloc.constprop.0`: clones of the compiler.
  return CACHES_OF_FUNCTION.get(allocator?.replace(/\..*$/, '') ?? '') ?? [];
}

/** Functions that allocate from their own kmem_buckets (6.11 on; mm/util.c, ipc/msgutil.c). */
const BUCKETS_OF_FUNCTION: ReadonlyMap<string, string> = new Map(
  Object.entries({
    memdup_user: 'memdup_user',
    vmemdup_user: 'memdup_user',
    memdup_user_nul: 'memdup_user',
    strndup_user: 'memdup_user',
    alloc_msg: 'msg_msg',
    load_msg: 'msg_msg',
  }),
);

/** `memdup_user-64` for a kmalloc-64 made by a function that has buckets of its own. */
export function bucketCacheName(
  kmallocName: string,
  allocator: string | undefined,
): string | undefined {
  const bucket = BUCKETS_OF_FUNCTION.get(allocator?.replace(/\..*$/, '') ?? '');
  return bucket && kmallocName.replace(/^kmalloc-(cg-)?/, `${bucket}-`);
}
