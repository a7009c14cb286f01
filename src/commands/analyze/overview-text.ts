// The overview as text: can the numbers be trusted, where memory goes, who wastes it, who is busy,
// what to look at next.

import type { Analysis, CacheRow, CallSiteRow } from '../../analysis/overview.ts';
import type { SizeAdvice } from '../../analysis/size-advice.ts';
import { counted, formatBytes, formatCount } from '../../base/bytes-format.ts';
import { shellWord } from '../../render/escape.ts';
import { findingText, severityLine } from '../../render/finding-text.ts';
import { lacksAllFrees, memoryRows, trustLines } from '../../render/overview-parts.ts';
import {
  bareRate,
  labelled,
  moment,
  nothingText,
  runLine,
  wrapped,
} from '../../render/run-text.ts';
import { siteText } from '../../render/site-text.ts';
import { type Cell, type Column, cutRows, renderCsv, renderTable } from '../../render/table.ts';

/**
 * @param top rows of each table, 0 for all
 * @param source the run as the user named it, for the commands that go on from here
 */
export function renderOverview(analysis: Analysis, top: number, source: string): string {
  const nothing = nothingText(analysis.run, analysis.completeness);
  if (nothing !== undefined) return nothing;
  return [
    runLine(analysis.run),
    trust(analysis),
    memory(analysis),
    wasteTable(analysis, top),
    heldTable(analysis, top),
    busiestTable(analysis, top),
    findings(analysis, source),
    next(analysis, source),
  ]
    .filter((part) => part !== '')
    .join('\n');
}

function trust(analysis: Analysis): string {
  const lines = trustLines(analysis).map(([name, text]) => labelled(name, text));
  return `Can these numbers be trusted?\n${lines.join('')}`;
}

function memory(analysis: Analysis): string {
  const { totals, run, caches } = analysis;
  const at =
    totals.peakAtNs === null || run.clockUnit !== 'ns' ? '' : ` (${moment(totals.peakAtNs)})`;
  const columns: Column[] = [
    { title: 'Slab memory' },
    { title: 'at the end', format: formatBytes },
    { title: `at the peak${at}`, format: (value) => (value === null ? '' : formatBytes(value)) },
    { title: '' },
  ];
  const rows = memoryRows(analysis);
  return renderTable(columns, rows, { indent: 2 }) + kernelLine(caches, run.pageSize);
}

/** What the kernel itself said of the same caches; older objects are in it too. */
function kernelLine(caches: readonly CacheRow[], pageSize: number): string {
  let slabs = 0;
  let bytes = 0;
  let older = 0;
  let olderBytes = 0;
  for (const cache of caches) {
    older += cache.olderObjects ?? 0;
    olderBytes += (cache.olderObjects ?? 0) * (cache.slabSize ?? 0);
    slabs += cache.kernelSlabs ?? 0;
    bytes += (cache.kernelSlabs ?? 0) * pageSize * 2 ** (cache.order ?? 0);
  }
  if (slabs === 0) return '';
  const text = `${counted(slabs, 'slab')} of these caches, ${formatBytes(bytes)}, at the end`;
  if (older === 0) return labelled('the kernel', `had ${text}; older objects included`);
  const objects = `about ${counted(older, 'object')} in them, ${formatBytes(olderBytes)}`;
  const are = older === 1 ? 'is' : 'are';
  return labelled('the kernel', `had ${text}; ${objects}, ${are} older than the recording`);
}

function wasteTable({ advice, callSites }: Analysis, top: number): string {
  const wasting = callSites
    .filter((site) => (site.cache ?? '').includes('kmalloc') && site.liveRounding > 0)
    .sort((a, b) => b.liveRounding - a.liveRounding);
  if (wasting.length === 0) return '';
  const hints = new Map<string, SizeAdvice>();
  for (const a of advice) if (!hints.has(siteText(a))) hints.set(siteText(a), a);
  const columns: Column[] = [
    { title: 'cache' },
    { title: 'call site' },
    { title: 'live', format: formatCount },
    { title: 'requested', format: formatBytes },
    { title: 'allocated', format: formatBytes },
    { title: 'wasted', format: formatBytes },
    { title: '' },
  ];
  const rows = cutRows(wasting, top).map((site) => [
    site.cache ?? '?',
    siteText(site),
    site.live,
    site.liveBytesAlloc - site.liveBytesWasted,
    site.liveBytesAlloc,
    site.liveRounding,
    hints.get(siteText(site))?.shrinkTo == null ? '' : '*',
  ]);
  let text = titled('Most wasted by rounding, at the end', columns, rows);
  const best = advice.find((a) => a.shrinkTo !== null);
  if (best !== undefined) {
    const saved = `${formatBytes(best.shrinkSavesNow)} now, ${formatBytes(best.shrinkSavesAtPeak)}`;
    text += wrapped(
      '  * ',
      `asks for little more than the class below holds. Best: ${siteText(best)} ` +
        `(${best.bytesReq} -> ${best.classSize}); fitting ${best.shrinkTo} would save ${saved} at the peak`,
    );
  }
  return text;
}

function heldTable(analysis: Analysis, top: number): string {
  const { callSites } = analysis;
  const holding = callSites.filter((site) => site.live > 0);
  if (holding.length === 0) return '';
  const title = lacksAllFrees(analysis)
    ? 'Most memory allocated, frees not recorded'
    : 'Most memory held, at the end';
  const columns: Column[] = [
    { title: 'cache' },
    { title: 'call site' },
    { title: 'live', format: formatCount },
    { title: 'bytes', format: formatBytes },
    { title: 'uncertain', format: (value) => (value === 0 ? '' : formatCount(value)) },
  ];
  const rows = cutRows(holding, top).map((site: CallSiteRow) => [
    site.cache ?? '?',
    siteText(site),
    site.live,
    site.liveBytesAlloc,
    site.liveUncertain,
  ]);
  return titled(title, columns, rows);
}

function busiestTable({ caches, run }: Analysis, top: number): string {
  const busy = [...caches].sort((a, b) => b.allocs - a.allocs).filter((c) => c.allocs > 0);
  if (busy.length === 0) return '';
  const rate = (count: number): number | null => (run.durationSec ? count / run.durationSec : null);
  const columns: Column[] =
    run.durationSec === null
      ? [
          { title: 'cache' },
          { title: 'allocs', format: formatCount },
          { title: 'frees', format: formatCount },
          { title: 'bytes', format: formatBytes },
        ]
      : [
          { title: 'cache' },
          { title: 'allocs/s', format: bareRate },
          { title: 'frees/s', format: bareRate },
          { title: 'bytes/s', format: formatBytes },
        ];
  const rows = cutRows(busy, top).map((c: CacheRow) =>
    run.durationSec === null
      ? [c.name ?? '?', c.allocs, c.frees, c.bytesAlloc]
      : [c.name ?? '?', c.allocsPerSec, rate(c.frees), c.bytesPerSec],
  );
  return titled('Busiest caches', columns, rows);
}

function findings({ findings: found }: Analysis, source: string): string {
  const errors = found.filter(({ severity }) => severity === 'error');
  const rules = new Set(found.map(({ rule }) => rule));
  if (found.length === 0) return '';
  let text = `Findings   ${severityLine(found)}   (slabreplay lint ${shellWord(source)})\n`;
  for (const finding of errors) text += wrapped(`  ${finding.rule}  `, findingText(finding));
  const rest = [...rules].filter((rule) => !errors.some((finding) => finding.rule === rule));
  const each = rest.map((rule) => `${found.filter((f) => f.rule === rule).length} ${rule}`);
  return text + (each.length === 0 ? '' : wrapped('  ', each.join(', ')));
}

function next(analysis: Analysis, source: string): string {
  const name = shellWord(source);
  if (lacksAllFrees(analysis)) {
    return `Next:  slabreplay frag ${name} --by site\n       slabreplay rates ${name}\n`;
  }
  return `Next:  slabreplay frag ${name} --by site\n       slabreplay leaks ${name}\n       slabreplay replay ${name} --slub-debug FZPU\n       slabreplay report ${name} -o report.html\n`;
}

/** A table under its title. */
function titled(title: string, columns: readonly Column[], rows: readonly Cell[][]): string {
  const named = columns.map((c, i) => (i === 0 ? { ...c, title: `  ${c.title}` } : c));
  return `${title}\n${renderTable(named, rows, { indent: 2 })}`;
}

/** The call sites, all of them, as CSV. */
export function renderOverviewCsv({ callSites }: Analysis): string {
  const names = [
    'site',
    'symbol',
    'module',
    'cache',
    'allocs',
    'frees',
    'untracedFrees',
    'live',
    'liveUncertain',
    'bytesReq',
    'bytesAlloc',
    'bytesWasted',
    'liveBytesAlloc',
    'oldestNs',
    'crossCpuFrees',
    'meanLifetimeNs',
  ] as const;
  return renderCsv(
    names.map((title) => ({ title })),
    callSites.map((row) => names.map((name) => row[name])),
  );
}
