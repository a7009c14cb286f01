import { expect, test } from 'vitest';
import { StackTally } from '../../../src/pairing/stack-tally.ts';
import { CallerChain } from '../../../src/run/caller-chain.ts';
import type { CallGroup } from '../../../src/run/group-calls.ts';
import { groupSites, type SiteKey } from '../../../src/run/site-groups.ts';
import { resolve, type TestRun } from '../../helpers/tracked.ts';

function sitesOf(lines: string): { run: TestRun['run']; groups: CallGroup<SiteKey>[] } {
  const stacks = new StackTally();
  const { run } = resolve(lines, { extra: () => [stacks] });
  return { run, groups: groupSites(run, 'end', stacks) };
}

function rowsOf(lines: string): (string | number | null)[][] {
  const { run, groups } = sitesOf(lines);
  return groups.map(({ key, allocs, live, liveBytesReq }) => [
    run.sites.label(key.siteId ?? 0),
    key.size,
    allocs,
    live,
    liveBytesReq,
  ]);
}

test('a wrapper is looked through, by as many frames as it takes', () => {
  expect(
    rowsOf(`
      alloc kmalloc-64 A 40 by=kvmalloc_node+0x5 stack=__kmalloc_node+0x1;kvmalloc_node+0x5;read+0x1
      alloc kmalloc-64 B 40 by=kvmalloc_node+0x5 stack=kvmalloc_node+0x5;kvmemdup+0x2;load+0x9
      alloc kmalloc-64 C 40 by=kvmalloc_node+0x5 stack=kvmalloc_node+0x5;read+0x1;sys_read+0x1
      free C
      alloc kmalloc-64 D 40 by=open+0x1 stack=open+0x1;main+0x2`),
  ).toEqual([
    ['open+0x1', 40, 1, 1, 40],
    ['read+0x1', 40, 2, 1, 40],
    ['load+0x9', 40, 1, 1, 40],
  ]);
});

test('without a stack, or where the stack does not have it, the site stays', () => {
  expect(
    rowsOf(`
      alloc kmalloc-64 A 40 by=kmemdup+0x5
      alloc kmalloc-64 B 40 by=kmemdup+0x5 stack=other+0x1;main+0x2`),
  ).toEqual([['kmemdup+0x5', 40, 2, 2, 80]]);
});

test('stacks that print functions only', () => {
  expect(
    rowsOf('alloc kmalloc-64 A 40 by=kstrdup+0x5 stack=__kmalloc;kstrdup;alloc_vfsmnt;mount'),
  ).toEqual([['alloc_vfsmnt', 40, 1, 1, 40]]);
});

test('managed memory is known by its site and by what lies between it and the allocator', () => {
  const { groups } = sitesOf(`
    alloc kmalloc-128 A 100 by=probe+0x1 stack=__kmalloc_node_track_caller+0x1;devm_kmalloc+0x3;probe+0x1
    alloc kmalloc-192 B 140 by=devm_kmemdup+0x1
    alloc kmalloc-256 C 200 by=probe+0x8 stack=kmalloc_trace+0x1;probe+0x8;devm_add_action+0x3`);
  expect(groups.map(({ key }) => [key.cache, key.isDevres])).toEqual([
    ['kmalloc-128', true],
    ['kmalloc-256', false],
    ['kmalloc-192', true],
  ]);
});

test('sites stay those of the events where nobody shall look through', () => {
  const { run } = resolve('alloc kmalloc-64 A 40 by=kmemdup+0x5 stack=kmemdup+0x5;load+0x9');
  const row = run.rows[0] ?? -1;
  const site = run.dictionary.calls.site(run.live.call(row));
  const stack = run.live.stack(row);
  expect(run.sites.label(run.callers.callerOf(site, stack))).toBe('load+0x9');
  const plain = new CallerChain(run.dictionary, run.sites, false);
  expect(plain.callerOf(site, stack)).toBe(site);
});
