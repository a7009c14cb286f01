// Which of the objects that nothing refers to are reported, and why each of the others is not: too
// young, filtered, uncertain, annotated, suppressed, in the baseline.

import { inModule } from '../../kernel/symbols/in-module.ts';
import type { Suppressions } from '../../kernel/symbols/lsan-suppressions.ts';
import { openRun } from '../../run/open-run.ts';
import type { ResolvedRun } from '../../run/resolved-run.ts';
import type { SourceOptions } from '../../run/source.ts';
import { VERDICT } from '../../run/verdicts/live-verdicts.ts';
import { isWhite } from '../../snapshot/scan/colours.ts';
import { LeaksBaseline } from './leaks-baseline.ts';
import type { FoundLeak } from './leaks-groups.ts';
import type { NotReported } from './leaks-result.ts';
import type { ScannedSnapshot } from './leaks-scan.ts';
import type { NotReportedObjects } from './own-objects.ts';

export interface ReportedOptions {
  readonly minAgeSec: number;
  /** Path of a run database. */
  readonly baseline: string | undefined;
}

export class ReportedLeaks {
  private readonly source: SourceOptions;
  private readonly options: ReportedOptions;
  private readonly suppressions: readonly Suppressions[];

  constructor(
    source: SourceOptions,
    options: ReportedOptions,
    suppressions: readonly Suppressions[],
  ) {
    this.source = source;
    this.options = options;
    this.suppressions = suppressions;
  }

  /** Which of the white objects are reported; why each of the others is not goes into `reasons`. */
  async select(
    run: ResolvedRun,
    scanned: ScannedSnapshot,
    white: readonly number[],
    reasons: Map<number, keyof NotReported>,
  ): Promise<FoundLeak[]> {
    let leaks: FoundLeak[] = [];
    for (const object of white) {
      const details = scanned.objects.describe(object);
      const reason = this.whyNot(run, scanned, object, details);
      if (reason === undefined) leaks.push({ object, details });
      else reasons.set(object, reason);
    }
    leaks.sort((a, b) => orderOf(a) - orderOf(b) || a.object - b.object);
    const { baseline } = this.options;
    if (baseline !== undefined) {
      const { looksThrough, tmp, sidecars, progress } = this.source;
      const earlier = await openRun({
        source: baseline,
        // Folders that are named are this recording's.
        sidecars: sidecars === 'none' ? 'none' : undefined,
        looksThrough,
        tmp,
        progress,
      });
      const left = new Set(new LeaksBaseline(earlier).newOnes(run, leaks));
      for (const leak of leaks) if (!left.has(leak)) reasons.set(leak.object, 'inBaseline');
      leaks = [...left];
    }
    return leaks;
  }

  /** Why a white object is not reported; undefined where it is. */
  private whyNot(
    run: ResolvedRun,
    scanned: ScannedSnapshot,
    object: number,
    details: FoundLeak['details'],
  ): keyof NotReported | undefined {
    const { candidate, row } = details;
    const { live, verdicts, selection } = run;
    // Of an object without an allocation event, neither is known.
    const judgesAllocations = (selection.sizes ?? selection.ages) !== undefined;
    const isSelected = row < 0 ? !judgesAllocations : live.isSelected(row);
    if (!isSelected || !run.selectsCache(candidate.cache ?? undefined)) return 'filtered';
    if (candidate.ageSec !== null && candidate.ageSec < this.options.minAgeSec) return 'tooYoung';
    if (row >= 0 && isDoubted(verdicts.ofRow[row] ?? 0, scanned.conservative)) return 'uncertain';
    if (!isWhite(scanned.built.objects, scanned.colours, object)) return 'annotated';
    return this.isSuppressed(details) ? 'suppressed' : undefined;
  }

  private isSuppressed({ candidate, site }: FoundLeak['details']): boolean {
    if (this.suppressions.length === 0) return false;
    const frames = [...candidate.stack];
    const { symbol, module } = site;
    if (symbol !== null) frames.unshift(inModule(symbol, module));
    return this.suppressions.some((s) => s.matches(frames));
  }
}

/** How many objects are not reported for each reason. */
export function countReasons(reasons: NotReportedObjects): NotReported {
  const counts = {
    tooYoung: 0,
    annotated: 0,
    suppressed: 0,
    inBaseline: 0,
    notConfirmed: 0,
    uncertain: 0,
    filtered: 0,
  };
  for (const reason of reasons.values()) counts[reason]++;
  return counts;
}

/** True for an object that nobody may refer to because it was freed unseen. */
function isDoubted(verdict: number, conservative: boolean): boolean {
  return verdict === VERDICT.unrecordedFrees || (conservative && verdict !== VERDICT.certain);
}

/** In the order of allocation, as kmemleak lists them; what has no time comes last. */
function orderOf({ details }: FoundLeak): number {
  const { allocatedNs } = details.candidate;
  return allocatedNs === null ? Infinity : Number(allocatedNs);
}
