// Curves of caches as counters in Chrome's trace event format (JSON object format, phase 'C'), which
// Perfetto's UI, chrome://tracing and Trace Compass open beside other traces of the same machine:
// times are those of the recording, in microseconds.

import type { CacheCurves } from '../../analysis/cache-curves.ts';
import { escapeText } from '../../render/escape.ts';

const PID = 1;

export function renderTraceEvents({ run, curves }: CacheCurves): string {
  const events = [
    JSON.stringify({
      ph: 'M',
      name: 'process_name',
      pid: PID,
      args: { name: `slab memory: ${escapeText(run.label)}` },
    }),
  ];
  for (const { cache, points } of curves) {
    const name = escapeText(cache ?? 'cache not known');
    for (const { time, bytes } of points) {
      const ts = microseconds(time, run.clockUnit);
      events.push(JSON.stringify({ ph: 'C', name, pid: PID, ts, args: { bytes } }));
    }
  }
  const other = JSON.stringify({
    exporter: 'slabreplay',
    kernelRelease: run.kernelRelease,
    clock: run.clock,
    clockUnit: run.clockUnit,
  });
  return `{"displayTimeUnit":"ns","otherData":${other},"traceEvents":[\n${events.join(',\n')}\n]}\n`;
}

/** Clocks that do not count nanoseconds are taken as they are. */
function microseconds(time: bigint, unit: CacheCurves['run']['clockUnit']): number {
  return unit === 'ns' ? Number(time) / 1000 : Number(time);
}
