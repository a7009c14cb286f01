// A run as one HTML page.

import type { PageAssets } from '../../../render/html/assets.ts';
import { chainsData } from '../../../render/html/chain-chart.ts';
import { html, type Markup } from '../../../render/html/markup.ts';
import { type PageSection, renderPage } from '../../../render/html/page.ts';
import { runLine } from '../../../render/run-text.ts';
import type { ReportData } from '../report-run.ts';
import { slabMapData, timeChartData } from './chart-data.ts';
import { renderLeaks } from './leaks-section.ts';
import { renderLifetimes } from './lifetime-figure.ts';
import {
  renderCaches,
  renderCallSites,
  renderFindings,
  renderFreeSites,
  renderOutstanding,
  renderSizeAdvice,
} from './report-tables.ts';
import { renderSizeFigures } from './size-figure.ts';
import { renderSummary } from './summary-section.ts';

/** @param source the run as the user named it */
export function renderReport(data: ReportData, source: string, assets: PageAssets): string {
  const { analysis } = data;
  const { run } = analysis;
  const time = timeChartData(data);
  return renderPage(
    {
      title: run.label,
      subtitle: runLine(run).slice(run.label.length).trim(),
      sections: sectionsOf(data, source, time !== null),
      data: {
        time,
        chains: data.chains.chains.length === 0 ? null : chainsData(data.chains),
        slabs: data.slabs.map(slabMapData),
      },
    },
    assets,
  );
}

function sectionsOf(data: ReportData, source: string, hasTime: boolean): PageSection[] {
  const { analysis, sizes, lifetimes, outstanding, chains, slabs } = data;
  const sections: (PageSection | false)[] = [
    { id: 'summary', title: 'Summary', body: renderSummary(analysis, source) },
    { id: 'findings', title: 'Findings', body: renderFindings(analysis.findings) },
    hasTime && {
      id: 'time',
      title: 'Live bytes over time',
      body: html`<div id="time-chart"></div>
<p class="note">Bytes of live objects by cache, sampled evenly over the events; the peak is exact. Drag to look closer, double-click for all of it.</p>`,
    },
    chains.chains.length > 0 && { id: 'chains', title: 'Call chains', body: chainsBody(data) },
    sizes.length > 0 && {
      id: 'sizes',
      title: 'Sizes and classes',
      body: html`<p>Bytes by the size that was asked for. Each class of kmalloc is one column, cut in eight: the further left a request lies in its class, the more of the class it wastes. Upwards (blue) what was requested; downwards (orange, on a scale of its own) what rounding up to the class adds, at the bottom its share of the class.</p>
${renderSizeFigures(sizes)}${renderSizeAdvice(analysis.advice)}`,
    },
    lifetimes !== undefined && {
      id: 'lifetimes',
      title: 'Lifetimes',
      body: renderLifetimes(lifetimes),
    },
    slabs.length > 0 && { id: 'slabs', title: 'Slab map', body: SLAB_MAP },
    { id: 'caches', title: 'Caches', body: renderCaches(analysis.caches) },
    { id: 'sites', title: 'Call sites', body: renderCallSites(analysis.callSites) },
    data.leaks !== undefined && { id: 'leaks', title: 'Leaks', body: renderLeaks(data.leaks) },
    { id: 'held', title: 'Held at the end', body: heldBody(outstanding) },
    { id: 'frees', title: 'Who frees', body: renderFreeSites(analysis.freeSites) },
  ];
  return sections.filter((section) => section !== false);
}

const SLAB_MAP: Markup = html`<p>Slabs at the end, by the replay: each line is a slab, each square a slot. The emptiest slabs come first: the few objects in them keep all of their pages.</p>
<div id="slab-map"></div>`;

function chainsBody({ chains }: ReportData): Markup {
  const most = chains.chains.reduce((max, chain) => Math.max(max, chain.length), 0);
  const depth =
    most > 2
      ? 'Callers above what they call, the cache at the bottom.'
      : 'The recording has no stacks, so a chain is the calling function and its cache.';
  const others =
    chains.others === 0
      ? ''
      : ` ${chains.others.toLocaleString('en-US')} small chains are drawn as one for each cache.`;
  return html`<p>${depth} A click on a box makes it the whole width.${others}</p>
<div id="icicle"></div>`;
}

function heldBody(groups: ReportData['outstanding']): Markup {
  if (groups.length === 0) return html`<p>Nothing is live at the end.</p>`;
  if (groups.every(({ freesRecorded }) => !freesRecorded)) {
    return html`<p>What was allocated, by call site and stack. Frees were not recorded, so nothing tells what of it is still held.</p>
${renderOutstanding(groups)}`;
  }
  return html`<p>Live objects by call site and stack. They are not called leaks: a trace does not tell who refers to them (<code>slabreplay leaks</code> does, with a memory snapshot).</p>
${renderOutstanding(groups)}`;
}
