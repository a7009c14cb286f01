import { counted, formatCount } from '../../../base/bytes-format.ts';
import { isFree } from '../../../kernel/events/event-kind.ts';
import type { Call } from '../../../kernel/indices.ts';
import { type SiteName, siteLabel } from '../../../run/site-names.ts';
import { exampleOf, type LintRule, siteColumns } from '../finding.ts';

/** Below this share of a site's frees, bulk allocations and events out of order explain them. */
const LEAST_SHARE = 0.5;
const LEAST_COUNT = 10;

export const freesOfUnknown: LintRule = {
  id: 'free-of-unknown',
  severity: 'note',
  title: 'a call site that mostly frees what was never seen allocated',
  help:
    'In a recording from boot nearly all objects have their allocation in it. Objects from bulk ' +
    'allocations have none; anything else may be memory of another allocator.',
  find({ run, tracker }) {
    if (!run.facts.tracedFromBoot || run.stats.get('lost_events') > 0) return [];
    const { calls } = run.dictionary;
    const tally = run.tallies.calls;
    const sites = new Map<
      string,
      { name: SiteName; calls: number[]; unknown: number; all: number }
    >();
    for (let call: Call = 1; call < calls.length; call++) {
      if (!isFree(calls.kind(call))) continue;
      const name = run.sites.get(calls.site(call));
      const id = siteLabel(name);
      const site = sites.get(id) ?? { name, calls: [], unknown: 0, all: 0 };
      sites.set(id, site);
      const unknown = tally.unknownFrees[call] ?? 0;
      site.calls.push(call);
      site.unknown += unknown;
      site.all += unknown + (tally.freed[call] ?? 0);
    }
    return [...sites.values()]
      .filter(({ unknown, all }) => unknown >= LEAST_COUNT && unknown > all * LEAST_SHARE)
      .map((site) => ({
        count: site.unknown,
        ...siteColumns(site.name),
        cache: null,
        message: `${formatCount(site.unknown)} of its ${counted(site.all, 'free was of an object', 'frees were of objects')} whose allocation is not in the trace`,
        example: exampleOf(run, tracker.first, site.calls),
      }));
  },
};
