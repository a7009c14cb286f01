// Findings of a run: the rules of src/analysis/lint over its events, and over its replay where there
// is one.

import { PairTally } from '../../pairing/pair-tally.ts';
import type { ObservedRun } from '../../run/observe-run.ts';
import {
  type Made,
  type OpenedRun,
  openRun,
  type TrackerFactories,
  type TrackerFactory,
} from '../../run/open-run.ts';
import type { ReplayedRun } from '../../run/replay-summary.ts';
import {
  type Completeness,
  judgeCompleteness,
  type RunSummary,
  summarizeRun,
} from '../../run/run-summary.ts';
import type { SourceOptions } from '../../run/source.ts';
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

export interface LintedRun<T> extends OpenedRun<T> {
  /** Undefined where no replay was asked for, or where the source does not allow it. */
  readonly replayed: ReplayedRun | undefined;
  /** The model after the last event, where it was replayed. */
  readonly model: ObservedRun | undefined;
  /** Errors first. */
  readonly findings: readonly Finding[];
}

/** Errors first. */
export async function findDefects(options: SourceOptions, replays: boolean): Promise<Lint> {
  return lintResult(await openLinted(options, replays));
}

export function lintResult({ run, origin, findings }: LintedRun<unknown>): Lint {
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

/** What the rules look at, beyond the common counts. */
export type LintTrackers = {
  readonly lint: TrackerFactory<LintTracker>;
  readonly pairs: TrackerFactory<PairTally>;
};

export const LINT_TRACKERS: LintTrackers = {
  lint: (dictionary) => new LintTracker(dictionary),
  pairs: () => new PairTally(),
};

/**
 * As `openRun`, with the findings.
 * @param replays whether its events also go through the SLUB model, where the source allows it
 */
export async function openLinted<F extends TrackerFactories>(
  options: SourceOptions,
  replays: boolean,
  trackers?: F,
): Promise<LintedRun<Made<F & LintTrackers>>> {
  const opened = await openRun<F & LintTrackers>(options, {
    // Cast: a spread of what may be undefined has no type of its own.
    trackers: { ...trackers, ...LINT_TRACKERS } as F & LintTrackers,
    replay: replays ? {} : undefined,
  });
  return addFindings(opened, replays);
}

/**
 * The findings of a run that was opened with LINT_TRACKERS.
 * @param replays whether it is replayed, where that was prepared
 */
export async function addFindings<T extends Made<LintTrackers>>(
  opened: OpenedRun<T>,
  replays: boolean,
): Promise<LintedRun<T>> {
  const { run, trackers } = opened;
  const { lint, pairs } = trackers;
  const { replayed, model } = await replayOf(opened, replays);
  const replay = await replayEvidence(opened, model);
  return { ...opened, replayed, model, findings: lintRun({ run, tracker: lint, pairs, replay }) };
}

async function replayOf(
  opened: OpenedRun,
  replays: boolean,
): Promise<Pick<LintedRun<unknown>, 'replayed' | 'model'>> {
  if (!replays || opened.replay === undefined) return { replayed: undefined, model: undefined };
  const { replayOpened } = await import('../../run/observe-run.ts');
  return replayOpened(opened, opened.replay);
}

async function replayEvidence(
  { run }: OpenedRun,
  model: ObservedRun | undefined,
): Promise<LintEvidence['replay']> {
  if (model === undefined) return null;
  const { describeReports } = await import('../../run/watch-debug.ts');
  return { slub: model.slub, reports: describeReports(run, model.watch) };
}
