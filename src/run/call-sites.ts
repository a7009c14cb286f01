// The allocations of a run by call site and cache: what the overview lists and what lint's rules look at.

import { type CallGroup, groupCalls } from './group-calls.ts';
import type { ResolvedRun } from './resolved-run.ts';
import { type SiteName, siteLabel } from './site-names.ts';

export interface SiteAndCache {
  readonly name: SiteName;
  /** Null where nothing names it. */
  readonly cache: string | null;
}

const GROUPS = new WeakMap<ResolvedRun, readonly CallGroup<SiteAndCache>[]>();

/** Worked out once for a run. */
export function groupCallSites(run: ResolvedRun): readonly CallGroup<SiteAndCache>[] {
  const known = GROUPS.get(run);
  if (known !== undefined) return known;
  const { calls } = run.dictionary;
  const groups = groupCalls(run, (call, cache) => {
    const name = run.sites.get(calls.site(call));
    return { id: `${siteLabel(name)} ${cache ?? ''}`, key: { name, cache } };
  });
  GROUPS.set(run, groups);
  return groups;
}
