// The task list, per-CPU offsets and kernel lists, written into a small machine by hand.

import { expect, test } from 'vitest';
import { Findings } from '../../../../src/snapshot/findings.ts';
import type { KernelImage } from '../../../../src/snapshot/kernel/kernel-image.ts';
import { walkList } from '../../../../src/snapshot/kernel/kernel-list.ts';
import { MissingMemory } from '../../../../src/snapshot/kernel/kernel-reader.ts';
import { perCpuAddress, readCpus } from '../../../../src/snapshot/kernel/per-cpu.ts';
import { readTasks, threadSize } from '../../../../src/snapshot/kernel/tasks.ts';
import { DIRECT_MAP, TestKernel } from '../../../helpers/machine-builder.ts';

const LAYOUT = `
struct task_struct {
	void *                     stack;                /*    16     8 */
	struct list_head           tasks;                /*    32    16 */
	pid_t                      pid;                  /*    48     4 */
	struct list_head           thread_node;          /*    56    16 */
	char                       comm[16];             /*    72    16 */
	struct signal_struct *     signal;               /*    88     8 */

	/* size: 96, cachelines: 2, members: 6 */
};
struct signal_struct {
	struct list_head           thread_head;          /*     8    16 */

	/* size: 24, cachelines: 1, members: 1 */
};
`;

interface WrittenTask {
  readonly at: bigint;
  readonly signal: bigint;
}

class TaskWriter {
  readonly kernel = new TestKernel('9.9.9');
  readonly init: bigint;
  private readonly leaders: bigint[];

  constructor() {
    this.init = this.kernel.symbol('init_task', 128);
    this.leaders = [this.init + 32n];
  }

  task(pid: number, comm: string): bigint {
    const at = this.kernel.room(128);
    const { machine } = this.kernel;
    machine.put64(at + 16n, 0xffffc90000000000n + BigInt(pid) * 0x8000n);
    machine.put32(at + 48n, pid);
    machine.putText(at + 72n, comm);
    return at;
  }

  /** A process with further threads. */
  process(pid: number, comm: string, threads: readonly number[] = []): WrittenTask {
    const at = this.task(pid, comm);
    const signal = this.kernel.room(64);
    const nodes = [at, ...threads.map((t) => this.task(t, `${comm}-${t}`))].map((t) => t + 56n);
    this.link([signal + 8n, ...nodes]);
    this.kernel.machine.put64(at + 88n, signal);
    this.leaders.push(at + 32n);
    return { at, signal };
  }

  /** Closes a circle through nodes. */
  link(nodes: readonly bigint[]): void {
    for (const [i, node] of nodes.entries()) {
      this.kernel.machine.put64(node, nodes[(i + 1) % nodes.length] ?? 0n);
    }
  }

  async open(): Promise<KernelImage> {
    this.link(this.leaders);
    return this.kernel.open(LAYOUT);
  }
}

function shown(kernel: KernelImage): string[] | undefined {
  return readTasks(kernel)?.map((t) => `${t.pid} ${t.comm} ${t.stack.toString(16)}`);
}

test('every thread of every process, with its stack; the idle task is none', async () => {
  const writer = new TaskWriter();
  writer.process(1, 'init');
  writer.process(20, 'daemon', [21, 22]);
  const kernel = await writer.open();
  expect(shown(kernel)).toEqual([
    '1 init ffffc90000008000',
    '20 daemon ffffc900000a0000',
    '21 daemon-21 ffffc900000a8000',
    '22 daemon-22 ffffc900000b0000',
  ]);
  expect(kernel.findings.list()).toEqual([]);
  expect(threadSize(kernel)).toBe(16384);
});

test('a thread list that runs into another process’s ends there', async () => {
  const writer = new TaskWriter();
  const first = writer.process(1, 'init', [2, 3]);
  const second = writer.process(20, 'daemon');
  writer.kernel.machine.put64(second.at + 56n, first.at + 56n);
  const kernel = await writer.open();
  expect(shown(kernel)?.map((l) => l.split(' ')[0])).toEqual(['1', '2', '3', '20']);
  expect(kernel.findings.get('list_loop')).toBe(1);
});

test('a task that is not in the image is counted, and ends the list that went through it', async () => {
  const writer = new TaskWriter();
  const first = writer.process(1, 'init');
  writer.process(20, 'daemon');
  const kernel = await writer.kernel.open(LAYOUT);
  expect(readTasks(kernel)).toEqual([]);
  writer.link([writer.init + 32n, first.at + 32n]);
  writer.kernel.machine.put64(first.at + 32n, DIRECT_MAP + 0x1800000n);
  const damaged = await writer.kernel.open(LAYOUT);
  expect(shown(damaged)?.map((l) => l.split(' ')[0])).toEqual(['1']);
  expect(damaged.findings.get('task_unreadable')).toBe(1);
  expect(damaged.findings.get('list_unreadable')).toBe(1);
});

test('without layouts or symbols there is no task list', async () => {
  const writer = new TaskWriter();
  writer.process(1, 'init');
  expect(readTasks(await writer.kernel.open())).toBeUndefined();
  expect(readTasks(await new TestKernel('9.9.9').open(LAYOUT))).toBeUndefined();
});

test('CPUs that cannot be there have no copies; addresses wrap around', async () => {
  const kernel = new TestKernel('9.9.9');
  const offsets = kernel.symbol('__per_cpu_offset', 64);
  kernel.machine.put64(offsets, 0xffff888000c00000n);
  kernel.machine.put64(offsets + 8n, 0x1111n);
  kernel.machine.put64(offsets + 16n, 0xffff888000d00000n);
  kernel.variable('__cpu_possible_mask', 0b101n);
  kernel.variable('nr_cpu_ids', 3n);
  const cpus = readCpus(await kernel.open());
  expect(cpus).toEqual([
    { cpu: 0, offset: 0xffff888000c00000n },
    { cpu: 2, offset: 0xffff888000d00000n },
  ]);
  const [first] = cpus;
  if (first === undefined) throw new Error('no CPU');
  expect(perCpuAddress(0x2a0n, first)).toBe(0xffff888000c002a0n);
  // From 6.15 on per-CPU symbols are ordinary addresses.
  expect(perCpuAddress(0xffffffff83000000n, first)).toBe(0xffff888083c00000n - 0x100000000n);
});

test('lists: empty, whole, in a circle beside the head, without end', async () => {
  const kernel = new TestKernel('9.9.9');
  const at = kernel.room(4096);
  const { machine } = kernel;
  const node = (i: number): bigint => at + BigInt(i * 16);
  const link = (from: number, to: bigint): void => machine.put64(node(from), to);
  link(0, node(0));
  link(1, node(2));
  link(2, node(3));
  link(3, node(1));
  link(10, node(11));
  for (let i = 11; i < 40; i++) link(i, node(i + 1));
  link(40, node(17));
  link(50, node(51));
  link(51, 0xdeadbeef0000n);
  const { reader } = await kernel.open();
  const walk = (head: number): { nodes: number; findings: string[] } => {
    const findings = new Findings();
    let nodes = 0;
    for (const _ of walkList(reader, node(head), 'a list', findings)) nodes++;
    return { nodes, findings: findings.list().map((f) => `${f.name}: ${f.first}`) };
  };
  expect(walk(0)).toEqual({ nodes: 0, findings: [] });
  expect(walk(1)).toEqual({ nodes: 2, findings: [] });
  const circle = walk(10);
  expect(circle.findings).toHaveLength(1);
  expect(circle.findings[0]).toMatch(/^list_loop: a list/);
  expect(circle.nodes).toBeLessThan(200);
  expect(walk(50).findings[0]).toMatch(/^list_unreadable: a list, after 2 entries: 0xdeadbeef0000/);
});

test('values of C types; what is missing throws, with its address', async () => {
  const kernel = new TestKernel('9.9.9');
  const at = kernel.room(4096);
  kernel.machine.put64(at, 0xfedcba9876543210n);
  kernel.machine.put32(at + 8n, 0xffffffff);
  kernel.machine.putText(at + 16n, 'a name');
  kernel.machine.putText(at + 4090n, 'runs on into the next page'.slice(0, 5));
  const { reader } = await kernel.open();
  expect(reader.u64(at)).toBe(0xfedcba9876543210n);
  expect(reader.u32(at)).toBe(0x76543210);
  expect(reader.i32(at + 8n)).toBe(-1);
  expect([...reader.words(at, 1)]).toEqual([0x76543210, 0xfedcba98]);
  expect(reader.cString(at + 16n)).toBe('a name');
  expect(reader.cString(at + 16n, 3)).toBe('a n');
  expect(reader.cString(at + 4090n)).toBe('runs ');
  expect(() => reader.u64(0x1000n)).toThrow(MissingMemory);
  expect(() => reader.bytes(DIRECT_MAP + 0x1800000n, 10)).toThrow('0xffff888001800000');
});
