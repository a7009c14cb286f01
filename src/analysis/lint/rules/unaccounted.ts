import { ACCOUNTED } from '../../../kernel/dictionary.ts';
import { GFP } from '../../../kernel/gfp-flags.ts';
import { groupCalls } from '../../group-calls.ts';
import { siteLabel } from '../../site-names.ts';
import { exampleOf, type LintRule, siteColumns } from '../finding.ts';

const LEAST_COUNT = 100;

export const unaccountedSibling: LintRule = {
  id: 'unaccounted-sibling',
  severity: 'note',
  title: 'allocations without __GFP_ACCOUNT in a function that accounts others',
  help:
    'Memory that user space can make grow is to be charged to its cgroup (GFP_KERNEL_ACCOUNT). One ' +
    'function that charges some of its objects and not others may have forgotten it.',
  find({ run, tracker }) {
    const { calls } = run.dictionary;
    const isAccounted = (call: number): boolean =>
      (calls.gfp(call) & GFP.ACCOUNT) !== 0 || calls.accounted(call) === ACCOUNTED.yes;
    const groups = groupCalls(run, (call, cache) => {
      const site = calls.site(call);
      const fn = run.sites.functionOf(site);
      if (fn === undefined) return undefined;
      const accounted = isAccounted(call);
      const name = run.sites.get(site);
      return {
        id: `${siteLabel(name)} ${cache} ${accounted}`,
        key: { fn, name, cache, accounted },
      };
    });
    const charged = groups.filter((g) => g.key.accounted);
    const functions = new Set(charged.map((g) => g.key.fn));
    // A site that does both passes on what its caller wants.
    const sites = new Set(charged.map((g) => siteLabel(g.key.name)));
    return groups.flatMap(({ key, calls: own, allocs }) => {
      if (key.accounted || !functions.has(key.fn) || sites.has(siteLabel(key.name))) return [];
      if (allocs < LEAST_COUNT) return [];
      return [
        {
          count: allocs,
          ...siteColumns(key.name),
          cache: key.cache,
          message: `${allocs} allocations of ${key.fn}() are not charged to a cgroup, others of it are`,
          example: exampleOf(run, tracker.first, own),
        },
      ];
    });
  },
};
