// `report`: a run read once (twice with its replay), and all that its page shows.

import { buildCacheCurves } from '../analysis/cache-curves.ts';
import { buildCallChains } from '../analysis/html-report/call-chains.ts';
import { buildLifetimes } from '../analysis/html-report/lifetime-histogram.ts';
import { buildLiveBands } from '../analysis/html-report/live-bands.ts';
import type { ReportData } from '../analysis/html-report/report-data.ts';
import { buildSizeHistogram } from '../analysis/html-report/size-histogram.ts';
import { drawSlabs } from '../analysis/html-report/slab-picture.ts';
import { LiveCurve } from '../analysis/live-curve.ts';
import { findOutstanding } from '../analysis/outstanding.ts';
import { buildAnalysis } from '../analysis/overview.ts';
import { buildProfile } from '../analysis/profile.ts';
import { StackTally } from '../analysis/stack-tally.ts';
import { loadLinted } from './lint-run.ts';
import type { SourceOptions } from './load-run.ts';

/** @param replays whether it goes through the SLUB model too, which tells its slabs */
export async function reportRun(options: SourceOptions, replays: boolean): Promise<ReportData> {
  const stacks = new StackTally();
  const curves: LiveCurve[] = [];
  const { loaded, replayed, model, findings } = await loadLinted(options, replays, [
    () => stacks,
    ({ calls }) => {
      const curve = new LiveCurve(calls);
      curves.push(curve);
      return curve;
    },
  ]);
  const { run, series, origin } = loaded;
  const profile = buildProfile(run, stacks, origin);
  return {
    analysis: buildAnalysis(run, series, origin, replayed, findings),
    bands: buildLiveBands(buildCacheCurves(run, curves[0]?.samples ?? [], origin).curves),
    sizes: buildSizeHistogram(run),
    lifetimes: buildLifetimes(run),
    chains: buildCallChains([[profile]]),
    outstanding: findOutstanding(run, series),
    slabs: model === undefined || !replayed?.isWhole ? [] : drawSlabs(run, model.slub),
  };
}
