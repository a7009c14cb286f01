// The rows of a comparison gathered by what they are about, for layouts with a line for each cache
// and call site that got worse or better.

import type { ComparisonRow } from '../analysis/compare/comparison.ts';
import type { Metric } from '../analysis/compare/metrics.ts';
import type { SubjectName } from '../analysis/compare/subject.ts';

export interface MovedSubject {
  readonly name: SubjectName;
  /** By metric: the rows that have the verdict. */
  readonly rows: Partial<Record<Metric, ComparisonRow>>;
  /** The largest change among them, in bytes. */
  readonly size: number;
}

export interface Moved {
  readonly sites: readonly MovedSubject[];
  readonly caches: readonly MovedSubject[];
}

/** The subjects with rows of a verdict, the largest change first; memory held before all else. */
export function collectMoved(
  rows: readonly ComparisonRow[],
  verdict: 'regression' | 'improvement',
): Moved {
  const subjects = new Map<string, MovedSubject & { size: number }>();
  for (const row of rows) {
    if (row.verdict !== verdict || row.subject === 'total') continue;
    const key = JSON.stringify([row.subject, row.cache, row.symbol, row.module, row.site]);
    const subject = subjects.get(key) ?? { name: row, rows: {}, size: 0 };
    subject.rows[row.metric] = row;
    if (row.unit.startsWith('bytes')) {
      subject.size = Math.max(subject.size, Math.abs(row.delta));
    }
    subjects.set(key, subject);
  }
  const held = ({ rows: own }: MovedSubject): number =>
    Math.abs((own.live ?? own.peak ?? own.waste)?.delta ?? 0);
  const all = [...subjects.values()].sort((a, b) => held(b) - held(a) || b.size - a.size);
  return {
    sites: all.filter(({ name }) => name.subject === 'site'),
    caches: all.filter(({ name }) => name.subject === 'cache'),
  };
}
