// Results as analyses build them, small and with every key, for tests of what prints them.

import type { Analysis, CacheRow, CallSiteRow } from '../../src/analysis/overview.ts';
import type { Completeness, RunSummary } from '../../src/run/run-summary.ts';

export const RUN: RunSummary = {
  label: 'a-run',
  sources: ['a-run/trace.dat'],
  format: 'trace-dat',
  kernelRelease: '6.1.0',
  cpus: 2,
  pageSize: 4096,
  clock: 'global',
  clockUnit: 'ns',
  firstNs: '1500000000',
  lastNs: '11500000000',
  durationSec: 10,
};

/** A run whose clock counts events. */
export const COUNTER_RUN: RunSummary = {
  ...RUN,
  clock: 'counter',
  clockUnit: 'count',
  firstNs: '17',
  lastNs: '4711',
  durationSec: null,
};

export const COMPLETE: Completeness = {
  lostEvents: 0,
  badRecords: 0,
  hashedPointers: false,
  sampled: false,
  someTasksOnly: false,
  startsAtBoot: true,
  lateEvents: [],
  freesOfUnknown: 0,
  unrecordedFrees: [],
  allocsOfLive: 0,
  duplicateEvents: 0,
  unresolvedCacheEvents: 0,
  otherStats: {},
  empty: null,
  notes: [],
};

/** 30 allocations of 140 bytes in kmalloc-192, of which 10 were freed. */
export const CACHE: CacheRow = {
  name: 'kmalloc-192',
  inferred: false,
  objectSize: 192,
  slabSize: 192,
  objsPerSlab: 21,
  order: 0,
  allocs: 30,
  frees: 10,
  bytesReq: 4200,
  bytesAlloc: 5760,
  live: 20,
  liveUncertain: 0,
  liveBytesReq: 2800,
  liveBytesAlloc: 3840,
  liveBytesWasted: 1040,
  bytesWasted: 1560,
  allocsPerSec: 3,
  bytesPerSec: 576,
  peakLive: 20,
  slabs: 2,
  kernelSlabs: 2,
  olderObjects: null,
};

export const CALL_SITE: CallSiteRow = {
  site: '0xffffffff81000010',
  symbol: 'make_things+0x10',
  module: 'things',
  cache: 'kmalloc-192',
  allocs: 30,
  frees: 10,
  untracedFrees: 0,
  live: 20,
  liveUncertain: 0,
  bytesReq: 4200,
  bytesAlloc: 5760,
  bytesWasted: 1560,
  liveBytesAlloc: 3840,
  liveBytesWasted: 1040,
  liveRounding: 1040,
  oldestNs: '2000000000',
  crossCpuFrees: 0,
  meanLifetimeNs: 1000,
  peakLive: 20,
};

export const ANALYSIS: Analysis = {
  type: 'analysis',
  run: RUN,
  completeness: COMPLETE,
  events: { kmalloc: 30, kmemCacheAlloc: 0, kfree: 10, kmemCacheFree: 0, other: 2, total: 42 },
  totals: {
    bytesReq: 4200,
    bytesAlloc: 5760,
    bytesFreed: 1920,
    bytesWasted: 1560,
    internalFragmentationPct: 27.08,
    liveObjects: 20,
    liveUncertain: 0,
    liveBytesReq: 2800,
    liveBytesAlloc: 3840,
    liveUncertainBytesAlloc: 0,
    liveBytesWasted: 1040,
    peakLiveBytesAlloc: 3840,
    peakAtNs: '9250000000',
    crossCpuFrees: 0,
  },
  memory: {
    end: { bytesReq: 2800, bytesAlloc: 3840, rounding: 1040, padding: 0, metadata: 0 },
    peak: { bytesReq: 2800, bytesAlloc: 3840 },
    slabs: null,
  },
  fidelity: null,
  caches: [CACHE],
  callSites: [CALL_SITE],
  freeSites: [],
  findings: [],
  advice: [],
  recorder: { tasks: [], bytesAlloc: 0 },
};
