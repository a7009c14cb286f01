// New runs against base runs, for programs.

import {
  type Compared,
  type CompareRequest,
  compareRuns,
} from '../commands/compare/compare-runs.ts';
import { type RunOptions, toSourceOptions } from './run-options.ts';

export interface CompareOptions
  extends Partial<Omit<CompareRequest, 'base' | 'new' | 'replays' | 'wantsChains' | 'failOn'>> {
  /** Sources or baseline files. */
  readonly base: readonly string[];
  readonly new: readonly string[];
  /** As `--fail-on`: `'waste>+5%'`. What was crossed is in `comparison.gates`. */
  readonly gates?: readonly string[];
  /** Whether runs go through the model of SLUB too, which tells their slabs. */
  readonly replay?: boolean;
  /** Whether call chains are compared too. */
  readonly chains?: boolean;
  /** How every run is read. */
  readonly read?: Omit<RunOptions, 'source' | 'label'>;
}

/** @throws UsageError for a broken option, before anything is read */
export function compare(options: CompareOptions): Promise<Compared> {
  const { gates = [], replay = true, chains = false, read = {}, ...request } = options;
  return compareRuns(
    { ...request, failOn: gates, replays: replay, wantsChains: chains },
    async (source) => toSourceOptions({ ...read, source }),
  );
}
