// Functions whose objects are freed by kfree_rcu() only, that is in bulk and without an event
// (kernel/rcu/tree.c, kfree_rcu_work()), in all of 5.10 to 7.2 or since they do so at all. A trace in
// which none of their memory was used again does not show it. Seen in recordings of these kernels,
// where memory dumps tell which objects are free.

/** They allocate with kmalloc(). */
const KMALLOC_USERS: ReadonlySet<string> = new Set([
  '__arm64_sys_timerfd_create',
  '__do_sys_timerfd_create',
  '__hw_addr_add_ex',
  '__hw_addr_create',
  '__hw_addr_create_ex',
  '__ipv6_dev_mc_inc',
  '__register_sysctl_table',
  'copy_net_ns',
  'do_epoll_create',
  'fib_default_rule_add',
  'fib_notifier_ops_register',
  'fib_rules_register',
  'ip6addrlbl_add',
  'ip6addrlbl_alloc',
  'kernfs_fop_open',
]);

/** They allocate from a cache of their own. */
const CACHE_USERS: ReadonlySet<string> = new Set([
  'do_epoll_ctl',
  'do_epoll_ctl_file',
  'ep_insert',
]);

/** True where no event will tell when the objects that `allocator` makes are freed. */
export function freesByKfreeRcu(allocator: string | undefined, isKmalloc: boolean): boolean {
  const name = allocator?.replace(/\..*$/, '') ?? '';
  return (isKmalloc ? KMALLOC_USERS : CACHE_USERS).has(name);
}
