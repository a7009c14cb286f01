// `--json` of every command that has it: one object with the keys that scripts rely on, as they are
// promised (docs/json.md lists them in words); what is not known is null, never left out.

import { expect, test } from 'vitest';
import { BOOT, jsonOf, STACKS } from '../helpers/run-cli.ts';

type Json = Record<string, unknown>;

const RUN =
  'label sources format kernelRelease cpus pageSize clock clockUnit firstNs lastNs durationSec';
const COMPLETENESS =
  'lostEvents badRecords hashedPointers sampled someTasksOnly startsAtBoot lateEvents freesOfUnknown unrecordedFrees allocsOfLive duplicateEvents ' +
  'unresolvedCacheEvents otherStats empty notes';
const EVENTS = 'kmalloc kmemCacheAlloc kfree kmemCacheFree other total';
const TOTALS =
  'bytesReq bytesAlloc bytesFreed bytesWasted internalFragmentationPct liveObjects liveUncertain ' +
  'liveBytesReq liveBytesAlloc liveUncertainBytesAlloc liveBytesWasted peakLiveBytesAlloc peakAtNs ' +
  'crossCpuFrees';
const CACHE =
  'name inferred objectSize slabSize objsPerSlab order allocs frees bytesReq bytesAlloc live ' +
  'liveBytesReq liveBytesAlloc bytesWasted allocsPerSec bytesPerSec peakLive slabs';
const CALL_SITE =
  'site symbol module cache allocs frees untracedFrees live liveUncertain bytesReq bytesAlloc ' +
  'bytesWasted liveBytesAlloc oldestNs crossCpuFrees meanLifetimeNs';
const SLABINFO_CACHE =
  'name objects objectSize loss space slabs partial cpuSlabs objsPerSlab order pctFr pctEf flags';

/** Fails where an object lacks a key (undefined does not survive JSON, so null is known to be there). */
function expectKeys(value: unknown, keys: string): void {
  expect(Object.keys(value as Json)).toEqual(expect.arrayContaining(keys.split(' ')));
}

function expectCommon(result: Json, type: string): void {
  expect(Object.keys(result).slice(0, 2)).toEqual(['formatVersion', 'type']);
  expect(result).toMatchObject({ formatVersion: 1, type });
  expectKeys(result['run'], RUN);
  expectKeys(result['completeness'], COMPLETENESS);
}

let ofBoot: Promise<Json> | undefined;
function analysisOfBoot(): Promise<Json> {
  ofBoot ??= jsonOf<Json>(['analyze', BOOT]);
  return ofBoot;
}

const DIGITS = /^\d+$/;
const ADDRESS = /^0x[0-9a-f]{16}$/;

test('analyze --json has the promised keys, with addresses and times as strings', async () => {
  const result = await analysisOfBoot();
  expectCommon(result, 'analysis');
  expectKeys(result['events'], EVENTS);
  expectKeys(result['totals'], TOTALS);
  const caches = result['caches'] as Json[];
  const sites = result['callSites'] as Json[];
  for (const cache of caches) expectKeys(cache, CACHE);
  for (const site of sites) {
    expectKeys(site, CALL_SITE);
    expect(site['site']).toMatch(ADDRESS);
    if (site['live'] === 0) expect(site['oldestNs']).toBeNull();
    else expect(site['oldestNs']).toMatch(DIGITS);
  }
  expect(result['findings']).toBeInstanceOf(Array);
  const { firstNs, lastNs } = result['run'] as Json;
  expect([firstNs, lastNs]).toEqual(['429442519', '8791132188']);
  expect(result['completeness']).toMatchObject({ startsAtBoot: true, hashedPointers: false });
});

test('the events of analyze --json are those that the kernel counted', async () => {
  // traces/debian-6.1-boot/RECORDING.md: counts of the text that trace-cmd printed of the same file.
  const { events } = await analysisOfBoot();
  expect(events).toEqual({
    kmalloc: 67_192,
    kmemCacheAlloc: 384_865,
    kfree: 52_547,
    kmemCacheFree: 309_613,
    other: 1,
    total: 814_218,
  });
});

test('arrays come as the tables are sorted: largest first', async () => {
  const result = await analysisOfBoot();
  for (const key of ['caches', 'callSites']) {
    const sizes = (result[key] as Json[]).map((row) => row['liveBytesAlloc'] as number);
    expect(sizes).toEqual([...sizes].sort((a, b) => b - a));
    expect(sizes[0]).toBeGreaterThan(0);
  }
});

test('a symbol of a module has its module apart, and text prints both', async () => {
  const { callSites } = await analysisOfBoot();
  const site = (callSites as Json[]).find((row) => row['module'] === '9pnet_virtio');
  expect(site).toMatchObject({ symbol: 'p9_virtio_probe+0x4b', module: '9pnet_virtio' });
});

test('texts that print no addresses give null as site', async () => {
  const { callSites } = await jsonOf<Json>(['analyze', STACKS]);
  expect(new Set((callSites as Json[]).map((row) => row['site']))).toEqual(new Set([null]));
});

test('--top cuts tables, never JSON', async () => {
  const [cut, whole] = await Promise.all([
    jsonOf(['analyze', STACKS, '--top', '1']),
    jsonOf(['analyze', STACKS]),
  ]);
  expect(cut).toEqual(whole);
});

test('frag --json says what its rows are and at which moment', async () => {
  const result = await jsonOf<Json>(['frag', STACKS, '--by', 'stack']);
  expectCommon(result, 'fragmentation');
  expect(result).toMatchObject({ by: 'stack', at: 'end' });
  const row = (result['rows'] as Json[])[0];
  expectKeys(
    row,
    'cache site symbol module file line directory bytesReqEach comm pid stack allocs objects ' +
      'uncertain requested allocated rounding padding metadata devres slabTail roundingByteSeconds',
  );
});

test('rates --json has rows, and the intervals where they are asked for', async () => {
  const plain = await jsonOf<Json>(['rates', STACKS]);
  expectCommon(plain, 'rates');
  expect(plain['series']).toBeNull();
  const { series, totals } = await jsonOf<Json>([
    'rates',
    STACKS,
    '--series',
    '--interval',
    '0.01',
  ]);
  const intervals = series as { startNs: string; rows: { allocs: number; bytes: number }[] }[];
  expect(intervals).toHaveLength(10);
  const rows = intervals.flatMap((interval) => interval.rows);
  const sum = (pick: (row: (typeof rows)[0]) => number): number =>
    rows.reduce((n, row) => n + pick(row), 0);
  expect(totals).toMatchObject({ allocs: sum((r) => r.allocs), bytes: sum((r) => r.bytes) });
});

test('slabinfo --json has a row for each cache of the capture', async () => {
  const result = await jsonOf<Json>(['slabinfo', BOOT]);
  expect(result).toMatchObject({ formatVersion: 1, type: 'slabinfo' });
  for (const cache of result['caches'] as Json[]) expectKeys(cache, SLABINFO_CACHE);
});

test('formats --json names every format once', async () => {
  const result = await jsonOf<{ formats: { name: string }[] }>(['formats']);
  const names = result.formats.map((format) => format.name);
  expect(names).toEqual(expect.arrayContaining(['trace-dat', 'ftrace-text', 'trace-cmd-report']));
  expect(new Set(names).size).toBe(names.length);
});
