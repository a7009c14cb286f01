// Findings of a run: the rules of src/analysis/lint over its events, and over its replay where there
// is one.

import { present } from '../../base/assert.ts';
import { PairTally } from '../../pairing/pair-tally.ts';
import { type LoadedReplay, loadReplayed } from '../../run/load-replayed.ts';
import type { SourceOptions, TrackerFactory } from '../../run/load-run.ts';
import {
  type Completeness,
  judgeCompleteness,
  type RunSummary,
  summarizeRun,
} from '../../run/run-summary.ts';
import type { Finding, FindingSeverity, LintEvidence, LintRule } from './finding.ts';
import { LINT_RULES, lintRun, SEVERITIES } from './lint.ts';
import { LintTracker } from './lint-tracker.ts';

export interface Lint {
  readonly type: 'findings';
  readonly run: RunSummary;
  readonly completeness: Completeness;
  /** All rules, those without findings too. */
  readonly rules: readonly LintRuleText[];
  readonly findings: readonly Finding[];
}

export type LintRuleText = Pick<LintRule, 'id' | 'severity' | 'title' | 'help'>;

export interface LintedRun extends LoadedReplay {
  readonly findings: readonly Finding[];
}

/** Errors first. */
export async function findDefects(options: SourceOptions, replays: boolean): Promise<Lint> {
  const { loaded, findings } = await loadLinted(options, replays);
  const { run, origin } = loaded;
  return {
    type: 'findings',
    run: summarizeRun(run, origin),
    completeness: judgeCompleteness(run),
    rules: LINT_RULES.map(({ id, severity, title, help }) => ({ id, severity, title, help })),
    findings,
  };
}

/** True where a finding is of that severity or worse. */
export function isCrossed({ findings }: Lint, severity: FindingSeverity): boolean {
  const least = SEVERITIES.indexOf(severity);
  return findings.some((finding) => SEVERITIES.indexOf(finding.severity) >= least);
}

/** As `loadReplayed`, with the findings. */
export async function loadLinted(
  options: SourceOptions,
  replays: boolean,
  extra: readonly TrackerFactory[] = [],
): Promise<LintedRun> {
  const trackers: { lint: LintTracker; pairs: PairTally }[] = [];
  const begin: TrackerFactory = (dictionary) => {
    const lint = new LintTracker(dictionary);
    trackers.push({ lint, pairs: new PairTally() });
    return lint;
  };
  const pair: TrackerFactory = () => present(trackers[0]).pairs;
  const read = await loadReplayed(options, replays, [begin, pair, ...extra]);
  const { run } = read.loaded;
  const { lint, pairs } = present(trackers[0]);
  const replay = await replayEvidence(read);
  return { ...read, findings: lintRun({ run, tracker: lint, pairs, replay }) };
}

async function replayEvidence({ loaded, model }: LoadedReplay): Promise<LintEvidence['replay']> {
  if (model === undefined) return null;
  const { describeReports } = await import('../../run/watch-debug.ts');
  return { slub: model.slub, reports: describeReports(loaded.run, model.watch) };
}
