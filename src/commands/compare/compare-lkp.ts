// A comparison as the table of the kernel test robot (LKP), which kernel maintainers read in mails:
// mean, its standard deviation in per cent, change of the mean in per cent, name of the figure.
//
//          base                         new
// ---------------- ---------------------------
//          %stddev     %change         %stddev
//              \          |                \
//    4128207           -93.4%     273094        slabinfo.kmalloc-16.active_objs
//      32234 +-  2%    ...
//
// The robot's own sign, U+00B1, is in it: its readers and parsers expect that.

import { formatFixed } from '../../base/bytes-format.ts';
import { escapeText } from '../../render/escape.ts';
import { siteText } from '../../render/site-text.ts';
import { cutRows } from '../../render/table.ts';
import type { Comparison, ComparisonRow } from './judge/comparison.ts';

const BASE_WIDTH = 16;
const NEW_WIDTH = 27;

/** Every row with a verdict, and the totals; `top` of them, 0 for all. */
export function renderLkp({ rows, totals, base, new: news }: Comparison, top: number): string {
  const judged = rows.filter(
    (row) => row.verdict === 'regression' || row.verdict === 'improvement',
  );
  const others = judged.filter((row) => row.subject !== 'total');
  const shown = cutRows(others, top);
  const title = (side: Comparison['base'], width: number): string =>
    escapeText(side[0]?.run.label ?? '')
      .slice(0, width)
      .padEnd(width);
  return [
    `${title(base, BASE_WIDTH)} ${title(news, NEW_WIDTH)}`,
    `${'-'.repeat(BASE_WIDTH)} ${'-'.repeat(NEW_WIDTH)}`,
    '         %stddev     %change         %stddev',
    '             \\          |                \\',
    ...[...totals.filter((row) => row.baseMedian !== 0 || row.newMedian !== 0), ...shown].map(line),
  ]
    .map((text) => `${text.trimEnd()}\n`)
    .join('');
}

function line(row: ComparisonRow): string {
  const [was, now] = [mean(row.base), mean(row.new)];
  const change = changeOf(was, now).padStart(11);
  return `${number(was).padStart(10)}${deviation(row.base)}${change}${number(now).padStart(11)}${deviation(row.new)}  ${statName(row)}`;
}

/** `live.kmalloc-8k`, `peak.docase+0x3bc[labbug]`: no blanks, so that fields can be split. */
function statName(row: ComparisonRow): string {
  const { subject } = row;
  const name = subject === 'cache' ? (row.cache ?? '?') : siteText(row).replace(' [', '[');
  const key = subject === 'total' ? `total.${row.metric}` : `${subject}.${name}.${row.metric}`;
  return escapeText(key).replace(/\s/g, '_');
}

/** Whole where it is large, two decimals below a hundred. */
function number(value: number): string {
  return formatFixed(value, Number.isInteger(value) || Math.abs(value) >= 100 ? 0 : 2);
}

/** ` ±  2%`, six columns; blank below half a per cent, as in the robot's tables. */
function deviation(values: readonly number[]): string {
  const m = mean(values);
  if (values.length < 2 || m === 0) return ' '.repeat(6);
  const variance = values.reduce((sum, v) => sum + (v - m) ** 2, 0) / (values.length - 1);
  const percent = Math.round((100 * Math.sqrt(variance)) / m);
  return percent === 0 ? ' '.repeat(6) : ` \u00b1${String(percent).padStart(3)}%`;
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** `-93.4%`; without bound where there was nothing before. */
function changeOf(was: number, now: number): string {
  if (was === 0) return now === 0 ? '+0.0%' : '+Inf%';
  const percent = formatFixed((100 * (now - was)) / was, 1);
  return `${percent.startsWith('-') ? '' : '+'}${percent}%`;
}
