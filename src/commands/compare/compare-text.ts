// A comparison as text: the answer, both sides, the totals, which call sites and caches got worse or
// better, what is only noise, what makes the runs hard to compare, the gates.

import { counted, formatSeconds } from '../../base/bytes-format.ts';
import { escapeText, shellWord } from '../../render/escape.ts';
import { labelled, wrapped } from '../../render/run-text.ts';
import { type Cell, type Column, cutRows, moreRows, renderTable } from '../../render/table.ts';
import { renderMoved } from './compare-moved-text.ts';
import {
  answerOf,
  changeText,
  crossingText,
  gateState,
  listed,
  METRIC_TITLES,
  percentText,
  spreadText,
  valueText,
} from './compare-names.ts';
import { renderRemarks } from './compare-remarks-text.ts';
import { type MovedTable, movedTables } from './compare-subjects.ts';
import { subjectText } from './figures/subject.ts';
import type { ComparedRun, Comparison, ComparisonRow } from './judge/comparison.ts';

export interface CompareTextOptions {
  /** Rows of each table, 0 for all. */
  readonly top: number;
  readonly title?: string | undefined;
  /** The first new run as the user named it, for the commands that go on from here. */
  readonly source?: string | undefined;
}

export function renderComparison(comparison: Comparison, options: CompareTextOptions): string {
  const { top } = options;
  const [empty = null] = comparison.new.map(({ completeness }) => completeness.empty);
  if ([...comparison.base, ...comparison.new].every(({ completeness }) => completeness.empty)) {
    return `${header(comparison, options.title)}${wrapped('', escapeText(empty ?? ''))}`;
  }
  const tables = movedTables(comparison);
  return [
    header(comparison, options.title),
    totals(comparison),
    ...tables.map((table) => renderMoved(table, top)),
    renderRemarks(comparison),
    gates(comparison, top),
    next(comparison, tables, options.source),
  ]
    .filter((part) => part !== '')
    .join('\n');
}

function header(comparison: Comparison, title: string | undefined): string {
  const { base, new: news, per } = comparison;
  const heading =
    `new (${counted(news.length, 'run')}) against base (${counted(base.length, 'run')}), ` +
    (per === 'run' ? 'per run' : `allocated bytes per ${per}`);
  const name = title === undefined ? '' : `${escapeText(title)}   `;
  return (
    `${name}${heading}\n` +
    labelled('base', sideText(base)) +
    labelled('new', sideText(news)) +
    `\n${wrapped('', answerOf(comparison))}`
  );
}

/** Runs of one side that are named. */
const MAX_RUNS = 5;

/** `regress-base, regress-base2 (Linux 6.1.192-lab, 1 CPU, 7.4 s to 7.6 s)` */
export function sideText(runs: readonly ComparedRun[]): string {
  const distinct = (of: (run: ComparedRun['run']) => string): string =>
    [...new Set(runs.map(({ run }) => of(run)))].join(', ');
  const labels = runs.map(({ run }) => escapeText(run.label));
  const names = listed(labels, MAX_RUNS);
  const kernel = distinct((run) =>
    run.kernelRelease === null ? 'unknown kernel' : `Linux ${escapeText(run.kernelRelease)}`,
  );
  const cpus = distinct((run) => (run.cpus === null ? '? CPUs' : counted(run.cpus, 'CPU')));
  const seconds = runs.flatMap(({ run }) => run.durationSec ?? []);
  const times = [
    ...new Set([Math.min(...seconds), Math.max(...seconds)].map((s) => formatSeconds(s))),
  ];
  const lengths = seconds.length === 0 ? '' : `, ${times.join(' to ')}`;
  return `${names} (${kernel}, ${cpus}${lengths})`;
}

function totals({ totals: rows }: Comparison): string {
  const shown = rows.filter((row) => row.baseMedian !== 0 || row.newMedian !== 0);
  const columns: Column[] = [
    { title: '' },
    { title: 'base', align: 'right' },
    { title: '', align: 'right' },
    { title: 'new', align: 'right' },
    { title: '', align: 'right' },
    { title: 'change', align: 'right' },
    { title: '', align: 'right' },
    { title: '' },
  ];
  const cells = shown.map((row): Cell[] => [
    METRIC_TITLES[row.metric],
    valueText(row.baseMedian, row.unit),
    spreadText(row.base),
    valueText(row.newMedian, row.unit),
    spreadText(row.new),
    row.delta === 0 ? '' : changeText(row.delta, row.unit),
    row.delta === 0 ? '' : percentText(row),
    verdictWord(row),
  ]);
  return `${renderTable(columns, cells, { indent: 2 })}${reasons(shown)}${intervals(shown)}`;
}

/** How far the change of each total may be from what was measured, where there are runs enough. */
function intervals(rows: readonly ComparisonRow[]): string {
  const texts = rows.flatMap(({ metric, unit, delta, p, confidence }) => {
    if (p === null || confidence === null || delta === 0) return [];
    const [low, high] = [changeText(confidence.low, unit), changeText(confidence.high, unit)];
    return [`${METRIC_TITLES[metric]} ${low === high ? low : `${low} to ${high}`}`];
  });
  const level = rows.find((row) => row.confidence !== null)?.confidence?.level;
  if (texts.length === 0 || level === undefined) return '';
  return wrapped(`  change, ${Math.floor(100 * level)} % sure: `, texts.join('; '));
}

/** `~` for what may be chance, as benchstat writes it; nothing for what did not change enough. */
function verdictWord({ verdict }: ComparisonRow): string {
  return verdict === 'same' ? '' : verdict === 'noise' ? '~' : verdict;
}

/** Why the verdicts of a table are what they are: each reason once. */
function reasons(rows: readonly ComparisonRow[]): string {
  const seen = new Map<string, string>();
  for (const row of rows) {
    if (row.verdict === 'same') continue;
    const word = row.verdict === 'noise' ? `~ ${METRIC_TITLES[row.metric]}` : row.verdict;
    if (!seen.has(row.reason)) seen.set(row.reason, word);
  }
  return [...seen].map(([reason, word]) => wrapped(`  ${word}: `, reason)).join('');
}

function gates({ gates: all }: Comparison, top: number): string {
  let text = '';
  for (const gate of all) {
    const rows = counted(gate.matched, 'row');
    const noise = gate.noise === 0 ? '' : `, ${gate.noise} over the limit by noise`;
    const [only] = gate.rows;
    if (gate.matched === 0) text += `DEAD  ${escapeText(gate.spec)}   matches no row\n`;
    else if (only === undefined) text += `PASS  ${escapeText(gate.spec)}   ${rows}${noise}\n`;
    else if (gate.matched === 1) {
      text += `${gateState(gate)}  ${escapeText(gate.spec)}   ${crossingText(only)}\n`;
    } else {
      text += `FAIL  ${escapeText(gate.spec)}   ${gate.crossed} of ${rows}${noise}\n`;
      for (const row of cutRows(gate.rows, top)) {
        text += `        ${escapeText(subjectText(row))}   ${crossingText(row)}\n`;
      }
      text += moreRows(gate.rows.length, top, 8);
    }
  }
  return text;
}

function next(
  { gates: all }: Comparison,
  tables: readonly MovedTable[],
  source: string | undefined,
): string {
  const worst = tables.find(({ title }) => title === 'Worse call sites')?.subjects[0];
  if (source === undefined || worst === undefined) return '';
  const [cache] = worst.rows.live?.caches ?? [];
  const filter = cache === undefined ? '' : ` --cache ${shellWord(cache)}`;
  const lines = [
    `slabreplay frag ${shellWord(source)} --by site${filter}`,
    ...(all.length === 0 ? ["slabreplay compare ... --fail-on 'total:live>+5%'"] : []),
  ];
  return `Next:  ${lines.join('\n       ')}\n`;
}
