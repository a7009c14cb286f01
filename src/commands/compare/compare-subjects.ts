// The rows of a comparison gathered by what they are about, for layouts with a line for each cache
// and call site that got worse or better.

import { keysOf } from '../../base/keyed.ts';
import { METRIC_TITLES } from './compare-names.ts';
import type { Metric } from './figures/metrics.ts';
import type { SubjectName } from './figures/subject.ts';
import type { Comparison, ComparisonRow } from './judge/comparison.ts';

export interface MovedSubject {
  readonly name: SubjectName;
  /** By metric: the rows that have the verdict. */
  readonly rows: Partial<Record<Metric, ComparisonRow>>;
  /** The largest change among them, in bytes. */
  readonly size: number;
}

/** One table: all call sites, or all caches, that went one way. */
export interface MovedTable {
  /** `Worse call sites` */
  readonly title: string;
  readonly subjects: readonly MovedSubject[];
}

/** The tables that are not empty, in the order in which they are read. */
export function movedTables({ rows }: Comparison): MovedTable[] {
  const worse = collectMoved(rows, 'regression');
  const better = collectMoved(rows, 'improvement');
  const of = (subjects: readonly MovedSubject[], subject: SubjectName['subject']): MovedSubject[] =>
    subjects.filter(({ name }) => name.subject === subject);
  return [
    { title: 'Worse call sites', subjects: of(worse, 'site') },
    { title: 'Worse caches', subjects: of(worse, 'cache') },
    { title: 'Better call sites', subjects: of(better, 'site') },
    { title: 'Better caches', subjects: of(better, 'cache') },
  ].filter(({ subjects }) => subjects.length > 0);
}

/** The subjects with rows of a verdict, the largest change first; memory held before all else. */
function collectMoved(
  rows: readonly ComparisonRow[],
  verdict: 'regression' | 'improvement',
): MovedSubject[] {
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
  return [...subjects.values()].sort((a, b) => held(b) - held(a) || b.size - a.size);
}

/** The columns of a table: what moved in it. The rate only where nothing else shows it. */
export function metricsOf(subjects: readonly MovedSubject[]): Metric[] {
  return keysOf(METRIC_TITLES).filter((metric) =>
    subjects.some(
      ({ rows }) =>
        rows[metric] !== undefined && (metric !== 'allocRate' || Object.keys(rows).length === 1),
    ),
  );
}

/** The row that says most of a subject: what it holds, else what it held, else what it took. */
export function leadingRow({ rows }: MovedSubject): ComparisonRow | undefined {
  return rows.live ?? rows.peak ?? rows.allocBytes ?? Object.values(rows)[0];
}
