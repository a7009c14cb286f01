import { counted } from '../../../base/bytes-format.ts';
import { ACCOUNTED } from '../../../kernel/events/dictionary.ts';
import { GFP } from '../../../kernel/events/gfp-flags.ts';
import type { Call } from '../../../kernel/indices.ts';
import { functionOf } from '../../../kernel/symbols/symbols.ts';
import { type SiteName, siteLabel } from '../../../run/site-names.ts';
import { exampleOf, type LintRule, siteColumns } from '../finding.ts';

const LEAST_COUNT = 100;

export const unaccountedSibling: LintRule = {
  id: 'unaccounted-sibling',
  severity: 'note',
  title: 'allocations without __GFP_ACCOUNT in a function that accounts others',
  help:
    'Memory that user space can make grow is to be charged to its cgroup (GFP_KERNEL_ACCOUNT). One ' +
    'function that charges some of its objects and not others may have forgotten it.',
  find({ run, tracker, sites }) {
    const { calls } = run.dictionary;
    const isAccounted = (call: Call): boolean =>
      (calls.gfp(call) & GFP.ACCOUNT) !== 0 || calls.accounted(call) === ACCOUNTED.yes;
    const functionAt = ({ symbol }: SiteName): string | undefined =>
      symbol === null ? undefined : functionOf(symbol);
    const charging = new Set<string | undefined>();
    // A site that does both passes on what its caller wants.
    const chargingSites = new Set<string>();
    for (const { key, calls: own } of sites) {
      if (!own.some(isAccounted)) continue;
      charging.add(functionAt(key.name));
      chargingSites.add(siteLabel(key.name));
    }
    return sites.flatMap(({ key, calls: own, allocs }) => {
      const fn = functionAt(key.name);
      if (fn === undefined || !charging.has(fn) || chargingSites.has(siteLabel(key.name)))
        return [];
      if (allocs < LEAST_COUNT) return [];
      return [
        {
          count: allocs,
          ...siteColumns(key.name),
          cache: key.cache,
          message: `${counted(allocs, `allocation of ${fn}() is`, `allocations of ${fn}() are`)} not charged to a cgroup, others of it are`,
          example: exampleOf(run, tracker.first, own),
        },
      ];
    });
  },
};
