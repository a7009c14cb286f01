import { describe, expect, test } from 'vitest';
import {
  cpuPartial,
  cpuPartialSlabs,
  minPartial,
  sheafCapacity,
} from '../../../../src/kernel/slub/list-limits.ts';
import { rulesFor } from '../../../../src/kernel/slub/releases.ts';
import { SLAB } from '../../../../src/kernel/slub/slab-flags.ts';

test('min_partial is half the logarithm of the size, from 5 to 10', () => {
  expect([8, 192, 2048, 4095].map(minPartial)).toEqual([5, 5, 5, 5]);
  expect([4096, 16_383].map(minPartial)).toEqual([6, 6]);
  expect(minPartial(16_384)).toBe(7);
  expect(minPartial(262_144)).toBe(9);
  expect(minPartial(1_048_576)).toBe(10);
  expect(minPartial(4_194_304)).toBe(10);
});

describe('cpu_partial', () => {
  const sizes = [8, 255, 256, 1023, 1024, 4095, 4096, 8192];
  test.each([
    ['5.10', [30, 30, 13, 13, 6, 6, 2, 2]],
    ['6.1', [120, 120, 52, 52, 24, 24, 6, 6]],
    ['6.18', [120, 120, 52, 52, 24, 24, 6, 6]],
    ['7.2', [0, 0, 0, 0, 0, 0, 0, 0]],
  ])('%s', (release, expected) => {
    const rules = rulesFor(release);
    expect(sizes.map((size) => cpuPartial(size, 0, 4096, rules))).toEqual(expected);
  });

  test('the largest step is the page size', () => {
    const rules = rulesFor('6.12');
    expect(cpuPartial(8192, 0, 16_384, rules)).toBe(24);
    expect(cpuPartial(16_384, 0, 16_384, rules)).toBe(6);
  });

  test('any debug flag takes it away, failslab does not', () => {
    const rules = rulesFor('6.1');
    expect(cpuPartial(64, SLAB.CONSISTENCY_CHECKS, 4096, rules)).toBe(0);
    expect(cpuPartial(64, SLAB.TRACE, 4096, rules)).toBe(0);
    expect(cpuPartial(64, SLAB.FAILSLAB | SLAB.HWCACHE_ALIGN, 4096, rules)).toBe(120);
  });

  test('in slabs that are taken to be half full', () => {
    const rules = rulesFor('6.1');
    expect(cpuPartialSlabs(120, 21, rules)).toBe(12);
    expect(cpuPartialSlabs(6, 8, rules)).toBe(2);
    expect(cpuPartialSlabs(6, 4, rules)).toBe(3);
    expect(cpuPartialSlabs(6, 1, rules)).toBe(12);
    expect(cpuPartialSlabs(0, 21, rules)).toBe(0);
    expect(cpuPartialSlabs(30, 21, rulesFor('5.10'))).toBeNull();
  });
});

describe('sheaf_capacity', () => {
  test('7.2 gives sheaves to all, filled up to their kmalloc class', () => {
    const rules = rulesFor('7.2');
    const of = (size: number): number => sheafCapacity(size, 0, 4096, rules);
    expect([8, 255, 256, 1023, 1024, 4095, 4096, 262_144].map(of)).toEqual([
      60, 60, 28, 28, 12, 12, 4, 4,
    ]);
    expect(sheafCapacity(256, 0, 4096, rules, 32)).toBe(32);
    expect(sheafCapacity(192, 0, 4096, rules, 32)).toBe(60);
    expect(sheafCapacity(64, SLAB.NOLEAKTRACE, 4096, rules)).toBe(0);
    expect(sheafCapacity(64, SLAB.RED_ZONE, 4096, rules)).toBe(0);
  });

  test('6.18 to those that ask, 6.12 to none', () => {
    expect(sheafCapacity(256, 0, 4096, rulesFor('6.18'), 32)).toBe(32);
    expect(sheafCapacity(256, 0, 4096, rulesFor('6.18'))).toBe(0);
    expect(sheafCapacity(256, 0, 4096, rulesFor('6.12'), 32)).toBe(0);
  });
});
