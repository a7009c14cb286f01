// `rates` as text (whole trace, or every interval as slabratetop prints it) and CSV.

import {
  counted,
  formatByteRate,
  formatBytes,
  formatCount,
  formatSeconds,
} from '../../base/bytes-format.ts';
import { escapeText } from '../../render/escape.ts';
import { bareRate, moment, nothingText, runLine, trustFooter } from '../../render/run-text.ts';
import { siteText } from '../../render/site-text.ts';
import {
  type Cell,
  type Column,
  cutRows,
  moreRows,
  renderCsv,
  renderTable,
} from '../../render/table.ts';
import type { RateInterval, Rates } from './rates.ts';

export function renderRates(rates: Rates, top: number): string {
  const nothing = nothingText(rates.run, rates.completeness);
  if (nothing !== undefined && rates.rows.length === 0) return nothing;
  if (rates.series !== null) return renderSeries(rates, rates.series, top);
  const cut = cutRows(rates.rows, top);
  const isSite = rates.by === 'site';
  const hasTime = rates.run.durationSec !== null;
  const columns: Column[] = [
    ...(isSite ? [{ title: 'CALL SITE' }] : []),
    { title: 'CACHE' },
    { title: 'ALLOCS', format: formatCount },
    { title: 'FREES', format: formatCount },
    ...(hasTime
      ? [
          { title: 'ALLOCS/s', format: bareRate },
          ...(isSite ? [] : [{ title: 'FREES/s', format: bareRate }]),
          { title: 'BYTES/s', format: formatBytes },
        ]
      : []),
    { title: `MOST/${intervalText(rates)}`, format: formatCount },
  ];
  const rows = cut.map((row): Cell[] => [
    ...(isSite ? [siteText(row)] : []),
    row.cache ?? '?',
    row.allocs,
    row.frees,
    ...(hasTime ? [row.allocsPerSec, ...(isSite ? [] : [row.freesPerSec]), row.bytesPerSec] : []),
    row.busiestAllocs,
  ]);
  const { totals } = rates;
  const total =
    hasTime && totals.allocsPerSec !== null
      ? `; ${bareRate(totals.allocsPerSec)} allocations/s, ${formatByteRate(totals.bytesPerSec)}`
      : '';
  return (
    runLine(rates.run) +
    `\n${counted(totals.allocs, 'allocation')}, ${counted(totals.frees, 'free')} of them${total}\n\n` +
    renderTable(columns, rows) +
    moreRows(rates.rows.length, top) +
    trustFooter(rates.completeness)
  );
}

/** One block an interval, in slabratetop's columns (bcc tools/slabratetop.py). */
function renderSeries(rates: Rates, series: readonly RateInterval[], top: number): string {
  const isSite = rates.by === 'site';
  const decimals = Math.min(9, Math.max(3, Math.ceil(-Math.log10(rates.interval))));
  let text = '';
  for (const { startNs, rows } of series) {
    const time = rates.run.clockUnit === 'ns' ? moment(startNs, decimals) : startNs;
    text += `${time}\n\n${(isSite ? 'CALL SITE' : 'CACHE').padEnd(32)} ALLOCS      BYTES\n`;
    for (const row of cutRows(rows, top)) {
      const name = isSite ? siteText({ ...row, site: null }) : (row.cache ?? '?');
      const allocs = String(row.allocs).padStart(6);
      text += `${escapeText(name).padEnd(32)} ${allocs} ${String(row.bytes).padStart(10)}\n`;
    }
    text += '\n';
  }
  return text;
}

export function renderRatesCsv(rates: Rates): string {
  if (rates.series !== null) {
    const names = ['startNs', 'cache', 'symbol', 'module', 'allocs', 'frees', 'bytes'];
    return renderCsv(
      names.map((title) => ({ title })),
      rates.series.flatMap(({ startNs, rows }) =>
        rows.map((r): Cell[] => [startNs, r.cache, r.symbol, r.module, r.allocs, r.frees, r.bytes]),
      ),
    );
  }
  const names = [
    'cache',
    'site',
    'symbol',
    'module',
    'allocs',
    'frees',
    'bytes',
    'allocsPerSec',
    'freesPerSec',
    'bytesPerSec',
    'busiestAllocs',
  ] as const;
  return renderCsv(
    names.map((title) => ({ title })),
    rates.rows.map((row) => names.map((n) => row[n])),
  );
}

function intervalText(rates: Rates): string {
  return rates.run.clockUnit === 'ns' ? formatSeconds(rates.interval) : `${rates.interval} units`;
}
