// The tables of a report: findings, caches, call sites, who frees, what is held with its stacks, and
// where requests are just over a size class.

import type { Finding } from '../../../analysis/lint/finding.ts';
import type { OutstandingGroup } from '../../../analysis/outstanding.ts';
import type { Analysis, CacheRow, CallSiteRow } from '../../../analysis/overview.ts';
import type { SizeAdvice } from '../../../analysis/size-advice.ts';
import {
  formatBytes,
  formatCount,
  formatDuration,
  formatPercent,
  formatRate,
  formatSeconds,
} from '../../../base/bytes-format.ts';
import { type DataColumn, renderDataTable } from '../../../render/html/data-table.ts';
import { html, type Markup } from '../../../render/html/markup.ts';
import { siteText } from '../../../render/site-text.ts';

const MOST_CACHES = 300;
const MOST_SITES = 400;
const MOST_OTHER = 200;

export function renderFindings(findings: readonly Finding[]): Markup {
  if (findings.length === 0) return html`<p>Nothing was found.</p>`;
  return renderDataTable<Finding>({
    id: 'findings-table',
    what: 'finding',
    most: MOST_OTHER,
    rows: findings,
    columns: [
      { title: 'finding', value: ({ message }) => message, isProse: true },
      { title: 'severity', value: ({ severity }) => severity },
      { title: 'rule', value: ({ rule }) => rule, isCode: true },
      { title: 'count', value: ({ count }) => count, format: formatCount },
      { title: 'call site', value: (f) => (f.symbol ?? f.site) && siteText(f), isCode: true },
      { title: 'cache', value: ({ cache }) => cache, isCode: true },
    ],
    classOf: ({ severity }) => severity,
    details: ({ example }) =>
      example === null
        ? null
        : html`<details><summary>example</summary>${exampleText(example)}</details>`,
  });
}

function exampleText(example: NonNullable<Finding['example']>): Markup {
  const parts = Object.entries(example).filter(([, value]) => value !== null);
  return html`<dl class="facts">${parts.map(
    ([name, value]) => html`<dt>${name}</dt><dd class="mono">${shortened(String(value))}</dd>`,
  )}</dl>`;
}

/** Lines of a text that are shown from its start and from its end. */
const FIRST_LINES = 16;
const LAST_LINES = 4;

/** SLUB's reports are long, and the middle is memory. */
function shortened(text: string): Markup {
  const lines = text.split('\n');
  if (lines.length === 1) return html`${text}`;
  const left = lines.length - FIRST_LINES - LAST_LINES;
  const shown =
    left <= 1
      ? lines
      : [...lines.slice(0, FIRST_LINES), `... ${left} lines`, ...lines.slice(-LAST_LINES)];
  return html`<pre>${shown.map((line) => html`${line}\n`)}</pre>`;
}

export function renderCaches(caches: readonly CacheRow[]): Markup {
  return renderDataTable<CacheRow>({
    id: 'caches-table',
    what: 'cache',
    most: MOST_CACHES,
    rows: caches,
    columns: [
      { title: 'cache', value: ({ name }) => name, isCode: true },
      count('live', ({ live }) => live, 'Objects that the trace holds live at its end.'),
      bytes('live bytes', ({ liveBytesAlloc }) => liveBytesAlloc, true),
      bytes('wasted', ({ liveBytesWasted }) => liveBytesWasted),
      count(
        'uncertain',
        ({ liveUncertain }) => liveUncertain,
        'Of the live ones, those that may be freed already.',
      ),
      count('peak live', ({ peakLive }) => peakLive),
      count('slabs', ({ slabs }) => slabs, 'That the events show, by the replay.'),
      count(
        'in kernel',
        ({ kernelSlabs }) => kernelSlabs,
        'Slabs as the kernel counted them at the end, older objects included.',
      ),
      count('allocs', ({ allocs }) => allocs),
      count('frees', ({ frees }) => frees),
      bytes('allocated', ({ bytesAlloc }) => bytesAlloc),
      { title: 'allocs/s', value: ({ allocsPerSec }) => allocsPerSec, format: formatRate },
      {
        title: 'object',
        value: ({ objectSize }) => objectSize,
        format: formatCount,
        help: 'object_size in bytes',
      },
      {
        title: 'slot',
        value: ({ slabSize }) => slabSize,
        format: formatCount,
        help: 'slab_size in bytes',
      },
      { title: 'per slab', value: ({ objsPerSlab }) => objsPerSlab, format: formatCount },
    ],
  });
}

export function renderCallSites(sites: readonly CallSiteRow[]): Markup {
  return renderDataTable<CallSiteRow>({
    id: 'sites-table',
    what: 'call site',
    most: MOST_SITES,
    rows: rankSites(sites),
    columns: [
      { title: 'call site', value: (site) => siteText(site), isCode: true },
      { title: 'cache', value: ({ cache }) => cache, isCode: true },
      count('live', ({ live }) => live),
      bytes('live bytes', ({ liveBytesAlloc }) => liveBytesAlloc, true),
      bytes(
        'wasted',
        ({ liveBytesWasted }) => liveBytesWasted,
        false,
        'Of the live bytes: rounding and padding.',
      ),
      count(
        'uncertain',
        ({ liveUncertain }) => liveUncertain,
        'Of the live ones, those that may be freed already.',
      ),
      count('allocs', ({ allocs }) => allocs),
      count('frees', ({ frees }) => frees),
      bytes('allocated', ({ bytesAlloc }) => bytesAlloc, true),
      {
        title: 'mean lifetime',
        value: ({ meanLifetimeNs }) => meanLifetimeNs,
        format: formatDuration,
      },
      count(
        'cross-CPU',
        ({ crossCpuFrees }) => crossCpuFrees,
        'Frees on another CPU than the allocation.',
      ),
    ],
  });
}

/** Those that lead in anything first, so that a cut table loses none of them. */
function rankSites(sites: readonly CallSiteRow[]): CallSiteRow[] {
  if (sites.length <= MOST_SITES) return [...sites];
  const keys = ['liveBytesAlloc', 'liveBytesWasted', 'bytesAlloc', 'allocs'] as const;
  const share = MOST_SITES / keys.length;
  const leading = new Set<CallSiteRow>();
  for (const key of keys) {
    const sorted = [...sites].sort((a, b) => b[key] - a[key]);
    for (const site of sorted.slice(0, share)) leading.add(site);
  }
  const rest = sites.filter((site) => !leading.has(site));
  return [...sites.filter((site) => leading.has(site)), ...rest];
}

export function renderFreeSites(sites: Analysis['freeSites']): Markup {
  return renderDataTable<Analysis['freeSites'][number]>({
    id: 'free-sites-table',
    what: 'call site',
    most: MOST_OTHER,
    rows: sites,
    columns: [
      { title: 'freed at', value: (site) => siteText(site), isCode: true },
      { title: 'event', value: ({ event }) => event, isCode: true },
      count('frees', ({ frees }) => frees, 'Of objects whose allocation is in the trace.'),
      bytes('bytes', ({ bytesAlloc }) => bytesAlloc, true),
      count(
        'of unknown',
        ({ unknownFrees }) => unknownFrees,
        'Of objects whose allocation is not in the trace.',
      ),
      count('kfree(NULL)', ({ nullFrees }) => nullFrees),
    ],
  });
}

export function renderOutstanding(groups: readonly OutstandingGroup[]): Markup {
  return renderDataTable<OutstandingGroup>({
    id: 'held-table',
    what: 'group',
    most: MOST_OTHER,
    rows: groups,
    columns: [
      { title: 'allocated at', value: (group) => siteText(group), isCode: true },
      { title: 'cache', value: ({ cache }) => cache, isCode: true },
      count('objects', ({ objects }) => objects),
      bytes('bytes', ({ bytesAlloc }) => bytesAlloc, true),
      count(
        'uncertain',
        ({ uncertain }) => uncertain,
        'Of the objects, those that may be freed already.',
      ),
      { title: 'oldest', value: ({ oldestSec }) => oldestSec, format: formatSeconds },
      {
        title: 'growth',
        value: ({ growthPerSec }) => growthPerSec,
        format: formatRate,
        help: 'Objects per second, by least squares over the recording.',
      },
      {
        title: 'never fell',
        value: ({ monotoneShare }) => monotoneShare && 100 * monotoneShare,
        format: (value) => formatPercent(value, 0),
        help: 'Share of the intervals in which their number did not fall.',
      },
      {
        title: 'short-lived',
        value: ({ temporaryShare }) => 100 * temporaryShare,
        format: (value) => formatPercent(value, 0),
        help: 'Share of its allocations that were freed before the next allocation on their CPU.',
      },
    ],
    details: ({ stack }) => stackDetails(stack),
  });
}

/** The frames, folded; nothing where none were recorded. */
export function stackDetails(stack: readonly string[]): Markup | null {
  if (stack.length === 0) return null;
  const frames = stack.map((frame) => html`<li><code>${frame}</code></li>`);
  return html`<details><summary>stack</summary><ol class="stack">${frames}</ol></details>`;
}

export function renderSizeAdvice(advice: readonly SizeAdvice[]): Markup | null {
  if (advice.length === 0) return null;
  return html`<h3>Requests that a smaller class, or a cache of their own, would serve</h3>
${renderDataTable<SizeAdvice>({
  id: 'sizes-table',
  what: 'request',
  most: MOST_OTHER,
  rows: advice,
  columns: [
    { title: 'call site', value: (row) => siteText(row), isCode: true },
    {
      title: 'requested',
      value: ({ bytesReq }) => bytesReq,
      format: formatCount,
      help: 'Bytes, each time.',
    },
    { title: 'class', value: ({ classSize }) => classSize, format: formatCount },
    {
      title: 'class below',
      value: ({ shrinkTo }) => shrinkTo,
      format: formatCount,
      help: 'Where the request is just over it.',
    },
    count('live', ({ live }) => live),
    bytes(
      'fitting saves',
      ({ shrinkSavesNow }) => shrinkSavesNow,
      false,
      'Bytes at the end, if requests fitted the class below.',
    ),
    bytes('at the peak', ({ shrinkSavesAtPeak }) => shrinkSavesAtPeak),
    bytes(
      'own cache saves',
      ({ ownCacheSavesNow }) => ownCacheSavesNow,
      false,
      'Bytes at the end, with a cache of exactly this size.',
    ),
    bytes('at the peak', ({ ownCacheSavesAtPeak }) => ownCacheSavesAtPeak),
  ],
})}`;
}

function bytes<Row>(
  title: string,
  value: (row: Row) => number | null,
  hasBars = false,
  help?: string,
): DataColumn<Row> {
  return { title, value, format: formatBytes, hasBars, isSum: true, ...(help && { help }) };
}

function count<Row>(
  title: string,
  value: (row: Row) => number | null,
  help?: string,
): DataColumn<Row> {
  return { title, value, format: formatCount, isSum: true, ...(help && { help }) };
}
