// FtraceStats (ftrace_stats.proto): what the kernel counted on each CPU, once at the start of a
// recording and once at its end. The counts are the buffer's since it was made.

import { ignore, type WireReader } from './wire.ts';

const END_OF_TRACE = 2;
const PHASE = 1;
const CPU_STATS = 2;
/** Fields of FtraceCpuStats: its CPU, events that were written over, those that found no room. */
const CPU = 1;
const OVERRUN = 3;
const DROPPED = 8;

export interface FtraceLosses {
  readonly isEnd: boolean;
  /** Events lost so far, by CPU. */
  readonly lost: ReadonlyMap<number, number>;
}

export function readFtraceStats(reader: WireReader, from: number, to: number): FtraceLosses {
  let isEnd = false;
  const lost = new Map<number, number>();
  const readCpu = (start: number, end: number): void => {
    let cpu = 0;
    let count = 0;
    reader.each(
      start,
      end,
      (field, value) => {
        if (field === CPU) cpu = value;
        else if (field === OVERRUN || field === DROPPED) count += value;
      },
      ignore,
    );
    lost.set(cpu, count);
  };
  reader.each(
    from,
    to,
    (field, value) => {
      if (field === PHASE) isEnd = value === END_OF_TRACE;
    },
    (field, start, end) => {
      if (field === CPU_STATS) readCpu(start, end);
    },
  );
  return { isEnd, lost };
}
