import { expect, test } from 'vitest';
import { nearestNames } from '../../../src/base/nearest-names.ts';

const NAMES = ['kmalloc-64', 'kmalloc-1k', 'dentry', 'ext4_inode_cache', 'inode_cache', 'filp'];

test.each([
  ['kmaloc-64', 'kmalloc-64'],
  ['Dentry', 'dentry'],
  ['dentries', 'dentry'],
  ['ext4_inode', 'ext4_inode_cache'],
  ['flip', 'filp'],
  ['filps', 'filp'],
  ['skbuff_head_cache', undefined],
  ['', undefined],
])('%s: %s', (wanted, nearest) => {
  expect(nearestNames(wanted, NAMES)[0]).toBe(nearest);
});

test('three at the most, the nearest first', () => {
  expect(nearestNames('inode', [...NAMES, 'inode_a', 'a_inode', 'b_inode'])).toEqual([
    'a_inode',
    'b_inode',
    'inode_a',
  ]);
});
