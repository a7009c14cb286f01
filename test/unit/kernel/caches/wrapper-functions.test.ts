import { expect, test } from 'vitest';
import {
  allocatesDevres,
  devresOverhead,
  isWrapper,
} from '../../../../src/kernel/caches/wrapper-functions.ts';

test.each([
  'kmalloc_trace',
  '__kmalloc_node_track_caller',
  '__kmalloc_cache_noprof',
  'kmem_cache_alloc_lru_noprof',
  'kvmalloc_node',
  '__kvmalloc_node_noprof',
  'kmemdup',
  'kmemdup_nul',
  'vmemdup_user',
  'memdup_user_nul',
  'kstrdup_const',
  'kvasprintf',
  'kasprintf',
  'krealloc_noprof',
  'mempool_alloc_slab',
  'devm_kmalloc',
  'devm_kvasprintf',
  '__devm_request_region',
  'devm_of_pci_get_host_bridge_resources.constprop.0',
])('%s allocates for its caller', (name) => {
  expect(isWrapper(name)).toBe(true);
});

test.each([
  '__alloc_skb',
  '__d_alloc',
  'sk_prot_alloc',
  'seq_open',
  'alloc_inode',
  'radix_tree_node_alloc.constprop.0',
  'kmem_cache_create_usercopy',
  'kmemleak_alloc',
  'kfree',
  'mempool_free',
])('%s is where its objects are made', (name) => {
  expect(isWrapper(name)).toBe(false);
});

test('devres: what puts a struct devres before the data', () => {
  expect(allocatesDevres('devm_kmemdup')).toBe(true);
  expect(allocatesDevres('__devres_alloc_node')).toBe(true);
  // It allocates a device of its own with kzalloc().
  expect(allocatesDevres('devm_rtc_allocate_device')).toBe(false);
  expect(devresOverhead('6.12.117+deb13-amd64')).toBe(40);
  expect(devresOverhead('6.12.117+deb13-arm64')).toBe(128);
  expect(devresOverhead(null)).toBe(40);
});
