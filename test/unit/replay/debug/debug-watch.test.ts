import { describe, expect, test } from 'vitest';
import { SLAB } from '../../../../src/kernel/slub/slab-flags.ts';
import {
  type DebugEvent,
  type DebugMachine,
  replayWithDebug,
} from '../../../helpers/debug-replay.ts';

const SLAB_AT = 0xffff888100000000n;
/** Objects of kmalloc-64 with FZPU. */
const A = SLAB_AT + 64n;
const B = A + 256n;
const MACHINE: DebugMachine = { release: '6.1', slubDebug: 'FZPU' };

function alloc(ptr: bigint, more: Partial<DebugEvent> = {}): DebugEvent {
  return { event: 'kmalloc', ptr, cache: 'kmalloc-64', bytesReq: 64, ...more };
}

function free(ptr: bigint, more: Partial<DebugEvent> = {}): DebugEvent {
  return { event: 'kfree', ptr, ...more };
}

function write(ptr: bigint, data: string): DebugEvent {
  return { event: 'write', ptr, data };
}

function kinds(events: readonly DebugEvent[], machine = MACHINE): string[] {
  return replayWithDebug(machine, events).reports.map(({ kind }) => kind);
}

function titles(events: readonly DebugEvent[], machine = MACHINE): string[] {
  return replayWithDebug(machine, events).reports.map(({ title }) => title);
}

describe('what follows from a bug', () => {
  test('6.1: a double free cuts the freelist', () => {
    const events = [alloc(A), alloc(B), alloc(B + 256n), free(A), free(A), free(B)];
    expect(titles(events)).toEqual([
      'Object already free',
      'Wrong object count. Counter is 2 but counted were 15',
    ]);
  });

  test('6.12: it does not', () => {
    const events = [alloc(A), alloc(B), alloc(B + 256n), free(A), free(A), free(B)];
    expect(titles(events, { ...MACHINE, release: '6.12' })).toEqual(['Object already free']);
  });

  test('poison that is found by an allocation disables the slab: all later frees are refused', () => {
    const events = [alloc(A), alloc(B), free(A), write(A, '00'), alloc(A), free(B), free(A)];
    const { reports, slub } = replayWithDebug(MACHINE, events);
    const disabled = 'Slab disabled since SLUB metadata consistency check failed';
    expect(reports.map(({ title }) => title)).toEqual(['Poison overwritten', disabled, disabled]);
    expect(reports[0]?.text).toContain('FIX kmalloc-64: Marking all objects used');
    expect(reports[2]?.text).toContain('FIX kmalloc-64: Object at 0xffff888100000040 not freed');
    const cache = slub.caches.find(({ plan }) => plan.name === 'kmalloc-64');
    expect(cache?.model.count()).toMatchObject({ allocated: 16, partial: 0 });
  });

  test('an object with a damaged red zone is not freed, and is left in its cache', () => {
    const machine = { ...MACHINE, caches: [{ name: 'things', objectSize: 64 }] };
    const ptr = SLAB_AT + 8n;
    const named = { event: 'kmem_cache_alloc', cache: 'things' } as const;
    const events: DebugEvent[] = [
      alloc(ptr, named),
      write(ptr + 64n, '41'),
      free(ptr, { event: 'kmem_cache_free', cache: 'things' }),
      { event: 'cache_destroy', cache: 'things' },
    ];
    expect(kinds(events, machine)).toEqual(['redzone-right', 'remaining-objects']);
  });

  test('6.1: damaged padding does not keep an object from being freed; 6.12: it does', () => {
    const events = [alloc(A), write(A + 160n, '00'), free(A), alloc(A), free(A)];
    expect(kinds(events)).toEqual(['object-padding']);
    const [report] = replayWithDebug({ ...MACHINE, release: '6.12' }, events).reports;
    expect(report?.text).toContain('not freed');
    expect(replayWithDebug(MACHINE, events).reports[0]?.text).not.toContain('not freed');
  });

  test('an empty slab is checked when it goes', () => {
    // Five slabs that are free in part are enough; another one goes with its last object.
    const slabs = [0, 1, 2, 3, 4, 5].map((i) => A + BigInt(i * 0x1000));
    const events = [...slabs.map((ptr) => alloc(ptr)), write(A + 256n + 8n, '00'), free(A)];
    expect(kinds(events)).toEqual(['poison']);
  });
});

describe('recorded writes', () => {
  test('across two slabs, and past the last one', () => {
    const next = A + 0x1000n;
    const events = [alloc(A), alloc(next), write(SLAB_AT + 4096n - 4n, '41'.repeat(12))];
    expect(kinds([...events, { event: 'validate' }])).toEqual(['redzone-left', 'object-padding']);
    const beyond = [alloc(A), write(SLAB_AT + 4096n - 4n, '41'.repeat(100_000))];
    expect(kinds([...beyond, { event: 'validate' }])).toEqual(['object-padding']);
  });

  test('an overwritten free pointer: its value is not known where pointers are hardened', () => {
    const events = [alloc(A), write(A + 72n, '41'.repeat(8)), { event: 'validate' } as const];
    const [report] = replayWithDebug(MACHINE, events).reports;
    expect(report?.kind).toBe('freepointer');
    expect(report?.text).toMatch(/\nObject 0xffff888100000040 @offset=64\n/);
    expect(report?.text).toContain('fp of the object');
  });

  test('an overwritten track is not told', () => {
    const by = { site: 'open_a+0x10' };
    const events = [alloc(A, by), write(A + 80n, '00'), write(A + 64n, '00'), free(A)];
    const [report] = replayWithDebug(MACHINE, events).reports;
    expect(report?.text).not.toContain('Allocated');
  });

  test('only the named cache is validated', () => {
    const events = [alloc(A), write(A - 1n, '00')];
    expect(kinds([...events, { event: 'validate', cache: 'kmalloc-128' }])).toEqual([]);
    expect(kinds([...events, { event: 'validate', cache: 'kmalloc-64' }])).toEqual([
      'redzone-left',
    ]);
  });

  test('zeroed memory is shown as zeroes', () => {
    const events = [alloc(A, { gfp: 0xdc0 }), write(A + 64n, '41'), free(A)];
    const [report] = replayWithDebug(MACHINE, events).reports;
    expect(report?.text).toContain(
      'Object   ffff888100000040: 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00  ................',
    );
  });
});

describe('frees that are no mistake', () => {
  const named = { event: 'kmem_cache_alloc', cache: 'things' } as const;
  const namedFree = { event: 'kmem_cache_free', cache: 'things' } as const;
  const machine = { ...MACHINE, caches: [{ name: 'things', objectSize: 64 }] };
  const at = (i: number): bigint => SLAB_AT + 8n + BigInt(i * 160);

  test('after lost events, and of objects whose allocation was not seen', () => {
    expect(kinds([alloc(A), free(A), { event: 'lost' }, free(A)])).toEqual([]);
    expect(kinds([alloc(A), free(B), free(B)])).toEqual([]);
  });

  test('one event that was recorded twice', () => {
    expect(kinds([alloc(A), free(A, { ts: 5000 }), free(A, { ts: 5000 })])).toEqual([]);
  });

  test('events of two CPUs in the wrong order', () => {
    const one = { ts: 1_000_000, cpu: 0 };
    const other = { cpu: 1 };
    const late = [free(A, one), free(A, { ts: 1_000_000, ...other })];
    expect(kinds([alloc(A), alloc(B), ...late])).toEqual([]);
    const ahead = [free(A, one), free(A, { ts: 1_050_000, ...other }), alloc(A, { ts: 1_060_000 })];
    expect(kinds([alloc(A), alloc(B), ...ahead])).toEqual([]);
  });

  test('objects that are allocated in bulk, once it shows: earlier reports are taken back', () => {
    const objects = [0, 1, 2, 3].map(at);
    const keep = alloc(at(4), named);
    const used = [
      ...objects.map((ptr) => alloc(ptr, named)),
      ...objects.map((ptr) => free(ptr, namedFree)),
    ];
    const bulk = objects.map((ptr) => free(ptr, { ...namedFree, site: 'bulk_user+0x10' }));
    expect(kinds([keep, ...used, bulk[0] as DebugEvent], machine)).toContain('double-free');
    expect(kinds([keep, ...used, ...bulk], machine)).toEqual([]);
  });

  test('a cache that is known to be served in bulk', () => {
    const known = { ...MACHINE, caches: [{ name: 'maple_node', objectSize: 64 }] };
    const ptr = at(0);
    const events = [
      alloc(at(1), { ...named, cache: 'maple_node' }),
      alloc(ptr, { ...named, cache: 'maple_node' }),
      free(ptr, { ...namedFree, cache: 'maple_node' }),
      free(ptr, { ...namedFree, cache: 'maple_node', site: 'mt_free_rcu+0x1c' }),
    ];
    expect(kinds(events, known)).toEqual([]);
  });
});

describe('by kernel', () => {
  const wrong = [alloc(A), free(A, { event: 'kmem_cache_free', cache: 'parcels' })];
  const nowhere = [free(0xffffffffc0001000n)];
  test.each([
    ['6.1', 'cache_from_obj: Wrong slab cache. parcels but object is from kmalloc-64'],
    ['6.18', 'cache_from_obj: Wrong slab cache. parcels but object is from kmalloc-64'],
    [
      '7.2',
      'kmem_cache_free(parcels, 0xffff888100000040): object belongs to different cache kmalloc-64',
    ],
  ])('%s: free into the wrong cache', (release, title) => {
    expect(titles(wrong, { ...MACHINE, release })).toEqual([title]);
  });

  test.each([
    ['6.1', 'object pointer: 0xffffffffc0001000'],
    ['7.2', 'page dumped because: Not a kmalloc allocation'],
  ])('%s: free of no slab memory', (release, title) => {
    const { reports } = replayWithDebug({ ...MACHINE, release }, nowhere);
    expect(reports).toMatchObject([{ kind: 'non-slab-free', title, cache: '', slab: 0n }]);
  });

  test('5.10: INFO before lines, and no name of what is restored', () => {
    const events = [alloc(SLAB_AT + 64n), write(SLAB_AT + 128n, '41'), free(SLAB_AT + 64n)];
    const [report] = replayWithDebug({ ...MACHINE, release: '5.10' }, events).reports;
    const lines = report?.text.split('\n') ?? [];
    expect(lines[4]).toBe(
      'INFO: 0xffff888100000080-0xffff888100000080 @offset=128. First byte 0x41 instead of 0xcc',
    );
    expect(lines).toContain('FIX kmalloc-64: Restoring 0xffff888100000080-0xffff888100000080=0xcc');
  });
});

describe('flags that the recording ran without', () => {
  const plain: DebugMachine = { release: '6.1', slubDebug: '-', asked: 'FZPU' };
  const by = { site: 'open_a+0x10' };

  test('a wrong free is told without memory', () => {
    const events = [alloc(SLAB_AT, by), free(SLAB_AT), free(SLAB_AT, { site: 'again+0x8' })];
    const { reports } = replayWithDebug(plain, events);
    expect(reports.map(({ text }) => text)).toEqual([
      [
        '='.repeat(77),
        'BUG kmalloc-64: Object already free',
        '-'.repeat(77),
        '',
        'Allocated in open_a+0x10 age=0 cpu=0 pid=1',
        'Freed age=0 cpu=0 pid=1',
        'FIX kmalloc-64: Object at 0xffff888100000000 not freed',
        '[not in the trace: taint, stacks, call sites, the Slab line, call trace, memory of the object]',
      ].join('\n'),
    ]);
    expect(kinds([alloc(SLAB_AT), free(SLAB_AT + 8n)], plain)).toEqual(['invalid-free']);
  });

  test('writes into it are not judged: its objects would lie elsewhere', () => {
    const events = [alloc(SLAB_AT), write(SLAB_AT + 64n, '41'), free(SLAB_AT)];
    expect(replayWithDebug(plain, events)).toMatchObject({ reports: [], writesLeftOut: 1 });
  });

  test('nothing is asked after', () => {
    const events = [alloc(SLAB_AT), free(SLAB_AT), free(SLAB_AT)];
    expect(kinds(events, { release: '6.1', slubDebug: '-' })).toEqual([]);
    expect(kinds(events, { ...plain, asked: 'ZPU' })).toEqual([]);
  });

  test('of a cache that may be merged with one that is served in bulk, no double free', () => {
    const caches = [{ name: 'things', objectSize: 64 }];
    const named = { event: 'kmem_cache_alloc', cache: 'things' } as const;
    const namedFree = { event: 'kmem_cache_free', cache: 'things' } as const;
    const events = [alloc(SLAB_AT, named), free(SLAB_AT, namedFree), free(SLAB_AT, namedFree)];
    expect(kinds(events, { ...plain, caches })).toEqual([]);
    const apart = [{ ...caches[0], flags: SLAB.NO_MERGE }] as DebugMachine['caches'];
    expect(kinds(events, { ...plain, caches: apart ?? [] })).toEqual(['double-free']);
  });
});
