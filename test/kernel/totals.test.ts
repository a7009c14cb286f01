// Counts of whole recordings, against those that were taken when they were made: by the tracer's own
// statistics and by a plain walk over the text (RECORDING.md, sanity.txt).

import { beforeAll, expect, test } from 'vitest';
import { type Analysis, buildAnalysis, type CallSiteRow } from '../../src/analysis/overview.ts';
import { OUTCOME } from '../../src/pairing/paired-batch.ts';
import { openRun } from '../../src/run/open-run.ts';
import type { ResolvedRun } from '../../src/run/resolved-run.ts';
import { describeWithData, recordedText, recording } from '../helpers/data.ts';

const sum = (numbers: Iterable<number>): number => [...numbers].reduce((a, b) => a + b, 0);

/** What some rows of call sites add up to. */
function sumOf(
  rows: readonly CallSiteRow[],
  key: 'allocs' | 'live' | 'liveBytesAlloc' | 'untracedFrees',
  isWanted: (row: CallSiteRow) => boolean,
): number {
  return sum(rows.filter(isWanted).map((row) => row[key]));
}

const isAt =
  (name: string) =>
  ({ symbol }: CallSiteRow): boolean =>
    symbol?.startsWith(`${name}+`) === true;

describeWithData('debian-plain', 'the counts of a boot of Linux 6.1', () => {
  let analysis: Analysis;
  let run: ResolvedRun;
  beforeAll(async () => {
    const loaded = await openRun({ source: recording('debian-plain') });
    run = loaded.run;
    analysis = buildAnalysis(run, loaded.series, loaded.origin);
  });

  test('events by kind', () => {
    expect(analysis.events).toEqual({
      kmalloc: 67_192,
      kmemCacheAlloc: 384_865,
      kfree: 52_547,
      kmemCacheFree: 309_613,
      other: 1,
      total: 814_218,
    });
  });

  test('what the kernel does not tell', () => {
    expect(analysis.completeness).toMatchObject({
      lostEvents: 0,
      badRecords: 0,
      startsAtBoot: true,
      allocsOfLive: 1935,
      freesOfUnknown: 3785,
      duplicateEvents: 0,
      unresolvedCacheEvents: 0,
    });
    const { outcomes } = run.tallies;
    expect(outcomes[OUTCOME.freeNull]).toBe(19_572);
    expect(outcomes[OUTCOME.freeZeroSize]).toBe(3);
    expect(outcomes[OUTCOME.allocFailed]).toBe(0);
  });

  test('whose objects were freed without an event', () => {
    const functions = {
      __register_sysctl_table: 965,
      kernfs_fop_open: 331,
      ip6addrlbl_alloc: 190,
      fib_default_rule_add: 113,
      __do_sys_timerfd_create: 78,
      fib_rules_register: 78,
      fib_notifier_ops_register: 70,
      do_epoll_create: 42,
      __ipv6_dev_mc_inc: 34,
      __hw_addr_add_ex: 17,
      copy_net_ns: 16,
      rtnl_register_internal: 1,
    };
    const counted = Object.keys(functions).map((name) => [
      name,
      sumOf(analysis.callSites, 'untracedFrees', isAt(name)),
    ]);
    expect(Object.fromEntries(counted)).toEqual(functions);
    expect(sum(Object.values(functions))).toBe(1935);
  });

  test('page-backed kmalloc', () => {
    const isLarge = (row: CallSiteRow): boolean => row.cache === 'kmalloc-large';
    expect(sumOf(analysis.callSites, 'allocs', isLarge)).toBe(136);
    expect(sumOf(analysis.callSites, 'live', isLarge)).toBe(10);
    expect(sumOf(analysis.callSites, 'liveBytesAlloc', isLarge)).toBe(1_277_952);
  });

  test('live objects of each cache', () => {
    // kmalloc-64                      48257    48141    24987 |    24925 …
    const lines = recordedText('debian-plain', 'sanity.txt').matchAll(
      /^(\S+) +\d+ +\d+ +(\d+) \| /gm,
    );
    const expected: Record<string, number> = Object.fromEntries(
      Array.from(lines, ([, name, live]) => [name, Number(live)]),
    );
    // 77 of its objects lie where no slab is any more; sanity.txt tells them apart.
    expected['kmalloc-256'] = 726 + 77;
    const counted = analysis.caches.filter(({ name }) => name !== null && name in expected);
    expect(Object.fromEntries(counted.map((c) => [c.name, c.live]))).toEqual(
      Object.fromEntries(counted.map((c) => [c.name, expected[c.name ?? '']])),
    );
    expect(counted).toHaveLength(52);
  });

  test('totals add up', () => {
    const { totals, caches, callSites } = analysis;
    const rows = (key: 'allocs' | 'frees' | 'live' | 'bytesAlloc'): number[] => [
      sum(caches.map((c) => c[key])),
      sum(callSites.map((s) => s[key])),
    ];
    expect(rows('allocs')).toEqual([452_057, 452_057]);
    expect(rows('live')).toEqual([totals.liveObjects, totals.liveObjects]);
    expect(rows('bytesAlloc')).toEqual([totals.bytesAlloc, totals.bytesAlloc]);
    expect(totals.liveObjects).toBe(452_057 - 1935 - (rows('frees')[0] ?? 0));
    const { end } = analysis.memory;
    expect(end.bytesReq + end.rounding + end.padding + end.metadata).toBe(end.bytesAlloc);
  });
});
