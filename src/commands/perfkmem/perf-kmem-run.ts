// A source through perf kmem's arithmetic.

import { present } from '../../base/assert.ts';
import { loadRun, type SourceOptions } from '../../run/load-run.ts';
import { type PerfKmemQuery, type PerfKmemResult, PerfKmemTracker } from './perf-kmem.ts';

export interface PerfKmemRun {
  readonly result: PerfKmemResult;
  /** `symbol+0xoff [module]` of a site, undefined where nothing names it. */
  symbolOf(site: number): string | undefined;
}

export async function perfKmemRun(
  options: SourceOptions,
  query: PerfKmemQuery,
): Promise<PerfKmemRun> {
  const trackers: PerfKmemTracker[] = [];
  const { run } = await loadRun(options, [
    (dictionary) => {
      const tracker = new PerfKmemTracker(dictionary);
      trackers.push(tracker);
      return tracker;
    },
  ]);
  const tracker = present(trackers[0]);
  return {
    result: tracker.result(query),
    symbolOf: (site) => {
      const { symbol } = run.sites.get(site);
      return symbol === null ? undefined : run.sites.label(site);
    },
  };
}
