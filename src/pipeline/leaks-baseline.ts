// Objects that an earlier run of the database knows already: what kmemleak's `clear` takes out of its
// reports. Of the same boot, an object is known by address, time and site; of another, by its site:
// as many of them as were live then.

import type { ResolvedRun } from '../analysis/resolved-run.ts';
import { absoluteTime } from '../analysis/run-summary.ts';

export class LeaksBaseline {
  private readonly objects = new Set<string>();
  private readonly bySite = new Map<string, number>();

  constructor(baseline: ResolvedRun) {
    const { live, dictionary } = baseline;
    for (const row of live.inOrder()) {
      this.objects.add(objectKey(baseline, row));
      const site = baseline.sites.label(dictionary.calls.site(live.call(row)));
      this.bySite.set(site, (this.bySite.get(site) ?? 0) + 1);
    }
  }

  /** Rows of a run, oldest first → those that are not in the baseline. */
  newOnes(run: ResolvedRun, rows: readonly number[]): Set<number> {
    const { live, dictionary } = run;
    const isSameBoot = live.inOrder().some((row) => this.objects.has(objectKey(run, row)));
    if (isSameBoot) return new Set(rows.filter((row) => !this.objects.has(objectKey(run, row))));
    const left = new Map(this.bySite);
    const found = new Set<number>();
    for (const row of rows) {
      const site = run.sites.label(dictionary.calls.site(live.call(row)));
      const known = left.get(site) ?? 0;
      if (known > 0) left.set(site, known - 1);
      else found.add(row);
    }
    return found;
  }
}

function objectKey(run: ResolvedRun, row: number): string {
  const { live, dictionary } = run;
  const site = run.sites.label(dictionary.calls.site(live.call(row)));
  return `${live.ptrHi(row)} ${live.ptrLo(row)} ${absoluteTime(run, live.ts(row))} ${site}`;
}
