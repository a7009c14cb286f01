// What a lint rule is, what it sees, and what it says.

import { formatAddress } from '../../base/format-address.ts';
import type { PairTally } from '../../pairing/pair-tally.ts';
import type { SlubModel } from '../../replay/slub-model.ts';
import type { SiteAndCache } from '../../run/call-sites.ts';
import type { CallGroup } from '../../run/group-calls.ts';
import type { ReplayReport } from '../../run/replay-report.ts';
import type { ResolvedRun } from '../../run/resolved-run.ts';
import { absoluteTime } from '../../run/run-summary.ts';
import { type SiteName, siteLabel } from '../../run/site-names.ts';
import type { CallSightings } from './call-sightings.ts';
import type { LintTracker } from './lint-tracker.ts';

export type FindingSeverity = 'error' | 'warning' | 'note';

/** Something worth looking at, named with the line of code that makes it. */
export interface Finding {
  readonly rule: string;
  readonly severity: FindingSeverity;
  readonly count: number;
  readonly site: string | null;
  readonly symbol: string | null;
  readonly module: string | null;
  readonly cache: string | null;
  readonly message: string;
  readonly example: Readonly<Record<string, string | number | null>> | null;
}

/** What rules look at. */
export interface LintEvidence {
  readonly run: ResolvedRun;
  readonly tracker: LintTracker;
  readonly pairs: PairTally;
  /** The allocations by call site and cache. */
  readonly sites: readonly CallGroup<SiteAndCache>[];
  /** Null where the run was not replayed. */
  readonly replay: ReplayEvidence | null;
}

interface ReplayEvidence {
  /** As it is at the end. */
  readonly slub: SlubModel;
  /** What SLUB's checks would have said, from the events alone. */
  readonly reports: readonly ReplayReport[];
}

export interface LintRule {
  readonly id: string;
  readonly severity: FindingSeverity;
  /** One line: what it finds. */
  readonly title: string;
  /** Why that matters, and what to do. */
  readonly help: string;
  find(evidence: LintEvidence): Omit<Finding, 'rule' | 'severity'>[];
}

/** The columns of a finding that name its call site. */
export function siteColumns(name: SiteName): Pick<Finding, 'site' | 'symbol' | 'module'> {
  return { site: formatAddress(name.address), symbol: name.symbol, module: name.module };
}

/** The first event of some calls that was seen, as the example of a finding. */
export function exampleOf(
  run: ResolvedRun,
  seen: CallSightings,
  calls: readonly number[],
): Finding['example'] {
  const call = calls
    .filter((c) => seen.has(c))
    .reduce((best, c) => (best < 0 || seen.ts(c) < seen.ts(best) ? c : best), -1);
  if (call < 0) return null;
  const { tasks, strings } = run.dictionary;
  const task = seen.task(call);
  return {
    timeNs: absoluteTime(run, seen.ts(call)),
    cpu: seen.cpu(call),
    comm: strings.get(tasks.comm(task)),
    pid: tasks.pid(task),
    address: formatAddress(seen.address(call)),
    callSite: siteLabel(run.sites.get(run.dictionary.calls.site(call))),
  };
}
