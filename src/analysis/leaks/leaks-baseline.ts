// Objects that an earlier run knows already: what kmemleak's `clear` takes out of its reports. Of the
// same boot, an object is known by address and time; of another, by its site, as leaks shows it: as many
// of them as were live then. Sites of vmalloc areas are in the run's vmallocinfo.txt: no event has them.

import type { OpenedRun } from '../../run/open-run.ts';
import type { ResolvedRun } from '../../run/resolved-run.ts';
import { absoluteTime } from '../../run/run-summary.ts';
import { VERDICT } from '../../run/verdicts/live-verdicts.ts';
import type { FoundLeak } from './leaks-groups.ts';
import { isKnownSite, leakSiteLabel } from './leaks-sites.ts';

/** `0x…-0x…  8192 caller+0x9b/0x1000 [module] pages=1 vmalloc` */
const AREA = /^0x[0-9a-f]+-0x[0-9a-f]+\s+\d+ (\S+?)(?:\/0x[0-9a-f]+)?( \[\S+\])? .*\bvmalloc\b/gm;

export class LeaksBaseline {
  private readonly objects = new Set<string>();
  private readonly bySite = new Map<string, number>();

  constructor({ run, sidecars }: Pick<OpenedRun, 'run' | 'sidecars'>) {
    const { live, dictionary, verdicts, sites, callers } = run;
    for (const row of live.inOrder()) {
      if (verdicts.ofRow[row] === VERDICT.gone) continue;
      this.objects.add(objectKey(run, row));
      this.count(
        sites.label(callers.callerOf(dictionary.calls.site(live.call(row)), live.stack(row))),
      );
    }
    for (const [, caller, module = ''] of (sidecars.text('vmallocinfo.txt') ?? '').matchAll(AREA)) {
      this.count(`${caller}${module}`);
    }
  }

  /** Candidates of a run, oldest first → those that are not in the baseline. */
  newOnes(run: ResolvedRun, leaks: readonly FoundLeak[]): FoundLeak[] {
    if (run.live.inOrder().some((row) => this.objects.has(objectKey(run, row)))) {
      return leaks.filter(
        ({ details: { row } }) => row < 0 || !this.objects.has(objectKey(run, row)),
      );
    }
    const left = new Map(this.bySite);
    return leaks.filter(({ details: { site } }) => {
      const label = leakSiteLabel(site);
      const known = isKnownSite(site) ? (left.get(label) ?? 0) : 0;
      if (known > 0) left.set(label, known - 1);
      return known === 0;
    });
  }

  private count(site: string): void {
    this.bySite.set(site, (this.bySite.get(site) ?? 0) + 1);
  }
}

function objectKey(run: ResolvedRun, row: number): string {
  const { live } = run;
  return `${live.ptrHi(row)} ${live.ptrLo(row)} ${absoluteTime(run, live.ts(row))}`;
}
