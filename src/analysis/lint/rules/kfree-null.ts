import { counted } from '../../../base/bytes-format.ts';
import type { Call } from '../../../kernel/indices.ts';
import { durationSec, perSecond } from '../../../run/run-summary.ts';
import { type SiteName, siteLabel } from '../../../run/site-names.ts';
import { exampleOf, type LintRule, siteColumns } from '../finding.ts';

const LEAST_COUNT = 1000;
const LEAST_PER_SECOND = 100;

export const kfreeNull: LintRule = {
  id: 'kfree-null',
  severity: 'note',
  title: 'kfree(NULL) in a hot path',
  help:
    'kfree(NULL) is allowed and does nothing, but it is a call (and with the tracepoint on, an ' +
    'event). Where it happens thousands of times, a test before it is cheaper.',
  find({ run, tracker }) {
    const { calls } = run.dictionary;
    const seconds = durationSec(run);
    const sites = new Map<string, { name: SiteName; calls: number[]; count: number }>();
    for (let call: Call = 1; call < calls.length; call++) {
      if (!tracker.nullFrees.has(call)) continue;
      const name = run.sites.get(calls.site(call));
      const id = siteLabel(name);
      const site = sites.get(id) ?? { name, calls: [], count: 0 };
      sites.set(id, site);
      site.calls.push(call);
      site.count += tracker.nullFrees.count(call);
    }
    return [...sites.values()].flatMap((site) => {
      const rate = perSecond(site.count, seconds);
      if (site.count < LEAST_COUNT || (rate !== null && rate < LEAST_PER_SECOND)) return [];
      const often = rate === null ? '' : `, ${counted(Math.round(rate), 'time')} a second`;
      return [
        {
          count: site.count,
          ...siteColumns(site.name),
          cache: null,
          message: `kfree(NULL) ${counted(site.count, 'time')}${often}`,
          example: exampleOf(run, tracker.nullFrees, site.calls),
        },
      ];
    });
  },
};
