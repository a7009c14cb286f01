// What the tracer lost, by the counters of each CPU (per_cpu/cpuN/stats; tracing_stats_read(),
// kernel/trace/trace.c).

import { readIfThere } from './machine-roots.ts';
import type { RecordingFolder } from './recording-folder.ts';
import { cpuFile, cpusOf } from './trace-instance.ts';

/** Events that are gone: written over, or not taken because the buffer was full. */
export function countLosses(tracer: string): number {
  return cpusOf(tracer).reduce((sum, cpu) => sum + lossesIn(statsOf(tracer, cpu)), 0);
}

/** Saves the counters of the CPUs that have a file of events. */
export function takeStats(tracer: string, folder: RecordingFolder, cpus: readonly number[]): void {
  for (const cpu of cpus) folder.save(`cpu${cpu}.stats`, statsOf(tracer, cpu));
}

function statsOf(tracer: string, cpu: number): string {
  return readIfThere(cpuFile(tracer, cpu, 'stats')) ?? '';
}

function lossesIn(stats: string): number {
  const counts = stats.matchAll(/^(?:overrun|commit overrun|dropped events): (\d+)/gm);
  return [...counts].reduce((sum, [, count]) => sum + Number(count), 0);
}

/** One line, with what to do, or none. */
export function lossWarning(losses: number, bufferKb: number): string[] {
  if (losses === 0) return [];
  const size = bufferKb < 256 ? `${bufferKb * 4}K` : `${Math.ceil(bufferKb / 256)}M`;
  return [
    `${losses.toLocaleString('en-US')} events were lost, the buffers were full: ` +
      `try --buffer ${size}, or --pid`,
  ];
}
