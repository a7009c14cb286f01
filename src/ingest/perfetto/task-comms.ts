// Names of tasks in a Perfetto trace → names in the order of time (events/task-names.ts). Events carry
// the pid alone; names stand in events of the scheduler (sched.proto, task.proto; compact_sched of
// ftrace_event_bundle.proto) and in lists of processes (process_tree.proto).

import { ByteTable } from '../../base/byte-table.ts';
import type { Dictionary } from '../../kernel/events/dictionary.ts';
import { ignore, type WireReader } from './wire.ts';

/** TASK_COMM_LEN of include/linux/sched.h, without the NUL at its end. */
const MAX_COMM_BYTES = 15;

/** Fields of a name and of the pid that it belongs to. */
interface NamedPid {
  readonly comm: number;
  readonly pid: number;
}

const COMM_AND_PID: readonly NamedPid[] = [{ comm: 1, pid: 2 }];

/** Events that name tasks, by number. */
const NAMING: ReadonlyMap<number, readonly NamedPid[]> = new Map([
  // sched_switch: the task before and the next
  [4, [...COMM_AND_PID, { comm: 5, pid: 6 }]],
  // sched_wakeup, sched_waking, sched_wakeup_new, sched_process_exit
  [17, COMM_AND_PID],
  [20, COMM_AND_PID],
  [114, COMM_AND_PID],
  [238, COMM_AND_PID],
  // task_newtask, task_rename
  [235, [{ comm: 2, pid: 1 }]],
  [236, [{ comm: 3, pid: 1 }]],
  // sched_process_fork: parent and child
  [239, [...COMM_AND_PID, { comm: 3, pid: 4 }]],
]);

/** Takes a task's new name; `comm` is an index into `strings`. */
export type NameSink = (pid: number, comm: number, ts: number) => void;

export class TaskComms {
  /** Names of tasks that no event names before they are met. */
  readonly saved: Map<number, string> = new Map();
  private readonly dictionary: Dictionary;
  private readonly names = new ByteTable();
  private readonly nameIds: number[] = [0];
  /** The last name of each task. */
  private readonly latest = new Map<number, number>();
  private readonly sink: NameSink;
  /** Values of the fields of one event, by number: numbers, and indexes of names. */
  private readonly values: number[] = [];

  constructor(dictionary: Dictionary, sink: NameSink) {
    this.dictionary = dictionary;
    this.sink = sink;
  }

  /** Reads the names in an event's message; nothing where it is of an event that names no task. */
  readEvent(number: number, reader: WireReader, from: number, to: number, ts: number): void {
    const naming = NAMING.get(number);
    if (naming === undefined) return;
    const { values } = this;
    values.fill(-1);
    reader.pos = from;
    while (reader.next(to)) {
      const { field } = reader;
      if (field > 7) reader.pass(to);
      else if (reader.isVarint) values[field] = reader.uint32();
      else if (reader.isRange) {
        reader.range(to);
        values[field] = this.name(reader, reader.from, reader.to);
      } else reader.pass(to);
    }
    for (const { comm, pid } of naming) {
      const [thread = -1, name = -1] = [values[pid], values[comm]];
      if (thread > 0 && name > 0) this.add(thread, name, ts);
    }
  }

  /** The index into `strings` of the name [from, to). */
  name({ data }: WireReader, from: number, to: number): number {
    const end = Math.min(to, from + MAX_COMM_BYTES);
    const index = this.names.intern(data, from, end);
    let id = this.nameIds[index];
    if (id === undefined) {
      id = this.dictionary.strings.intern(data.toString('utf8', from, end));
      this.nameIds[index] = id;
    }
    return id;
  }

  add(pid: number, comm: number, ts: number): void {
    if (this.latest.get(pid) === comm) return;
    this.latest.set(pid, comm);
    this.sink(pid, comm, ts);
    // Before its first name a task was most likely called the same.
    if (!this.saved.has(pid)) this.saved.set(pid, this.dictionary.strings.get(comm));
  }

  /** A ProcessTree: its processes (1) have a command line, its threads (2) a name. */
  readProcessTree(reader: WireReader, from: number, to: number): void {
    reader.each(from, to, ignore, (kind, start, end) => {
      if (kind === 1) this.readProcess(reader, start, end);
      else if (kind === 2) this.readThread(reader, start, end);
    });
  }

  private readThread(reader: WireReader, from: number, to: number): void {
    const { pid, text } = pidAndText(reader, from, to, 2);
    this.save(pid, text);
  }

  /** The name of a main thread is not listed: it begins as that of its program. */
  private readProcess(reader: WireReader, from: number, to: number): void {
    const { pid, text: program } = pidAndText(reader, from, to, 3);
    if (!this.saved.has(pid)) this.save(pid, program.slice(program.lastIndexOf('/') + 1));
  }

  private save(pid: number, name: string): void {
    if (pid > 0 && name !== '') this.saved.set(pid, name.slice(0, MAX_COMM_BYTES));
  }
}

/** The number in field 1, and the first text in another one. */
function pidAndText(
  reader: WireReader,
  from: number,
  to: number,
  textField: number,
): { pid: number; text: string } {
  let pid = 0;
  let text = '';
  reader.each(
    from,
    to,
    (field, value) => {
      if (field === 1) pid = value;
    },
    (field, start, end) => {
      if (field === textField && text === '') text = reader.text(start, end);
    },
  );
  return { pid, text };
}
