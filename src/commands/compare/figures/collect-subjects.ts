// The figures of all runs → what is compared: the total, every cache and every call site, each with
// what it measured in every run. Here call sites of different runs are matched, and it is decided
// which live objects can be compared at all: a site that is marked in any run (some of its frees
// leave no event) is left out of what is certain in all of them, so that both sides count the same
// things.

import { functionName } from '../../../analysis/function-name.ts';
import { present } from '../../../base/assert.ts';
import { compareText } from '../../../base/format-address.ts';
import { siteText } from '../../../render/site-text.ts';
import type { CacheFigures, PairFigures, RunFigures } from './run-figures.ts';
import type { Measures, SiteMatch, Subject, SubjectName } from './subject.ts';

/**
 * Lint rules that speak of an amount above a limit: equal runs differ in which sites are just above
 * it, and the amount is compared already (as waste).
 */
const AMOUNT_RULES: readonly string[] = ['just-over-class'];

/** Who counted the slabs that are compared. */
type SlabCount = 'kernel' | 'replay';

/** The kernel itself, where every run recorded its counts; else the replay, for all of them. */
export function slabCountOf(runs: readonly RunFigures[]): SlabCount {
  const isRecorded = ({ caches }: RunFigures): boolean => caches.some((c) => c.slabs !== null);
  return runs.every(isRecorded) ? 'kernel' : 'replay';
}

export function collectSubjects(runs: readonly RunFigures[], match: SiteMatch): Subject[] {
  const builder = new SubjectsBuilder(runs, match);
  for (const [run, figures] of runs.entries()) builder.add(figures, run);
  return builder.finish();
}

function noMeasures(): Measures {
  return {
    allocs: 0,
    bytesAlloc: 0,
    live: 0,
    liveBytes: 0,
    waste: 0,
    uncertain: 0,
    uncertainBytes: 0,
    lostBytes: 0,
    liveVariance: 0,
    wasteVariance: 0,
    peakLow: 0,
    peakHigh: 0,
    slabs: null,
    slabBytes: 0,
    slabsSpare: 0,
    findings: 0,
  };
}

/** A subject while its runs are added. */
interface Building extends SubjectName {
  inferred: boolean;
  readonly runs: Measures[];
  readonly caches: Set<string>;
  readonly sizes: Set<number | null>;
}

type SiteId = Pick<PairFigures, 'symbol' | 'module' | 'site'>;

class SubjectsBuilder {
  private readonly count: number;
  private readonly match: SiteMatch;
  private readonly subjects = new Map<string, Building>();
  private readonly total: Building;
  /** Sites with a cache that some run marks. */
  private readonly marked = new Set<string>();
  private readonly countsSlabs: SlabCount;

  constructor(runs: readonly RunFigures[], match: SiteMatch) {
    this.count = runs.length;
    this.match = match;
    this.countsSlabs = slabCountOf(runs);
    this.total = this.subject('total', { subject: 'total', ...NOTHING });
    for (const { pairs } of runs) {
      for (const pair of pairs) if (pair.marked) this.marked.add(this.pairKey(pair));
    }
  }

  add(figures: RunFigures, run: number): void {
    for (const pair of figures.pairs) this.addPair(pair, run);
    for (const cache of figures.caches) this.addCache(cache, figures, run);
    const peaks = this.match === 'offset' ? figures.sitePeaks : figures.functionPeaks;
    for (const { peak, ...id } of peaks) setPeak(this.site(id).runs[run], peak);
    setPeak(this.total.runs[run], figures.peak);
    for (const finding of figures.findings) {
      if (finding.severity === 'note' || AMOUNT_RULES.includes(finding.rule)) continue;
      const touched = [this.total];
      if (finding.cache !== null) touched.push(this.cache(finding.cache));
      if (finding.symbol !== null || finding.site !== null) touched.push(this.site(finding));
      for (const { runs } of touched) present(runs[run]).findings++;
    }
  }

  finish(): Subject[] {
    this.addTotalSlabs();
    return [...this.subjects.values()].map(({ caches, sizes, ...subject }) => ({
      ...subject,
      caches: [...caches].sort(compareText),
      bytesReqEach: sizes.size === 1 ? ([...sizes][0] ?? null) : null,
    }));
  }

  private addPair(pair: PairFigures, run: number): void {
    const isMarked = this.marked.has(this.pairKey(pair));
    const site = this.site(pair);
    site.caches.add(pair.cache ?? '?');
    if (pair.live > 0) {
      const each = pair.liveBytesReq / pair.live;
      site.sizes.add(Number.isInteger(each) ? each : null);
    }
    for (const { runs } of [this.total, this.cache(pair.cache), site]) {
      addPairTo(present(runs[run]), pair, isMarked);
    }
  }

  private addCache(cache: CacheFigures, figures: RunFigures, run: number): void {
    const subject = this.cache(cache.name);
    subject.inferred ||= cache.inferred;
    const measures = present(subject.runs[run]);
    setPeak(measures, cache.peak);
    // A replay without frees only ever adds slabs.
    const replayed = figures.completeness.unrecordedFrees.length > 0 ? null : cache.slabsReplayed;
    measures.slabs = this.countsSlabs === 'kernel' ? cache.slabs : replayed;
    measures.slabBytes = cache.slabBytes ?? 0;
    measures.slabsSpare = spareSlabs(cache.slabSize ?? 0, figures.run.cpus ?? 1);
  }

  /** Slabs of all caches that every run knows. */
  private addTotalSlabs(): void {
    const caches = [...this.subjects.values()].filter(
      ({ subject, runs }) => subject === 'cache' && runs.every(({ slabs }) => slabs !== null),
    );
    if (caches.length === 0) return;
    this.total.runs.forEach((measures, run) => {
      let bytes = 0;
      let spare = 0;
      measures.slabs = 0;
      for (const { runs } of caches) {
        const { slabs, slabBytes, slabsSpare } = present(runs[run]);
        measures.slabs += slabs ?? 0;
        bytes += (slabs ?? 0) * slabBytes;
        spare += slabsSpare ** 2;
      }
      measures.slabBytes = measures.slabs === 0 ? 0 : bytes / measures.slabs;
      measures.slabsSpare = Math.sqrt(spare);
    });
  }

  private cache(name: string | null): Building {
    return this.subject(`cache ${name ?? ''}`, { subject: 'cache', ...NOTHING, cache: name });
  }

  private site(id: SiteId): Building {
    const name = this.siteName(id);
    return this.subject(`site ${siteText(name)}`, name);
  }

  private siteName({ symbol, module, site }: SiteId): SubjectName {
    if (symbol === null) return { subject: 'site', ...NOTHING, site };
    const matched = this.match === 'offset' ? symbol : functionName(symbol);
    return { subject: 'site', ...NOTHING, symbol: matched, module };
  }

  private pairKey(pair: PairFigures): string {
    return `${siteText(this.siteName(pair))} ${pair.cache ?? ''}`;
  }

  private subject(id: string, name: SubjectName): Building {
    let subject = this.subjects.get(id);
    if (subject === undefined) {
      const runs = Array.from({ length: this.count }, noMeasures);
      subject = { ...name, inferred: false, runs, caches: new Set(), sizes: new Set() };
      this.subjects.set(id, subject);
    }
    return subject;
  }
}

const NOTHING = { cache: null, symbol: null, module: null, site: null };

function addPairTo(to: Measures, pair: PairFigures, isMarked: boolean): void {
  to.allocs += pair.allocs;
  to.bytesAlloc += pair.bytesAlloc;
  if (isMarked) {
    to.uncertain += pair.live;
    to.uncertainBytes += pair.liveBytesAlloc;
    return;
  }
  const bytes = pair.liveBytesAlloc - pair.liveUncertainBytesAlloc;
  const waste = pair.liveBytesAlloc - pair.liveBytesReq;
  to.live += pair.live - pair.liveUncertain;
  to.liveBytes += bytes;
  to.lostBytes += pair.liveUncertainBytesAlloc;
  to.waste += pair.liveUncertain === 0 ? waste : (waste * bytes) / pair.liveBytesAlloc;
  const size = pair.allocs === 0 ? 0 : pair.bytesAlloc / pair.allocs;
  const wasteEach = pair.allocs === 0 ? 0 : (pair.bytesAlloc - pair.bytesReq) / pair.allocs;
  to.liveVariance += pair.inFlight * size ** 2;
  to.wasteVariance += pair.inFlight * wasteEach ** 2;
}

function setPeak(
  measures: Measures | undefined,
  peak: { readonly low: number; readonly high: number },
): void {
  if (measures === undefined) return;
  measures.peakLow = peak.low;
  measures.peakHigh = peak.high;
}

/**
 * Empty slabs a node's list keeps (mm/slub.c, set_min_partial(): half of log2 of the size, from
 * MIN_PARTIAL 5 to MAX_PARTIAL 10), and one slab for each CPU.
 */
function spareSlabs(slabSize: number, cpus: number): number {
  const half = slabSize < 1 ? 0 : Math.floor(Math.floor(Math.log2(slabSize)) / 2);
  return Math.min(10, Math.max(5, half)) + cpus;
}
