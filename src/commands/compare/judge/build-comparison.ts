// The figures of base runs and new runs → the result of `compare`.

import { present } from '../../../base/assert.ts';
import { compareText } from '../../../base/format-address.ts';
import { collectSubjects } from '../figures/collect-subjects.ts';
import { figuresOf, METRICS, type MetricFigure } from '../figures/metrics.ts';
import { buildScale, type Per, type PerScale } from '../figures/per.ts';
import { isSameBuild, type RunFigures } from '../figures/run-figures.ts';
import { ALPHA, median, sizeNeeded, sizeNeededBeside, smallestP } from '../figures/statistics.ts';
import type { SiteMatch, Subject, SubjectKind, SubjectName } from '../figures/subject.ts';
import type {
  ComparedRun,
  Comparison,
  ComparisonRow,
  JudgedRow,
  OneSidedSite,
  UncertainRow,
} from './comparison.ts';
import { findDifferences } from './differences.ts';
import type { Gate } from './gate-expression.ts';
import { judgeGates } from './gates.ts';
import type { Threshold } from './threshold.ts';
import { type Decision, decide } from './verdict.ts';

export interface CompareOptions {
  readonly threshold: Threshold;
  readonly per: Per;
  /** Undefined: by offset where all builds are one. */
  readonly match: SiteMatch | undefined;
  readonly gates: readonly Gate[];
}

/** @throws UsageError where the runs do not have what `per` counts by */
export function buildComparison(
  base: readonly RunFigures[],
  news: readonly RunFigures[],
  options: CompareOptions,
): Comparison {
  const runs = [...base, ...news];
  const match = options.match ?? (isSameBuild(runs) ? 'offset' : 'function');
  const scale = buildScale(options.per, runs);
  const subjects = collectSubjects(runs, match);
  const judged = subjects.flatMap((s) => judgeSubject(s, base.length, scale, options.threshold));
  const rows = judged.filter(({ row }) => differs(row)).sort(byGrowth);
  const moved = rows.filter(({ row }) => row.verdict !== 'same' && row.metric !== 'allocRate');
  const changed = new Set(moved.map(({ row }) => nameKey(row)));
  const unchanged = (kind: SubjectKind): number =>
    subjects.filter((s) => s.subject === kind && !changed.has(nameKey(s))).length;
  const first = present(news[0]);
  const sizes = [base.length, news.length] as const;
  return {
    type: 'comparison',
    run: first.run,
    completeness: first.completeness,
    base: base.map(runHead),
    new: news.map(runHead),
    per: options.per,
    match,
    threshold: options.threshold,
    test: {
      method: methodOf(...sizes),
      alpha: ALPHA,
      smallestP: smallestP(...sizes),
    },
    warnings: [
      ...findDifferences(base, news, { match, asked: options.match, per: options.per }),
      ...tooFewRuns(...sizes),
    ],
    rows: rows.map(({ row }) => row),
    uncertain: uncertainRows(subjects, base.length),
    newSites: oneSided(subjects, base.length, 'new'),
    goneSites: oneSided(subjects, base.length, 'gone'),
    unchanged: { caches: unchanged('cache'), sites: unchanged('site') },
    totals: judged.filter(({ row }) => row.subject === 'total').map(({ row }) => row),
    gates: judgeGates(options.gates, judged),
  };
}

function judgeSubject(
  subject: Subject,
  baseRuns: number,
  scale: PerScale,
  threshold: Threshold,
): JudgedRow[] {
  return figuresOf(subject, baseRuns, scale, threshold).map((figure) => {
    const { isReal, ...decision } = decide(figure, threshold);
    const row = buildRow(subject, figure, decision);
    return { row, isReal, growthBytes: decision.delta * (figure.bytesPerUnit ?? 0) };
  });
}

function buildRow(
  subject: Subject,
  figure: MetricFigure,
  decision: Omit<Decision, 'isReal'>,
): ComparisonRow {
  const { baseMedian, newMedian, delta, deltaPct, p, confidence, verdict, reason } = decision;
  const isSite = subject.subject === 'site';
  return {
    ...nameOf(subject),
    metric: figure.metric,
    unit: figure.unit,
    base: figure.base,
    new: figure.new,
    baseMedian,
    newMedian,
    delta,
    deltaPct,
    p,
    confidence,
    verdict,
    reason,
    objects: figure.objects,
    caches: isSite ? subject.caches : null,
    bytesReqEach: isSite ? subject.bytesReqEach : null,
  };
}

function nameOf({ subject, cache, symbol, module, site }: SubjectName): SubjectName {
  return { subject, cache, symbol, module, site };
}

function nameKey({ subject, cache, symbol, module, site }: SubjectName): string {
  return JSON.stringify([subject, cache, symbol, module, site]);
}

/** False where every run of either side has the same value. */
function differs({ base, new: news }: ComparisonRow): boolean {
  return [...base, ...news].some((value) => value !== base[0]);
}

const KIND_ORDER: readonly SubjectKind[] = ['site', 'cache', 'total'];

/** Largest growth first, so that swapping base and new turns the order round. */
function byGrowth(a: JudgedRow, b: JudgedRow): number {
  return (
    b.growthBytes - a.growthBytes ||
    b.row.delta - a.row.delta ||
    METRICS.indexOf(a.row.metric) - METRICS.indexOf(b.row.metric) ||
    KIND_ORDER.indexOf(a.row.subject) - KIND_ORDER.indexOf(b.row.subject) ||
    compareText(nameKey(a.row), nameKey(b.row))
  );
}

function uncertainRows(subjects: readonly Subject[], baseRuns: number): UncertainRow[] {
  return subjects
    .filter(({ runs }) => runs.some((run) => run.uncertain > 0))
    .map((subject) => {
      const base = subject.runs.slice(0, baseRuns);
      const news = subject.runs.slice(baseRuns);
      const bytes = (side: Subject['runs']): number[] => side.map((run) => run.uncertainBytes);
      return {
        ...nameOf(subject),
        baseObjects: base.map((run) => run.uncertain),
        newObjects: news.map((run) => run.uncertain),
        base: bytes(base),
        new: bytes(news),
        delta: median(bytes(news)) - median(bytes(base)),
      };
    })
    .sort((a, b) => b.delta - a.delta || compareText(nameKey(a), nameKey(b)));
}

function oneSided(
  subjects: readonly Subject[],
  baseRuns: number,
  which: 'new' | 'gone',
): OneSidedSite[] {
  const sites: OneSidedSite[] = [];
  for (const { subject, runs, symbol, module, site, caches } of subjects) {
    if (subject !== 'site') continue;
    const base = runs.slice(0, baseRuns);
    const news = runs.slice(baseRuns);
    const [has, hasNot] = which === 'new' ? [news, base] : [base, news];
    if (hasNot.some((run) => run.allocs > 0) || !has.some((run) => run.allocs > 0)) continue;
    const allocs = median(has.map((run) => run.allocs));
    const bytesAlloc = median(has.map((run) => run.bytesAlloc));
    sites.push({ symbol, module, site, caches, allocs, bytesAlloc });
  }
  const label = (s: OneSidedSite): string => JSON.stringify([s.symbol, s.module, s.site]);
  return sites.sort((a, b) => b.bytesAlloc - a.bytesAlloc || compareText(label(a), label(b)));
}

function runHead({ run, completeness }: RunFigures): ComparedRun {
  return { run, completeness };
}

function methodOf(base: number, news: number): Comparison['test']['method'] {
  if (smallestP(base, news) < ALPHA) return 'mann-whitney';
  return base + news > 2 ? 'ranges' : 'exact';
}

/** What a test would need, where there are too few runs for one. */
function tooFewRuns(base: number, news: number): string[] {
  const smallest = smallestP(base, news);
  if (smallest < ALPHA) return [];
  const more = base >= news ? base : news;
  const beside =
    more < 2
      ? ''
      : `, or ${sizeNeededBeside(more)} ${base >= news ? 'new' : 'base'} ones beside these ${more}`;
  const doubt =
    base + news > 2
      ? `${base}+${news} runs cannot give a p below ${smallest.toFixed(2)}`
      : 'One run each: nothing tells how much equal runs differ';
  return [`${doubt}. A test needs ${sizeNeeded()} runs on each side${beside}.`];
}
