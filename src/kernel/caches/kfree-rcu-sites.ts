// Functions whose objects are freed by kfree_rcu(), that is in bulk and without an event
// (kernel/rcu/tree.c, kfree_rcu_work()). A trace in which none of their memory was used again does not
// show it. From the sources of two kernels (kfree-rcu-users.ts), and from recordings of 5.10, 6.18 and
// 7.2, where memory dumps tell which objects are free; a call site can also be the function that the
// compiler has inlined the allocating one into.

import { KFREE_RCU_USERS } from './kfree-rcu-users.ts';

function listed(kind: string): string[] {
  return KFREE_RCU_USERS.split('\n')
    .map((line) => line.split(' '))
    .flatMap(([of, site]) => (of === kind && site !== undefined ? [site] : []));
}

/** They allocate with kmalloc(). */
const KMALLOC_USERS: ReadonlySet<string> = new Set([
  ...listed('kmalloc'),
  '__netdev_adjacent_dev_insert',
  'alloc_ucounts',
  '__do_semtimedop',
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
  ...listed('cache'),
  'alloc_unbound_pwq',
  'copy_cgroup_ns',
  'copy_utsname',
  'create_user_ns',
  'fdb_create',
  'fib_table_insert',
  'v9fs_dentry_init',
  'do_epoll_ctl',
  'do_epoll_ctl_file',
  'ep_insert',
]);

/** True where no event will tell when the objects that `allocator` makes are freed. */
export function freesByKfreeRcu(allocator: string | undefined, isKmalloc: boolean): boolean {
  const name = allocator?.replace(/\..*$/, '') ?? '';
  return (isKmalloc ? KMALLOC_USERS : CACHE_USERS).has(name);
}
