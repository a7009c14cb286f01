// A comparison as Markdown, for the comment that a CI job leaves on a change (GitHub's dialect).
// Names from a trace may be anything: every character that Markdown or HTML could act on is escaped.

import { counted } from '../../base/bytes-format.ts';
import { escapeText } from '../../render/escape.ts';
import { cutRows } from '../../render/table.ts';
import {
  answerOf,
  changeText,
  crossingText,
  gateState,
  METRIC_TITLES,
  objectsText,
  percentText,
  placeText,
  spreadText,
  thresholdWords,
  valueText,
} from './compare-names.ts';
import { leadingRow, type MovedTable, metricsOf, movedTables } from './compare-subjects.ts';
import { subjectText } from './figures/subject.ts';
import type { Comparison, ComparisonRow } from './judge/comparison.ts';

export interface MarkdownOptions {
  /** Rows of each table, 0 for all. */
  readonly top: number;
  readonly title?: string | undefined;
}

export function renderMarkdown(comparison: Comparison, { top, title }: MarkdownOptions): string {
  const { base, new: news, gates, warnings, threshold } = comparison;
  const failed = gates.some((gate) => gate.crossed > 0 || gate.matched === 0);
  const state = gates.length === 0 ? '' : failed ? ': gate crossed' : ': gates passed';
  const names = (side: Comparison['base']): string =>
    side.map(({ run }) => escapeMarkdown(run.label)).join(', ');
  return [
    `### ${escapeMarkdown(title ?? 'Slab memory')}${state}`,
    answerOf(comparison),
    `New (${counted(news.length, 'run')}: ${names(news)}) against base ` +
      `(${counted(base.length, 'run')}: ${names(base)}); a change counts above ${thresholdWords(threshold)}.`,
    gateTable(comparison, top),
    totalsTable(comparison),
    ...movedTables(comparison).flatMap((moved) => movedTable(moved, top)),
    details('Notes', warnings.map(escapeMarkdown)),
  ]
    .filter((part) => part !== '')
    .map((part) => `${part}\n`)
    .join('\n');
}

function gateTable({ gates }: Comparison, top: number): string {
  if (gates.length === 0) return '';
  const rows = gates.flatMap((gate) => {
    const first = [gateState(gate), escapeMarkdown(gate.spec)];
    if (gate.rows.length === 0) {
      return [[...first, '', gate.matched === 0 ? 'matches no row' : counted(gate.matched, 'row')]];
    }
    const rows = cutRows(gate.rows, top).map((row) => [
      ...first,
      escapeMarkdown(subjectText(row)),
      escapeMarkdown(crossingText(row)),
    ]);
    const rest = gate.rows.length - rows.length;
    return rest === 0 ? rows : [...rows, [...first, '', `and ${counted(rest, 'more row')}`]];
  });
  return table(['gate', '', 'row', ''], rows);
}

/** With p where enough runs were compared for a test. */
function totalsTable({ totals, test }: Comparison): string {
  const isTested = test.method === 'mann-whitney';
  const rows = totals
    .filter((row) => row.baseMedian !== 0 || row.newMedian !== 0)
    .map((row) => [
      METRIC_TITLES[row.metric],
      ...[
        `${valueText(row.baseMedian, row.unit)} ${spreadText(row.base)}`.trim(),
        `${valueText(row.newMedian, row.unit)} ${spreadText(row.new)}`.trim(),
        row.delta === 0 ? '' : changeText(row.delta, row.unit),
        row.delta === 0 ? '' : percentText(row),
        ...(isTested ? [row.p === null ? '' : row.p.toFixed(3)] : []),
      ].map(escapeMarkdown),
      verdictOf(row),
    ]);
  const heads = ['total', '-base', '-new', '-change', '-', ...(isTested ? ['-p'] : []), 'verdict'];
  return table(heads, rows);
}

/** What a cache or call site moved by in every metric, and what it holds. */
function movedTable({ title, subjects }: MovedTable, top: number): string[] {
  const shown = cutRows(subjects, top);
  const metrics = metricsOf(shown);
  const rows = shown.map((subject) => {
    const leading = leadingRow(subject);
    const cells = [
      subjectText(subject.name),
      ...metrics.map((metric) => {
        const row = subject.rows[metric];
        return row === undefined ? '' : changeText(row.delta, row.unit);
      }),
      leading === undefined ? '' : percentText(leading),
      leading === undefined ? '' : `${objectsText(leading)}${placeText(leading)}`,
    ];
    return cells.map(escapeMarkdown);
  });
  const heads = [title, ...metrics.map((metric) => `-${METRIC_TITLES[metric]}`), '-', 'objects'];
  const rest = subjects.length - shown.length;
  return [table(heads, rows), rest === 0 ? '' : `... and ${counted(rest, 'more row')}`];
}

function verdictOf({ verdict }: ComparisonRow): string {
  return verdict === 'same' ? '' : verdict === 'noise' ? escapeMarkdown('~') : verdict;
}

/** A heading that begins with a minus is of a column of numbers. */
function table(heads: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  return [
    line(heads.map((head) => head.replace(/^-/, ''))),
    line(heads.map((head) => (head.startsWith('-') ? '---:' : '---'))),
    ...rows.map(line),
  ].join('\n');
}

function details(title: string, lines: readonly string[]): string {
  if (lines.length === 0) return '';
  const list = lines.map((line) => `- ${line}`).join('\n');
  return `<details><summary>${title}</summary>\n\n${list}\n\n</details>`;
}

/** Text with everything that Markdown, HTML or GitHub (mentions, links) would act on made plain. */
export function escapeMarkdown(text: string): string {
  return escapeText(text)
    .replace(/&/g, '&amp;')
    .replace(/</g, '&lt;')
    .replace(/>/g, '&gt;')
    .replace(/[\\`*_[\]|~#!]/g, '\\$&')
    .replace(/@/g, '&#64;')
    .replace(/:\/\//g, '&#58;//')
    .replace(/\bwww\./gi, (www) => `${www.slice(0, 3)}&#46;`);
}
