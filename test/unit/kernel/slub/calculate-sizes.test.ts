import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  calculateAlignment,
  calculateSizes,
  type LayoutRequest,
} from '../../../../src/kernel/slub/calculate-sizes.ts';
import { rulesFor } from '../../../../src/kernel/slub/releases.ts';
import { SLAB } from '../../../../src/kernel/slub/slab-flags.ts';

const { RED_ZONE: Z, POISON: P, STORE_USER: U, CONSISTENCY_CHECKS: F } = SLAB;
const FZPU = F | Z | P | U;

function request(objectSize: number, align: number, flags: number): LayoutRequest {
  return { objectSize, align, flags, hasCtor: false };
}

function sizes(release: string, aligns: readonly number[], flags: number): number[] {
  const rules = rulesFor(release);
  return [8, 64, 96, 192, 512, 1024, 4096].map(
    (size, i) => calculateSizes(request(size, aligns[i] ?? 8, flags | SLAB.KMALLOC), rules).size,
  );
}

describe('alignment', () => {
  test('a word at least', () => {
    expect(calculateAlignment(0, 0, 100, 64)).toBe(8);
    expect(calculateAlignment(0, 4, 100, 64)).toBe(8);
    expect(calculateAlignment(0, 12, 100, 64)).toBe(16);
    expect(calculateAlignment(0, 2048, 4096, 64)).toBe(2048);
  });

  test('HWCACHE_ALIGN takes the part of a cache line that the object fills by more than half', () => {
    expect(calculateAlignment(SLAB.HWCACHE_ALIGN, 0, 200, 64)).toBe(64);
    expect(calculateAlignment(SLAB.HWCACHE_ALIGN, 0, 33, 64)).toBe(64);
    expect(calculateAlignment(SLAB.HWCACHE_ALIGN, 0, 32, 64)).toBe(32);
    expect(calculateAlignment(SLAB.HWCACHE_ALIGN, 0, 5, 64)).toBe(8);
    expect(calculateAlignment(SLAB.HWCACHE_ALIGN, 128, 16, 64)).toBe(128);
    expect(calculateAlignment(SLAB.HWCACHE_ALIGN, 0, 184, 256)).toBe(256);
  });
});

describe('kmalloc caches by flags', () => {
  const OLD = [8, 64, 8, 8, 512, 1024, 4096];
  const NEW = [8, 64, 32, 64, 512, 1024, 4096];
  test.each([
    ['6.1', 'none', 0, OLD, [8, 64, 96, 192, 512, 1024, 4096]],
    ['6.1', 'F', F, OLD, [8, 64, 96, 192, 512, 1024, 4096]],
    ['6.1', 'Z', Z, OLD, [32, 192, 120, 216, 1536, 3072, 12_288]],
    ['6.1', 'P', P, OLD, [16, 128, 104, 200, 1024, 2048, 8192]],
    ['6.1', 'U', U, OLD, [80, 192, 168, 264, 1024, 2048, 8192]],
    ['6.1', 'FZPU', FZPU, OLD, [112, 256, 200, 296, 1536, 3072, 12_288]],
    ['6.12', 'Z', Z, NEW, [32, 192, 160, 320, 1536, 3072, 12_288]],
    ['6.12', 'P', P, NEW, [16, 128, 128, 256, 1024, 2048, 8192]],
    ['6.12', 'U', U, NEW, [80, 192, 192, 320, 1024, 2048, 8192]],
    ['6.12', 'FZPU', FZPU, NEW, [112, 256, 224, 384, 1536, 3072, 12_288]],
    ['5.10', 'FZPU', FZPU, OLD, [344, 512, 432, 528, 1536, 3072, 12_288]],
  ])('%s %s', (release, _letters, flags, aligns, expected) => {
    expect(sizes(release, aligns, flags)).toEqual(expected);
  });
});

test('every byte of kmalloc-64 under FZPU has its place', () => {
  const layout = calculateSizes(request(64, 64, FZPU | SLAB.KMALLOC), rulesFor('6.1'));
  expect(layout).toEqual({
    size: 256,
    inuse: 72,
    offset: 72,
    freePointerOutside: true,
    redLeftPad: 64,
    align: 64,
    infoEnd: 80,
    allocTrack: 80,
    freeTrack: 112,
    origSize: 144,
    origSizeBytes: 4,
    metadataEnd: 148,
    objectPoison: true,
  });
  const newer = calculateSizes(request(64, 64, FZPU | SLAB.KMALLOC), rulesFor('6.12'));
  expect(newer).toEqual({ ...layout, origSizeBytes: 8, metadataEnd: 152 });
});

describe('the free pointer', () => {
  const of = (release: string, over: Partial<LayoutRequest>) => {
    const { offset, size } = calculateSizes({ ...request(100, 8, 0), ...over }, rulesFor(release));
    return { offset, size };
  };

  test('lies in the middle of the object, at a word', () => {
    expect(of('6.1', {})).toEqual({ offset: 48, size: 104 });
    expect(of('6.1', { objectSize: 8 })).toEqual({ offset: 0, size: 8 });
  });

  test('lies behind it where freeing must leave the contents', () => {
    expect(of('6.1', { hasCtor: true })).toEqual({ offset: 104, size: 112 });
    expect(of('6.1', { flags: SLAB.TYPESAFE_BY_RCU })).toEqual({ offset: 104, size: 112 });
    expect(of('6.1', { flags: P })).toEqual({ offset: 104, size: 112 });
  });

  test('red zones move it only out of objects smaller than a word', () => {
    // 104 + 8 red zone on the left + 8 of padding
    expect(of('6.1', { flags: Z })).toEqual({ offset: 48, size: 120 });
    // 4 bytes and 4 of red zone, the pointer, 8 of padding, 8 on the left
    expect(of('6.1', { objectSize: 4, flags: Z })).toEqual({ offset: 8, size: 32 });
  });

  test('a kept request size moves it since 6.2, and only of kmalloc objects', () => {
    const kept = Z | U | SLAB.KMALLOC;
    // inuse 72; two tracks of 32; orig_size 4; padding 8; left 8
    expect(of('6.1', { objectSize: 64, flags: kept })).toEqual({ offset: 32, size: 160 });
    expect(of('6.12', { objectSize: 64, flags: kept })).toEqual({ offset: 72, size: 168 });
    expect(of('6.12', { objectSize: 64, flags: Z | U })).toEqual({ offset: 32, size: 152 });
  });

  test('may be placed by the creator: with RCU since 6.12, with a constructor since 7.0', () => {
    const rcu = { objectSize: 192, flags: SLAB.TYPESAFE_BY_RCU, freeptrOffset: 16 };
    expect(of('6.1', rcu)).toEqual({ offset: 192, size: 200 });
    expect(of('6.12', rcu)).toEqual({ offset: 16, size: 192 });
    expect(of('6.12', { ...rcu, flags: rcu.flags | P })).toEqual({ offset: 192, size: 200 });
    const ctor = { objectSize: 192, hasCtor: true, freeptrOffset: 16 };
    expect(of('6.18', ctor)).toEqual({ offset: 192, size: 200 });
    expect(of('7.2', ctor)).toEqual({ offset: 16, size: 192 });
    expect(of('7.2', { objectSize: 192, freeptrOffset: 16 })).toEqual({ offset: 96, size: 192 });
  });
});

test('objects with a constructor or RCU readers are never poisoned', () => {
  const rules = rulesFor('6.1');
  const poisons = (over: Partial<LayoutRequest>): boolean =>
    calculateSizes({ ...request(64, 8, P), ...over }, rules).objectPoison;
  expect(poisons({})).toBe(true);
  expect(poisons({ hasCtor: true })).toBe(false);
  expect(poisons({ flags: P | SLAB.TYPESAFE_BY_RCU })).toBe(false);
  expect(poisons({ flags: U })).toBe(false);
});

test('nothing overlaps, whatever is asked for', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 9000 }),
      fc.constantFrom(8, 16, 64, 128, 512),
      fc.integer({ min: 0, max: 0xffff }),
      fc.boolean(),
      fc.constantFrom('5.10', '6.1', '6.12', '7.2'),
      (objectSize, align, flags, hasCtor, release) => {
        const layout = calculateSizes({ objectSize, align, flags, hasCtor }, rulesFor(release));
        expect(layout.size % align).toBe(0);
        expect(layout.redLeftPad % align).toBe(0);
        expect(layout.inuse).toBeGreaterThanOrEqual(objectSize);
        expect(layout.offset % 8).toBe(0);
        expect(layout.freePointerOutside).toBe(layout.offset >= layout.inuse);
        expect(layout.metadataEnd).toBeGreaterThanOrEqual(layout.infoEnd);
        const padding = layout.size - layout.redLeftPad - layout.metadataEnd;
        expect(padding).toBeGreaterThanOrEqual((flags & Z) === 0 ? 0 : 8);
      },
    ),
    { seed: 1 },
  );
});
