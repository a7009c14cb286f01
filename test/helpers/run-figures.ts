// Figures of runs by hand, for tests of what is done with them: one line for each call site and cache.

import { functionName } from '../../src/analysis/function-name.ts';
import type {
  CacheFigures,
  PairFigures,
  RunFigures,
} from '../../src/commands/compare/figures/run-figures.ts';

type PairParts = Partial<Omit<PairFigures, 'symbol' | 'module' | 'cache'>> & {
  /** Bytes of one object; 64 where nothing is said. */
  readonly size?: number;
};

/**
 * A call site's objects: `pair('foo+0x10 [mod]', 'kmalloc-64', { allocs: 10, live: 2 })`. Bytes
 * follow from the counts and the size, without waste, where they are not given.
 */
export function pair(label: string, cache: string | null, parts: PairParts = {}): PairFigures {
  const [, name = '', module] = /^(\S+)(?: \[(.+)\])?$/.exec(label) ?? [];
  const { size = 64, ...given } = parts;
  const allocs = parts.allocs ?? parts.live ?? 0;
  const live = parts.live ?? 0;
  const uncertain = parts.liveUncertain ?? 0;
  const isAddress = name.startsWith('0x');
  return {
    symbol: isAddress ? null : name,
    module: module ?? null,
    site: isAddress ? name : null,
    cache,
    allocs,
    bytesReq: allocs * size,
    bytesAlloc: allocs * size,
    live,
    liveBytesReq: live * size,
    liveBytesAlloc: live * size,
    liveUncertain: uncertain,
    liveUncertainBytesAlloc: uncertain * size,
    marked: false,
    inFlight: 0,
    ...given,
  };
}

export function cache(name: string | null, parts: Partial<CacheFigures> = {}): CacheFigures {
  return {
    name,
    inferred: false,
    slabs: null,
    slabsReplayed: null,
    slabBytes: null,
    slabSize: null,
    peak: { low: 0, high: 0 },
    ...parts,
  };
}

interface RunParts extends Partial<Omit<RunFigures, 'run' | 'completeness'>> {
  readonly run?: Partial<RunFigures['run']>;
  readonly completeness?: Partial<RunFigures['completeness']>;
}

/** A run of ten seconds. Peaks of sites are what they hold at the end, where none are given. */
export function figures(pairs: readonly PairFigures[], parts: RunParts = {}): RunFigures {
  const exact = (bytes: number): { low: number; high: number } => ({ low: bytes, high: bytes });
  const sum = (of: readonly PairFigures[]): number =>
    of.reduce((total, { liveBytesAlloc }) => total + liveBytesAlloc, 0);
  const peaksBy = (nameOf: (symbol: string) => string): RunFigures['sitePeaks'] =>
    pairs.map(({ symbol, module, site }) => {
      const name = symbol === null ? null : nameOf(symbol);
      const same = pairs.filter(
        (p) =>
          p.site === site &&
          p.module === module &&
          (p.symbol === null ? null : nameOf(p.symbol)) === name,
      );
      return { symbol: name, module, site, peak: exact(sum(same)) };
    });
  const names = [...new Set(pairs.map((p) => p.cache))];
  return {
    build: 'Linux version 6.1.0 #1',
    slubDebug: false,
    filter: '',
    events: { kmalloc: 1000 },
    peak: exact(sum(pairs)),
    pairs,
    caches: names.map((name) =>
      cache(name, { peak: exact(sum(pairs.filter((p) => p.cache === name))) }),
    ),
    sitePeaks: peaksBy((symbol) => symbol),
    functionPeaks: peaksBy(functionName),
    findings: [],
    ...parts,
    run: {
      label: 'run',
      sources: [`${parts.run?.label ?? 'run'}/trace.dat`],
      format: 'trace-dat',
      kernelRelease: '6.1.0',
      cpus: 1,
      pageSize: 4096,
      clock: 'global',
      clockUnit: 'ns',
      firstNs: '0',
      lastNs: '10000000000',
      durationSec: 10,
      ...parts.run,
    },
    completeness: {
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
      ...parts.completeness,
    },
  };
}
