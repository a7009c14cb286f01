import { expect, test } from 'vitest';
import { parseSlubCmdline } from '../../../../src/kernel/slub/boot-options.ts';
import { rulesFor } from '../../../../src/kernel/slub/releases.ts';
import { slubDebugLetters } from '../../../helpers/slub-debug-letters.ts';

const OLD = rulesFor('6.1');
const NEW = rulesFor('6.12');

test('a command line that says nothing', () => {
  const options = parseSlubCmdline('console=ttyS0 panic=-1\n', OLD);
  expect(options).toMatchObject({ minOrder: 0, maxOrder: 3, minObjects: 0 });
  expect(options).toMatchObject({ noMerge: false, memcgKmem: true, swiotlb: true });
  expect(options.debug.global).toBe(0);
});

test('slub_debug alone, with letters, in quotes, with dashes', () => {
  const letters = (cmdline: string): string =>
    slubDebugLetters(parseSlubCmdline(cmdline, OLD).debug.global);
  expect(letters('quiet slub_debug')).toBe('FZPU');
  expect(letters('slub_debug= quiet')).toBe('FZPU');
  expect(letters('slub_debug=FZ quiet')).toBe('FZ');
  expect(letters('slub_debug="P" quiet')).toBe('P');
  expect(letters('"slub_debug=U" quiet')).toBe('U');
  expect(letters('slub-debug=T')).toBe('T');
  expect(letters('slub_debug=F slub_debug=Z')).toBe('Z');
  expect(letters('quiet -- slub_debug=F')).toBe('-');
  expect(letters('dyndbg="file a.c slub_debug=F" quiet')).toBe('-');
});

test('lists reach the caches they name', () => {
  const { debug } = parseSlubCmdline('slub_debug=FZPU,kmalloc-64,kmalloc-192 lab=1', OLD);
  expect(debug.global).toBe(0);
  expect(debug.blocks.map((block) => block.names)).toEqual([['kmalloc-64', 'kmalloc-192']]);
});

test('slab_* options are heard since 6.9, slub_* ones always', () => {
  expect(parseSlubCmdline('slab_debug=P slab_max_order=1', OLD)).toMatchObject({
    maxOrder: 3,
    debug: { global: 0 },
  });
  expect(parseSlubCmdline('slab_max_order=1 slab_min_objects=5', NEW)).toMatchObject({
    maxOrder: 1,
    minObjects: 5,
  });
  expect(parseSlubCmdline('slub_max_order=1 slub_min_objects=5', NEW)).toMatchObject({
    maxOrder: 1,
    minObjects: 5,
  });
  expect(slubDebugLetters(parseSlubCmdline('slab_debug=P', NEW).debug.global)).toBe('P');
});

test('merging has four switches, the last one counts', () => {
  const noMerge = (cmdline: string): boolean => parseSlubCmdline(cmdline, OLD).noMerge;
  expect(noMerge('slab_nomerge')).toBe(true);
  expect(noMerge('slub_nomerge')).toBe(true);
  expect(noMerge('slab_nomerge slub_merge')).toBe(false);
  expect(parseSlubCmdline('', OLD, { mergeDefault: false }).noMerge).toBe(true);
  expect(parseSlubCmdline('slab_merge', OLD, { mergeDefault: false }).noMerge).toBe(false);
});

test('orders: numbers of any base, no more than the page allocator has', () => {
  expect(parseSlubCmdline('slub_min_order=0x2 slub_min_objects=010', OLD)).toMatchObject({
    minOrder: 2,
    minObjects: 8,
  });
  expect(parseSlubCmdline('slub_max_order=99', OLD).maxOrder).toBe(10);
  expect(parseSlubCmdline('slub_max_order=x', OLD).maxOrder).toBe(0);
});

test('since 6.8 the smaller order never passes the larger', () => {
  expect(parseSlubCmdline('slub_min_order=5', OLD)).toMatchObject({ minOrder: 5, maxOrder: 3 });
  expect(parseSlubCmdline('slab_min_order=5', NEW)).toMatchObject({ minOrder: 5, maxOrder: 5 });
  expect(parseSlubCmdline('slab_min_order=2 slab_max_order=1', NEW)).toMatchObject({
    minOrder: 1,
    maxOrder: 1,
  });
});

test('what decides which kmalloc caches there are', () => {
  expect(parseSlubCmdline('cgroup.memory=nosocket,nokmem', OLD).memcgKmem).toBe(false);
  expect(parseSlubCmdline('swiotlb=noforce', NEW).swiotlb).toBe(false);
  expect(parseSlubCmdline('swiotlb=65536,force', NEW).swiotlb).toBe(true);
});
