// The numbers of a page's charts, with every name in them escaped.

import type { CallChains } from '../../analysis/call-chains.ts';
import { counted, formatBytes, formatCount } from '../../base/bytes-format.ts';
import type { ReportData } from '../../commands/report/report-run.ts';
import type { SlabPicture } from '../../commands/report/slab-picture.ts';
import { escapeText } from '../escape.ts';
import { moment } from '../run-text.ts';
import type { ChainsData, SlabMapData, TimeChartData, TimeMarker } from './page-data.ts';

/** As CHAIN_VALUES of call-chains.ts. */
const MEASURES = ['live bytes', 'live bytes wasted', 'allocated bytes', 'allocated bytes wasted'];
/** More marks would hide the curves. */
const MAX_MARKERS = 12;

export function timeChartData({ bands, analysis }: ReportData): TimeChartData | null {
  if (bands === undefined || bands.times.length < 2) return null;
  const isSeconds = analysis.run.clockUnit === 'ns';
  const unit = isSeconds ? 1e9 : 1;
  const first = Number(analysis.run.firstNs);
  const origin = Number(bands.originNs);
  return {
    isSeconds,
    // From the first event on, when nothing was live yet.
    times: [first, ...bands.times.map((time) => origin + time)].map((time) => time / unit),
    bands: bands.bands.map(({ cache, caches, bytes }) => ({
      name:
        caches > 1 ? `${formatCount(caches)} other caches` : escapeText(cache ?? 'cache not known'),
      bytes: [0, ...bytes],
    })),
    markers: markersOf(analysis, unit),
  };
}

function markersOf({ totals, findings, run }: ReportData['analysis'], unit: number): TimeMarker[] {
  const markers: TimeMarker[] = [];
  const at = (ns: string): string => (run.clockUnit === 'ns' ? moment(ns) : ns);
  if (totals.peakAtNs !== null) {
    const text = `peak: ${formatBytes(totals.peakLiveBytesAlloc)} at ${at(totals.peakAtNs)}`;
    markers.push({ time: Number(totals.peakAtNs) / unit, kind: 'peak', text });
  }
  for (const { example, severity, rule, message } of findings) {
    const time = example?.['timeNs'];
    if (typeof time !== 'string' || severity === 'note' || markers.length > MAX_MARKERS) continue;
    const text = escapeText(`${rule}: ${message} (first at ${at(time)})`);
    markers.push({ time: Number(time) / unit, kind: severity, text });
  }
  return markers;
}

/** @param sides names of the two sides, where two are compared */
export function chainsData(
  { names, chains, amounts }: CallChains,
  sides: readonly string[] = [],
): ChainsData {
  return { measures: MEASURES, sides, names: names.map(escapeText), chains, amounts };
}

export function slabMapData(picture: SlabPicture): SlabMapData {
  const { cache, slabs, slots, allocated, slabBytes, slabSize, rows, sites } = picture;
  const drawn = rows.length < slabs ? `, the ${formatCount(rows.length)} emptiest drawn` : '';
  return {
    cache: escapeText(cache),
    slabSize,
    summary:
      `${counted(slabs, 'slab')} of ${formatBytes(slabBytes)}${drawn}; ` +
      `${formatCount(allocated)} of ${counted(slots, 'slot')} of ${counted(slabSize, 'byte')} allocated`,
    sites: sites.map(escapeText),
    // Full, or (with sheaves) empty: on no list either way.
    rows: rows.map((row) => ({ ...row, list: row.list === 'full' ? 'no list' : row.list })),
  };
}
