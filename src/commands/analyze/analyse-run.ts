// `analyze`: a source in, the overview out.

import { openLinted } from '../../analysis/lint/lint-run.ts';
import { type Analysis, buildAnalysis } from '../../analysis/overview.ts';
import type { SourceOptions } from '../../run/source.ts';

/** The overview of a run; with `replays` also through the SLUB model, where the source allows it. */
export async function analyseRun(options: SourceOptions, replays: boolean): Promise<Analysis> {
  const { run, series, origin, replayed, findings } = await openLinted(options, replays);
  return buildAnalysis(run, series, origin, replayed, findings);
}
