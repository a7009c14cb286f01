// docs/detectors.md: what slabreplay finds from events, with recorded writes and from a snapshot. Each
// cell of the last three columns is held to what is really found.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { SlubChecks } from '../../src/kernel/checks/slub-checks.ts';
import { SlubReports } from '../../src/kernel/checks/slub-reports.ts';
import { SLAB } from '../../src/kernel/slub/slab-flags.ts';
import { validateSlabs } from '../../src/snapshot/validate/validate-slabs.ts';
import { checkedCache, FZPU, TestSlab } from '../helpers/checked-slabs.ts';
import { type DebugEvent, type NamedCache, replayWithDebug } from '../helpers/debug-replay.ts';
import { offsetOf, poorMachine } from '../helpers/debug-slab-writer.ts';
import {
  buildWithRoots,
  memoryOf,
  tracedObjects,
  whiteOf,
  zeroes,
} from '../helpers/scan-builders.ts';
import { track } from '../helpers/tracked.ts';

const A = 0xffff888100000040n;
const STATIC = 0xffffffff82000000n;
const STACK = 0xffffc90000004000n;
const VMALLOC = '0xffffc90000000000-0xffffc90000009000   36864 dup_task_struct+0x5a/0x1a0 vmalloc';

const made: DebugEvent = { event: 'kmalloc', ptr: A, cache: 'kmalloc-64', bytesReq: 60 };
const freed: DebugEvent = { event: 'kfree', ptr: A, site: 'close_a+0x24' };
const checked: DebugEvent = { event: 'validate' };

function written(ptr: bigint): DebugEvent {
  return { event: 'write', ptr, data: '41' };
}

/** True where the events give a report on kernels of these releases. */
function reports(
  events: readonly DebugEvent[],
  { releases = ['6.1', '6.12'], caches = [] as NamedCache[] } = {},
): boolean {
  const found = releases.map((release) => {
    const machine = { release, slubDebug: 'FZPU', caches, vmallocinfo: VMALLOC };
    return replayWithDebug(machine, events).reports.length > 0;
  });
  expect(new Set(found).size).toBe(1);
  return found[0] === true;
}

/** True where the damage is found in a snapshot. */
async function inSnapshot(damage: (bytes: Buffer) => void): Promise<boolean> {
  const { reports: found } = validateSlabs(await poorMachine(damage).slub(), undefined);
  return found.length > 0;
}

const SOUND = (): Promise<boolean> => inSnapshot(() => undefined);
const NEVER = { events: false, writes: false, snapshot: false } as const;

interface Answers {
  readonly events: boolean;
  readonly writes: boolean;
  readonly snapshot: boolean;
}

/** An object that nothing refers to; it is at the end of the trace, too. */
function leak(): Promise<Answers> {
  const isOutstanding = track('alloc kmalloc-64 A 60').liveAddresses().length === 1;
  const memory = memoryOf(new Map([...zeroes(STATIC, 64), ...zeroes(A, 64)]));
  const built = buildWithRoots(tracedObjects([{ address: A, size: 64 }]), [
    { address: STATIC, bytes: 64 },
  ]);
  const isLost = whiteOf(memory, built).length === 1;
  return Promise.resolve({ events: isOutstanding, writes: isOutstanding, snapshot: isLost });
}

/** A byte behind a request of 60 bytes, in a slab of a snapshot of that kernel. */
function inRestOfRequest(release: string): boolean {
  const flags = FZPU | SLAB.KMALLOC;
  const cache = checkedCache({ name: 'kmalloc-64', release, objectSize: 64, align: 64, flags });
  const slab = new TestSlab(cache, 0xffff888100000000n, 4096);
  const offset = slab.alloc(60);
  slab.bytes[offset + 60] = 0x41;
  const found = new SlubReports({
    source: 'snapshot',
    track: () => undefined,
    slabLine: () => undefined,
  });
  new SlubChecks(cache, found).validate(slab);
  return found.count > 0;
}

function isInPlay(events: readonly DebugEvent[]): Pick<Answers, 'events' | 'writes'> {
  return {
    events: reports(events.filter(({ event }) => event !== 'write')),
    writes: reports(events),
  };
}

/** By the name of the row: what is found. Nothing of a read is recorded anywhere. */
const FOUND: Readonly<Record<string, () => Promise<Answers>>> = {
  'uninitialised read': async () => ({
    ...isInPlay([made, checked, freed]),
    snapshot: await SOUND(),
  }),
  'use after return': async () => ({
    ...isInPlay([made, written(STACK), freed, checked]),
    snapshot: await SOUND(),
  }),
  leak,
  'out-of-bounds read, dynamic memory': async () => ({
    ...isInPlay([made, freed, checked]),
    snapshot: await SOUND(),
  }),
  'out-of-bounds write to the right, dynamic memory': async () => ({
    ...isInPlay([made, written(A + 64n), freed]),
    snapshot: await inSnapshot((bytes) => bytes.fill(0x41, offsetOf(5) + 72, offsetOf(5) + 73)),
  }),
  'out-of-bounds write to the left, dynamic memory': async () => ({
    ...isInPlay([made, written(A - 1n), freed]),
    snapshot: await inSnapshot((bytes) => bytes.fill(0x41, offsetOf(5) - 1, offsetOf(5))),
  }),
  'out-of-bounds read or write, static memory': async () => ({
    ...isInPlay([made, written(STATIC), freed, checked]),
    snapshot: await SOUND(),
  }),
  'out-of-bounds read or write, stack': async () => ({
    ...isInPlay([made, written(STACK), freed, checked]),
    snapshot: await SOUND(),
  }),
  'use after free, read': async () => ({
    ...isInPlay([made, freed, checked]),
    snapshot: await SOUND(),
  }),
  'use after free, write': async () => ({
    ...isInPlay([made, freed, written(A + 8n), checked]),
    snapshot: await inSnapshot((bytes) => bytes.fill(0x41, offsetOf(3), offsetOf(3) + 1)),
  }),
  'double free': async () => ({
    ...isInPlay([made, freed, { ...freed, site: 'release_all+0x38' }]),
    snapshot: await SOUND(),
  }),
  'free of a pointer into an object': async () => ({
    ...isInPlay([made, { ...freed, ptr: A + 8n }]),
    snapshot: await SOUND(),
  }),
  'free of what is no slab memory': async () => ({
    ...isInPlay([{ ...freed, ptr: STACK }]),
    snapshot: await SOUND(),
  }),
  'free into the wrong cache': async () => ({
    ...isInPlay([made, { event: 'kmem_cache_free', ptr: A, cache: 'kmalloc-64' }]),
    snapshot: await SOUND(),
  }),
  'objects left in a destroyed cache': async () => {
    const caches = [{ name: 'things', objectSize: 72 }];
    const ptr = 0xffff888100000008n;
    const events: DebugEvent[] = [
      { event: 'kmem_cache_alloc', ptr, cache: 'things', bytesReq: 72 },
      { event: 'cache_destroy', cache: 'things' },
    ];
    const isFound = reports(events, { caches });
    return { events: isFound, writes: isFound, snapshot: await SOUND() };
  },
  'undefined behaviour (shifts, overflows, alignment)': () => Promise.resolve(NEVER),
};

/** The rows of the table, as cells. */
function rowsOf(page: string): string[][] {
  const text = readFileSync(join(import.meta.dirname, '..', '..', 'docs', page), 'utf8');
  const rows = text.split('\n').filter((line) => line.startsWith('| '));
  return rows.slice(1).map((line) =>
    line
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim()),
  );
}

const ROWS = rowsOf('detectors.md');
const REST_OF_REQUEST = 'out-of-bounds write behind the request, within the size class';

test('the table has the rows that are tested', () => {
  expect(ROWS.map(([bug]) => bug).toSorted()).toEqual(
    [...Object.keys(FOUND), REST_OF_REQUEST].toSorted(),
  );
});

test.each(ROWS.filter(([bug]) => bug !== REST_OF_REQUEST))('%s', async (bug = '', ...cells) => {
  const [events = '', writes = '', snapshot = ''] = cells.slice(-3);
  for (const cell of [events, writes, snapshot]) expect(cell).toMatch(/^(yes|no)\b/);
  expect(await FOUND[bug]?.()).toEqual({
    events: events.startsWith('yes'),
    writes: writes.startsWith('yes'),
    snapshot: snapshot.startsWith('yes'),
  });
});

test('what lies behind the request is a red zone since 6.2', () => {
  const row = ROWS.find(([bug]) => bug === REST_OF_REQUEST);
  expect(row?.slice(-3)).toEqual(['no', 'since 6.2', 'since 6.2']);
  const events = [made, written(A + 60n), freed];
  expect(reports([made, freed])).toBe(false);
  expect(reports(events, { releases: ['6.1'] })).toBe(false);
  expect(reports(events, { releases: ['6.2', '6.12'] })).toBe(true);
  expect(['6.1', '6.2', '6.12'].map(inRestOfRequest)).toEqual([false, true, true]);
});

test('what the notes under the table say of caches', () => {
  const ptr = 0xffff888100000008n;
  const use: DebugEvent[] = [
    { event: 'kmem_cache_alloc', ptr, cache: 'things', bytesReq: 72 },
    { event: 'kmem_cache_free', ptr, cache: 'things' },
    written(ptr + 8n),
    checked,
  ];
  const shape = { name: 'things', objectSize: 72 };
  expect(reports(use, { caches: [shape] })).toBe(true);
  expect(reports(use, { caches: [{ ...shape, hasCtor: true }] })).toBe(false);
  expect(reports(use, { caches: [{ ...shape, flags: SLAB.TYPESAFE_BY_RCU }] })).toBe(false);
  const named: DebugEvent[] = [
    { event: 'kmem_cache_alloc', ptr, cache: 'things', bytesReq: 72 },
    { event: 'kmem_cache_free', ptr, cache: 'things', site: 'into_other_cache+0x10' },
  ];
  expect(reports(named, { caches: [shape] })).toBe(false);
});
