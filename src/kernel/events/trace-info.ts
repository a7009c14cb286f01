// What a trace says about itself, whatever its format.

import type { GfpLayout } from './gfp-layouts.ts';

/** ns: nanoseconds. tick: cycles or jiffies (x86-tsc, uptime). count: events (counter). */
export type ClockUnit = 'ns' | 'tick' | 'count';

export interface TraceInfo {
  /** The format's name, as `slabreplay formats` lists it. */
  format: string;
  /** The tracer's clock ('global', 'mono', 'x86-tsc' …), where the trace or its folder names it. */
  clock: string | null;
  clockUnit: ClockUnit;
  /** What `EventBatch.ts` counts from, in the clock's unit. */
  originNs: bigint;
  /** CPUs of the machine, where the trace tells. */
  cpus: number | null;
  kernelRelease: string | null;
  /** Bytes in a page, where the trace tells. */
  pageSize: number | null;
  /** True where pointers are hashed to 32 bits (hash-ptr): identity is kept, addresses are not. */
  hashedPointers: boolean;
  /** Bytes in a pointer of the traced machine. */
  pointerBytes: 4 | 8;
  /**
   * gfp flag names of this kernel, from its print fmt: masks in the order in which it tests them, in
   * today's bits.
   */
  gfpNames: readonly GfpName[] | null;
  /** The bits of the numbers in the trace, where its print fmt tells; not kept with a stored run. */
  gfpLayout: GfpLayout | null;
  /** What the recorder left out; null where it took every event. */
  sampling: Sampling | null;
  /** True where only some tasks were recorded, as far as the trace tells. */
  someTasksOnly: boolean;
  /** Probe events (kprobes, uprobes, perf probe) that it has, read or not. */
  probes: ProbeSeen[];
}

/** How a recorder left out events. */
export interface Sampling {
  /** So many samples a second; one event in so many; counted with the samples of another event. */
  readonly kind: 'frequency' | 'period' | 'leader';
  /** Samples a second, or events for each that was recorded; 0 for `leader`. */
  readonly every: number;
  /** Names of the events that are not recorded one by one. */
  readonly events: readonly string[];
}

export interface ProbeSeen {
  readonly event: string;
  /** False where nothing tells what it means: it is passed over. */
  readonly isRead: boolean;
  /** The `--map` that may tell it; null where it is read, or nothing fits. */
  readonly mapping: string | null;
}

export interface GfpName {
  readonly mask: number;
  readonly name: string;
}

/** What is known before anything was read. */
export function emptyTraceInfo(format: string): TraceInfo {
  return {
    format,
    clock: null,
    clockUnit: 'ns',
    originNs: 0n,
    cpus: null,
    kernelRelease: null,
    pageSize: null,
    hashedPointers: false,
    pointerBytes: 8,
    gfpNames: null,
    gfpLayout: null,
    sampling: null,
    someTasksOnly: false,
    probes: [],
  };
}

/** The unit of ftrace's clocks (Documentation/trace/ftrace.rst, "trace_clock"). */
export function clockUnitOf(clock: string | null): ClockUnit {
  if (clock === 'counter') return 'count';
  if (clock === 'uptime' || clock === 'x86-tsc' || clock === 'ppc-tb') return 'tick';
  return 'ns';
}

/** The chosen clock of a `trace_clock` file: `local [global] counter …` gives 'global'. */
export function parseTraceClock(text: string): string | null {
  return /\[([\w-]+)\]/.exec(text)?.[1] ?? null;
}
