// What runs that are hard to compare are told, each with what it does to the numbers.

import { expect, test } from 'vitest';
import { findDifferences } from '../../../../../src/commands/compare/judge/differences.ts';
import { figures, pair } from '../../../../helpers/run-figures.ts';

type Parts = NonNullable<Parameters<typeof figures>[1]>;

const pairs = [pair('foo+0x10', 'kmalloc-64', { live: 1 })];

function warningsOf(base: Parts, news: Parts, per = 'run', from = pairs): string[] {
  const label = (parts: Parts, name: string): Parts => ({
    ...parts,
    run: { label: name, ...parts.run },
  });
  return findDifferences(
    [figures(from, label(base, 'base'))],
    [figures(from, label(news, 'new'))],
    { match: 'function', asked: undefined, per },
  );
}

test('equal runs are told nothing', () => {
  expect(warningsOf({}, {})).toEqual([]);
});

test.each<[string, Parts, Parts, RegExp]>([
  [
    'releases',
    {},
    { run: { kernelRelease: '6.12.0' } },
    /^Kernels differ \(6\.1\.0, 6\.12\.0\): call sites are matched by function; .* other sizes\.$/,
  ],
  [
    'builds',
    {},
    { build: 'other' },
    /^Builds of 6\.1\.0 differ: call sites are matched by function/,
  ],
  ['unknown builds', {}, { build: null }, /^The build of new is not known \(no version\.txt\)/],
  [
    'lengths',
    {},
    { run: { durationSec: 20 } },
    /^Runs last from 10\.0 s to 20\.0 s: rates differ by that alone/,
  ],
  ['CPUs', {}, { run: { cpus: 4 } }, /^CPUs differ \(1, 4\)\. Per-CPU structures/],
  ['page sizes', {}, { run: { pageSize: 16384 } }, /^Page sizes differ \(4096, 16384\)/],
  ['clocks', {}, { run: { clock: 'mono' } }, /^Clocks differ \(global, mono\)/],
  [
    'a clock without seconds',
    {},
    { run: { clock: 'counter', clockUnit: 'count', durationSec: null } },
    /^new: the clock does not count nanoseconds, so rates .* left out\.$/,
  ],
  ['filters', {}, { filter: '--cpu 1' }, /^Selections differ \(everything, --cpu 1\)/],
  ['slub_debug', { slubDebug: true }, {}, /^base: slub_debug was on: .* waste\.$/],
  [
    'hashed pointers',
    {},
    { completeness: { hashedPointers: true } },
    /^new: pointers are hashed: .* more look live\.$/,
  ],
  [
    'start',
    {},
    { completeness: { startsAtBoot: false } },
    /^base: recorded from boot on, the others not/,
  ],
  [
    'lost events',
    {},
    { completeness: { lostEvents: 1234 } },
    /^new: 1,234 events were lost: .* uncertain\.$/,
  ],
  [
    'kinds of events',
    { events: { kmalloc: 9, kfree: 5 } },
    { events: { kmalloc_node: 9 } },
    /^new: no kfree events were recorded, unlike in the others: /,
  ],
  ['damage', { completeness: { badRecords: 2 } }, {}, /^base: 2 damaged records were passed over/],
])('%s', (_title, base, news, warning) => {
  expect(warningsOf(base, news)).toEqual([expect.stringMatching(warning)]);
});

test('one recording given twice is said', () => {
  const run = figures(pairs, { run: { label: 'a' } });
  const other = figures(pairs, { run: { label: 'b' } });
  expect(
    findDifferences([run, other], [run], { match: 'function', asked: undefined, per: 'run' }),
  ).toEqual(['base a, new a: one recording, which counts as 2 runs here.']);
});

test('runs of one label are told apart by their side', () => {
  const lost = (lostEvents: number, sources: string): Parts => ({
    run: { label: 'run1', sources: [sources] },
    completeness: { lostEvents },
  });
  expect(warningsOf(lost(0, 'old/trace.dat'), lost(5, 'trace.dat'))).toEqual([
    expect.stringMatching(/^new run1: 5 events were lost/),
  ]);
});

test('lengths within 5 % are equal; per second 1 % counts', () => {
  expect(warningsOf({}, { run: { durationSec: 10.4 } })).toEqual([]);
  expect(warningsOf({}, { run: { durationSec: 10.4 } }, 'second')).toEqual([
    'Runs last from 10.0 s to 10.4 s: if they did equal work, everything per second differs by that alone.',
  ]);
});

test('sites without names', () => {
  const from = [pair('0xffffffff81000010', 'kmalloc-64'), pair('0xffffffff81000020', 'kmalloc-64')];
  expect(warningsOf({}, {}, 'run', from)).toEqual([
    '2 call sites have no name: matched by address, which differs from boot to boot (KASLR). Add kallsyms.txt.',
  ]);
});
