// What every layout of a comparison calls things: subjects, metrics, values, changes.

import {
  counted,
  formatBytes,
  formatBytesChange,
  formatCount,
  formatCountChange,
  formatPercentChange,
  formatRate,
} from '../../base/bytes-format.ts';
import type { Metric } from './figures/metrics.ts';
import { subjectText } from './figures/subject.ts';
import type { Comparison, ComparisonRow } from './judge/comparison.ts';
import type { CrossingRow, GateResult } from './judge/gates.ts';
import type { Threshold } from './judge/threshold.ts';

export const METRIC_TITLES: Readonly<Record<Metric, string>> = {
  live: 'live, end',
  peak: 'peak',
  waste: 'wasted, end',
  allocBytes: 'allocated',
  allocRate: 'alloc rate',
  slabs: 'slabs',
  findings: 'findings',
};

/** `800 KB`, `23.5 MB/s`, `63,000/s`, `12` */
export function valueText(value: number, unit: string): string {
  if (unit === 'allocations/s') return formatRate(value);
  if (unit === 'bytes/s') return `${formatBytes(value)}/s`;
  if (unit.startsWith('bytes')) return formatBytes(value);
  return formatCount(value);
}

/** The same with a sign. */
export function changeText(value: number, unit: string): string {
  if (unit === 'allocations/s') return value > 0 ? `+${formatRate(value)}` : formatRate(value);
  if (unit === 'bytes/s') return `${formatBytesChange(value)}/s`;
  if (unit.startsWith('bytes')) return formatBytesChange(value);
  return formatCountChange(value);
}

/** `+5.1 %`; `new` where there was nothing before, `gone` where nothing is left. */
export function percentText(
  row: Pick<ComparisonRow, 'deltaPct' | 'baseMedian' | 'newMedian'>,
): string {
  if (row.newMedian === row.baseMedian) return '0.0 %';
  if (row.deltaPct === null) return 'new';
  return row.newMedian === 0 ? 'gone' : formatPercentChange(row.deltaPct);
}

/** `100 x 4097 B`, `12 -> 20 objects`: what a subject holds, where its row counts objects; else ''. */
export function objectsText({ objects, bytesReqEach }: ComparisonRow): string {
  if (objects === null) return '';
  const { base, new: now } = objects;
  const before = base === 0 || now === 0 ? '' : `${formatCount(base)} -> `;
  const last = now === 0 ? base : now;
  if (bytesReqEach === null) return before + counted(last, 'object');
  return `${before}${formatCount(last)} x ${bytesReqEach} B`;
}

/** ` in kmalloc-8k`, ` in 3 caches`: where the objects of a call site are; '' of others. */
export function placeText({ objects, caches }: ComparisonRow): string {
  if (objects === null || caches === null) return '';
  return caches.length === 1 ? ` in ${caches[0]}` : ` in ${counted(caches.length, 'cache')}`;
}

/** `is +412 %`, `is 800 KB`, `is up from nothing`: how a row compares with a gate. */
export function crossingText(row: CrossingRow): string {
  if (row.value === null) return `is up from nothing to ${valueText(row.newMedian, row.unit)}`;
  const { value, valueUnit } = row;
  if (valueUnit === '%') {
    const was = `${valueText(row.baseMedian, row.unit)} -> ${valueText(row.newMedian, row.unit)}`;
    return `is ${formatPercentChange(value)} (${was})`;
  }
  if (valueUnit === 'objects') return `is ${counted(value, 'object')}`;
  return `is ${value === row.newMedian ? valueText(value, valueUnit) : changeText(value, valueUnit)}`;
}

/** `PASS`, `FAIL`, or `DEAD` for a gate that speaks of nothing. */
export function gateState(gate: GateResult): 'PASS' | 'FAIL' | 'DEAD' {
  if (gate.matched === 0) return 'DEAD';
  return gate.crossed > 0 ? 'FAIL' : 'PASS';
}

/** `a, b, c, ...`: the first names of a list. */
export function listed(names: readonly string[], most: number): string {
  const more = names.length > most ? ', ...' : '';
  return names.slice(0, most).join(', ') + more;
}

/** `1 % and 16 KiB` */
export function thresholdWords({ percent, bytes }: Threshold): string {
  let power = 0;
  while (bytes >= 1024 ** (power + 1) && power < 3) power++;
  const amount = bytes / 1024 ** power;
  return `${percent} % and ${Number(amount.toFixed(1))} ${['B', 'KiB', 'MiB', 'GiB'][power]}`;
}

/** `+-2 %`: how far the values of one side are from their median; '' for a single run. */
export function spreadText(values: readonly number[]): string {
  if (values.length < 2) return '';
  const sorted = [...values].sort((a, b) => a - b);
  const half = sorted.length >> 1;
  const [below, above] = [sorted[(sorted.length - 1) >> 1] ?? 0, sorted[half] ?? 0];
  const middle = (below + above) / 2;
  if (middle === 0) return '';
  const off = Math.max(middle - (sorted[0] ?? 0), (sorted.at(-1) ?? 0) - middle);
  return `+-${Math.round((100 * off) / middle)} %`;
}

/** The answer in a sentence: what got worse, what got better, and the memory held. */
export function answerOf({ rows, totals }: Comparison): string {
  const count = (verdict: string, subject: string): number =>
    new Set(
      rows
        .filter((row) => row.verdict === verdict && row.subject === subject)
        .map((row) => subjectText(row)),
    ).size;
  const part = (verdict: string, words: string): string | undefined => {
    const counts = [
      { count: count(verdict, 'site'), what: 'call site' },
      { count: count(verdict, 'cache'), what: 'cache' },
    ].filter((some) => some.count > 0);
    if (counts.length === 0) return undefined;
    return `${counts.map((some) => counted(some.count, some.what)).join(' and ')} ${words}`;
  };
  const parts = [part('regression', 'got worse'), part('improvement', 'got better')];
  const said = parts.filter((text) => text !== undefined).join(', ');
  const live = totals.find((row) => row.metric === 'live');
  if (live === undefined || live.verdict === 'same' || live.verdict === 'noise') {
    return said === '' ? 'No change that counts.' : `${said}.`;
  }
  const held = `${changeText(live.delta, live.unit)} (${percentText(live)}) held at the end`;
  return said === '' ? `${held}.` : `${said}; ${held}.`;
}
