// Objects that are freed right away, again and again: nothing else was allocated on the CPU between.

import { counted, formatBytes, formatCount } from '../../../base/bytes-format.ts';
import { GFP } from '../../../kernel/events/gfp-flags.ts';
import type { Call } from '../../../kernel/indices.ts';
import type { SiteAndCache } from '../../../run/call-sites.ts';
import type { CallGroup } from '../../../run/group-calls.ts';
import type { ResolvedRun } from '../../../run/resolved-run.ts';
import { durationSec } from '../../../run/run-summary.ts';
import { exampleOf, type LintRule, siteColumns } from '../finding.ts';

const LEAST_PER_SECOND = 1000;
const LEAST_COUNT = 1000;
const TEMPORARY_SHARE = 0.9;

interface HotGroup {
  readonly group: CallGroup<SiteAndCache>;
  readonly often: string;
}

/** Those of the groups that are hot and whose objects are nearly all temporary. */
function hotTemporary(run: ResolvedRun, groups: readonly CallGroup<SiteAndCache>[]): HotGroup[] {
  const seconds = durationSec(run);
  return groups.flatMap((group) => {
    const { allocs, temporary } = group;
    const rate = seconds === null || seconds === 0 ? null : allocs / seconds;
    const isHot = allocs >= LEAST_COUNT && (rate === null || rate >= LEAST_PER_SECOND);
    if (!isHot || temporary < allocs * TEMPORARY_SHARE) return [];
    return [
      {
        group,
        often: rate === null ? '' : `, ${counted(Math.round(rate), 'allocation')} a second`,
      },
    ];
  });
}

export const temporaryInHotPath: LintRule = {
  id: 'temporary-in-hot-path',
  severity: 'note',
  title: 'a hot path that allocates and frees at once',
  help:
    'The object does not outlive the call. A buffer on the stack (if small), one that is kept, or a ' +
    'cache of its own without zeroing saves both calls.',
  find: ({ run, tracker, sites }) =>
    hotTemporary(run, sites).map(({ group, often }) => ({
      count: group.temporary,
      ...siteColumns(group.key.name),
      cache: group.key.cache,
      message: `${formatCount(group.temporary)} of ${counted(group.allocs, 'object was', 'objects were')} freed before anything else was allocated on their CPU${often}`,
      example: exampleOf(run, tracker.first, group.calls),
    })),
};

export const zeroedTemporary: LintRule = {
  id: 'zeroed-temporary',
  severity: 'note',
  title: 'memory zeroed for objects that are thrown away at once',
  help:
    '__GFP_ZERO clears every byte at each allocation. For a hot temporary object that the caller fills ' +
    'anyway, kmalloc() instead of kzalloc() saves that.',
  find({ run, tracker, sites }) {
    const { calls } = run.dictionary;
    const isZeroed = (call: Call): boolean => (calls.gfp(call) & GFP.ZERO) !== 0;
    return hotTemporary(run, sites)
      .filter(({ group }) => group.calls.every(isZeroed))
      .map(({ group, often }) => ({
        count: group.temporary,
        ...siteColumns(group.key.name),
        cache: group.key.cache,
        message: `${formatBytes(group.bytesAlloc)} were zeroed for ${counted(group.allocs, 'object')}${often}`,
        example: exampleOf(run, tracker.first, group.calls),
      }));
  },
};
