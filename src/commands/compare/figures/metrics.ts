// What is measured of a subject: its figures on both sides, with all that makes each of them less
// than exact. A metric that some run does not have is left out.

import type { EventRow } from '../../../kernel/indices.ts';
import type { Threshold } from '../judge/threshold.ts';
import type { Figure } from '../judge/verdict.ts';
import { PER_RUN, PER_SECOND, type PerScale } from './per.ts';
import { median } from './statistics.ts';
import type { Measures, Subject } from './subject.ts';

export const METRICS = [
  'live',
  'peak',
  'waste',
  'allocBytes',
  'allocRate',
  'slabs',
  'findings',
] as const;

export type Metric = (typeof METRICS)[number];

export interface MetricFigure extends Figure {
  readonly metric: Metric;
  readonly unit: string;
  readonly objects: { readonly base: number; readonly new: number } | null;
}

const INFERRED = 'the name of this cache is a guess in some run: see its call sites';

export function figuresOf(
  subject: Subject,
  baseRuns: number,
  scale: PerScale,
  threshold: Threshold,
): MetricFigure[] {
  const { runs } = subject;
  const both = (of: (run: Measures, i: EventRow) => number): Sides => {
    const values = runs.map(of);
    return { base: values.slice(0, baseRuns), new: values.slice(baseRuns) };
  };
  const shared = { objects: null, void: subject.inferred ? INFERRED : undefined };
  const objects = both((run) => run.live);
  const figures: MetricFigure[] = [
    {
      ...shared,
      ...both((run) => run.liveBytes),
      metric: 'live',
      unit: 'bytes',
      bytesPerUnit: 1,
      doubt: lossDoubt(Math.max(...runs.map((run) => run.lostBytes))),
      variance: varianceOf(both((run) => run.liveVariance)),
      objects: { base: median(objects.base), new: median(objects.new) },
    },
    { ...shared, ...peakFigure(both, runs) },
    {
      ...shared,
      ...both((run) => run.waste),
      metric: 'waste',
      unit: 'bytes',
      bytesPerUnit: 1,
      doubt: lossDoubt(Math.max(...runs.map((run) => run.lostBytes))),
      variance: varianceOf(both((run) => run.wasteVariance)),
    },
    {
      ...shared,
      ...both((run, i) => run.bytesAlloc / (scale.counts[i] ?? 1)),
      metric: 'allocBytes',
      unit: allocUnit(scale),
      bytesPerUnit: scale.typical,
    },
  ];
  const rate = rateFigure(both, runs, scale, threshold);
  if (rate !== undefined) figures.push({ ...shared, ...rate, void: rate.void ?? shared.void });
  if (runs.every((run) => run.slabs !== null))
    figures.push({ ...shared, ...slabFigure(both, runs) });
  figures.push({
    ...shared,
    ...both((run) => run.findings),
    metric: 'findings',
    unit: 'findings',
    bytesPerUnit: null,
    void: undefined,
  });
  return figures;
}

interface Sides {
  readonly base: readonly number[];
  readonly new: readonly number[];
}

type Both = (of: (run: Measures, i: EventRow) => number) => Sides;
type Part = Omit<MetricFigure, 'objects'>;

function varianceOf(sides: Sides): number {
  return median(sides.base) + median(sides.new);
}

function lossDoubt(bytes: number): Figure['doubt'] {
  if (bytes === 0) return undefined;
  return {
    most: bytes,
    through: 'events were lost, and the objects that may have been freed among them explain it',
  };
}

function peakFigure(both: Both, runs: readonly Measures[]): Part {
  const range = Math.max(...runs.map((run) => run.peakHigh - run.peakLow));
  const uncertain = Math.max(...runs.map((run) => run.uncertainBytes + run.lostBytes));
  const most = range + uncertain;
  return {
    ...both((run) => run.peakLow),
    metric: 'peak',
    unit: 'bytes',
    bytesPerUnit: 1,
    doubt:
      most === 0
        ? undefined
        : { most, through: 'objects that may have been freed before the peak explain it' },
    variance: varianceOf(both(peakVariance)),
  };
}

/** What was live at the peak and not at the end came and went. */
function peakVariance(run: Measures): number {
  const held = run.liveBytes + run.uncertainBytes + run.lostBytes;
  const size = run.allocs === 0 ? 0 : run.bytesAlloc / run.allocs;
  return Math.max(0, run.peakLow - held) * size;
}

function allocUnit({ per }: PerScale): string {
  if (per === PER_RUN) return 'bytes';
  return per === PER_SECOND ? 'bytes/s' : `bytes/${per}`;
}

/** Allocations per second; undefined where some run has no length in seconds. */
function rateFigure(
  both: Both,
  runs: readonly Measures[],
  scale: PerScale,
  threshold: Threshold,
): Part | undefined {
  const { seconds } = scale;
  if (seconds === null) return undefined;
  const allocs = runs.reduce((sum, run) => sum + run.allocs, 0);
  const bytes = runs.reduce((sum, run) => sum + run.bytesAlloc, 0);
  const rates = both((run, i) => run.allocs / (seconds[i] ?? 1));
  const counts = both((run, i) => run.allocs / (scale.counts[i] ?? 1));
  return {
    ...rates,
    metric: 'allocRate',
    unit: 'allocations/s',
    bytesPerUnit: allocs === 0 ? 0 : bytes / allocs,
    void: scale.per === PER_SECOND ? undefined : equalWork(rates, counts, threshold),
  };
}

/**
 * Why a rate that changed says nothing: as much was allocated as before, only in more or less time.
 * A machine that is faster, or waits less, has not got worse. (Who holds a second for the unit of
 * work says so: --per second.)
 */
function equalWork(rates: Sides, counts: Sides, threshold: Threshold): string | undefined {
  const rateBy = median(rates.new) - median(rates.base);
  const countBy = median(counts.new) - median(counts.base);
  const largest = Math.max(median(counts.base), median(counts.new));
  const isSameWork = Math.abs(countBy) <= (threshold.percent / 100) * largest;
  if (!isSameWork && Math.sign(countBy) === Math.sign(rateBy)) return undefined;
  return `as many allocations in ${rateBy > 0 ? 'less' : 'more'} time: speed, not memory`;
}

function slabFigure(both: Both, runs: readonly Measures[]): Part {
  const spare = Math.max(...runs.map((run) => run.slabsSpare));
  const bytes = Math.max(...runs.map((run) => run.slabBytes));
  return {
    ...both((run) => run.slabs ?? 0),
    metric: 'slabs',
    unit: 'slabs',
    bytesPerUnit: bytes,
    slack: {
      most: spare,
      through: "the kernel may keep this many slabs without need (min_partial and the CPUs' own)",
    },
  };
}
