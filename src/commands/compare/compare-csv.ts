// A comparison as CSV: one line for each row, all of them.

import { renderCsv } from '../../render/table.ts';
import type { Comparison } from './judge/comparison.ts';

const COLUMNS = [
  'subject',
  'cache',
  'symbol',
  'module',
  'site',
  'metric',
  'unit',
  'baseMedian',
  'newMedian',
  'delta',
  'deltaPct',
  'p',
  'verdict',
  'reason',
] as const;

/** The values of the single runs are in one field each, separated by blanks. */
export function renderComparisonCsv({ rows }: Comparison): string {
  return renderCsv(
    [...COLUMNS, 'base', 'new'].map((title) => ({ title })),
    rows.map((row) => [...COLUMNS.map((name) => row[name]), row.base.join(' '), row.new.join(' ')]),
  );
}
