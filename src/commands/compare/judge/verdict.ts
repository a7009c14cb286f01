// Two sets of values of one figure → is it worse, better, the same, or is the difference noise, and
// why. With enough runs the Mann-Whitney test decides. With too few for any p below 0.05 a change
// counts where the ranges of the two sides do not overlap, and where it is more than what comes and
// goes in such a run anyway. It must exceed the thresholds in either case.

import { ALPHA, median, smallestP } from '../figures/statistics.ts';
import { type ConfidenceInterval, mannWhitneyP, shiftInterval } from './mann-whitney.ts';
import { type Threshold, thresholdText } from './threshold.ts';

export type Verdict = 'regression' | 'improvement' | 'same' | 'noise';

/**
 * How many standard deviations the number of objects in flight may differ by between two equal runs
 * before it is taken for a change. (Arrivals that do not know of each other are in flight in Poisson
 * numbers, whose variance is their mean.)
 */
const CHANCE_DEVIATIONS = 3;

/** One figure on both sides, and what makes it less than exact. In the figure's own unit. */
export interface Figure {
  readonly base: readonly number[];
  readonly new: readonly number[];
  /** Bytes that one unit stands for, against the threshold; null where no threshold applies. */
  readonly bytesPerUnit: number | null;
  /** How far the values may be off whatever the number of runs, and through what. */
  readonly doubt?: { readonly most: number; readonly through: string } | undefined;
  /** Variance of one difference of equal runs through what comes and goes. */
  readonly variance?: number | undefined;
  /** How far equal runs may differ, where the kernel itself does not hold the figure exactly. */
  readonly slack?: { readonly most: number; readonly through: string } | undefined;
  /** Why a difference says nothing; undefined where it does. */
  readonly void?: string | undefined;
}

export interface Decision {
  readonly baseMedian: number;
  readonly newMedian: number;
  /** New minus base. */
  readonly delta: number;
  /** Per cent of base; null where that is 0. */
  readonly deltaPct: number | null;
  /** Of the test; null where there are too few runs for one. */
  readonly p: number | null;
  readonly confidence: ConfidenceInterval | null;
  readonly verdict: Verdict;
  readonly reason: string;
  /** True where the difference is no noise, however small; what gates ask. */
  readonly isReal: boolean;
}

export function decide(figure: Figure, threshold: Threshold): Decision {
  const baseMedian = median(figure.base);
  const newMedian = median(figure.new);
  const delta = newMedian - baseMedian;
  const canTest = smallestP(figure.base.length, figure.new.length) < ALPHA;
  const p = canTest ? mannWhitneyP(figure.base, figure.new) : null;
  const noise = noiseReason(figure, delta, p);
  const isReal = delta !== 0 && noise === undefined;
  const largest = Math.max(Math.abs(baseMedian), Math.abs(newMedian));
  const exceeds =
    figure.bytesPerUnit === null ||
    (Math.abs(delta) > (threshold.percent / 100) * largest &&
      Math.abs(delta) * figure.bytesPerUnit > threshold.bytes);
  let verdict: Verdict;
  let reason: string;
  if (delta === 0 || !exceeds) {
    verdict = 'same';
    reason = delta === 0 ? 'no change' : `the change does not exceed ${thresholdText(threshold)}`;
  } else if (noise !== undefined || figure.void !== undefined) {
    verdict = 'noise';
    reason = figure.void ?? noise ?? '';
  } else {
    verdict = delta > 0 ? 'regression' : 'improvement';
    reason = `${evidence(figure, p)}${limits(figure, threshold)}`;
  }
  return {
    baseMedian,
    newMedian,
    delta,
    deltaPct: baseMedian === 0 ? null : (100 * delta) / baseMedian,
    p,
    confidence: shiftInterval(figure.base, figure.new),
    verdict,
    reason,
    isReal,
  };
}

/** Why a difference may be chance; undefined where it is not one. */
function noiseReason(figure: Figure, delta: number, p: number | null): string | undefined {
  const { doubt } = figure;
  if (doubt !== undefined && Math.abs(delta) <= doubt.most) return doubt.through;
  if (p !== null) return p < ALPHA ? undefined : `${pText(p)} (n = ${sizes(figure)})`;
  const repeated = figure.base.length + figure.new.length > 2;
  if (repeated && doOverlap(figure.base, figure.new)) {
    return `${sizes(figure)} runs are too few for a p below ${ALPHA}, and the ranges overlap`;
  }
  const { slack, variance = 0 } = figure;
  if (slack !== undefined && Math.abs(delta) <= slack.most) return slack.through;
  const chance = CHANCE_DEVIATIONS * Math.sqrt(variance);
  if (variance > 0 && Math.abs(delta) <= chance) {
    return 'no more than what comes and goes: equal runs that stop at another moment may differ so';
  }
  return undefined;
}

/** What a change is judged real by. */
function evidence(figure: Figure, p: number | null): string {
  if (p !== null) return `${pText(p)} (n = ${sizes(figure)})`;
  if (figure.base.length + figure.new.length === 2) return 'one run each';
  return `${sizes(figure)} runs are too few for a p below ${ALPHA}; the ranges do not overlap`;
}

function limits(figure: Figure, threshold: Threshold): string {
  return figure.bytesPerUnit === null ? '' : `, and the change exceeds ${thresholdText(threshold)}`;
}

/** True where some value of one side is within the other side's. */
function doOverlap(a: readonly number[], b: readonly number[]): boolean {
  return Math.min(...a) <= Math.max(...b) && Math.min(...b) <= Math.max(...a);
}

/** `3+2` */
function sizes(figure: Figure): string {
  return `${figure.base.length}+${figure.new.length}`;
}

/** `p = 0.029`, `p < 0.001` */
function pText(p: number): string {
  return p < 0.001 ? 'p < 0.001' : `p = ${p.toFixed(3)}`;
}
