// Gates against the rows: which rows a gate speaks of, which of them cross it. A change counts only
// where it is real (verdict.ts), however small; a value counts as it is. A gate that speaks of no row
// cannot fail, so the command ends in an error then (compare-runs.ts).

import { globToRegExp } from '../../../base/glob.ts';
import { functionOf } from '../../../kernel/symbols/symbols.ts';
import { siteText } from '../../../render/site-text.ts';
import type { ComparisonRow, JudgedRow } from './comparison.ts';
import type { Comparator, Gate } from './gate-expression.ts';

/** A row that crosses a gate. */
export interface CrossingRow extends ComparisonRow {
  /** What the limit was held against: per cent, a change, or the value; null: up from nothing. */
  readonly value: number | null;
  readonly valueUnit: string;
}

export interface GateResult {
  readonly spec: string;
  /** Rows that the gate speaks of, and how many of them cross it. */
  readonly matched: number;
  readonly crossed: number;
  readonly rows: readonly CrossingRow[];
  /** Rows over the limit whose change is noise, so that they do not cross. */
  readonly noise: number;
}

export function judgeGates(gates: readonly Gate[], rows: readonly JudgedRow[]): GateResult[] {
  return gates.map((gate) => judgeGate(gate, rows));
}

function judgeGate(gate: Gate, rows: readonly JudgedRow[]): GateResult {
  const glob = globToRegExp(gate.glob);
  let matched = 0;
  let noise = 0;
  const crossing: (JudgedRow & { readonly value: number })[] = [];
  for (const judged of rows) {
    const { row } = judged;
    if (row.metric !== gate.metric || row.subject !== gate.subject) continue;
    if (!names(row).some((name) => glob.test(name))) continue;
    matched++;
    const value = judgedValue(row, gate);
    const isOver = crosses(value, gate.comparator, gate.limit.number);
    // A change that is noise is no change: it neither crosses a limit nor meets one.
    const isNoise = gate.limit.of !== 'value' && !judged.isReal;
    if (crosses(isNoise ? 0 : value, gate.comparator, gate.limit.number)) {
      crossing.push({ ...judged, value });
    } else if (isOver) noise++;
  }
  crossing.sort((a, b) => b.growthBytes - a.growthBytes);
  return {
    spec: gate.spec,
    matched,
    crossed: crossing.length,
    noise,
    rows: crossing.map(({ row, value }) => ({
      ...row,
      value: Number.isFinite(value) ? value : null,
      valueUnit: unitOf(row, gate),
    })),
  };
}

/** What a glob may match of a row. */
function names(row: ComparisonRow): string[] {
  if (row.subject === 'total') return ['total'];
  if (row.subject === 'cache') return [row.cache ?? '?'];
  const { symbol, module } = row;
  if (symbol === null) return [siteText(row)];
  const both = [symbol, functionOf(symbol)];
  return module === null ? both : [...both, ...both.map((name) => `${name} [${module}]`)];
}

function judgedValue(row: ComparisonRow, { limit }: Gate): number {
  const { objects } = row;
  const base = limit.isObjects ? (objects?.base ?? 0) : row.baseMedian;
  const now = limit.isObjects ? (objects?.new ?? 0) : row.newMedian;
  switch (limit.of) {
    case 'value':
      return now;
    case 'change':
      return now - base;
    case 'percent':
      if (now === base) return 0;
      return base === 0 ? Number.POSITIVE_INFINITY : (100 * (now - base)) / base;
  }
}

function unitOf(row: ComparisonRow, { limit }: Gate): string {
  if (limit.of === 'percent') return '%';
  return limit.isObjects ? 'objects' : row.unit;
}

/** `>` and `>=` say what fails, `<` and `<=` what must hold. */
function crosses(value: number, comparator: Comparator, limit: number): boolean {
  switch (comparator) {
    case '>':
      return value > limit;
    case '>=':
      return value >= limit;
    case '<':
      return !(value < limit);
    case '<=':
      return !(value <= limit);
  }
}
