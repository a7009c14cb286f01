// A comparison as one HTML page: the answer, the totals, what got worse or better, and where in the
// call chains.

import type { CallChains } from '../../analysis/call-chains.ts';
import { counted, formatBytes, formatBytesChange, formatCount } from '../../base/bytes-format.ts';
import type { PageAssets } from '../../render/html/assets.ts';
import { chainsData } from '../../render/html/chain-chart.ts';
import { type DataColumn, renderDataTable } from '../../render/html/data-table.ts';
import { html, type Markup } from '../../render/html/markup.ts';
import { type PageSection, renderPage } from '../../render/html/page.ts';
import { siteText } from '../../render/site-text.ts';
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
import {
  leadingRow,
  type MovedSubject,
  type MovedTable,
  metricsOf,
  movedTables,
} from './compare-subjects.ts';
import { sideText } from './compare-text.ts';
import type { Metric } from './figures/metrics.ts';
import { subjectText } from './figures/subject.ts';
import type { Comparison, ComparisonRow, OneSidedSite, UncertainRow } from './judge/comparison.ts';

const MOST_ROWS = 400;

/**
 * @param chains of base and new; undefined where a side has figures only
 * @param title what the user calls it
 */
export function renderComparisonPage(
  comparison: Comparison,
  chains: CallChains | undefined,
  assets: PageAssets,
  title?: string,
): string {
  const hasChains = chains !== undefined && chains.chains.length > 0;
  const sections: (PageSection | false)[] = [
    { id: 'summary', title: 'Summary', body: summary(comparison) },
    { id: 'moved', title: 'What moved', body: moved(comparison) },
    { id: 'chains', title: 'Call chains', body: hasChains ? CHAINS : NO_CHAINS },
    { id: 'rows', title: 'All differences', body: allRows(comparison.rows) },
    { id: 'sites', title: 'New and gone call sites', body: oneSided(comparison) },
    comparison.uncertain.length > 0 && {
      id: 'uncertain',
      title: 'Kept apart',
      body: uncertain(comparison.uncertain),
    },
  ];
  return renderPage(
    {
      title: title ?? 'Slab memory compared',
      subtitle:
        `new (${counted(comparison.new.length, 'run')}) against ` +
        `base (${counted(comparison.base.length, 'run')}), ` +
        (comparison.per === 'run' ? 'per run' : `allocated bytes per ${comparison.per}`),
      sections: sections.filter((section) => section !== false),
      data: {
        time: null,
        chains: hasChains ? chainsData(chains, ['base', 'new']) : null,
        slabs: [],
      },
    },
    assets,
  );
}

const CHAINS: Markup = html`<p>Red grew, blue shrank, the stronger the more of it. With the width <i>change</i> a box is as wide as what changed in it; <i>new</i> and <i>base</i> show all that a side has. A side of several runs is their average. A click on a box makes it the whole width.</p>
<div id="icicle"></div>`;

const NO_CHAINS: Markup = html`<p>Call chains need the events of both sides; a baseline has figures only.</p>`;

function summary(comparison: Comparison): Markup {
  const { base, new: news, warnings, threshold, test } = comparison;
  const method = {
    'mann-whitney': `Mann-Whitney test, p below ${test.alpha}`,
    ranges: 'too few runs for a test: where the ranges of the sides do not overlap',
    exact: 'one run each: any difference above the thresholds that chance does not explain',
  }[test.method];
  return html`<p><strong>${answerOf(comparison)}</strong></p>
<dl class="facts"><dt>base</dt><dd>${sideText(base)}</dd>
<dt>new</dt><dd>${sideText(news)}</dd>
<dt>counts as change</dt><dd>more than ${thresholdWords(threshold)}; ${method}</dd>
${warnings.map((warning) => html`<dt>note</dt><dd>${warning}</dd>\n`)}</dl>
${totals(comparison.totals)}${gates(comparison)}`;
}

function totals(rows: readonly ComparisonRow[]): Markup {
  const shown = rows.filter((row) => row.baseMedian !== 0 || row.newMedian !== 0);
  const cells = shown.map((row) => {
    const change = row.delta === 0 ? '' : changeText(row.delta, row.unit);
    return html`<tr><td class="nowrap">${METRIC_TITLES[row.metric]}</td>
<td data-v="${row.baseMedian}">${valueText(row.baseMedian, row.unit)}</td><td class="nowrap">${spreadText(row.base)}</td>
<td data-v="${row.newMedian}">${valueText(row.newMedian, row.unit)}</td><td class="nowrap">${spreadText(row.new)}</td>
<td data-v="${row.delta}">${change}</td><td data-v="">${row.delta === 0 ? '' : percentText(row)}</td>
<td class="${verdictClass(row)}">${row.verdict}</td><td>${row.verdict === 'same' ? '' : row.reason}</td></tr>\n`;
  });
  return html`<div class="table"><table><thead><tr><th>total</th><th class="num">base</th><th></th><th class="num">new</th><th></th><th class="num">change</th><th></th><th>verdict</th><th>why</th></tr></thead>
<tbody>${cells}</tbody></table></div>`;
}

function verdictClass({ verdict }: ComparisonRow): string {
  return verdict === 'regression' ? 'bad' : verdict === 'improvement' ? 'good' : '';
}

function gates({ gates: all }: Comparison): Markup | null {
  if (all.length === 0) return null;
  const rows = all.map((gate) => {
    const state = gateState(gate);
    const what =
      gate.matched === 0
        ? 'matches no row'
        : gate.rows.map((row) => `${subjectText(row)} ${crossingText(row)}`).join('; ');
    return html`<tr><td class="${state === 'PASS' ? 'good' : 'bad'}">${state}</td><td><code>${gate.spec}</code></td><td>${what}</td></tr>\n`;
  });
  return html`<h3>Gates</h3>
<div class="table"><table><thead><tr><th></th><th>gate</th><th></th></tr></thead><tbody>${rows}</tbody></table></div>`;
}

function moved(comparison: Comparison): Markup {
  const tables = movedTables(comparison);
  if (tables.length === 0) return html`<p>No call site and no cache changed by what counts.</p>`;
  const { unchanged } = comparison;
  return html`${tables.map(movedTable)}<p class="note">Unchanged: ${counted(unchanged.sites, 'call site')}, ${counted(unchanged.caches, 'cache')}.</p>`;
}

function movedTable({ title, subjects }: MovedTable): Markup {
  const metric = (name: Metric): DataColumn<MovedSubject> => {
    const unit = subjects.find(({ rows }) => rows[name] !== undefined)?.rows[name]?.unit ?? '';
    return {
      title: METRIC_TITLES[name],
      value: ({ rows }) => rows[name]?.delta ?? null,
      format: (value) => (value === null ? '' : changeText(value, unit)),
      isSum: true,
    };
  };
  return html`<h3>${title}</h3>
${renderDataTable<MovedSubject>({
  id: `${title.toLowerCase().replaceAll(' ', '-')}-table`,
  what: 'row',
  most: MOST_ROWS,
  rows: subjects,
  columns: [
    { title: 'name', value: ({ name }) => subjectText(name), isCode: true },
    ...metricsOf(subjects).map(metric),
    { title: 'what', value: noteOf },
  ],
})}`;
}

/** `new, 100 x 4097 B in kmalloc-8k` */
function noteOf(subject: MovedSubject): string {
  const row = leadingRow(subject);
  if (row === undefined) return '';
  const objects = objectsText(row);
  return `${percentText(row)}${objects === '' ? '' : `, ${objects}`}${placeText(row)}`;
}

function allRows(rows: readonly ComparisonRow[]): Markup {
  return html`<p class="note">The median of each side.</p>
${renderDataTable<ComparisonRow>({
  id: 'rows-table',
  what: 'row',
  most: MOST_ROWS,
  rows,
  columns: [
    { title: 'name', value: (row) => subjectText(row), isCode: true },
    { title: 'of', value: ({ subject }) => subject },
    { title: 'metric', value: ({ metric }) => METRIC_TITLES[metric] },
    {
      title: 'base',
      value: ({ baseMedian }) => baseMedian,
      format: (value, { unit }) => valueText(value ?? 0, unit),
    },
    {
      title: 'new',
      value: ({ newMedian }) => newMedian,
      format: (value, { unit }) => valueText(value ?? 0, unit),
    },
    {
      title: 'change',
      value: ({ delta }) => delta,
      format: (value, { unit }) => changeText(value ?? 0, unit),
    },
    { title: '%', value: ({ deltaPct }) => deltaPct, format: (_, row) => percentText(row) },
    {
      title: 'p',
      value: ({ p }) => p,
      format: (value) => (value === null ? '-' : value.toPrecision(2)),
    },
    { title: 'verdict', value: ({ verdict }) => verdict },
    { title: 'why', value: ({ reason }) => reason, isProse: true },
  ],
})}`;
}

function oneSided({ newSites, goneSites }: Comparison): Markup {
  const sites = [
    ...newSites.map((site) => ({ ...site, side: 'new' })),
    ...goneSites.map((site) => ({ ...site, side: 'gone' })),
  ];
  if (sites.length === 0) return html`<p>Both sides have the same call sites.</p>`;
  return renderDataTable<OneSidedSite & { readonly side: string }>({
    id: 'one-sided-table',
    what: 'call site',
    most: MOST_ROWS,
    rows: sites,
    columns: [
      { title: 'call site', value: (site) => siteText(site), isCode: true },
      { title: '', value: ({ side }) => side },
      { title: 'caches', value: ({ caches }) => caches.join(', '), isCode: true },
      { title: 'allocs', value: ({ allocs }) => allocs, format: formatCount, isSum: true },
      { title: 'bytes', value: ({ bytesAlloc }) => bytesAlloc, format: formatBytes, isSum: true },
    ],
  });
}

function uncertain(rows: readonly UncertainRow[]): Markup {
  const mean = (values: readonly number[]): number =>
    values.reduce((sum, value) => sum + value, 0) / Math.max(1, values.length);
  return html`<p>Live objects that may be freed already; no verdict counts them.</p>
${renderDataTable<UncertainRow>({
  id: 'uncertain-table',
  what: 'row',
  most: MOST_ROWS,
  rows,
  columns: [
    { title: 'name', value: (row) => subjectText(row), isCode: true },
    { title: 'objects in base', value: (row) => mean(row.baseObjects), format: formatCount },
    { title: 'in new', value: (row) => mean(row.newObjects), format: formatCount },
    { title: 'bytes in base', value: (row) => mean(row.base), format: formatBytes },
    { title: 'in new', value: (row) => mean(row.new), format: formatBytes },
    { title: 'change', value: ({ delta }) => delta, format: formatBytesChange },
  ],
})}`;
}
