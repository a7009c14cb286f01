// Annotations by site, cache and address; the built-in table.

import { expect, test } from 'vitest';
import {
  annotationOf,
  builtInAnnotations,
  parseAnnotations,
} from '../../../../src/snapshot/scan/annotations.ts';

function actionOf(lines: string, site: string | undefined, cache?: string): string | undefined {
  return annotationOf(parseAnnotations(lines, 'x'), { address: 0x1000n, site, cache })?.action;
}

test('a site is a function, with or without offset and module', () => {
  const site = 'open_file.isra.0+0x10 [fs_mod]';
  for (const pattern of [
    'open_file',
    'open_file.isra.0',
    'open_file.isra.0+0x10',
    'open_file.isra.0 [fs_mod]',
    'open_file.isra.0+0x10 [fs_mod]',
    'open_*',
  ]) {
    expect(actionOf(`ignore site=${pattern}`, site), pattern).toBe('ignore');
  }
  for (const pattern of ['open', 'open_file+0x11', 'open_file [other]']) {
    expect(actionOf(`ignore site=${pattern}`, site), pattern).toBeUndefined();
  }
  expect(actionOf('ignore site=*', undefined)).toBeUndefined();
});

test('all words of a line must fit, and the first line that does counts', () => {
  expect(actionOf('no-scan site=f cache=dentry', 'f+0x1', 'dentry')).toBe('no-scan');
  expect(actionOf('no-scan site=f cache=dentry', 'f+0x1', 'inode_cache')).toBeUndefined();
  expect(actionOf('not-leak address=0x1000 # mine\nignore site=*', 'f+0x1')).toBe('not-leak');
});

test('the kernel’s own: sysctl headers, vmap_area from its rb_node on', () => {
  const own = builtInAnnotations();
  const find = (site: string) => annotationOf(own, { address: 0n, site, cache: undefined });
  expect(find('__register_sysctl_table+0x7b')).toMatchObject({ action: 'not-leak' });
  expect(find('alloc_vmap_area+0x84')).toMatchObject({ action: 'scan-area', offset: 16 });
  expect(find('alloc_skb+0x84')).toBeUndefined();
});
