// `analyze`: a source in, the overview out.

import { loadLinted } from '../../analysis/lint/lint-run.ts';
import { type Analysis, buildAnalysis } from '../../analysis/overview.ts';
import type { SourceOptions } from '../../run/load-run.ts';

/** The overview of a run; with `replays` also through the SLUB model, where the source allows it. */
export async function analyseRun(options: SourceOptions, replays: boolean): Promise<Analysis> {
  const { loaded, replayed, findings } = await loadLinted(options, replays);
  return buildAnalysis(loaded.run, loaded.series, loaded.origin, replayed, findings);
}
