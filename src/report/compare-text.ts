// A comparison as text: the answer, both sides, the totals, which call sites and caches got worse or
// better, what is only noise, what makes the runs hard to compare, the gates.

import type { ComparedRun, Comparison, ComparisonRow } from '../analysis/compare/comparison.ts';
import type { Metric } from '../analysis/compare/metrics.ts';
import { formatBytesChange, formatCount, formatSeconds } from '../base/bytes-format.ts';
import {
  answerOf,
  changeText,
  countText,
  crossingText,
  gateState,
  METRIC_TITLES,
  objectsText,
  percentText,
  siteName,
  spreadText,
  subjectName,
  thresholdWords,
  valueText,
} from './compare-names.ts';
import { collectMoved, type MovedSubject } from './compare-subjects.ts';
import { escapeText } from './escape.ts';
import { labelled, wrapped } from './run-text.ts';
import { type Cell, type Column, renderTable } from './table.ts';

export interface CompareTextOptions {
  /** Rows of each table, 0 for all. */
  readonly top: number;
  readonly title?: string | undefined;
  /** The first new run as the user named it, for the commands that go on from here. */
  readonly source?: string | undefined;
}

export function renderComparison(comparison: Comparison, options: CompareTextOptions): string {
  const { top } = options;
  const worse = collectMoved(comparison.rows, 'regression');
  const better = collectMoved(comparison.rows, 'improvement');
  return [
    header(comparison, options.title),
    totals(comparison),
    moved('Worse call sites', worse.sites, top),
    moved('Worse caches', worse.caches, top),
    moved('Better call sites', better.sites, top),
    moved('Better caches', better.caches, top),
    remarks(comparison),
    gates(comparison, top),
    next(comparison, worse.sites, options.source),
  ]
    .filter((part) => part !== '')
    .join('\n');
}

const cut = <T>(rows: readonly T[], top: number): readonly T[] =>
  top === 0 ? rows : rows.slice(0, top);

function header(comparison: Comparison, title: string | undefined): string {
  const { base, new: news, per } = comparison;
  const heading =
    `new (${countText(news.length, 'run')}) against base (${countText(base.length, 'run')}), ` +
    (per === 'run' ? 'per run' : `allocated bytes per ${per}`);
  const name = title === undefined ? '' : `${escapeText(title)}   `;
  return (
    `${name}${heading}\n` +
    labelled('base', sideText(base)) +
    labelled('new', sideText(news)) +
    `\n${answerOf(comparison)}\n`
  );
}

/** `regress-base, regress-base2   Linux 6.1.192-lab, 1 CPU, 7.4 s to 7.6 s` */
function sideText(runs: readonly ComparedRun[]): string {
  const distinct = (of: (run: ComparedRun['run']) => string): string =>
    [...new Set(runs.map(({ run }) => of(run)))].join(', ');
  const names = runs.map(({ run }) => escapeText(run.label)).join(', ');
  const kernel = distinct((run) =>
    run.kernelRelease === null ? 'unknown kernel' : `Linux ${escapeText(run.kernelRelease)}`,
  );
  const cpus = distinct((run) => (run.cpus === null ? '? CPUs' : countText(run.cpus, 'CPU')));
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
  return `${renderTable(columns, cells, { indent: 2 })}${reasons(shown)}`;
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

/** The columns of the tables of what moved, as far as something moved in them. */
const MOVED_METRICS: readonly Metric[] = [
  'live',
  'peak',
  'waste',
  'allocBytes',
  'allocRate',
  'slabs',
  'findings',
];

function moved(title: string, subjects: readonly MovedSubject[], top: number): string {
  if (subjects.length === 0) return '';
  const metrics = MOVED_METRICS.filter((metric) =>
    // The rate says what `allocated` says, in another unit.
    metric === 'allocRate'
      ? subjects.some((s) => s.rows[metric] !== undefined && s.rows.allocBytes === undefined)
      : subjects.some((s) => s.rows[metric] !== undefined),
  );
  const columns: Column[] = [
    { title: `  ${title}` },
    ...metrics.map((metric): Column => ({ title: METRIC_TITLES[metric], align: 'right' })),
    { title: '' },
  ];
  const shown = cut(subjects, top);
  const cells = shown.map((subject): Cell[] => [
    subjectName(subject.name),
    ...metrics.map((metric) => {
      const row = subject.rows[metric];
      return row === undefined ? '' : changeText(row.delta, row.unit);
    }),
    noteOf(subject),
  ]);
  const rest = subjects.length - shown.length;
  return (
    renderTable(columns, cells, { indent: 2 }) +
    (rest > 0 ? `  ... ${formatCount(rest)} more (--top 0)\n` : '')
  );
}

/** `new, 100 x 4097 B in kmalloc-8k`, `+66.0 %, 12 -> 20 objects in kmalloc-64` */
function noteOf({ rows }: MovedSubject): string {
  const row = rows.live ?? rows.peak ?? rows.allocBytes ?? Object.values(rows)[0];
  if (row === undefined) return '';
  const objects = objectsText(row);
  return objects === '' ? percentText(row) : `${percentText(row)}, ${objects}`;
}

function remarks(comparison: Comparison): string {
  const { newSites, goneSites, unchanged, rows, uncertain, warnings, threshold } = comparison;
  let text = '';
  text += labelled('new sites', sitesText(newSites));
  text += labelled('gone', sitesText(goneSites));
  text += labelled(
    'unchanged',
    `within ${thresholdWords(threshold)}: ${countText(unchanged.sites, 'call site')}, ` +
      countText(unchanged.caches, 'cache'),
  );
  for (const line of noiseLines(rows)) text += labelled('noise', line);
  const [apart] = uncertain.filter((row) => row.subject === 'total');
  if (apart !== undefined) {
    const range = (values: readonly number[]): string => {
      const [low, high] = [Math.min(...values), Math.max(...values)];
      return low === high ? formatCount(low) : `${formatCount(low)} to ${formatCount(high)}`;
    };
    text += labelled(
      'uncertain',
      `${range(apart.baseObjects)} live objects in base and ${range(apart.newObjects)} in new may be ` +
        `freed already (${formatBytesChange(apart.delta)}): kept apart, no verdict counts them`,
    );
  }
  for (const warning of warnings) text += labelled('note', escapeText(warning));
  return text;
}

/** Names that are printed of a list. */
const MAX_NAMES = 3;

function sitesText(sites: Comparison['newSites']): string {
  if (sites.length === 0) return 'none';
  const names = sites.slice(0, MAX_NAMES).map((site) => escapeText(siteName(site)));
  const more = sites.length > MAX_NAMES ? ', ...' : '';
  return `${countText(sites.length, 'call site')}: ${names.join(', ')}${more}`;
}

/** Differences above the thresholds that are no verdict, by the reason. */
function noiseLines(rows: readonly ComparisonRow[]): string[] {
  const groups = new Map<string, ComparisonRow[]>();
  for (const row of rows) {
    if (row.verdict !== 'noise') continue;
    const key = `${METRIC_TITLES[row.metric]} ${row.reason}`;
    groups.set(key, [...(groups.get(key) ?? []), row]);
  }
  return [...groups.values()].map((group) => {
    const [first] = group as [ComparisonRow, ...ComparisonRow[]];
    const names = group.slice(0, MAX_NAMES).map((row) => escapeText(subjectName(row)));
    const more = group.length > MAX_NAMES ? ', ...' : '';
    return `${METRIC_TITLES[first.metric]} of ${names.join(', ')}${more}: ${first.reason}`;
  });
}

function gates({ gates: all }: Comparison, top: number): string {
  let text = '';
  for (const gate of all) {
    const rows = countText(gate.matched, 'row');
    const noise = gate.noise === 0 ? '' : `, ${gate.noise} over the limit by noise`;
    const [only] = gate.rows;
    if (gate.matched === 0) text += `DEAD  ${escapeText(gate.spec)}   matches no row\n`;
    else if (only === undefined) text += `PASS  ${escapeText(gate.spec)}   ${rows}${noise}\n`;
    else if (gate.matched === 1) {
      text += `${gateState(gate)}  ${escapeText(gate.spec)}   ${crossingText(only)}\n`;
    } else {
      text += `FAIL  ${escapeText(gate.spec)}   ${gate.crossed} of ${rows}${noise}\n`;
      for (const row of cut(gate.rows, top)) {
        text += `        ${escapeText(subjectName(row))}   ${crossingText(row)}\n`;
      }
    }
  }
  return text;
}

function next(
  { gates: all }: Comparison,
  worse: readonly MovedSubject[],
  source: string | undefined,
): string {
  const [first] = worse;
  if (source === undefined || first === undefined) return '';
  const name = escapeText(source);
  const [cache] = first.rows.live?.caches ?? [];
  const lines = [
    `slabreplay frag ${name} --by site${cache === undefined ? '' : ` --cache ${escapeText(cache)}`}`,
    ...(all.length === 0 ? ["slabreplay compare ... --fail-on 'total:live>+5%'"] : []),
  ];
  return `Next:  ${lines.join('\n       ')}\n`;
}
