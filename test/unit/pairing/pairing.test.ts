import { describe, expect, test } from 'vitest';
import { track } from '../../helpers/tracked.ts';

describe('a free', () => {
  test('is paired with the allocation of its address', () => {
    const { events, liveAddresses } = track(`
      @1000 cpu0 bash-7 alloc kmalloc-64 A 40 by=open_file+0x10
      @5000 cpu0 bash-7 free A
    `);
    expect(events[1]).toEqual({
      outcome: 'free',
      selected: true,
      temporary: true,
      object: { site: 'open_file+0x10', ts: 1000, task: 'bash-7', cpu: 0 },
      changes: ['gone', 'freed'],
    });
    expect(liveAddresses()).toEqual([]);
  });

  test('on another CPU and by another task is the same free', () => {
    const { events } = track(`
      cpu0 bash-7 alloc dentry A 192
      cpu3 ksoftirqd/3-30 free dentry A
    `);
    expect(events[1]).toMatchObject({ outcome: 'free', object: { task: 'bash-7', cpu: 0 } });
  });

  test('of an address used several times belongs to its latest allocation', () => {
    const { events } = track(`
      @1000 alloc kmalloc-64 A by=first+0x1
      @2000 free A
      @3000 alloc kmalloc-64 A by=second+0x2
      @4000 free A
    `);
    expect(events.map((e) => e.object?.site)).toEqual([
      undefined,
      'first+0x1',
      undefined,
      'second+0x2',
    ]);
  });

  test('by kfree() of a kmem_cache object, and the other way round, is one', () => {
    const { outcomes } = track(`
      alloc dentry A 192
      free A
      alloc kmalloc-192 B
      free dentry B
    `);
    expect(outcomes).toEqual(['alloc', 'free', 'alloc', 'free']);
  });

  test('in bulk, where a probe shows it, is one', () => {
    expect(track('alloc kmalloc-64 A\nbulk_free A').outcomes).toEqual(['alloc', 'free']);
  });

  test('of NULL and of ZERO_SIZE_PTR frees nothing', () => {
    const { outcomes } = track(`
      free NULL
      free ZERO
      free 0x8
      free 0x11
    `);
    expect(outcomes).toEqual(['freeNull', 'freeZeroSize', 'freeZeroSize', 'freeUnknown']);
  });

  test('of an object from before the trace is of an unknown one', () => {
    expect(track('free A').outcomes).toEqual(['freeUnknown']);
  });

  test('a second time is of an unknown object, since bulk allocations show no event', () => {
    const { outcomes } = track('alloc kmalloc-64 A\nfree A\nfree A');
    expect(outcomes).toEqual(['alloc', 'free', 'freeUnknown']);
  });

  test('takes both halves of the address', () => {
    const { outcomes, liveAddresses } = track(`
      alloc kmalloc-64 0xff11000012345000
      alloc kmalloc-64 0xffff888012345000
      alloc kmalloc-64 0xff11000012346000
      free 0xffff888012345000
      free 0xff11000012347000
    `);
    expect(outcomes).toEqual(['alloc', 'alloc', 'alloc', 'free', 'freeUnknown']);
    expect(liveAddresses()).toEqual([0xff11000012345000n, 0xff11000012346000n]);
  });
});

describe('an allocation', () => {
  test('that returned NULL is none', () => {
    const { outcomes, liveAddresses } = track('alloc kmalloc-64 NULL\nalloc dentry NULL 192');
    expect(outcomes).toEqual(['allocFailed', 'allocFailed']);
    expect(liveAddresses()).toEqual([]);
  });

  test('at a live address says that the object there was freed without an event', () => {
    const { events, liveAddresses, trace } = track(`
      @1000 cpu1 udevd-5 alloc kmalloc-64 A by=old+0x1
      @9000 cpu0 bash-7 alloc kmalloc-64 A by=new+0x2
      @9500 free A
    `);
    expect(events[1]).toEqual({
      outcome: 'allocOnLive',
      selected: true,
      temporary: false,
      object: { site: 'old+0x1', ts: 1000, task: 'udevd-5', cpu: 1 },
      changes: ['born', 'gone'],
    });
    expect(events[2]).toMatchObject({ outcome: 'free', object: { site: 'new+0x2', ts: 9000 } });
    expect(liveAddresses()).toEqual([]);
    expect(trace.address('A')).toBe(0xffff888000000000n);
  });

  test('freed before anything else was allocated on its CPU is temporary', () => {
    const temporary = (lines: string): boolean | undefined =>
      track(lines).events.findLast((e) => e.outcome === 'free')?.temporary;
    expect(temporary('cpu0 alloc kmalloc-64 A\ncpu1 alloc kmalloc-64 B\ncpu0 free A')).toBe(true);
    expect(temporary('cpu0 alloc kmalloc-64 A\ncpu0 free X\ncpu1 free A')).toBe(true);
    expect(temporary('cpu0 alloc kmalloc-64 A\nalloc kmalloc-64 B\nfree A')).toBe(false);
    expect(temporary('cpu0 alloc kmalloc-64 A\nalloc kmalloc-64 NULL\nfree A')).toBe(true);
  });

  test('of a CPU with a high number is paired', () => {
    const { outcomes } = track('cpu65535 alloc kmalloc-64 A\ncpu8191 free A');
    expect(outcomes).toEqual(['alloc', 'free']);
  });
});

describe('two events of one large kmalloc (Linux 6.12)', () => {
  const FIRST = '@1000 cpu0 task-1 alloc kmalloc A 9000/16384 by=__kmalloc_noprof+0x3e';

  test('are one allocation, by the caller that the second names', () => {
    const { events, liveAddresses } = track(`
      ${FIRST}
      @1002 alloc kmalloc A 9000/16384 by=load_module+0x10
      @9000 free A
    `);
    expect(events.map((e) => e.outcome)).toEqual(['alloc', 'allocAgain', 'free']);
    expect(events[2]?.object?.site).toBe('load_module+0x10');
    expect(liveAddresses()).toEqual([]);
  });

  test.each([
    ['of another size', 'alloc kmalloc A 9001/16384 by=load_module+0x10'],
    ['with other flags', 'alloc kmalloc A 9000/16384 by=load_module+0x10 gfp=0x400cc0'],
    ['for another node', 'alloc kmalloc A 9000/16384 by=load_module+0x10 node=1'],
    ['by another task', 'task-2 alloc kmalloc A 9000/16384 by=load_module+0x10'],
    ['on another CPU', 'cpu1 alloc kmalloc A 9000/16384 by=load_module+0x10'],
    ['of one and the same caller', 'alloc kmalloc A 9000/16384 by=__kmalloc_noprof+0x3e'],
    [
      'with another in between',
      'alloc kmalloc-64 B\nalloc kmalloc A 9000/16384 by=load_module+0x1',
    ],
  ])('are two where the second is %s', (_, second) => {
    expect(track(`${FIRST}\n${second}`).outcomes.at(-1)).toBe('allocOnLive');
  });

  test('are two where they are small: only page-backed kmalloc is traced twice', () => {
    const { outcomes } = track(`
      cpu0 task-1 alloc kmalloc-64 A by=first+0x1
      alloc kmalloc-64 A by=second+0x1
    `);
    expect(outcomes).toEqual(['alloc', 'allocOnLive']);
  });

  test('are not seen in an allocation that a CPU made long before another took its place', () => {
    const { outcomes } = track(`
      cpu0 task-1 alloc kmalloc A 9000/16384 by=first+0x1
      cpu1 alloc kmalloc A 9000/16384 by=second+0x1
      cpu0 alloc kmalloc A 9000/16384 by=third+0x1
    `);
    expect(outcomes).toEqual(['alloc', 'allocOnLive', 'allocOnLive']);
  });
});

describe('a record that repeats the one before it', () => {
  test('changes nothing', () => {
    const { outcomes, liveAddresses } = track(`
      @1000 alloc kmalloc-64 A
      @1000 alloc kmalloc-64 A
      @2000 free A
    `);
    expect(outcomes).toEqual(['alloc', 'repeated', 'free']);
    expect(liveAddresses()).toEqual([]);
  });

  test('is recognized among frees as well', () => {
    const { outcomes } = track(`
      @1000 alloc kmalloc-64 A
      @2000 free A
      @2000 free A
    `);
    expect(outcomes).toEqual(['alloc', 'free', 'repeated']);
  });

  test('is none where anything differs', () => {
    expect(track('@1000 alloc kmalloc-64 A\n@1001 alloc kmalloc-64 A').outcomes[1]).toBe(
      'allocOnLive',
    );
    expect(track('@1000 free A\n@1000 free A by=other+0x1').outcomes[1]).toBe('freeUnknown');
    expect(track('@1000 free NULL\n@1000 free NULL').outcomes[1]).toBe('freeNull');
  });
});

describe('a free written after the next allocation of its address', () => {
  const REUSED = `
    @1000 cpu0 alloc dentry A 192 by=old+0x1
    @50000 cpu1 alloc dentry A 192 by=new+0x1`;

  test('frees the object before that (Linux 5.10 writes kmem_cache_free after the act)', () => {
    const { events, liveAddresses, tracker } = track(`
      ${REUSED}
      @90000 cpu0 free ? A
    `);
    expect(events[2]).toMatchObject({ outcome: 'freeLate', object: { site: 'old+0x1', ts: 1000 } });
    expect(liveAddresses()).toHaveLength(1);
    expect(tracker.tallies.calls.untracedFrees.every((n) => n === 0)).toBe(true);
  });

  test('is one only once', () => {
    const { outcomes } = track(`
      ${REUSED}
      @90000 cpu0 free ? A
      @91000 cpu0 free ? A
    `);
    expect(outcomes.slice(2)).toEqual(['freeLate', 'free']);
  });

  test.each([
    ['on the CPU of the new allocation', '@60000 cpu1 free ? A'],
    ['more than 100 us later', '@150001 cpu0 free ? A'],
    ['by kfree(), which is written before the act', '@60000 cpu0 free A'],
  ])('is an ordinary one %s', (_, line) => {
    expect(track(`${REUSED}\n${line}`).outcomes.at(-1)).toBe('free');
  });

  test('at the same time is one by kfree() too: a clock may give two CPUs one time', () => {
    expect(track(`${REUSED}\n@50000 cpu0 free A`).outcomes.at(-1)).toBe('freeLate');
  });

  test('counts nanoseconds: with any other clock only the same time will do', () => {
    const info = { clock: 'uptime', clockUnit: 'tick' } as const;
    const { outcomes } = track(`${REUSED}\n@50001 cpu0 free ? A`, { info });
    expect(outcomes.at(-1)).toBe('free');
    expect(track(`${REUSED}\n@50000 cpu0 free ? A`, { info }).outcomes.at(-1)).toBe('freeLate');
  });
});

describe('what becomes of objects', () => {
  test('is said in columns: born, gone, renamed, freed', () => {
    const { events } = track(`
      @1000 cpu0 alloc dentry A 192
      @2000 cpu1 alloc dentry A 192
      @3000 cpu0 free ? A
      @300000 cpu1 free ? A
      @400000 cpu1 free ? A
      @500000 alloc kmalloc B 9000/16384 by=__kmalloc_noprof+0x3e
      @600000 alloc kmalloc B 9000/16384 by=load_module+0x10
      @700000 free NULL
    `);
    expect(events.map((e) => [e.outcome, ...e.changes])).toEqual([
      ['alloc', 'born'],
      ['allocOnLive', 'born', 'gone'],
      ['freeLate', 'freed'],
      ['free', 'gone', 'freed'],
      ['freeUnknown'],
      ['alloc', 'born'],
      ['allocAgain', 'renamed'],
      ['freeNull'],
    ]);
  });
});

describe('filters select allocations', () => {
  test('and a free follows the allocation of its object', () => {
    const { events } = track(
      `
      bash-7 alloc kmalloc-64 A
      udevd-9 alloc kmalloc-64 B
      udevd-9 free A
      bash-7 free B
    `,
      { filter: { pids: [7] } },
    );
    expect(events.map((e) => e.selected)).toEqual([true, false, true, false]);
  });

  test('a free of an unknown object is judged by its own fields', () => {
    const { events } = track('bash-7 free A\nudevd-9 free B', { filter: { pids: [7] } });
    expect(events.map((e) => e.selected)).toEqual([true, false]);
  });

  test('an object that was freed unseen keeps the judgement of its own allocation', () => {
    const { events } = track(
      `
      bash-7 alloc kmalloc-64 A
      udevd-9 alloc kmalloc-64 A
      bash-7 alloc kmalloc-64 A
    `,
      { filter: { pids: [7] } },
    );
    expect(events.map((e) => e.selected)).toEqual([true, false, true]);
    expect(events.map((e) => e.changes)).toEqual([['born'], ['gone'], ['born']]);
  });

  test('a late free follows the object that it frees', () => {
    const { events } = track(
      `
      @1000 cpu0 bash-7 alloc dentry A 192
      @2000 cpu1 udevd-9 alloc dentry A 192
      @3000 cpu0 udevd-9 free ? A
    `,
      { filter: { pids: [7] } },
    );
    expect(events[2]).toMatchObject({ outcome: 'freeLate', selected: true });
    expect(events.map((e) => e.changes)).toEqual([['born'], ['gone'], ['freed']]);
  });

  test('the second event of one large kmalloc goes with the first', () => {
    const { events, tracker } = track(
      `
      @1000 alloc kmalloc A 9000/16384 by=__kmalloc_noprof+0x3e
      @2000 alloc kmalloc A 9000/16384 by=load_module+0x10
      @3000 free A
    `,
      { filter: { from: { relative: false, nano: 2000n } } },
    );
    expect(events.map((e) => e.selected)).toEqual([false, false, false]);
    expect(events.map((e) => e.changes)).toEqual([[], [], []]);
    expect(tracker.tallies.calls.live.every((n) => n === 0)).toBe(true);
  });
});

test('events that were lost leave a mark at their time', () => {
  expect(track('@1000 alloc kmalloc-64 A').tracker.pairing.lastLossTs).toBe(-Infinity);
  const { tracker, outcomes } = track('@1000 alloc kmalloc-64 A\n@2000 cpu1 lost 12\n@3000 free A');
  expect(tracker.pairing.lastLossTs).toBe(2000);
  expect(outcomes).toEqual(['alloc', 'none', 'free']);
});

test('where batches end makes no difference', () => {
  const lines = `
    @1000 cpu0 alloc kmalloc A 9000/16384 by=__kmalloc_noprof+0x3e
    alloc kmalloc A 9000/16384 by=load_module+0x10
    @3000 alloc dentry B 192
    @3000 alloc dentry B 192
    @4000 cpu1 alloc dentry B 192
    @5000 cpu0 free ? B
    cpu1 free A
    free A
    free B
  `;
  const whole = track(lines).events;
  expect(whole.map((e) => e.outcome)).toEqual([
    'alloc',
    'allocAgain',
    'alloc',
    'repeated',
    'allocOnLive',
    'freeLate',
    'free',
    'freeUnknown',
    'free',
  ]);
  for (const batchSize of [1, 2, 4]) expect(track(lines, { batchSize }).events).toEqual(whole);
});
