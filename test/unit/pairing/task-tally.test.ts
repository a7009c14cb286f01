import { describe, expect, test } from 'vitest';
import { TaskTally } from '../../../src/pairing/task-tally.ts';
import { type TaskTotal, taskTotals } from '../../../src/run/task-totals.ts';
import { kernelFacts, type ResolveOptions, resolve } from '../../helpers/tracked.ts';

/** Totals by `comm-pid`. */
function totalsOf(lines: string, options: ResolveOptions = {}): Record<string, TaskTotal> {
  const tallies: TaskTally[] = [];
  const { run } = resolve(lines, {
    ...options,
    extra: (dictionary) => {
      tallies.push(new TaskTally(dictionary));
      return tallies;
    },
  });
  const { tasks, strings } = run.dictionary;
  const totals = taskTotals(run, tallies[0] as TaskTally);
  return Object.fromEntries(
    totals.map((t) => [`${strings.get(tasks.comm(t.task))}-${tasks.pid(t.task)}`, t]),
  );
}

test('what a task allocated is its own, whoever frees it', () => {
  const totals = totalsOf(`
    bash-7 alloc kmalloc-64 A 40
    bash-7 alloc dentry B 192
    udevd-9 alloc kmalloc-64 C 50
    udevd-9 free A
  `);
  expect(totals['bash-7']).toMatchObject({ allocs: 2, frees: 1, bytesReq: 232, bytesAlloc: 256 });
  expect(totals['udevd-9']).toMatchObject({ allocs: 1, frees: 0, bytesReq: 50, bytesAlloc: 64 });
});

test('tasks with one pid and two names are two: exec gives a new name', () => {
  const totals = totalsOf('sh-7 alloc kmalloc-64 A\nls-7 alloc kmalloc-64 B');
  expect(Object.keys(totals)).toEqual(['sh-7', 'ls-7']);
});

describe('what tasks hold at the peak', () => {
  test('is what they held when the total of all was highest', () => {
    const totals = totalsOf(`
      bash-7 alloc kmalloc-64 A 40
      udevd-9 alloc kmalloc-1k B 1000
      bash-7 free A
      bash-7 free B
      init-1 alloc kmalloc-64 C 64
    `);
    expect(totals['bash-7']?.atPeak).toEqual({
      objects: 1,
      requested: 40,
      allocated: 64,
      rounding: 24,
      padding: 0,
      metadata: 0,
    });
    expect(totals['udevd-9']?.atPeak).toMatchObject({ objects: 1, allocated: 1024, rounding: 24 });
    expect(totals['init-1']?.atPeak).toMatchObject({ objects: 0, allocated: 0 });
  });

  test('splits bytes as everywhere: padding of named caches, metadata under slub_debug', () => {
    const lines = 'bash-7 alloc dentry A 192/256\nbash-7 alloc kmalloc A2 60/192';
    expect(totalsOf(lines)['bash-7']?.atPeak).toMatchObject({ padding: 64, rounding: 132 });
    const facts = kernelFacts({ slubDebug: true });
    expect(totalsOf(lines, { facts })['bash-7']?.atPeak).toMatchObject({
      padding: 0,
      rounding: 4,
      metadata: 64 + 128,
    });
  });

  test('has a large kmalloc with two events once', () => {
    const totals = totalsOf(`
      bash-7 alloc kmalloc A 9000/16384 by=__kmalloc_noprof+0x3e
      bash-7 alloc kmalloc A 9000/16384 by=load_module+0x10
      bash-7 free A
    `);
    expect(totals['bash-7']).toMatchObject({ allocs: 1, frees: 1, bytesReq: 9000 });
    expect(totals['bash-7']?.atPeak).toMatchObject({ objects: 1, requested: 9000 });
  });

  test('does not have an object that was freed without an event', () => {
    const totals = totalsOf(`
      bash-7 alloc kmalloc-64 A
      udevd-9 alloc kmalloc-64 A
      udevd-9 alloc kmalloc-64 B
    `);
    expect(totals['bash-7']?.atPeak.objects).toBe(0);
    expect(totals['udevd-9']?.atPeak.objects).toBe(2);
  });
});

test('a late free is one of the object before', () => {
  const totals = totalsOf(`
    @1000 cpu0 bash-7 alloc dentry A 192
    @2000 cpu1 udevd-9 alloc dentry A 192
    @2500 cpu0 bash-7 free ? A
  `);
  expect(totals['bash-7']).toMatchObject({ allocs: 1, frees: 1 });
  expect(totals['udevd-9']).toMatchObject({ allocs: 1, frees: 0 });
});

describe('only what the command speaks of is counted', () => {
  const LINES = `
    bash-7 alloc kmalloc-64 A 40
    bash-7 alloc kmalloc-1k B 1000
    udevd-9 alloc kmalloc-1k C 1000`;

  test('with --cache', () => {
    const totals = totalsOf(LINES, { caches: ['kmalloc-64'] });
    expect(Object.keys(totals)).toEqual(['bash-7']);
    expect(totals['bash-7']).toMatchObject({ allocs: 1, bytesReq: 40 });
    expect(totals['bash-7']?.atPeak.objects).toBe(1);
  });

  test('with --pid', () => {
    const totals = totalsOf(LINES, { filter: { pids: [9] } });
    expect(Object.keys(totals)).toEqual(['udevd-9']);
  });
});
