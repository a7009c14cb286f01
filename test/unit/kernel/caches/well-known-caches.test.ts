import { expect, test } from 'vitest';
import { freesByKfreeRcu } from '../../../../src/kernel/caches/kfree-rcu-sites.ts';
import {
  bucketCacheName,
  wellKnownCaches,
} from '../../../../src/kernel/caches/well-known-caches.ts';

test('some functions allocate from the same cache in every kernel', () => {
  expect(wellKnownCaches('__d_alloc')).toEqual(['dentry']);
  expect(wellKnownCaches('anon_vma_fork')).toEqual(['anon_vma_chain', 'anon_vma']);
  expect(wellKnownCaches('no_such_function')).toEqual([]);
  expect(wellKnownCaches(undefined)).toEqual([]);
});

test('clones that the compiler made are the same function', () => {
  expect(wellKnownCaches('getname_flags.part.0')).toEqual(['names_cache']);
  expect(wellKnownCaches('radix_tree_node_alloc.constprop.0')).toEqual(['radix_tree_node']);
});

test('names of objects are not names of functions', () => {
  expect(wellKnownCaches('constructor')).toEqual([]);
  expect(wellKnownCaches('toString')).toEqual([]);
  expect(bucketCacheName('kmalloc-64', 'constructor')).toBeUndefined();
});

test('functions with buckets of their own take the class, accounted or not', () => {
  expect(bucketCacheName('kmalloc-64', 'memdup_user')).toBe('memdup_user-64');
  expect(bucketCacheName('kmalloc-cg-4k', 'load_msg')).toBe('msg_msg-4k');
  expect(bucketCacheName('kmalloc-64', 'kstrdup')).toBeUndefined();
});

test('functions that free by kfree_rcu() only are told apart by what they allocate with', () => {
  expect(freesByKfreeRcu('kernfs_fop_open', true)).toBe(true);
  expect(freesByKfreeRcu('ip6addrlbl_add.constprop.0', true)).toBe(true);
  expect(freesByKfreeRcu('copy_net_ns', false)).toBe(false);
  expect(freesByKfreeRcu('do_epoll_ctl', false)).toBe(true);
  expect(freesByKfreeRcu('__d_alloc', false)).toBe(false);
  expect(freesByKfreeRcu(undefined, true)).toBe(false);
});
