// Which rules a recorded kernel follows, by what its sysfs shows: releases with backports and unknown
// releases differ from the table of releases.ts. Truth: the recorded /sys/kernel/slab.

import type { SlabCacheSysfs } from '../caches/slab-cache-sysfs.ts';
import type { KernelConfig } from '../machine/kernel-config.ts';
import { rulesFor, type SlubGeneration, type SlubRules } from './releases.ts';
import { flagsOfSysfs, SLAB_DEBUG_FLAGS } from './slab-flags.ts';

interface Shown {
  /** The recorded kernel that it is most like. */
  readonly generation: SlubGeneration | undefined;
  readonly rules: Partial<SlubRules>;
}

/** The rules of a recorded kernel: what its caches show, then what its release says. */
export function rulesOfRecording(
  release: string | null,
  config: KernelConfig | undefined,
  caches: readonly SlabCacheSysfs[],
): SlubRules {
  const shown = shownBy(caches);
  const rules = rulesFor(release ?? shown.generation ?? null, config);
  const sheaves = shown.rules.sheaves ?? rules.sheaves;
  const generation = sheaves === rules.sheaves ? rules.generation : GENERATION_OF[sheaves];
  return { ...rules, ...shown.rules, generation };
}

/** The recorded kernel with these sheaves, the newest of several. */
const GENERATION_OF: Readonly<Record<SlubRules['sheaves'], SlubGeneration>> = {
  none: '6.12',
  'asked-for': '6.18',
  all: '7.2',
};

function shownBy(caches: readonly SlabCacheSysfs[]): Shown {
  // Debug caches have neither CPU partial lists nor sheaves in any kernel.
  const plain = caches.filter((cache) => (flagsOfSysfs(cache) & SLAB_DEBUG_FLAGS) === 0);
  const sheaves = sheavesShown(plain);
  const kmallocAlign = kmallocAlignShown(caches);
  const perCpu = cpuPartialShown(plain);
  return {
    generation: generationShown(sheaves, kmallocAlign, perCpu),
    rules: {
      ...(sheaves === undefined ? {} : { sheaves }),
      ...(kmallocAlign === undefined ? {} : { kmallocAlign }),
      ...(perCpu === undefined ? {} : { cpuPartial: perCpu, cpuPartialInSlabs: perCpu === SLABS }),
    },
  };
}

/** By the file sheaf_capacity (since 6.18), and by cpu_partial, which is 0 where all have sheaves. */
function sheavesShown(plain: readonly SlabCacheSysfs[]): SlubRules['sheaves'] | undefined {
  if (plain.length === 0) return undefined;
  if (plain.every((cache) => cache.sheafCapacity === null)) return 'none';
  if (plain.some((cache) => (cache.cpuPartial ?? 0) > 0)) return 'asked-for';
  const having = plain.filter((cache) => (cache.sheafCapacity ?? 0) > 0).length;
  return having * 2 > plain.length ? 'all' : 'asked-for';
}

function kmallocAlignShown(
  caches: readonly SlabCacheSysfs[],
): SlubRules['kmallocAlign'] | undefined {
  const align = caches.find((cache) => cache.id === 'kmalloc-192')?.align;
  if (align === 64) return 'largest-divisor';
  return align === 8 ? 'power-of-two' : undefined;
}

const OBJECTS = rulesFor('5.10').cpuPartial;
const SLABS = rulesFor('6.1').cpuPartial;

/** cpu_partial can be written: what most caches show counts. */
function cpuPartialShown(plain: readonly SlabCacheSysfs[]): SlubRules['cpuPartial'] | undefined {
  const like = (steps: SlubRules['cpuPartial']): boolean =>
    plain.filter((cache) => steps?.includes(cache.cpuPartial ?? 0)).length * 2 > plain.length;
  if (plain.length === 0) return undefined;
  if (like(SLABS)) return SLABS;
  if (like(OBJECTS)) return OBJECTS;
  return plain.every((cache) => cache.cpuPartial === 0) ? null : undefined;
}

function generationShown(
  sheaves: SlubRules['sheaves'] | undefined,
  kmallocAlign: SlubRules['kmallocAlign'] | undefined,
  perCpu: SlubRules['cpuPartial'] | undefined,
): SlubGeneration | undefined {
  if (sheaves === 'all') return '7.2';
  if (sheaves === 'asked-for') return '6.18';
  if (kmallocAlign === 'largest-divisor') return '6.12';
  if (kmallocAlign === undefined) return undefined;
  return perCpu === OBJECTS ? '5.10' : '6.1';
}
