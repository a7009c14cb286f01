import { describe, expect, test } from 'vitest';
import { parseSlabSysfs } from '../../../../src/kernel/caches/slab-sysfs.ts';
import { parseKernelConfig } from '../../../../src/kernel/machine/kernel-config.ts';
import { rulesOfRecording } from '../../../../src/kernel/slub/recorded-rules.ts';
import { rulesFor, SLUB_GENERATIONS } from '../../../../src/kernel/slub/releases.ts';
import {
  bootLogFault,
  buildSlubParameters,
  parseSlubBootLog,
} from '../../../../src/kernel/slub/slub-parameters.ts';

describe('rules by release', () => {
  test.each(SLUB_GENERATIONS)('%s is its own generation', (generation) => {
    expect(rulesFor(generation).generation).toBe(generation);
  });

  test.each([
    ['4.19.0-27-amd64', '5.10'],
    ['5.15.0-105-generic', '5.10'],
    ['6.6.9', '6.1'],
    ['6.12.117+deb12-amd64', '6.12'],
    ['6.14.2', '6.12'],
    ['6.19.0', '6.18'],
    ['7.0.1', '7.2'],
    ['9.1', '7.2'],
    ['', '7.2'],
  ])('%s follows %s', (release, generation) => {
    expect(rulesFor(release).generation).toBe(generation);
  });

  test('between recorded kernels each change comes with its release', () => {
    expect(rulesFor('5.15')).toMatchObject({ cgroupOption: 'MEMCG_KMEM', trackSize: 152 });
    expect(rulesFor('5.15').cpuPartial).toEqual([2, 6, 13, 30]);
    expect(rulesFor('5.17').cpuPartial).toEqual([6, 24, 52, 120]);
    expect(rulesFor('6.1')).toMatchObject({ trackSize: 32, origSizeBytes: 4 });
    expect(rulesFor('6.6')).toMatchObject({ orderLoop: 'fewer-objects', slabOptions: false });
    expect(rulesFor('6.8')).toMatchObject({ orderLoop: 'fixed-start', slabOptions: false });
    expect(rulesFor('6.11')).toMatchObject({ buckets: true, kmallocAlign: 'power-of-two' });
    expect(rulesFor('6.12')).toMatchObject({ kmallocAlign: 'largest-divisor', origSizeBytes: 8 });
  });

  test('a configuration decides what it can', () => {
    const config = parseKernelConfig('CONFIG_SLUB=y\n# CONFIG_SLUB_CPU_PARTIAL is not set\n');
    const rules = rulesFor('6.1', config);
    expect(rules).toMatchObject({ cpuPartial: null, trackSize: 24, usersizeBlocksMerge: true });
    expect(rulesFor('6.12', config).usersizeBlocksMerge).toBe(false);
    expect(rulesFor('5.10', parseKernelConfig('CONFIG_STACKTRACE=y')).trackSize).toBe(152);
  });
});

describe('rules by what sysfs shows', () => {
  const capture = (caches: Record<string, Record<string, number>>) =>
    parseSlabSysfs(
      Object.entries(caches)
        .flatMap(([id, files]) =>
          Object.entries(files).map(([file, value]) => `/sys/kernel/slab/${id}/${file}=${value}`),
        )
        .join('\n'),
    ).caches;

  const SHEAVES = capture({
    'kmalloc-192': { align: 64, cpu_partial: 0, sheaf_capacity: 60 },
    dentry: { cpu_partial: 0, sheaf_capacity: 60 },
  });
  const FIVE_TEN = capture({
    'kmalloc-192': { align: 8, cpu_partial: 30 },
    dentry: { cpu_partial: 30 },
    filp: { cpu_partial: 13 },
  });

  test('an unknown release', () => {
    expect(rulesOfRecording(null, undefined, SHEAVES).generation).toBe('7.2');
    expect(rulesOfRecording(null, undefined, FIVE_TEN).generation).toBe('5.10');
    const six = capture({ 'kmalloc-192': { align: 8, cpu_partial: 120 } });
    expect(rulesOfRecording(null, undefined, six).generation).toBe('6.1');
    const twelve = capture({ 'kmalloc-192': { align: 64, cpu_partial: 120 } });
    expect(rulesOfRecording(null, undefined, twelve).generation).toBe('6.12');
    expect(rulesOfRecording(null, undefined, []).generation).toBe('7.2');
  });

  test('a release with backports', () => {
    expect(rulesOfRecording('6.12.99-vendor', undefined, SHEAVES)).toMatchObject({
      generation: '7.2',
      sheaves: 'all',
      cpuPartial: null,
    });
    expect(rulesOfRecording('6.1', undefined, FIVE_TEN).cpuPartial).toEqual([2, 6, 13, 30]);
    const aligned = capture({ 'kmalloc-192': { align: 64, cpu_partial: 120 } });
    expect(rulesOfRecording('6.1', undefined, aligned).kmallocAlign).toBe('largest-divisor');
  });

  test('debug caches show nothing: they have no CPU lists in any kernel', () => {
    const debug = capture({
      'kmalloc-192': { align: 8, cpu_partial: 0, poison: 1 },
      dentry: { cpu_partial: 0, red_zone: 1 },
    });
    expect(rulesOfRecording('6.1', undefined, debug).cpuPartial).toEqual([6, 24, 52, 120]);
  });
});

describe('parameters', () => {
  const BOOT = `[    0.053660] CPU topo: Allowing 4 present CPUs plus 4 hotplug CPUs
[    0.123747] SLUB: HWalign=128, Order=1-2, MinObjects=7, CPUs=8, Nodes=2
`;

  test('the boot log says what is in force', () => {
    expect(parseSlubBootLog(BOOT)).toEqual({
      cacheLine: 128,
      minOrder: 1,
      maxOrder: 2,
      minObjects: 7,
      possibleCpus: 8,
      nodes: 2,
      presentCpus: 4,
    });
    const old = parseSlubBootLog('[    0.04] smpboot: Allowing 8 CPUs, 6 hotplug CPUs');
    expect(old.presentCpus).toBe(2);
    expect(old.cacheLine).toBeUndefined();
  });

  test.each([
    ['HWalign=0, Order=0-3, MinObjects=0, CPUs=2, Nodes=1', 'HWalign'],
    [`HWalign=64, Order=0-${2 ** 31}, MinObjects=0, CPUs=2, Nodes=1`, 'Order'],
    [`HWalign=64, Order=0-3, MinObjects=${'9'.repeat(400)}, CPUs=2, Nodes=1`, 'MinObjects'],
    ['HWalign=64, Order=0-3, MinObjects=0, CPUs=0, Nodes=1', 'CPUs'],
    ['HWalign=64, Order=0-3, MinObjects=0, CPUs=2, Nodes=99999', 'Nodes'],
  ])('a line of the boot log that cannot be is named and not used: %s', (figures, name) => {
    const line = `[    0.123747] SLUB: ${figures}\n`;
    expect(bootLogFault(line)).toBe(`${name} of its line on SLUB cannot be`);
    expect(Object.values(parseSlubBootLog(line))).toEqual(Array(7).fill(undefined));
    expect(bootLogFault(BOOT)).toBeUndefined();
  });

  test('CPUs that cannot be are not known', () => {
    expect(parseSlubBootLog('Allowing 1 CPUs, 2 hotplug CPUs').presentCpus).toBeUndefined();
    expect(parseSlubBootLog('Allowing 99999 CPUs, 0 hotplug CPUs').presentCpus).toBeUndefined();
  });

  test('orders and numbers that cannot be are cut to the largest that can', () => {
    const cmdline = `slub_min_order=${2 ** 31} slub_min_objects=${2 ** 53} slub_max_order=99`;
    const made = buildSlubParameters({ release: '6.1', cmdline, pageSize: 4096, cpus: 2 });
    expect(made).toMatchObject({ minOrder: 10, maxOrder: 10, minObjects: 32767 });
    const config = new Map([['ARCH_FORCE_MAX_ORDER', '2147483648']]);
    expect(buildSlubParameters({ release: '6.12', config, pageSize: 4096 }).maxPageOrder).toBe(10);
  });

  test('it goes before the command line, and that before the defaults', () => {
    const machine = { release: '6.12', cmdline: 'slub_max_order=0', pageSize: 4096, cpus: 2 };
    expect(buildSlubParameters({ ...machine, bootLog: BOOT })).toMatchObject({
      maxOrder: 2,
      minOrder: 1,
      minObjects: 7,
      cpus: 4,
      possibleCpus: 8,
      cacheLine: 128,
    });
    expect(buildSlubParameters(machine)).toMatchObject({
      maxOrder: 0,
      minOrder: 0,
      minObjects: 0,
      cpus: 2,
      possibleCpus: 2,
      cacheLine: 64,
      maxPageOrder: 10,
      debugBuilt: true,
      noMerge: false,
    });
  });

  test('the largest order of the page allocator, whichever way the option counts', () => {
    const config = parseKernelConfig('CONFIG_ARCH_FORCE_MAX_ORDER=11\nCONFIG_SLUB_DEBUG=y\n');
    const of = (release: string): number =>
      buildSlubParameters({ release, config, pageSize: 16_384 }).maxPageOrder;
    expect(of('6.12')).toBe(11);
    expect(of('6.1')).toBe(10);
  });
});
