// Caches and slabs written into a small machine by hand, with the offsets of Debian's 6.1 and 7.2 kernels
// (pahole): every slot must be what was written, and damage must be survived and counted.

import { describe, expect, test } from 'vitest';
import type { FindingName } from '../../../../src/snapshot/findings.ts';
import type { KernelImage } from '../../../../src/snapshot/kernel/kernel-image.ts';
import { matchTrace } from '../../../../src/snapshot/kernel/match-trace.ts';
import { SlabIndex } from '../../../../src/snapshot/slub-walk/slab-index.ts';
import {
  openSlub,
  type SlubImage,
  walkSlabs,
} from '../../../../src/snapshot/slub-walk/walk-slabs.ts';
import { countOccupancy } from '../../../helpers/count-occupancy.ts';
import { DIRECT_MAP } from '../../../helpers/machine-builder.ts';
import {
  bswap64,
  type CacheShape,
  pageAt,
  RANDOM,
  Slub61,
  SlubWriter,
  structPage,
} from '../../../helpers/slub-writer.ts';

const DEMO: CacheShape = {
  name: 'demo',
  size: 1024,
  objectSize: 1000,
  offset: 512,
  order: 0,
  objects: 4,
};
const RED: CacheShape = {
  name: 'red',
  size: 256,
  objectSize: 128,
  offset: 136,
  redLeftPad: 64,
  order: 1,
  objects: 32,
};

function demo(): { slub: Slub61; cache: bigint; cpus: [bigint, bigint]; node: bigint } {
  const slub = new Slub61();
  const { at: cache, cpus, node } = slub.cache(DEMO);
  slub.slab(cache, DEMO, 0x800, [3]);
  slub.put64(cpus[0] + 16n, structPage(0x800));
  slub.put64(cpus[0], slub.chain(DEMO, 0x800, [2, 1]));
  slub.slab(cache, DEMO, 0x801, [0, 1]);
  slub.slab(cache, DEMO, 0x802, [3]);
  slub.put64(cpus[1] + 24n, structPage(0x801));
  slub.put64(structPage(0x801) + 8n, structPage(0x802));
  slub.slab(cache, DEMO, 0x803, [2, 0, 3]);
  slub.slab(cache, DEMO, 0x804, []);
  slub.partial(node, [0x803]);
  const red = slub.cache(RED);
  slub.slab(red.at, RED, 0x806, [5, 31]);
  slub.partial(red.node, [0x806]);
  slub.finish();
  return { slub, cache, cpus, node };
}

/** Each slab in a line: cache, page, place, its slots as letters. */
function shown(slub: SlubImage): string[] {
  const lines: string[] = [];
  walkSlabs(slub, (slab) => {
    const place = slab.placeNumber < 0 ? slab.place : `${slab.place}${slab.placeNumber}`;
    const letters = [...slab.states].map((s) => 'AFCSR'[s]).join('');
    lines.push(`${slab.cache.name} ${(slab.paddr / 4096).toString(16)} ${place} ${letters}`);
  });
  return lines;
}

const ALL = [
  'demo 800 cpu0 ACCF',
  'demo 801 cpu-partial1 FFAA',
  'demo 802 cpu-partial1 AAAF',
  'demo 803 partial0 FAFF',
  'demo 804 full AAAA',
  `red 806 partial0 ${'AAAAAF'.padEnd(31, 'A')}F`,
];

describe('6.1', () => {
  test('every slot of every slab has its state, every slab its list', async () => {
    const slub = await demo().slub.slub();
    expect(slub.caches.map((c) => c.name)).toEqual(['kmem_cache', 'demo', 'red']);
    expect(slub.caches[1]).toMatchObject({
      size: 1024,
      objectSize: 1000,
      offset: 512,
      oo: { order: 0, objects: 4 },
      random: { hi: 0x9e3779b9, lo: 0x7f4a7c15 },
    });
    expect(shown(slub)).toEqual(ALL);
    expect(slub.kernel.findings.list()).toEqual([]);
  });

  test('pages of KFENCE look like slabs and are none', async () => {
    const { slub, cache } = demo();
    slub.slab(cache, DEMO, 0x900, []);
    slub.put64(structPage(0x900) + 40n, BigInt(1 << 16));
    slub.kernel.variable('__kfence_pool', pageAt(0x900));
    const image = await slub.slub();
    expect(shown(image)).toEqual(ALL);
    expect(image.kernel.findings.list()).toEqual([]);
  });

  test('counts by list', async () => {
    const [, counts] = countOccupancy(await demo().slub.slub());
    expect(counts).toEqual({
      name: 'demo',
      slabs: 5,
      slabsOnCpu: 1,
      slabsOnCpuPartial: 2,
      slabsOnPartial: 1,
      slabsFull: 1,
      objects: 20,
      allocated: 11,
      freeOnCpuFreelist: 2,
      freeOnCpuSlab: 1,
      freeOnCpuPartial: 3,
      freeOnPartial: 3,
      inSheaves: 0,
    });
  });

  test('the slot of an address', async () => {
    const index = new SlabIndex(await demo().slub.slub());
    expect(index.size).toBe(6);
    const find = (address: bigint): unknown => {
      const place = index.find(Number(address >> 32n), Number(address & 0xffffffffn));
      return place === undefined
        ? undefined
        : [place.cache.name, place.slot, place.offset, place.allocated];
    };
    expect(find(pageAt(0x800))).toEqual(['demo', 0, 0, true]);
    expect(find(pageAt(0x800) + 1025n)).toEqual(['demo', 1, 1, false]);
    expect(find(pageAt(0x803) + 1024n)).toEqual(['demo', 1, 0, true]);
    expect(find(pageAt(0x806) + 64n)).toEqual(['red', 0, 0, true]);
    expect(find(pageAt(0x807))).toEqual(['red', 16, -64, true]);
    expect(find(pageAt(0x807) + 15n * 256n + 64n)).toEqual(['red', 31, 0, false]);
    expect(find(pageAt(0x805))).toBeUndefined();
    expect(find(pageAt(0x808))).toBeUndefined();
    expect(find(0n)).toBeUndefined();
  });

  const damages: [string, (d: ReturnType<typeof demo>) => void, string[], FindingName[]][] = [
    [
      'a free pointer that leads out of the slab',
      ({ slub }) => slub.put64(slub.object(DEMO, 0x803, 0) + 512n, 0x4141414141414141n),
      ['demo 803 partial0 FAFA'],
      ['freelist_broken'],
    ],
    [
      'a free pointer into the middle of an object',
      ({ slub }) => {
        const at = slub.object(DEMO, 0x803, 0) + 512n;
        slub.put64(at, (pageAt(0x803) + 3080n) ^ RANDOM ^ bswap64(at));
      },
      ['demo 803 partial0 FAFA'],
      ['freelist_broken'],
    ],
    [
      'a freelist that runs in a circle',
      ({ slub }) => {
        const at = slub.object(DEMO, 0x803, 3) + 512n;
        slub.put64(at, pageAt(0x803) ^ RANDOM ^ bswap64(at));
      },
      ['demo 803 partial0 FAFF'],
      ['freelist_broken'],
    ],
    [
      'a freelist that is cut short',
      ({ slub }) => {
        const at = slub.object(DEMO, 0x803, 2) + 512n;
        slub.put64(at, RANDOM ^ bswap64(at));
      },
      ['demo 803 partial0 AAFA'],
      ['freelist_count'],
    ],
    [
      'an object on both freelists of a CPU slab',
      ({ slub, cpus }) => slub.put64(cpus[0], slub.object(DEMO, 0x800, 3)),
      ['demo 800 cpu0 AAAF'],
      ['freelist_broken'],
    ],
    [
      'more in use than there are',
      ({ slub }) => slub.put64(structPage(0x804) + 40n, 9n | (4n << 16n)),
      ['demo 804 full AAAA'],
      ['slab_nonsense', 'freelist_count'],
    ],
    [
      'another number of objects than the cache has',
      ({ slub }) => slub.put64(structPage(0x804) + 40n, 7n | (7n << 16n)),
      ['demo 804 full AAAA'],
      ['slab_nonsense'],
    ],
    [
      'a slab on a CPU’s list and a node’s',
      ({ slub, node }) => slub.partial(node, [0x803, 0x802]),
      // Its list_head shares its place with the CPU list's pointer: the chain of the CPU goes astray.
      ['demo 802 cpu-partial1 AAAF'],
      ['slab_on_two_lists'],
    ],
    [
      'a partial list that runs in a circle',
      ({ slub }) => slub.put64(structPage(0x803) + 8n, structPage(0x803) + 8n),
      ['demo 803 partial0 FAFF'],
      ['slab_on_two_lists'],
    ],
    [
      'a partial list that leads out of the memory',
      ({ slub }) => slub.put64(structPage(0x803) + 8n, 0xdead4ead00000000n),
      ['demo 803 partial0 FAFF'],
      ['list_unreadable', 'slab_unreachable'],
    ],
    [
      'a list longer than its counter',
      ({ slub, node }) => slub.put64(node + 8n, 7n),
      ['demo 803 partial0 FAFF'],
      ['list_count'],
    ],
    [
      'CPU partial slabs in a circle',
      ({ slub }) => slub.put64(structPage(0x802) + 8n, structPage(0x801)),
      ['demo 802 cpu-partial1 AAAF'],
      ['slab_on_two_lists', 'list_loop'],
    ],
    [
      'a slab of no cache',
      ({ slub }) => slub.put64(structPage(0x804) + 24n, 0x1234n),
      [],
      ['slab_of_unknown_cache'],
    ],
    [
      'a cache whose objects overlap',
      ({ slub, cache }) => slub.put32(cache + 24n, 8),
      [],
      ['cache_nonsense', 'slab_of_unknown_cache'],
    ],
  ];

  test.each(damages)('damage: %s', async (_, damage, lines, names) => {
    const machine = demo();
    damage(machine);
    const slub = await machine.slub.slub();
    const after = shown(slub);
    for (const line of lines) expect(after).toContain(line);
    const touched = new Set(lines.map((l) => l.split(' ')[1]));
    const found = slub.kernel.findings.list().map((f) => f.name);
    for (const name of names) expect(found).toContain(name);
    // What was not touched is as before.
    for (const line of ALL) {
      const frame = line.split(' ')[1];
      if (lines.length > 0 && !touched.has(frame)) expect(after).toContain(line);
    }
  });

  test('an object page that is not in the image ends its freelist as missing', async () => {
    const { slub: writer } = demo();
    writer.kernel.machine.pages.delete(0x803);
    const slub = await writer.slub();
    expect(shown(slub)).toContain('demo 803 partial0 AAFA');
    expect(slub.kernel.findings.list()).toMatchObject([
      { name: 'freelist_missing', count: 1, first: 'demo, slab ffff888000803000' },
    ]);
  });

  test('the trace’s live objects are on slots of their size, or the snapshot is of another boot', async () => {
    const { slub: writer } = demo();
    const slub = await writer.slub();
    const objects = Array.from({ length: 60 }, (_, i) =>
      writer.object(RED, 0x806, i % 30 === 5 ? 6 : i % 30),
    );
    const live = (shift: bigint) => ({
      count: objects.length,
      hi: Uint32Array.from(objects, (o) => Number((o + shift) >> 32n)),
      lo: Uint32Array.from(objects, (o) => Number((o + shift) & 0xffffffffn)),
      bytesAlloc: new Uint32Array(objects.length).fill(256),
    });
    const { kernel } = slub;
    const evidence = { release: '6.1.0-56-amd64', version: undefined };
    expect(matchTrace(kernel, slub, { ...evidence, live: live(0n) })).toEqual({
      verdict: 'match',
      evidence: [
        {
          kind: 'release',
          verdict: 'match',
          text: 'the snapshot is of kernel 6.1.0-56-amd64, the trace of 6.1.0-56-amd64',
        },
        {
          kind: 'addresses',
          verdict: 'match',
          text: 'the kernel is at ffffffff81000000 in the snapshot and in kallsyms',
        },
        {
          kind: 'objects',
          verdict: 'match',
          text: '60 of 60 objects that are live in the trace are allocated objects of their size in the snapshot',
        },
      ],
    });
    const other = matchTrace(kernel, slub, { ...evidence, live: live(0x100000n) });
    expect(other.verdict).toBe('mismatch');
    expect(other.evidence.at(-1)?.text).toMatch(/^0 of 60 objects/);
    const release = matchTrace(kernel, undefined, {
      release: '6.12.1',
      version: undefined,
      live: undefined,
    });
    expect(release.verdict).toBe('mismatch');
    expect(release.evidence[0]).toMatchObject({ kind: 'release', verdict: 'mismatch' });
  });

  test('without a layout the reason is said', async () => {
    const { slub } = demo();
    slub.kernel.infoLine('OSRELEASE=6.1.99-nobody-knows');
    const reason = openSlub(await slub.kernel.open());
    expect(reason).toMatchObject({ reason: expect.stringContaining('layout') });
  });
});

/** 7.2: no CPU slabs, sheaves instead. */
class Slub72 extends SlubWriter {
  protected readonly listAt = 96;

  constructor() {
    super('7.2.13+deb14-amd64');
    this.kernel.infoLine('NUMBER(PAGE_SLAB_MAPCOUNT_VALUE)=-184549376');
    const offsets = this.kernel.symbol('__per_cpu_offset', 64);
    this.put64(offsets, DIRECT_MAP + 0xc00000n);
  }

  cache(
    shape: CacheShape,
    capacity: number,
  ): { at: bigint; cpu: bigint; barn: bigint; node: bigint } {
    const at = this.addCache(224);
    const name = this.kernel.room(64);
    this.kernel.machine.putText(name, shape.name);
    const node = this.kernel.room(64);
    this.put64(node + 16n, node + 16n);
    const barn = this.kernel.room(64);
    this.put64(barn + 8n, barn + 8n);
    const cpu = DIRECT_MAP + 0xc01000n;
    this.put64(cpu, 0n);
    const packed = (shape.order << 16) | shape.objects;
    this.put64(at, 0x1000n);
    for (const [field, value] of [
      [24, shape.size],
      [28, shape.objectSize],
      [40, shape.offset],
      [44, capacity],
      [48, packed],
      [52, packed],
      [72, shape.objectSize],
      [76, 8],
    ] as const) {
      this.put32(at + BigInt(field), value);
    }
    this.put64(at + 88n, name);
    this.put64(at + 176n, RANDOM);
    this.put64(at + 208n, barn);
    this.put64(at + 216n, node);
    return { at, cpu, barn, node };
  }

  slab(cache: bigint, shape: CacheShape, frame: number, free: readonly number[]): void {
    const at = structPage(frame);
    this.put64(pageAt(frame), 0n);
    this.put64(at + 8n, cache);
    this.put64(at + 32n, this.chain(shape, frame, free));
    this.put64(at + 40n, BigInt((shape.objects - free.length) | (shape.objects << 16)));
    this.put32(at + 48n, 0xf5000000);
  }

  sheaf(objects: readonly bigint[]): bigint {
    const at = this.kernel.room(64 + objects.length * 8);
    this.put32(at + 24n, objects.length);
    for (const [i, object] of objects.entries()) this.put64(at + 32n + BigInt(i * 8), object);
    return at;
  }
}

describe('7.2', () => {
  function sheaves(): { slub: Slub72; cpu: bigint; barn: bigint } {
    const slub = new Slub72();
    const { at, cpu, barn } = slub.cache(DEMO, 4);
    slub.slab(at, DEMO, 0x800, [1]);
    slub.slab(at, DEMO, 0x801, []);
    slub.slab(at, DEMO, 0x802, []);
    const object = (frame: number, slot: number): bigint => slub.object(DEMO, frame, slot);
    slub.put64(cpu + 8n, slub.sheaf([object(0x800, 0), object(0x801, 3)]));
    slub.put64(cpu + 16n, slub.sheaf([object(0x801, 0)]));
    slub.put64(cpu + 24n, slub.sheaf([object(0x802, 2)]));
    const full = slub.sheaf([object(0x802, 0), object(0x802, 1)]);
    slub.put64(barn + 8n, full);
    slub.put64(full, barn + 8n);
    slub.finish();
    return { slub, cpu, barn };
  }

  test('objects in sheaves of CPUs and barns are neither allocated nor on a freelist', async () => {
    const slub = await sheaves().slub.slub();
    expect(shown(slub)).toEqual(['demo 800 full SFAA', 'demo 801 full SAAS', 'demo 802 full SSRA']);
    expect(slub.kernel.findings.list()).toEqual([]);
    expect(countOccupancy(slub)[0]).toMatchObject({ allocated: 5, inSheaves: 6 });
  });

  test('a sheaf of a million objects, or with the same object twice, is counted', async () => {
    const { slub: writer, cpu } = sheaves();
    const { machine } = writer.kernel;
    const main = machine
      .page(machine.physical(cpu))
      .readBigUInt64LE((machine.physical(cpu) % 4096) + 8);
    writer.put32(main + 24n, 1_000_000);
    const many = await writer.slub();
    expect(many.kernel.findings.get('sheaf_nonsense')).toBe(1);
    expect(shown(many)[0]).toBe('demo 800 full AFAA');
    writer.put32(main + 24n, 2);
    writer.put64(main + 40n, writer.object(DEMO, 0x800, 0));
    const twice = await writer.slub();
    expect(twice.kernel.findings.get('sheaf_nonsense')).toBe(1);
    expect(shown(twice)[0]).toBe('demo 800 full SFAA');
  });
});

test('words that a debugger printed have no struct pages to walk', async () => {
  const { openSnapshot } = await import('../../../../src/snapshot/memory/open-snapshot.ts');
  const { openKernel } = await import('../../../../src/snapshot/kernel/kernel-image.ts');
  const { tempFile } = await import('../../../helpers/image-builders.ts');
  const text = Buffer.from('ffff888003a40000:  0000000000000001\n');
  const kernel: KernelImage = await openKernel(await openSnapshot(tempFile(text)), {
    kallsyms: undefined,
    release: '6.1.0-56-amd64',
    btfPath: undefined,
    structOffsets: undefined,
  });
  expect(kernel.layout?.source).toContain('6.1.0-56-amd64');
  expect(openSlub(kernel)).toMatchObject({ reason: expect.stringContaining('printed words') });
});
