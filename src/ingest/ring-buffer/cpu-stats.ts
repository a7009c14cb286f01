// What the tracer counted on one CPU (tracefs per_cpu/cpuN/stats, CPUSTAT of trace.dat):
//
//   entries: 1113
//   overrun: 201
//   commit overrun: 0
//   dropped events: 0
//
// kernel/trace/trace.c, tracing_stats_read(). `overrun` are the oldest events of a full buffer,
// written over: the pages that follow tell their number too. `dropped events` are the newest of a
// buffer that may not be written over: no page tells of them.

export interface CpuLosses {
  readonly overrun: number;
  readonly dropped: number;
  /** Records of any kind that were in the buffer, or read out of it; null where it is not told. */
  readonly records: number | null;
}

/** Undefined where the text is no such file. */
export function parseCpuStats(text: string): CpuLosses | undefined {
  const count = (name: string): number | undefined => {
    const digits = new RegExp(`^${name}: *(\\d+)`, 'm').exec(text)?.[1];
    return digits === undefined ? undefined : Number(digits);
  };
  const overrun = count('overrun');
  if (overrun === undefined) return undefined;
  const entries = count('entries');
  return {
    overrun: overrun + (count('commit overrun') ?? 0),
    dropped: count('dropped events') ?? 0,
    records: entries === undefined ? null : entries + (count('read events') ?? 0),
  };
}
