// Lines that say that events were lost. The event that stands behind them, of the same CPU, is the
// first after the gap:
//
//   CPU:1 [LOST 9404 EVENTS]        trace_pipe (print_trace_line() in kernel/trace/trace.c)
//   CPU:1 [201 EVENTS DROPPED]      trace-cmd report; both without a number where it is not known
//   [warning] Tracer discarded 72 events …    babeltrace, which names no CPU

import { MAX_CPU, type TextTrace } from './text-trace.ts';

const TRACER =
  /^(?:([^\s:]+):\s+)?CPU:(\d{1,5}) \[(?:LOST (\d+) EVENTS|(\d+) EVENTS DROPPED|LOST EVENTS|EVENTS DROPPED)\]/;
const BABELTRACE = /\bTracer (?:discarded|lost) (\d+) (?:trace )?events?\b/;

export interface LostLine {
  readonly instance: string;
  /** Undefined where the line names none. */
  readonly cpu: number | undefined;
  /** Undefined where it is not known. */
  readonly count: number | undefined;
}

/** What a line says about lost events, or undefined. */
export function parseLostLine(text: string): LostLine | undefined {
  const tracer = TRACER.exec(text);
  if (tracer !== null) {
    const count = tracer[3] ?? tracer[4];
    return {
      instance: tracer[1] ?? '',
      cpu: Number(tracer[2]) <= MAX_CPU ? Number(tracer[2]) : undefined,
      count: count === undefined ? undefined : Number(count),
    };
  }
  const discarded = BABELTRACE.exec(text)?.[1];
  if (discarded === undefined) return;
  return { instance: '', cpu: undefined, count: Number(discarded) };
}

/** Gaps that were told and wait for the event behind them. */
export class PendingGaps {
  private gaps: LostLine[] = [];

  get isEmpty(): boolean {
    return this.gaps.length === 0;
  }

  add(gap: LostLine, trace: TextTrace): void {
    countLost(gap.count, trace);
    this.gaps.push(gap);
  }

  /** Writes those of a CPU, at the time of its next event; of any CPU where the gap names none. */
  write(cpu: number, ts: number, trace: TextTrace): void {
    const waiting = this.gaps;
    this.gaps = waiting.filter((gap) => gap.cpu !== undefined && gap.cpu !== cpu);
    for (const gap of waiting) {
      if (gap.cpu === undefined || gap.cpu === cpu) trace.writeLost(gap.count, ts, cpu);
    }
  }

  /** Writes all that are left: no event of their CPU stands behind them. */
  finish(ts: number, trace: TextTrace): void {
    for (const gap of this.gaps) trace.writeLost(gap.count, ts, gap.cpu ?? 0);
    this.gaps = [];
  }
}

/** Counts lost events (undefined: an unknown number). */
export function countLost(count: number | undefined, trace: TextTrace): void {
  if (count === undefined) trace.stats.add('lost_events_unknown', 1, trace.position);
  else trace.stats.add('lost_events', count, trace.position);
}
