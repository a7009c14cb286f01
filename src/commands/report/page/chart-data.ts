// The numbers of the report's charts over time and of its slab maps, with every name in them escaped.

import { counted, formatBytes, formatCount } from '../../../base/bytes-format.ts';
import { escapeText } from '../../../render/escape.ts';
import type { SlabMapData, TimeChartData, TimeMarker } from '../../../render/html/page-data.ts';
import { moment } from '../../../render/run-text.ts';
import type { ReportData } from '../report-run.ts';
import type { SlabPicture } from '../slab-picture.ts';

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
