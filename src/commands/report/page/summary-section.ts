// The answer first: how much slab memory, how much of it wasted, what was found; beside it how far the
// numbers can be trusted.

import type { Analysis } from '../../../analysis/overview.ts';
import { counted, formatBytes, formatPercent, formatShare } from '../../../base/bytes-format.ts';
import { shellWord } from '../../../render/escape.ts';
import { html, type Markup } from '../../../render/html/markup.ts';
import { lacksAllFrees, memoryRows, trustLines } from '../../../render/overview-parts.ts';
import { moment } from '../../../render/run-text.ts';

/** @param source the run as the user named it, for the commands that go on from here */
export function renderSummary(analysis: Analysis, source: string): Markup {
  const { empty } = analysis.completeness;
  if (empty !== null) return html`<p>${empty}</p>${trust(analysis)}`;
  return html`<div class="tiles">${tiles(analysis)}</div>
<h3>Can these numbers be trusted?</h3>
${trust(analysis)}
<h3>Slab memory</h3>
${memory(analysis)}
<h3>Next</h3>
${next(analysis, source)}`;
}

function tiles({ totals, memory: { end, slabs }, run, findings }: Analysis): Markup[] {
  const at =
    totals.peakAtNs === null || run.clockUnit !== 'ns' ? '' : `, at ${moment(totals.peakAtNs)}`;
  const tile = (name: string, value: string, note: string): Markup =>
    html`<div class="tile"><span class="name">${name}</span><b>${value}</b><span>${note}</span></div>`;
  const count = (severity: string): number =>
    findings.filter((f) => f.severity === severity).length;
  const shown = [
    tile('Live at the end', formatBytes(end.bytesAlloc), counted(totals.liveObjects, 'object')),
    tile('Peak', formatBytes(totals.peakLiveBytesAlloc), `of live bytes${at}`),
    tile(
      'Wasted by rounding',
      formatBytes(end.rounding),
      `${formatShare(end.rounding, end.bytesAlloc)} of what is live`,
    ),
    tile(
      'Allocated in all',
      formatBytes(totals.bytesAlloc),
      `${formatPercent(totals.internalFragmentationPct)} of it rounding and padding`,
    ),
  ];
  if (slabs !== null) {
    shown.splice(
      3,
      0,
      tile(
        'Free slots in slabs',
        formatBytes(slabs.freeBytes),
        `${formatShare(slabs.freeBytes, slabs.bytes)} of ${formatBytes(slabs.bytes)} in slabs`,
      ),
    );
  }
  const worst = count('error');
  shown.push(
    tile(
      'Findings',
      String(findings.length),
      `${counted(worst, 'error')}, ${counted(count('warning'), 'warning')}, ${counted(count('note'), 'note')}`,
    ),
  );
  return shown;
}

function trust(analysis: Analysis): Markup {
  const lines = trustLines(analysis).map(
    ([name, text]) => html`<dt>${name}</dt><dd>${text}</dd>\n`,
  );
  return html`<dl class="facts">${lines}</dl>`;
}

function memory(analysis: Analysis): Markup {
  const rows = memoryRows(analysis).map(
    ([name, end, peak, note]) =>
      html`<tr><td>${name}</td><td data-v="${end}">${formatBytes(end)}</td><td data-v="${peak ?? ''}">${
        peak === null ? '' : formatBytes(peak)
      }</td><td>${note}</td></tr>\n`,
  );
  return html`<table class="plain"><thead><tr><th></th><th class="num">at the end</th><th class="num">at the peak</th><th></th></tr></thead><tbody>${rows}</tbody></table>`;
}

function next(analysis: Analysis, source: string): Markup {
  const name = shellWord(source);
  const lines = [
    `slabreplay frag ${name} --by site`,
    `slabreplay lint ${name}`,
    ...(lacksAllFrees(analysis)
      ? []
      : [`slabreplay leaks ${name}`, `slabreplay replay ${name} --slub-debug FZPU`]),
  ];
  return html`<pre class="mono">${lines.map((line) => html`${line}\n`)}</pre>`;
}
