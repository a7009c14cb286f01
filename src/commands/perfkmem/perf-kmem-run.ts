// A source through perf kmem's arithmetic.

import type { Site } from '../../kernel/indices.ts';
import { openRun } from '../../run/open-run.ts';
import type { SourceOptions } from '../../run/source.ts';
import { type PerfKmemQuery, type PerfKmemResult, PerfKmemTracker } from './perf-kmem.ts';

export interface PerfKmemRun {
  readonly result: PerfKmemResult;
  /** `symbol+0xoff [module]` of a site, undefined where nothing names it. */
  symbolOf(site: Site): string | undefined;
}

export async function perfKmemRun(
  options: SourceOptions,
  query: PerfKmemQuery,
): Promise<PerfKmemRun> {
  const { run, trackers } = await openRun(options, {
    trackers: { kmem: (dictionary) => new PerfKmemTracker(dictionary) },
  });
  return {
    result: trackers.kmem.result(query),
    symbolOf: (site) => {
      const { symbol } = run.sites.get(site);
      return symbol === null ? undefined : run.sites.label(site);
    },
  };
}
