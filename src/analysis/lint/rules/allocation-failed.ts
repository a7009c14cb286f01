import { counted, formatCount } from '../../../base/bytes-format.ts';
import { groupCalls, hasCalls } from '../../../run/group-calls.ts';
import { siteLabel } from '../../../run/site-names.ts';
import { exampleOf, type LintRule, siteColumns } from '../finding.ts';

export const allocationFailed: LintRule = {
  id: 'allocation-failed',
  severity: 'warning',
  title: 'allocations that returned NULL',
  help:
    'The caller got no memory. Check that it looks at the result and takes back what it had done; ' +
    'failures are rare, so that path is seldom tested.',
  find({ run, tracker }) {
    if (tracker.failed.total === 0) return [];
    const { calls } = run.dictionary;
    const groups = groupCalls(run, (call, cache) => {
      if (!tracker.failed.has(call)) return undefined;
      const name = run.sites.get(calls.site(call));
      return { id: `${siteLabel(name)} ${cache}`, key: { name, cache } };
    });
    return groups.filter(hasCalls).map(({ key, calls: own, allocs }) => {
      const count = own.reduce((sum, call) => sum + tracker.failed.count(call), 0);
      return {
        count,
        ...siteColumns(key.name),
        cache: key.cache,
        message: `${formatCount(count)} of ${counted(allocs + count, 'allocation')} returned NULL`,
        example: exampleOf(run, tracker.failed, own),
      };
    });
  },
};
