// `--per second` and `--per EVENT`: what allocated bytes are divided by, so that runs of different
// length compare. Live, peak, waste and slabs are states at one moment and are never divided.

import { UsageError } from '../../../base/errors.ts';
import { EVENT_NAMES } from '../../../kernel/events/event-kind.ts';
import type { RunFigures } from './run-figures.ts';
import { median } from './statistics.ts';

/** `run`: not at all. Else `second` or the name of a kind of event. */
export type Per = string;

export const PER_RUN = 'run';
export const PER_SECOND = 'second';

/** Kinds that may be counted by; `lost` is no event. */
const EVENTS = EVENT_NAMES.filter((name) => name !== 'none' && name !== 'lost');

/** @throws UsageError for what is neither a second nor a kind of event */
export function parsePer(text: string, from: string = '--per'): Per {
  if (text === PER_RUN || text === PER_SECOND || EVENTS.includes(text)) return text;
  throw new UsageError(`${from} '${text}': not known`, {
    hint: `One of: ${PER_SECOND}, ${EVENTS.join(', ')}.`,
  });
}

export interface PerScale {
  readonly per: Per;
  /** What each run's figures are divided by: base runs, then new ones. */
  readonly counts: readonly number[];
  /** The middle one of them: what a divided figure is multiplied by against the threshold. */
  readonly typical: number;
  /** Whether every run has a length in seconds, and each. */
  readonly seconds: readonly number[] | null;
}

/** @throws UsageError where a run has nothing to divide by */
export function buildScale(per: Per, runs: readonly RunFigures[]): PerScale {
  const durations = runs.map(({ run }) => run.durationSec);
  const seconds = durations.every((s): s is number => s !== null && s > 0) ? durations : null;
  const counts = runs.map((figures) => countOf(per, figures));
  return { per, counts, typical: median(counts), seconds };
}

function countOf(per: Per, { run, events }: RunFigures): number {
  if (per === PER_RUN) return 1;
  const count = per === PER_SECOND ? run.durationSec : events[per];
  if (count === null || count === undefined || count <= 0) {
    const what =
      per === PER_SECOND
        ? `the length of the run in seconds is not known (clock ${run.clock ?? 'unknown'})`
        : `it has no ${per} event`;
    throw new UsageError(`${run.label}: cannot be compared per ${per}: ${what}`);
  }
  return count;
}
