// Laws of the debug checks in a replay: what is done right is never reported, whatever left no event;
// one damaged byte is reported once, at that byte.

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  cachesOf,
  type DebugEvent,
  type DebugMachine,
  replayWithDebug,
} from '../helpers/debug-replay.ts';
import { SEED } from '../helpers/random-traces.ts';

const RELEASES = ['5.10', '6.1', '6.12'];
const THINGS = { name: 'things', objectSize: 72 };
const FIRST = 0xffff888100000000n;
const SLABS = [FIRST, 0xffff888100010000n, 0xffff888100020000n];

type Cache = ReturnType<typeof cachesOf>[number];

function cacheOf(machine: DebugMachine, name: string): Cache {
  const found = cachesOf(machine).find((cache) => cache.name === name);
  if (found === undefined) throw new Error(`no cache ${name}`);
  return found;
}

/** Where the objects of the slabs are. */
function placesOf({ geometry }: Cache): bigint[] {
  const offsets = Array.from({ length: geometry.objsPerSlab }, (_, i) => {
    return BigInt(geometry.redLeftPad + i * geometry.slabSize);
  });
  return SLABS.flatMap((slab) => offsets.map((offset) => slab + offset));
}

interface Step {
  readonly what: 'alloc' | 'free' | 'write' | 'validate' | 'free unseen';
  readonly which: number;
  readonly cpu: number;
}

/** A user of a cache who makes no mistake; some of what it does leaves no event. */
class CarefulUser {
  readonly events: DebugEvent[] = [];
  private readonly name: string;
  private readonly objectSize: number;
  private readonly isKmalloc: boolean;
  private readonly free: bigint[];
  private readonly live: { readonly ptr: bigint; readonly bytesReq: number }[] = [];

  constructor(cache: Cache, steps: readonly Step[]) {
    this.name = cache.name;
    this.objectSize = cache.geometry.objectSize;
    this.isKmalloc = cache.name.startsWith('kmalloc');
    this.free = placesOf(cache);
    for (const [i, { what, which, cpu }] of steps.entries()) {
      const event = this.take(what.replace(' unseen', ''), which);
      if (event === undefined || what.endsWith('unseen')) continue;
      this.events.push({ ...event, ts: (i + 1) * 1e6, cpu });
    }
  }

  private take(what: string, which: number): DebugEvent | undefined {
    if (what === 'alloc') return this.alloc(which);
    if (what === 'free') return this.giveBack(which);
    return what === 'write' ? this.write(which) : { event: 'validate' };
  }

  private alloc(which: number): DebugEvent | undefined {
    const [ptr] = this.free.splice(which % Math.max(1, this.free.length), 1);
    if (ptr === undefined) return undefined;
    const bytesReq = 1 + (which % this.objectSize);
    this.live.push({ ptr, bytesReq });
    const event = this.isKmalloc ? 'kmalloc' : 'kmem_cache_alloc';
    return { event, ptr, cache: this.name, bytesReq };
  }

  private giveBack(which: number): DebugEvent | undefined {
    const [object] = this.live.splice(which % Math.max(1, this.live.length), 1);
    if (object === undefined) return undefined;
    const { ptr } = object;
    this.free.push(ptr);
    return this.isKmalloc
      ? { event: 'kfree', ptr }
      : { event: 'kmem_cache_free', ptr, cache: this.name };
  }

  private write(which: number): DebugEvent | undefined {
    const object = this.live[which % Math.max(1, this.live.length)];
    if (object === undefined) return undefined;
    const size = this.isKmalloc ? object.bytesReq : this.objectSize;
    const from = which % size;
    const data = 'e7'.repeat(1 + (which % (size - from)));
    return { event: 'write', ptr: object.ptr + BigInt(from), data };
  }
}

function stepsOf(...kinds: Step['what'][]): fc.Arbitrary<Step[]> {
  return fc.array(
    fc.record({
      what: fc.constantFrom(...kinds),
      which: fc.nat(1000),
      cpu: fc.nat(1),
    }),
    { maxLength: 120 },
  );
}

const machines = fc.record({
  release: fc.constantFrom(...RELEASES),
  slubDebug: fc.subarray(['F', 'Z', 'P', 'U'], { minLength: 1 }).map((letters) => letters.join('')),
});
const names = fc.constantFrom('kmalloc-64', 'kmalloc-192', 'things');

describe('what is done right is not reported', () => {
  test('whatever is allocated, written to, freed and validated', () => {
    const steps = stepsOf('alloc', 'alloc', 'free', 'write', 'validate');
    fc.assert(
      fc.property(machines, names, steps, ({ release, slubDebug }, name, taken) => {
        const machine: DebugMachine = { release, slubDebug, caches: [THINGS] };
        const { events } = new CarefulUser(cacheOf(machine, name), taken);
        expect(replayWithDebug(machine, events).reports).toEqual([]);
      }),
      { seed: SEED, numRuns: 150 },
    );
  });

  test('frees without events', () => {
    const steps = stepsOf('alloc', 'alloc', 'free', 'free unseen', 'validate');
    fc.assert(
      fc.property(machines, names, steps, ({ release, slubDebug }, name, taken) => {
        const machine: DebugMachine = { release, slubDebug, caches: [THINGS] };
        const { events } = new CarefulUser(cacheOf(machine, name), taken);
        expect(replayWithDebug(machine, events).reports).toEqual([]);
      }),
      { seed: SEED, numRuns: 150 },
    );
  });

  test('objects that were allocated before the trace, of which only the frees are in it', () => {
    fc.assert(
      fc.property(fc.constantFrom(...RELEASES), names, fc.nat(), (release, name, first) => {
        const machine: DebugMachine = { release, slubDebug: 'FZPU', caches: [THINGS] };
        const cache = cacheOf(machine, name);
        const all = placesOf(cache);
        const events = all.map((_, i): DebugEvent => {
          const ptr = all[(first + i) % all.length] ?? 0n;
          return name === 'things'
            ? { event: 'kmem_cache_free', ptr, cache: name }
            : { event: 'kfree', ptr };
        });
        const [one = { event: 'validate' }] = events;
        const seen: DebugEvent =
          name === 'things'
            ? { event: 'kmem_cache_alloc', ptr: one.ptr ?? 0n, cache: name, bytesReq: 72 }
            : { event: 'kmalloc', ptr: one.ptr ?? 0n, cache: name, bytesReq: 60 };
        expect(replayWithDebug(machine, [seen, ...events]).reports).toEqual([]);
      }),
      { seed: SEED, numRuns: 60 },
    );
  });
});

interface Region {
  readonly kind: string;
  /** From the object's first byte. */
  readonly from: number;
  readonly to: number;
  readonly byte: number;
}

/** What must hold what, by init_object() and init_tracking(), mm/slub.c: kmalloc-64 with FZPU on 6.1 and 6.12. */
const ALLOCATED: readonly Region[] = [
  { kind: 'redzone-left', from: -64, to: 0, byte: 0xcc },
  { kind: 'redzone-right', from: 64, to: 72, byte: 0xcc },
];
const FREE: readonly Region[] = [
  { kind: 'redzone-left', from: -64, to: 0, byte: 0xbb },
  { kind: 'poison', from: 0, to: 63, byte: 0x6b },
  { kind: 'poison', from: 63, to: 64, byte: 0xa5 },
  { kind: 'redzone-right', from: 64, to: 72, byte: 0xbb },
];
/** Behind a free pointer, two tracks and 4 bytes (6.12: 8) for the requested size. */
const PADDING: Readonly<Record<string, Region>> = {
  '6.1': { kind: 'object-padding', from: 148, to: 192, byte: 0x5a },
  '6.12': { kind: 'object-padding', from: 152, to: 192, byte: 0x5a },
};
/** The rest of a request of 50 bytes. */
const REST: Region = { kind: 'redzone-right', from: 50, to: 64, byte: 0xcc };

describe('one damaged byte is reported once, at that byte', () => {
  const objects = [0, 1, 2, 3].map((i) => FIRST + 64n + BigInt(i * 256));
  /** Objects 0 and 1 stay allocated, 2 and 3 are free again. */
  const life: DebugEvent[] = [
    ...objects.map((ptr): DebugEvent => {
      return { event: 'kmalloc', ptr, cache: 'kmalloc-64', bytesReq: 50 };
    }),
    ...objects.slice(2).map((ptr): DebugEvent => ({ event: 'kfree', ptr })),
  ];
  const damages = fc.record({
    release: fc.constantFrom('6.1', '6.12'),
    object: fc.nat(3),
    region: fc.nat(10),
    at: fc.nat(1000),
    change: fc.integer({ min: 1, max: 255 }),
  });

  test.each(['validate', 'use'] as const)('found by %s', (finder) => {
    fc.assert(
      fc.property(damages, ({ release, object, region: chosen, at, change }) => {
        const machine: DebugMachine = { release, slubDebug: 'FZPU' };
        const isFree = object >= 2;
        const padding = PADDING[release] as Region;
        const rest = release === '6.12' && !isFree ? [REST] : [];
        const regions = [...(isFree ? FREE : ALLOCATED), padding, ...rest];
        const region = regions[chosen % regions.length] as Region;
        const ptr = objects[object] as bigint;
        const offset = region.from + (at % (region.to - region.from));
        const damaged = ptr + BigInt(offset);
        const data = (region.byte ^ change).toString(16).padStart(2, '0');
        const next: DebugEvent = isFree
          ? { event: 'kmalloc', ptr, cache: 'kmalloc-64', bytesReq: 50 }
          : { event: 'kfree', ptr };
        const { reports } = replayWithDebug(machine, [
          ...life,
          { event: 'write', ptr: damaged, data },
          finder === 'validate' ? { event: 'validate' } : next,
          // It was restored: nobody finds it again.
          { event: 'validate' },
        ]);
        expect(reports.map(({ kind, address }) => [kind, address])).toEqual([[region.kind, ptr]]);
        const place = `0x${damaged.toString(16)}`;
        expect(reports[0]?.text).toContain(
          `${place}-${place} @offset=${damaged - FIRST}. First byte 0x${(region.byte ^ change).toString(16)} instead of 0x${region.byte.toString(16)}`,
        );
      }),
      { seed: SEED, numRuns: 150 },
    );
  });
});

describe('whatever the events say', () => {
  const kinds = [
    'kmalloc',
    'kmem_cache_alloc',
    'kfree',
    'kmem_cache_free',
    'bulk_free',
    'write',
    'validate',
    'cache_destroy',
    'lost',
  ] as const;
  const events = fc.array(
    fc.record({
      event: fc.constantFrom(...kinds),
      // Places where objects begin, and others; a slab's edges among them.
      ptr: fc
        .tuple(fc.constantFrom(...SLABS, FIRST - 4096n), fc.bigInt({ min: -9n, max: 4200n }))
        .map(([slab, offset]) => slab + offset - (offset % 8n === 1n ? 1n : 0n)),
      cache: fc.constantFrom('kmalloc-8', 'kmalloc-64', 'kmalloc-4k', 'things', 'others'),
      bytesReq: fc.nat(5000),
      gfp: fc.constantFrom(0xcc0, 0xdc0),
      data: fc.constantFrom('', '00', 'cc', '6b6b6b6b', 'a5'.repeat(300), '5a'.repeat(9000)),
      cpu: fc.nat(1),
      site: fc.constantFrom('a+0x1', 'b+0x2'),
    }),
    { maxLength: 80 },
  );

  test('the checks come to an end and throw nothing', () => {
    const asked = fc.constantFrom(undefined, 'FZPU');
    fc.assert(
      fc.property(machines, asked, events, ({ release, slubDebug }, also, taken) => {
        const machine: DebugMachine = { release, slubDebug, caches: [THINGS] };
        const { reports } = replayWithDebug(also ? { ...machine, asked: also } : machine, taken);
        for (const { text } of reports) expect(text).not.toMatch(/undefined|NaN|null/);
      }),
      { seed: SEED, numRuns: 300 },
    );
  });
});
