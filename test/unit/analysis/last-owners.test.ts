import { expect, test } from 'vitest';
import { type LastOwner, LastOwners } from '../../../src/analysis/last-owners.ts';
import { TestTrace } from '../../helpers/builders.ts';
import { track } from '../../helpers/tracked.ts';

/** The owners of object A in a trace, the latest first: `allocated-freed`, times in ns. */
function ownersOf(lines: string): string[] {
  const trace = new TestTrace(lines);
  const address = trace.address('A');
  const lo = Number(address & 0xffffffffn);
  const hi = Number(address >> 32n);
  const owners = new LastOwners();
  owners.watch(lo, hi);
  owners.watch(lo, hi);
  track(trace, { batchSize: 2, extra: () => [owners] });
  expect(owners.of(lo + 64, hi)).toEqual([]);
  return owners.of(lo, hi).map(lifeOf);
}

function lifeOf({ alloc, free, freedUnseen }: LastOwner): string {
  return `${alloc?.ts ?? '?'}-${free?.ts ?? ''}${freedUnseen ? 'unseen' : ''}`;
}

test('the lives of an address, the latest first', () => {
  const owners = ownersOf(`
    @1000 alloc kmalloc-64 A
    @1500 alloc kmalloc-64 A+64
    @2000 free A
    @3000 alloc kmalloc-64 A
  `);
  expect(owners).toEqual(['3000-', '1000-2000']);
});

test('a life that began before the trace, and one that ended without an event', () => {
  const owners = ownersOf(`
    @1000 free A
    @2000 alloc kmalloc-64 A
    @3000 alloc kmalloc-64 A
  `);
  expect(owners).toEqual(['3000-', '2000-unseen', '?-1000']);
});

test('a free that is written after the next allocation ends the life before it', () => {
  const owners = ownersOf(`
    @1000 cpu0 alloc dentry A 192
    @2000 cpu1 alloc dentry A 192
    @2000 cpu0 free dentry A
  `);
  expect(owners).toEqual(['2000-', '1000-2000']);
});

test('both events of one large kmalloc are one life', () => {
  const owners = ownersOf(`
    @1000 alloc kmalloc A 16384/16384 by=inner+0x1
    @1001 alloc kmalloc A 16384/16384 by=caller+0x1
  `);
  expect(owners).toEqual(['1001-']);
});

test('only the last lives are kept', () => {
  const lives = Array.from({ length: 9 }, (_, i) => `@${i}000 alloc kmalloc-64 A\n@${i}500 free A`);
  expect(ownersOf(lives.join('\n'))).toEqual(['8000-8500', '7000-7500', '6000-6500']);
});
