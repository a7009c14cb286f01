// `report`: a run read once (twice with its replay), and all that its page shows, of bounded size. A
// memory snapshot that is beside it is scanned for leaks.

import { buildCacheCurves } from '../../analysis/cache-curves.ts';
import { buildCallChains, type CallChains } from '../../analysis/call-chains.ts';
import type { Leaks } from '../../analysis/leaks/leaks-result.ts';
import { openLinted } from '../../analysis/lint/lint-run.ts';
import { findOutstanding, type OutstandingGroup } from '../../analysis/outstanding.ts';
import { type Analysis, buildAnalysis } from '../../analysis/overview.ts';
import { buildProfile } from '../../analysis/profile.ts';
import { ToolError } from '../../base/errors.ts';
import { LiveCurve } from '../../pairing/live-curve.ts';
import { StackTally } from '../../pairing/stack-tally.ts';
import type { SourceOptions } from '../../run/source.ts';
import { buildLifetimes, type LifetimeHistogram } from './lifetime-histogram.ts';
import { buildLiveBands, type LiveBands } from './live-bands.ts';
import { buildSizeHistogram, type SizeClass } from './size-histogram.ts';
import { drawSlabs, type SlabPicture } from './slab-picture.ts';

export interface ReportData {
  readonly analysis: Analysis;
  /** Undefined where nothing was ever live. */
  readonly bands: LiveBands | undefined;
  readonly sizes: readonly SizeClass[];
  /** Undefined where the clock does not count nanoseconds, or nothing was freed. */
  readonly lifetimes: LifetimeHistogram | undefined;
  readonly chains: CallChains;
  readonly outstanding: readonly OutstandingGroup[];
  /** Undefined where there is no snapshot; a text where it could not be scanned. */
  readonly leaks: Leaks | string | undefined;
  /** Empty where nothing was replayed. */
  readonly slabs: readonly SlabPicture[];
}

export interface ReportOptions {
  /** Whether the run goes through the SLUB model too, which tells its slabs. */
  readonly replays: boolean;
  /** Whether a snapshot beside it is scanned. */
  readonly scans: boolean;
}

export async function reportRun(
  options: SourceOptions,
  { replays, scans }: ReportOptions,
): Promise<ReportData> {
  const opened = await openLinted(options, replays, {
    stacks: () => new StackTally(),
    curve: ({ calls }) => new LiveCurve(calls),
  });
  const { run, series, origin, trackers, replayed, model, findings } = opened;
  const profile = buildProfile(run, trackers.stacks, origin);
  const leaks = scans ? await findLeaks(options) : undefined;
  const isDrawn = model !== undefined && replayed?.isWhole === true;
  return {
    analysis: buildAnalysis(run, series, origin, replayed, findings),
    bands: buildLiveBands(buildCacheCurves(run, trackers.curve.samples, origin).curves),
    sizes: buildSizeHistogram(run),
    lifetimes: buildLifetimes(run),
    chains: buildCallChains([[profile]]),
    outstanding: findOutstanding(run, series),
    leaks,
    slabs: isDrawn ? drawSlabs(run, model.slub, addressesOf(leaks)) : [],
  };
}

/** A snapshot that cannot be read costs its section, not the page. */
async function findLeaks(options: SourceOptions): Promise<ReportData['leaks']> {
  try {
    const { findVmcore } = await import('../../run/open-vmcore.ts');
    const { source, sidecars } = options;
    const found = await findVmcore({ source, sidecars });
    if (found === undefined) return undefined;
    if ('gone' in found) return found.gone;
    const { DEFAULT_LEAKS, leaksRun } = await import('../../analysis/leaks/leaks-run.ts');
    const { leaks } = await leaksRun(options, DEFAULT_LEAKS);
    return leaks;
  } catch (error) {
    if (error instanceof ToolError) return error.message;
    throw error;
  }
}

function addressesOf(leaks: ReportData['leaks']): ReadonlySet<bigint> {
  if (leaks === undefined || typeof leaks === 'string') return new Set();
  return new Set(leaks.candidates.map(({ address }) => BigInt(address)));
}
