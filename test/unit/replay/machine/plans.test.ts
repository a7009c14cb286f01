// Which caches a model has and which one a call allocates from: cache-plan.ts for the recorded
// machine, changed-machine.ts and changed-plan.ts for another. Sizes are those of mm/slub.c's
// calculate_sizes() and calculate_order(), as the test vectors of the SLUB sheet have them (2 CPUs).

import { describe, expect, test } from 'vitest';
import { parseSlubDebug } from '../../../../src/kernel/slub/slub-debug-option.ts';
import { FolderSidecars } from '../../../../src/recording/sidecar-files.ts';
import { type CachePlan, planRecorded } from '../../../../src/replay/machine/cache-plan.ts';
import {
  changeMachine,
  type MachineChange,
} from '../../../../src/replay/machine/changed-machine.ts';
import { planChanged } from '../../../../src/replay/machine/changed-plan.ts';
import { buildMachine, type Machine } from '../../../../src/replay/machine/machine.ts';
import { TestTrace } from '../../../helpers/builders.ts';
import { kernelFacts, knownCache } from '../../../helpers/tracked.ts';

const TRACE = new TestTrace(`
  alloc kmalloc-64 A 60 by=small+0x1
  alloc kmalloc-8k B 4097 by=big+0x1
  alloc kmalloc C 9000/16384 by=large+0x1
  alloc filp D 232/256 by=open+0x1
  alloc skbuff_head_cache E 224/256 by=skb+0x1
  free filp D
  free nobody F
  free A`);
for (const _ of TRACE.batches()); // interns the calls
/** Names by call, as the first pass finds them. */
const NAMES = ['kmalloc-64', 'kmalloc-8k', 'kmalloc-large', 'filp', 'skbuff_head_cache'];

const RECORDED = { dictionary: TRACE.dictionary, cacheNames: [undefined, ...NAMES] };

function machineOf(facts = kernelFacts()): Machine {
  return buildMachine(facts, new FolderSidecars([]));
}

/** `kmalloc-64 64/0/64`: size, order and objects of what a call allocates from. */
function cacheOf(plan: CachePlan, call: number): string | number {
  const number = plan.cacheOfCall[call] as number;
  const cache = plan.caches[number];
  if (cache === undefined) return number;
  const { slabSize, order, objsPerSlab } = cache.geometry;
  return `${cache.name} ${slabSize}/${order}/${objsPerSlab}`;
}

describe('the recorded machine', () => {
  test('without recorded caches: kmalloc by the rules, others by the sizes that their events print', () => {
    const plan = planRecorded(RECORDED, kernelFacts(), machineOf());
    expect([1, 2, 3, 4, 5].map((call) => cacheOf(plan, call))).toEqual([
      'kmalloc-64 64/0/64',
      'kmalloc-8k 8192/3/4',
      -2,
      'filp 256/0/16',
      'skbuff_head_cache 256/0/16',
    ]);
    expect(plan.caches.find(({ name }) => name === 'kmalloc-64')?.origin).toBe('computed');
    expect(plan.caches.find(({ name }) => name === 'filp')?.origin).toBe('events');
  });

  test('a free names its cache; one that nothing is known of has none', () => {
    const plan = planRecorded(RECORDED, kernelFacts(), machineOf());
    expect([cacheOf(plan, 6), cacheOf(plan, 7), cacheOf(plan, 8)]).toEqual([
      'filp 256/0/16',
      -1,
      -1,
    ]);
  });

  test('recorded caches stand before computed ones; aliases are one cache', () => {
    const caches = [
      knownCache('kmalloc-64', 64),
      knownCache('kmalloc-8k', 8192, { order: 3 }),
      knownCache('filp', 256, { order: 1, aliases: ['skbuff_head_cache'] }),
    ];
    const facts = kernelFacts({ caches });
    const plan = planRecorded(RECORDED, facts, machineOf(facts));
    expect([4, 5, 6].map((call) => cacheOf(plan, call))).toEqual([
      'filp 256/1/32',
      'filp 256/1/32',
      'filp 256/1/32',
    ]);
    expect(plan.caches).toHaveLength(3);
    expect(plan.caches.every(({ origin }) => origin === 'recorded')).toBe(true);
  });
});

test('/proc/slabinfo alone: alignments of kmalloc by the rules, object sizes by the events', () => {
  const caches = [knownCache('kmalloc-64', 64), knownCache('filp', 256)].map((cache) => ({
    ...cache,
    objectSize: null,
  }));
  const facts = kernelFacts({ caches });
  const machine = machineOf(facts);
  const { calls } = TRACE.dictionary;
  const change = { debug: parseSlubDebug('FZPU') };
  const plan = planChanged(
    planRecorded(RECORDED, facts, machine),
    calls,
    changeMachine(machine, change),
    change,
    [],
  );
  // As on debug-slub, whose kernel ran with these flags.
  expect([cacheOf(plan, 1), cacheOf(plan, 4)]).toEqual(['kmalloc-64 256/0/16', 'filp 384/1/21']);
});

describe('another machine', () => {
  const recorded = planRecorded(RECORDED, kernelFacts(), machineOf());

  function changed(change: MachineChange, dedicated: readonly [string, number][] = []): CachePlan {
    return planChanged(
      recorded,
      TRACE.dictionary.calls,
      changeMachine(machineOf(), change),
      change,
      dedicated.map(([name, call]) => ({ name, calls: new Set([call]) })),
    );
  }

  test('slub_debug=FZPU grows every cache', () => {
    const plan = changed({ debug: parseSlubDebug('FZPU') });
    expect([1, 2, 3, 4].map((call) => cacheOf(plan, call))).toEqual([
      'kmalloc-64 256/0/16',
      'kmalloc-8k 24576/3/1',
      -2,
      // 232, right red zone 8, free pointer 8, two tracks 64, 8, left red zone 64; aligned to 64
      'filp 384/1/21',
    ]);
    expect(plan.caches.every(({ geometry }) => geometry.cpuPartial === 0)).toBe(true);
  });

  test('letter O leaves out those whose order would grow', () => {
    const plan = changed({ debug: parseSlubDebug('FZPUO') });
    expect([cacheOf(plan, 1), cacheOf(plan, 2)]).toEqual([
      'kmalloc-64 256/0/16',
      'kmalloc-8k 8192/3/4',
    ]);
  });

  test('flags on some caches leave the others as they were', () => {
    const plan = changed({ debug: parseSlubDebug('Z,filp') });
    expect([cacheOf(plan, 1), cacheOf(plan, 4)]).toEqual(['kmalloc-64 64/0/64', 'filp 320/0/12']);
  });

  test('more CPUs make larger slabs (calculate_order: 4 * (fls(16) + 1) = 24 objects)', () => {
    expect(cacheOf(changed({ cpus: 16 }), 4)).toBe('filp 256/1/32');
  });

  test('orders and objects as the boot options say', () => {
    expect(cacheOf(changed({ slubMaxOrder: 1 }), 2)).toBe('kmalloc-8k 8192/1/1');
    expect(cacheOf(changed({ slubMinOrder: 2 }), 1)).toBe('kmalloc-64 64/2/256');
    expect(cacheOf(changed({ slubMinObjects: 100 }), 1)).toBe('kmalloc-64 64/1/128');
  });

  test('other kmalloc classes: each request goes to the smallest that holds it', () => {
    const plan = changed({ classes: [32, 80, 4608] });
    expect([1, 2, 3].map((call) => cacheOf(plan, call))).toEqual([
      'kmalloc-80 80/0/51',
      'kmalloc-4608 4608/3/7',
      -2,
    ]);
    expect(cacheOf(plan, 4)).toBe('filp 256/0/16');
    expect(plan.caches.some(({ name }) => name === 'kmalloc-64')).toBe(false);
  });

  test('another kernel has its own kmalloc caches', () => {
    const oldest = changed({ kernel: '5.10' });
    expect(oldest.caches.some(({ name }) => name.startsWith('kmalloc-cg-'))).toBe(false);
    const newer = changed({ kernel: '6.12' });
    expect(newer.caches.some(({ name }) => name.startsWith('kmalloc-cg-'))).toBe(true);
    expect(changeMachine(machineOf(), { kernel: '6.12' })).toMatchObject({
      release: '6.12',
      parameters: { rules: { generation: '6.12' }, cpus: 2 },
    });
  });

  test('a call site with a cache of its own', () => {
    const plan = changed({}, [['big', 2]]);
    expect(cacheOf(plan, 2)).toBe('big 4104/3/7'); // 4097 up to a word
    expect(cacheOf(plan, 1)).toBe('kmalloc-64 64/0/64');
  });

  test('nothing changed is the same plan', () => {
    expect(changed({}).cacheOfCall).toEqual(recorded.cacheOfCall);
    expect(changed({}).caches.map(({ geometry }) => geometry)).toEqual(
      recorded.caches.map(({ geometry }) => geometry),
    );
  });
});
