// Names in the options that match nothing of a run, and why nothing is selected.

import { describe, expect, test } from 'vitest';
import { EVERYTHING } from '../../../src/pairing/event-filter.ts';
import { parseAge, parseSizes } from '../../../src/pairing/selection-texts.ts';
import { judgeCompleteness } from '../../../src/run/run-summary.ts';
import { findUnmatched, selectionText } from '../../../src/run/selection.ts';
import { kernelFacts, knownCache, type ResolveOptions, resolve } from '../../helpers/tracked.ts';

const LINES = `
  cpu0 bash-7 alloc kmalloc-64 A 64
  cpu1 sh-9 alloc kmalloc-1k B 1000
  cpu0 bash-7 free A
  cpu1 sh-9 free B`;

function unmatched(options: ResolveOptions): string[] {
  return findUnmatched(resolve(LINES, { ...options, onlyLines: true }).run).map(
    ({ message, hint }) => `${message}\n${hint}`,
  );
}

function empty(lines: string, options: ResolveOptions = {}): string | null {
  return judgeCompleteness(resolve(lines, options).run).empty;
}

const nano = (sec: number): bigint => BigInt(sec) * 1_000_000_000n;

describe('names that nothing in the run has', () => {
  test('of caches: the nearest, else the largest', () => {
    expect(unmatched({ caches: ['kmaloc-64'] })).toEqual([
      '--cache kmaloc-64: no cache of this run is named so\nNearest: kmalloc-64, kmalloc-1k.',
    ]);
    expect(unmatched({ caches: ['kmalloc-*', 'xfs_?'] })).toEqual([
      '--cache xfs_?: no cache of this run is named so\nLargest: kmalloc-1k, kmalloc-64.',
    ]);
  });

  test('of caches that the kernel merged: into which', () => {
    const facts = kernelFacts({
      caches: [knownCache('kmalloc-64', 64, { aliases: ['fib_alias'] })],
    });
    expect(unmatched({ facts, caches: ['fib_alias'] })[0]).toContain('--cache kmalloc-64');
    expect(unmatched({ facts, caches: ['fib_alias'] })[0]).toContain('merged it into kmalloc-64');
  });

  test('a cache that was recorded is one, though no event is of it', () => {
    const facts = kernelFacts({ caches: [knownCache('dentry', 192)] });
    expect(unmatched({ facts, caches: ['dentry'] })).toEqual([]);
  });

  test('of tasks, pids and CPUs: those that there are', () => {
    expect(unmatched({ filter: { comms: ['basch'] } })).toEqual([
      '--comm basch: no task of this run is named so\nNearest: bash.',
    ]);
    expect(unmatched({ filter: { pids: [8] } })).toEqual([
      '--pid 8: no task of this run has this pid\nNearest: bash-7, sh-9.',
    ]);
    expect(unmatched({ filter: { cpus: [5, 6] } })).toEqual([
      '--cpu 5,6: this run has no such CPU\nIt has CPUs 0-1.',
    ]);
  });

  test('each by itself: one that matches does not excuse another', () => {
    expect(unmatched({ filter: { comms: ['bash', 'zsh', 'sh'], pids: [7, 8] } })).toHaveLength(2);
  });

  test('of CPUs a range may go beyond what there is', () => {
    expect(unmatched({ filter: { cpus: [1, 2, 3] } })).toEqual([]);
  });

  test('a task that is to be left out and is not there is a note', () => {
    const { run } = resolve(LINES, { filter: { excludedComms: ['trace-cmd', 'bash'] } });
    expect(findUnmatched(run)).toEqual([]);
    expect(judgeCompleteness(run).notes).toEqual([
      '--exclude-comm trace-cmd: no task of this run is named so: nothing is left out.',
    ]);
  });

  test('a run without events has none to match', () => {
    const { run } = resolve('', { caches: ['dentry'], onlyLines: true });
    expect(findUnmatched(run)).toEqual([]);
  });
});

describe('an empty selection says why', () => {
  test('what matches by itself, but not together', () => {
    const options = { caches: ['kmalloc-64'], filter: { pids: [9] } };
    expect(unmatched(options)).toEqual([]);
    expect(empty(LINES, options)).toBe('No allocation is selected by --cache kmalloc-64 --pid 9.');
  });

  test('a window tells the range of the trace', () => {
    const from = { relative: false, nano: nano(100) };
    expect(empty('@0 alloc kmalloc-64 A\n@2000000000 free A', { filter: { from } })).toBe(
      'No allocation is selected by --time 100..; the trace is from 0.000000 s to 2.000000 s.',
    );
  });

  test('a recording without allocations tells what it has', () => {
    expect(empty('free A\nfree B\nfree dentry C', { onlyLines: true })).toBe(
      'No allocation is in this recording, only 2 kfree and 1 kmem_cache_free.',
    );
    expect(empty('', { onlyLines: true })).toBe(
      'No allocation or free of slab memory is in this recording.',
    );
  });

  test('not where something is selected, be it an allocation that failed', () => {
    expect(empty(LINES, { filter: { pids: [7] } })).toBeNull();
    expect(empty('alloc kmalloc-64 NULL')).toBeNull();
  });
});

test('the options as one would type them', () => {
  const selection = {
    ...EVERYTHING,
    caches: ['kmalloc-*'],
    pids: [7],
    comms: ['a*'],
    excludedComms: ['b'],
    cpus: [0, 2],
    from: { relative: true, nano: 1_500_000_000n },
    sizes: { from: 64, to: 64 },
    ages: { atLeast: { nano: 5_000_000_000n, hasUnit: true }, below: undefined },
  };
  expect(selectionText(selection)).toBe(
    '--cache kmalloc-* --pid 7 --comm a* --exclude-comm b --cpu 0,2 --time +1.5.. --size 64 --age +5s',
  );
});

test.each([
  ['..64', '--size ..64'],
  ['4K..', '--size 4096..'],
  ['128..256', '--size 128..256'],
])('--size %s as one would type it', (text, expected) => {
  expect(selectionText({ ...EVERYTHING, sizes: parseSizes(text) })).toBe(expected);
});

test.each([
  ['+5s', '--age +5s'],
  ['-100ms', '--age -0.1s'],
  ['+1000', '--age +1000'],
])('--age %s as one would type it', (text, expected) => {
  expect(selectionText({ ...EVERYTHING, ages: parseAge(text) })).toBe(expected);
});
