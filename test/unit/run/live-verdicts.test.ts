import { describe, expect, test } from 'vitest';
import { VERDICT } from '../../../src/run/verdicts/live-verdicts.ts';
import { kernelFacts, knownCache, type ResolveOptions, resolve } from '../../helpers/tracked.ts';

const NAMES = Object.fromEntries(Object.entries(VERDICT).map(([name, number]) => [number, name]));

/** The verdicts of what is held live at the end, in order of time. */
function verdicts(lines: string, options: ResolveOptions = {}): (string | undefined)[] {
  return resolve(lines, options).objects.map(([, verdict]) => NAMES[verdict ?? -1]);
}

/** `count` objects of a site that nobody frees. */
function keep(count: number, site: string, cache = 'kmalloc-64'): string {
  return Array.from({ length: count }, (_, i) => `alloc ${cache} ${site}${i} by=${site}+0x1`).join(
    '\n',
  );
}

test('objects of a site that frees with events are certain', () => {
  expect(verdicts('alloc kmalloc-64 A\nalloc kmalloc-64 B\nfree A')).toEqual(['certain']);
  expect(verdicts('')).toEqual([]);
});

describe('a site that frees without an event', () => {
  const REUSED = 'alloc kmalloc-64 A by=rcu+0x1\nalloc kmalloc-64 A by=other+0x1';

  test('is marked with the number of such frees, and its objects are uncertain', () => {
    const { run, objects } = resolve(`${REUSED}\nalloc kmalloc-64 B by=rcu+0x1`);
    expect([...run.verdicts.marked.values()]).toEqual([1]);
    expect(objects.map(([, verdict]) => NAMES[verdict ?? -1])).toEqual([
      'certain',
      'untracedFrees',
    ]);
    const [, uncertain] = run.rows;
    expect(run.reasonOf(run.verdicts.ofRow[uncertain as number] as number)).toBe(
      'untraced frees at its site',
    );
  });

  test('is marked by the share of these frees: above 0.05 %, not by one among many', () => {
    const marked = (allocs: number): number =>
      resolve(`${REUSED}\n${keep(allocs - 1, 'rcu')}`).run.verdicts.marked.size;
    expect(marked(1999)).toBe(1);
    expect(marked(2000)).toBe(0);
  });

  test('is marked for the cache in which it was seen, if that is rare for the site', () => {
    const found = verdicts(`${REUSED}
      ${keep(60, 'rcu', 'kmalloc-1k')}
      alloc kmalloc-64 Z by=rcu+0x1`);
    expect(found.filter((v) => v === 'untracedFrees')).toHaveLength(1);
  });

  test('is marked in all of its caches where more than 2 % of all its frees are such', () => {
    const found = verdicts(`${REUSED}
      ${keep(40, 'rcu', 'kmalloc-1k')}
      alloc kmalloc-64 Z by=rcu+0x1`);
    expect(found.filter((v) => v === 'untracedFrees')).toHaveLength(41);
  });

  test('is not marked by what other sites do', () => {
    expect(verdicts(`${REUSED}\n${keep(3, 'innocent')}`)).toEqual(Array(4).fill('certain'));
  });
});

describe('a function that is known to free by kfree_rcu() only', () => {
  test('has uncertain objects though none of their memory was used again', () => {
    expect(verdicts('alloc kmalloc-96 A by=kernfs_fop_open+0x300')).toEqual(['untracedFrees']);
  });

  test('unless a free of them was seen', () => {
    const lines = 'alloc kmalloc-96 A by=kernfs_fop_open+0x300\nfree A';
    expect(verdicts(`${lines}\nalloc kmalloc-96 B by=kernfs_fop_open+0x300`)).toEqual(['certain']);
  });

  test('is known by its objects of kmalloc, not by those of a named cache', () => {
    expect(verdicts('alloc net_namespace A 4352 by=copy_net_ns+0x74')).toEqual(['certain']);
    expect(verdicts('alloc kmalloc-32 A by=copy_net_ns+0x96')).toEqual(['untracedFrees']);
  });
});

describe('frees that were switched on late', () => {
  const FREES = Array.from({ length: 20 }, (_, i) => `@${11_000 + i * 10} free X${i}`).join('\n');
  const LINES = `
    @1000 alloc kmalloc-64 A by=f+0x1
    @1001 alloc kmalloc-64 B by=f+0x1
    @1002 alloc kmalloc-64 C by=f+0x1
    ${FREES}
    @20000 alloc kmalloc-64 A by=g+0x1
    @20001 alloc dentry B+192 192
    @20002 alloc kmalloc-64 D by=f+0x1`;
  const NO_BOOT = { facts: kernelFacts({}) };

  test('make what is older uncertain one by one, and mark no site', () => {
    const { run, objects } = resolve(LINES, NO_BOOT);
    expect(objects.map(([, verdict]) => NAMES[verdict ?? -1])).toEqual([
      'gone',
      'beforeFrees',
      'certain',
      'certain',
      'certain',
    ]);
    expect(run.verdicts.marked.size).toBe(0);
    expect(run.reasonOf(VERDICT.beforeFrees)).toBe('frees not recorded at first');
    expect(run.eventsCompleteSince).toBe(11_000);
  });

  test('do not hide what is freed unseen later', () => {
    const lines = `${LINES}
      @30000 alloc kmalloc-64 D by=g+0x1
      @30001 alloc kmalloc-64 E by=f+0x1`;
    expect(verdicts(lines, NO_BOOT).at(-1)).toBe('untracedFrees');
  });

  test('are not looked for where all events were on from boot', () => {
    const { run } = resolve(LINES, { facts: kernelFacts({ tracedFromBoot: true }) });
    expect(run.lateEvents.size).toBe(0);
  });
});

describe('events that were lost', () => {
  test('make what is older uncertain', () => {
    const { run, objects } = resolve(`
      @1000 alloc kmalloc-64 A
      @2000 cpu1 lost 5
      @3000 alloc kmalloc-64 B
    `);
    expect(objects.map(([, verdict]) => NAMES[verdict ?? -1])).toEqual(['eventsLost', 'certain']);
    expect(run.reasonOf(VERDICT.eventsLost)).toBe('events lost');
    expect(run.reasonOf(VERDICT.certain)).toBeNull();
  });

  test('do not mark the site of an object whose free may be among them', () => {
    const found = verdicts(`
      @1000 alloc kmalloc-64 A by=f+0x1
      @1100 alloc kmalloc-64 B by=f+0x1
      @2000 lost 5
      @3000 alloc kmalloc-64 A by=f+0x1
      @4000 alloc dentry B+192 192
      @5000 alloc kmalloc-64 C by=f+0x1`);
    expect(found).toEqual(['gone', 'certain', 'certain', 'certain']);
  });

  test('come second where the site is marked as well', () => {
    const found = verdicts(`
      @1000 alloc kmalloc-64 A by=f+0x1
      @1500 alloc kmalloc-64 A by=f+0x1
      @2000 lost 5`);
    expect(found).toEqual(['untracedFrees']);
  });
});

describe('memory that was used for something else', () => {
  test('holds the object no more', () => {
    expect(verdicts('alloc kmalloc-64 A\nalloc dentry A+192 192')).toEqual(['gone', 'certain']);
  });

  test('marks the site, like any free without an event', () => {
    const found = verdicts(`
      alloc kmalloc-64 A by=rcu+0x1
      alloc dentry A+192 192
      alloc kmalloc-64 B by=rcu+0x1`);
    expect(found).toEqual(['gone', 'certain', 'untracedFrees']);
  });

  test('takes the object out of every count of live ones', () => {
    const { run, call } = resolve('alloc kmalloc-64 A by=f+0x1\nalloc dentry A+192 192 by=g+0x1');
    expect(run.rows).toHaveLength(1);
    const { live, untracedFrees } = run.tallies.calls;
    expect([live[call('f+0x1')], untracedFrees[call('f+0x1')]]).toEqual([0, 1]);
    expect([...run.verdicts.goneOfCall.values()]).toEqual([1]);
  });

  test('is not looked for where pointers are hashed', () => {
    const info = { hashedPointers: true };
    expect(verdicts('alloc kmalloc-64 A\nalloc dentry A+192 192', { info })).toEqual([
      'certain',
      'certain',
    ]);
  });

  const LATER_NAMED = `
    @1000 alloc x A 192 name=filp
    @2000 alloc x A+192 192 name=dentry
    @3000 free dentry A+192`;

  test('of another cache with the same stride is told by later names', () => {
    expect(verdicts(LATER_NAMED)).toEqual(['gone']);
  });

  test('is the same where a recorded name is only an alias of the one in the events', () => {
    const caches = [knownCache('filp', 192, { aliases: ['dentry'] })];
    expect(verdicts(LATER_NAMED, { facts: kernelFacts({ caches }) })).toEqual(['certain']);
  });

  test('is not known where the object has its cache by guess', () => {
    const caches = [knownCache('dentry', 192), knownCache('a', 192), knownCache('b', 192)];
    const lines = '@1000 free b A\n@2000 alloc x A+192 192 by=__d_alloc+0x1\n@3000 free b A+384';
    expect(verdicts(lines, { facts: kernelFacts({ caches }) })).toEqual(['certain']);
  });

  test('of kmalloc objects is told by the names of recorded caches', () => {
    const caches = [knownCache('kmalloc-192', 192), knownCache('dentry', 192)];
    const lines = '@1000 alloc kmalloc-192 A\n@2000 free dentry A+192';
    expect(verdicts(lines, { facts: kernelFacts({ caches }) })).toEqual(['gone']);
    expect(verdicts(lines)).toEqual(['certain']);
  });
});

test('pages that went back to the page allocator settle what was on them', () => {
  const found = verdicts(`
    page_alloc 0x100
    alloc kmalloc-64 0xffff888000100000 by=rcu+0x1
    page_alloc 0x200
    alloc kmalloc-64 0xffff888000200000 by=rcu+0x1
    page_alloc 0x300
    alloc kmalloc-64 0xffff888000300000 by=rcu+0x1
    page_free 0x200`);
  expect(found).toEqual(['untracedFrees', 'gone', 'untracedFrees']);
});

test('filters do not change what is known of a site', () => {
  const lines = `
    bash-7 alloc kmalloc-64 A by=rcu+0x1
    bash-7 alloc kmalloc-64 A by=other+0x1
    udevd-9 alloc kmalloc-64 B by=rcu+0x1`;
  const { run } = resolve(lines, { filter: { pids: [9] } });
  expect(Array.from(run.rows, (row) => NAMES[run.verdicts.ofRow[row] ?? -1])).toEqual([
    'untracedFrees',
  ]);
});
