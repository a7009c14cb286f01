// The compact form of the scheduler's events in a bundle (ftrace_event_bundle.proto, CompactSched):
// columns of packed varints. Read for the names of tasks, and for the time of the last of them.

import type { TaskComms } from './task-comms.ts';
import { ignore, type WireReader } from './wire.ts';

/** Fields of the columns of the two kinds of event. */
const KINDS = [
  { name: 'sched_switch', timestamp: 1, pid: 3, comm: 6 },
  { name: 'sched_waking', timestamp: 7, pid: 8, comm: 11 },
] as const;
const INTERN_TABLE = 5;
const LAST_COLUMN = 12;

/** Where a packed column lies; absent: empty. */
interface Column {
  at: number;
  readonly end: number;
}

export interface CompactEvents {
  /** How many there are, by name. */
  readonly counts: ReadonlyMap<string, number>;
  /** Time of the last of them; -Infinity where there is none. */
  readonly lastTs: number;
}

/**
 * @param since the row's time of a trace's time
 * @throws RangeError where the columns contradict each other
 */
export function readCompactSched(
  reader: WireReader,
  from: number,
  to: number,
  comms: TaskComms,
  since: (lo: number, hi: number) => number,
): CompactEvents {
  const names: number[] = [];
  const columns: Column[] = [];
  reader.each(from, to, ignore, (field, start, end) => {
    if (field === INTERN_TABLE) names.push(comms.name(reader, start, end));
    else if (field <= LAST_COLUMN) columns[field] = { at: start, end };
  });
  const counts = new Map<string, number>();
  let lastTs = -Infinity;
  for (const { name, timestamp, pid, comm } of KINDS) {
    const [times, pids, indexes] = [columns[timestamp], columns[pid], columns[comm]];
    if (times === undefined || pids === undefined || indexes === undefined) continue;
    let ts = Number.NaN;
    let count = 0;
    for (; times.at < times.end; count++) {
      // The first time is whole, the others count from the one before.
      reader.pos = times.at;
      reader.word();
      times.at = reader.pos;
      ts = count === 0 ? since(reader.lo, reader.hi) : ts + reader.hi * 4294967296 + reader.lo;
      const thread = nextOf(reader, pids);
      const task = names[nextOf(reader, indexes)];
      if (task === undefined) throw new RangeError('a name that is not in the table');
      if (thread > 0) comms.add(thread, task, ts);
    }
    counts.set(name, count);
    lastTs = Math.max(lastTs, ts);
  }
  return { counts, lastTs };
}

function nextOf(reader: WireReader, column: Column): number {
  if (column.at >= column.end) throw new RangeError('columns of different lengths');
  reader.pos = column.at;
  const value = reader.uint32();
  column.at = reader.pos;
  return value;
}
