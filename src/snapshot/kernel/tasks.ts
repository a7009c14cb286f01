// The task list → every task with its stack, as for_each_process_thread() goes: init_task.tasks, and
// for each process the threads of signal->thread_head (include/linux/sched/signal.h). The idle tasks
// are on no list; kmemleak does not scan their stacks either.

import { wrap64 } from '../../base/address.ts';
import { MissingField, offsetOf, type StructLayout } from '../layout/struct-layout.ts';
import type { KernelImage } from './kernel-image.ts';
import { walkList } from './kernel-list.ts';
import { MissingMemory } from './kernel-reader.ts';

export interface Task {
  /** Of its task_struct. */
  readonly address: bigint;
  readonly pid: number;
  readonly comm: string;
  /** Where its stack begins (lowest address), 0 where it was given back already. */
  readonly stack: bigint;
}

/** PID_MAX_LIMIT: more tasks than this cannot be. */
const MAX_TASKS = 4 * 1024 * 1024;
const COMM_BYTES = 16;

/** THREAD_SIZE of x86-64 (arch/x86/include/asm/page_64_types.h): twice as much with KASAN. */
export function threadSize({ symbols }: KernelImage): number {
  return symbols.addressOf('kasan_report') === undefined ? 16384 : 32768;
}

interface TaskOffsets {
  readonly tasks: bigint;
  readonly threadNode: bigint;
  readonly signal: bigint;
  readonly threadHead: bigint;
  readonly stack: bigint;
  readonly pid: bigint;
  readonly comm: bigint;
}

/**
 * Every task but the idle ones, in the order of the list.
 * @returns undefined where symbols or layouts are missing
 */
export function readTasks(kernel: KernelImage): Task[] | undefined {
  const { reader, symbols, layout, findings } = kernel;
  const initTask = symbols.addressOf('init_task');
  if (initTask === undefined || layout === undefined) return undefined;
  const at = taskOffsets(layout);
  if (at === undefined) return undefined;
  const tasks: Task[] = [];
  const seen = new Set<bigint>([initTask]);
  const add = (address: bigint): void => {
    if (seen.has(address) || tasks.length >= MAX_TASKS) return;
    seen.add(address);
    try {
      const stack = reader.u64(address + at.stack);
      const pid = reader.i32(address + at.pid);
      const comm = reader.cString(address + at.comm, COMM_BYTES);
      tasks.push({ address, pid, comm, stack });
    } catch (error) {
      if (!(error instanceof MissingMemory)) throw error;
      findings.add('task_unreadable', `0x${address.toString(16)}`);
    }
  };
  for (const link of walkList(reader, initTask + at.tasks, 'init_task.tasks', findings)) {
    const leader = wrap64(link - at.tasks);
    add(leader);
    let signal: bigint;
    try {
      signal = reader.u64(leader + at.signal);
    } catch (error) {
      if (!(error instanceof MissingMemory)) throw error;
      continue;
    }
    const what = `threads of task 0x${leader.toString(16)}`;
    for (const node of walkList(reader, signal + at.threadHead, what, findings)) {
      const thread = wrap64(node - at.threadNode);
      // The leader is a thread of its own process; one of another process is damage.
      if (thread !== leader && seen.has(thread)) {
        findings.add('list_loop', what);
        break;
      }
      add(thread);
    }
    if (tasks.length >= MAX_TASKS) break;
  }
  return tasks;
}

function taskOffsets(layout: StructLayout): TaskOffsets | undefined {
  const task = (field: string): bigint => BigInt(offsetOf(layout, 'task_struct', field));
  try {
    return {
      tasks: task('tasks'),
      threadNode: task('thread_node'),
      signal: task('signal'),
      threadHead: BigInt(offsetOf(layout, 'signal_struct', 'thread_head')),
      stack: task('stack'),
      pid: task('pid'),
      comm: task('comm'),
    };
  } catch (error) {
    if (error instanceof MissingField) return undefined;
    throw error;
  }
}
