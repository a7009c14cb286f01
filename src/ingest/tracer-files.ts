// What the tracer knew, from the files beside a recording: its clock, the names of tasks, the events
// that it lost. The file beside the events (`trace_clock`) goes before that of the whole tracefs
// (`tracing/trace_clock`), which may stand for several recordings of one boot.

import { parseTraceClock } from '../kernel/events/trace-info.ts';
import type { SidecarFiles } from '../recording/sidecars.ts';
import { type CpuLosses, parseCpuStats } from './ring-buffer/cpu-stats.ts';
import { parseCmdlines } from './saved-cmdlines.ts';

/** The chosen clock ('global'), or null where nothing tells. */
export function tracerClock(sidecars: SidecarFiles): string | null {
  return parseTraceClock(
    sidecars.text('trace_clock') ?? sidecars.text('tracing/trace_clock') ?? '',
  );
}

/** Task names by pid, or undefined where none were saved. */
export function tracerTaskNames(sidecars: SidecarFiles): Map<number, string> | undefined {
  const text = sidecars.text('saved_cmdlines') ?? sidecars.text('tracing/saved_cmdlines');
  return text === undefined ? undefined : parseCmdlines(text);
}

/** What was lost on a CPU, or undefined where nothing tells. */
export function tracerLosses(sidecars: SidecarFiles, cpu: number): CpuLosses | undefined {
  const text = sidecars.text(`cpu${cpu}.stats`) ?? sidecars.text(`tracing/per_cpu/cpu${cpu}/stats`);
  return text === undefined ? undefined : parseCpuStats(text);
}
