// `compare`: every run is read and understood by itself, one after the other, and only its figures
// are kept; so memory does not grow with the number of runs. Baselines bring their figures along.

import { buildCallChains, type CallChains } from '../../analysis/call-chains.ts';
import { openLinted } from '../../analysis/lint/lint-run.ts';
import { buildAnalysis } from '../../analysis/overview.ts';
import { buildProfile, type Profile } from '../../analysis/profile.ts';
import { TraceFormatError, UsageError } from '../../base/errors.ts';
import { fileStat } from '../../base/file-stat.ts';
import { readChunks, STDIN } from '../../base/input-bytes.ts';
import { readWhole } from '../../base/read-whole.ts';
import { isAlloc, isFree } from '../../kernel/events/event-kind.ts';
import { StackTally } from '../../pairing/stack-tally.ts';
import type { SidecarFiles } from '../../recording/sidecars.ts';
import { refuseUnmatched } from '../../run/open-run.ts';
import { selectionText, type Unmatched } from '../../run/selection.ts';
import type { SourceOptions } from '../../run/source.ts';
import { isBaseline, parseBaseline, renderBaseline } from './figures/baseline.ts';
import { PeakLog } from './figures/peak-log.ts';
import { PER_RUN, parsePer } from './figures/per.ts';
import { buildRunFigures, type RunFigures } from './figures/run-figures.ts';
import type { SiteMatch } from './figures/subject.ts';
import { buildComparison } from './judge/build-comparison.ts';
import type { Comparison } from './judge/comparison.ts';
import { type CompareConfig, parseCompareConfig } from './judge/config.ts';
import { type Gate, parseGate } from './judge/gate-expression.ts';
import { DEFAULT_THRESHOLD, parseThreshold } from './judge/threshold.ts';

/** Bytes in which a baseline says that it is one. */
const BASELINE_HEAD_BYTES = 4096;
/** A baseline or a config is some MB at most. */
const MOST_JSON_BYTES = 512 * 1024 * 1024;

export interface CompareRequest {
  readonly base: readonly string[];
  readonly new: readonly string[];
  readonly threshold?: string | undefined;
  readonly per?: string | undefined;
  readonly match?: SiteMatch | undefined;
  readonly failOn: readonly string[];
  /** The path of a config file. */
  readonly config?: string | undefined;
  /** Whether runs go through the SLUB model too, which tells their slabs. */
  readonly replays: boolean;
  /** Whether call chains are compared too. */
  readonly wantsChains?: boolean;
}

/** How a run is read. */
export type SourceOptionsOf = (source: string) => Promise<SourceOptions>;

export interface Compared {
  /** Undefined where there are no new runs: only a baseline is needed. */
  readonly comparison: Comparison | undefined;
  /** The base side as a baseline file. */
  readonly baseline: string;
  /** Gates that speak of no row: where each was written, and what. */
  readonly deadGates: readonly Pick<Gate, 'from' | 'spec'>[];
  /** Of base and new; undefined where they were not asked for, or a side has figures only. */
  readonly chains: CallChains | undefined;
}

/**
 * Reads all runs and compares new against base.
 * @throws UsageError for a broken option, before anything is read
 */
export async function compareRuns(
  request: CompareRequest,
  optionsOf: SourceOptionsOf,
): Promise<Compared> {
  const options = readOptions(request);
  const profiles: [base: Profile[], new: Profile[]] = [[], []];
  const unmatched: Unmatched[][] = [];
  const base = await readSide(request.base, request, optionsOf, profiles[0], unmatched);
  const news = await readSide(request.new, request, optionsOf, profiles[1], unmatched);
  refuseUnmatched(unmatchedInAll(unmatched));
  const baseline = renderBaseline(base);
  if (news.length === 0) {
    return { comparison: undefined, baseline, deadGates: [], chains: undefined };
  }
  const comparison = buildComparison(base, news, options);
  const deadGates = options.gates.filter((_, i) => comparison.gates[i]?.matched === 0);
  const chains = profiles.every((side) => side.length > 0) ? buildCallChains(profiles) : undefined;
  return { comparison, baseline, deadGates, chains };
}

function readOptions(request: CompareRequest): Parameters<typeof buildComparison>[2] {
  const config = request.config === undefined ? undefined : readConfig(request.config);
  const gates: Gate[] = [
    ...(config?.gates ?? []),
    ...request.failOn.map((spec) => parseGate(spec)),
  ];
  if ([...request.base, ...request.new].filter((source) => source === STDIN).length > 1) {
    throw new UsageError('standard input (-) can be one run only');
  }
  return {
    threshold:
      request.threshold === undefined
        ? (config?.threshold ?? DEFAULT_THRESHOLD)
        : parseThreshold(request.threshold),
    per: request.per === undefined ? (config?.per ?? PER_RUN) : parsePer(request.per),
    match: request.match,
    gates,
  };
}

function readConfig(path: string): CompareConfig {
  return parseCompareConfig(readWhole(path, MOST_JSON_BYTES).toString('utf8'), path);
}

async function readSide(
  sources: readonly string[],
  { replays, wantsChains }: CompareRequest,
  optionsOf: SourceOptionsOf,
  profiles: Profile[],
  unmatched: Unmatched[][],
): Promise<RunFigures[]> {
  const runs: RunFigures[] = [];
  for (const source of sources) {
    const baseline = await readBaseline(source);
    if (baseline !== undefined) {
      runs.push(...baseline);
      unmatched.push([]); // a baseline does not tell
    } else {
      const onUnmatched = (names: readonly Unmatched[]): unknown => unmatched.push([...names]);
      const options = { ...(await optionsOf(source)), onUnmatched };
      runs.push(await readRunFigures(options, replays, wantsChains ? profiles : undefined));
    }
  }
  return runs;
}

/** Names that no run has: what one of them has is something to compare. */
function unmatchedInAll([first = [], ...others]: readonly Unmatched[][]): Unmatched[] {
  const isIn =
    ({ option }: Unmatched) =>
    (names: readonly Unmatched[]) =>
      names.some((other) => other.option === option);
  return first.filter((name) => others.every(isIn(name)));
}

/**
 * The figures of one run.
 * @param replays whether it goes through the SLUB model too, where that can be
 * @param profiles where the run's call chains are put, where they are needed
 * @throws TraceFormatError where it has no events
 */
export async function readRunFigures(
  options: SourceOptions,
  replays: boolean,
  profiles?: Profile[],
): Promise<RunFigures> {
  const opened = await openLinted(options, replays, {
    peaks: ({ calls }) => new PeakLog(calls),
    stacks: profiles === undefined ? undefined : (): StackTally => new StackTally(),
  });
  const { run, series, origin, sidecars, replayed, findings } = opened;
  const { peaks, stacks } = opened.trackers;
  const { kinds } = run.tallies;
  if (!kinds.some((count, kind) => count > 0 && isKmem(kind))) {
    throw new TraceFormatError(`${options.source}: no events in this run, so nothing to compare`, {
      hint: 'Were the kmem events switched on while it was recorded?',
    });
  }
  if (stacks !== undefined) profiles?.push(buildProfile(run, stacks, origin));
  const analysis = buildAnalysis(run, series, origin, replayed, findings);
  const filter = selectionText(run.selection);
  return buildRunFigures({ run, analysis, replayed, peaks, build: buildOf(sidecars), filter });
}

/** An allocation or a free. */
function isKmem(kind: number): boolean {
  return isAlloc(kind) || isFree(kind);
}

/**
 * What tells one build of a kernel from another: /proc/version, or the part of `uname -a` that a
 * build writes (from its number on).
 */
function buildOf(sidecars: SidecarFiles): string | null {
  const version = sidecars.text('version.txt')?.trim();
  if (version !== undefined && version !== '') return version;
  return /#\d.*$/.exec(sidecars.text('uname.txt')?.trim() ?? '')?.[0] ?? null;
}

/** The figures of a baseline file, packed or not; undefined for every other source. */
async function readBaseline(source: string): Promise<RunFigures[] | undefined> {
  const stat = source === STDIN ? undefined : fileStat(source);
  if (stat === undefined || !stat.isFile()) return undefined;
  for await (const head of readChunks(source, { truncated: false })) {
    if (!isBaseline(head.toString('utf8', 0, BASELINE_HEAD_BYTES))) return undefined;
    return parseBaseline(readWhole(source, MOST_JSON_BYTES).toString('utf8'), source);
  }
  return undefined;
}
