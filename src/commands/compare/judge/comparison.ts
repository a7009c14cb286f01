// The result of `compare`: every difference as a row with its verdict, what cannot be judged apart,
// which call sites are new or gone, what the gates say. The order is always new against base: a
// positive difference is growth.

import type { Completeness, RunSummary } from '../../../run/run-summary.ts';
import type { Metric } from '../figures/metrics.ts';
import type { SiteMatch, SubjectName } from '../figures/subject.ts';
import type { GateResult } from './gates.ts';
import type { ConfidenceInterval } from './mann-whitney.ts';
import type { Threshold } from './threshold.ts';
import type { Verdict } from './verdict.ts';

export interface ComparisonRow extends SubjectName {
  readonly metric: Metric;
  /** `bytes`, `bytes/s`, `bytes/kmalloc`, `allocations/s`, `slabs`, `findings`. */
  readonly unit: string;
  /** One value for each run, in the order of the command line. */
  readonly base: readonly number[];
  readonly new: readonly number[];
  readonly baseMedian: number;
  readonly newMedian: number;
  readonly delta: number;
  readonly deltaPct: number | null;
  readonly p: number | null;
  readonly confidence: ConfidenceInterval | null;
  readonly verdict: Verdict;
  readonly reason: string;
  /** Metric `live`: objects instead of bytes, medians; null in other rows. */
  readonly objects: { readonly base: number; readonly new: number } | null;
  /** Call sites: the caches of their objects, and the size asked for, where it is one. */
  readonly caches: readonly string[] | null;
  readonly bytesReqEach: number | null;
}

/** Live objects that may be freed already, which no verdict counts. */
export interface UncertainRow extends SubjectName {
  readonly baseObjects: readonly number[];
  readonly newObjects: readonly number[];
  readonly base: readonly number[];
  readonly new: readonly number[];
  readonly delta: number;
}

/** A call site that only one side has. */
export interface OneSidedSite {
  readonly symbol: string | null;
  readonly module: string | null;
  readonly site: string | null;
  readonly caches: readonly string[];
  readonly allocs: number;
  readonly bytesAlloc: number;
}

export interface ComparedRun {
  readonly run: RunSummary;
  readonly completeness: Completeness;
}

export interface Comparison {
  readonly type: 'comparison';
  /** The first of the new runs, as every result has one. */
  readonly run: RunSummary;
  readonly completeness: Completeness;
  readonly base: readonly ComparedRun[];
  readonly new: readonly ComparedRun[];
  /** What allocBytes is counted by. */
  readonly per: string;
  /** How call sites of different runs were matched. */
  readonly match: SiteMatch;
  readonly threshold: Threshold;
  readonly test: {
    /** `mann-whitney`; `ranges` with too few runs for it; `exact` with one run each. */
    readonly method: 'mann-whitney' | 'ranges' | 'exact';
    readonly alpha: number;
    /** The smallest p that so many runs can give. */
    readonly smallestP: number;
  };
  readonly warnings: readonly string[];
  readonly rows: readonly ComparisonRow[];
  readonly uncertain: readonly UncertainRow[];
  readonly newSites: readonly OneSidedSite[];
  readonly goneSites: readonly OneSidedSite[];
  /** Subjects in which nothing but the rate changed by more than the thresholds. */
  readonly unchanged: { readonly caches: number; readonly sites: number };
  /** The totals, whether they differ or not. */
  readonly totals: readonly ComparisonRow[];
  readonly gates: readonly GateResult[];
}

/** A row with what gates ask of it beyond what is printed. */
export interface JudgedRow {
  readonly row: ComparisonRow;
  readonly isReal: boolean;
  /** What a unit counts for in the order of rows. */
  readonly growthBytes: number;
}
