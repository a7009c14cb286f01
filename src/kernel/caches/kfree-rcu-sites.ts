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
  'alloc_ucounts',
  '__hw_addr_create_ex',
  'fib_default_rule_add',
]);

/** They allocate from a cache of their own. */
const CACHE_USERS: ReadonlySet<string> = new Set([
  ...listed('cache'),
  'copy_cgroup_ns',
  'copy_utsname',
  'create_user_ns',
  'fdb_create',
  'fib_table_insert',
  'v9fs_dentry_init',
  'do_epoll_ctl_file',
]);

/** True where no event will tell when the objects that `allocator` makes are freed. */
export function freesByKfreeRcu(allocator: string | undefined, isKmalloc: boolean): boolean {
  const name = allocator?.replace(/\..*$/, '') ?? '';
  return (isKmalloc ? KMALLOC_USERS : CACHE_USERS).has(name);
}
