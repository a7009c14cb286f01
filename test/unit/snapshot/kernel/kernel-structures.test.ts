// vmalloc areas, per-CPU chunks and pending kfree_rcu() objects, written into a small machine by hand
// in the forms that kernels have had; and what becomes of damaged ones.

import { expect, test } from 'vitest';
import type { KernelImage } from '../../../../src/snapshot/kernel/kernel-image.ts';
import { readPendingKfreeRcu } from '../../../../src/snapshot/scan/kfree-rcu-pending.ts';
import { readPerCpuAllocations } from '../../../../src/snapshot/scan/percpu-allocations.ts';
import { parseVmallocinfo, readVmallocAreas } from '../../../../src/snapshot/scan/vmalloc-areas.ts';
import { TestKernel } from '../../../helpers/machine-builder.ts';

const LIST = `
struct list_head {
	struct list_head *         next;                 /*     0     8 */
	struct list_head *         prev;                 /*     8     8 */

	/* size: 16, cachelines: 1, members: 2 */
};`;

const VMALLOC = `
struct vmap_area {
	long unsigned int          va_start;             /*     0     8 */
	struct list_head           list;                 /*    40    16 */
	struct vm_struct *         vm;                   /*    56     8 */

	/* size: 64, cachelines: 1, members: 3 */
};
struct vm_struct {
	void *                     addr;                 /*     8     8 */
	long unsigned int          size;                 /*    16     8 */
	long unsigned int          flags;                /*    24     8 */
	unsigned int               nr_pages;             /*    44     4 */
	const void *               caller;               /*    56     8 */

	/* size: 64, cachelines: 1, members: 5 */
};`;

/** Writes the words of a circular list through `nodes`, the head first. */
function link(kernel: TestKernel, nodes: readonly bigint[]): void {
  for (const [i, node] of nodes.entries()) {
    kernel.machine.put64(node, nodes[(i + 1) % nodes.length] ?? 0n);
  }
}

interface WrittenArea {
  readonly addr: bigint;
  readonly size: bigint;
  readonly flags: bigint;
  readonly pages: number;
}

/** Returns the list node of a vmap_area with its vm_struct. */
function writeArea(kernel: TestKernel, { addr, size, flags, pages }: WrittenArea): bigint {
  const { machine } = kernel;
  const va = kernel.room(64);
  const vm = kernel.room(64);
  machine.put64(va, addr);
  machine.put64(va + 56n, vm);
  machine.put64(vm + 8n, addr);
  machine.put64(vm + 16n, size);
  machine.put64(vm + 24n, flags);
  machine.put32(vm + 44n, pages);
  machine.put64(vm + 56n, 0xffffffff81001234n);
  return va + 40n;
}

const AREAS: readonly WrittenArea[] = [
  { addr: 0xffffc90000045000n, size: 0x2000n, flags: 0x2n, pages: 1 },
  // vmap(), ioremap(), a per-CPU chunk (no pages of its own), an area without guard page.
  { addr: 0xffffc90000050000n, size: 0x3000n, flags: 0x4n, pages: 2 },
  { addr: 0xffffc90000060000n, size: 0x2000n, flags: 0x1n, pages: 0 },
  { addr: 0xffffc90000070000n, size: 0x4000n, flags: 0x2n, pages: 0 },
  { addr: 0xffffc90000080000n, size: 0x1000n, flags: 0x42n, pages: 1 },
];

const shownAreas = (kernel: KernelImage): string[] | undefined =>
  readVmallocAreas(kernel)?.map(
    (a) => `${a.addr.toString(16)} ${a.bytes} ${a.isVmalloc} ${a.caller.toString(16)}`,
  );

const EXPECTED_AREAS = [
  'ffffc90000045000 4096 true ffffffff81001234',
  'ffffc90000050000 8192 false ffffffff81001234',
  'ffffc90000060000 4096 false ffffffff81001234',
  'ffffc90000070000 12288 false ffffffff81001234',
  'ffffc90000080000 4096 true ffffffff81001234',
];

test('vmalloc areas of one list (up to 6.8)', async () => {
  const kernel = new TestKernel('9.9.9');
  const head = kernel.symbol('vmap_area_list', 16);
  link(kernel, [head, ...AREAS.map((a) => writeArea(kernel, a))]);
  const image = await kernel.open(LIST + VMALLOC);
  expect(shownAreas(image)).toEqual(EXPECTED_AREAS);
  image.snapshot.close();
});

test('vmalloc areas of several nodes (from 6.9 on)', async () => {
  const kernel = new TestKernel('9.9.9');
  const nodes = kernel.room(2 * 64);
  kernel.variable('vmap_nodes', nodes);
  kernel.variable('nr_vmap_nodes', 2n);
  const [first, ...rest] = AREAS.map((a) => writeArea(kernel, a));
  link(kernel, [nodes + 32n, first ?? 0n]);
  link(kernel, [nodes + 64n + 32n, ...rest]);
  const image = await kernel.open(`${LIST}${VMALLOC}
struct rb_list {
	struct list_head           head;                 /*     8    16 */

	/* size: 32, cachelines: 1, members: 1 */
};
struct vmap_node {
	struct rb_list             busy;                 /*    24    32 */

	/* size: 64, cachelines: 1, members: 1 */
};`);
  expect(shownAreas(image)).toEqual(EXPECTED_AREAS);
  image.snapshot.close();
});

test('an area that says nonsense is left out and counted', async () => {
  const kernel = new TestKernel('9.9.9');
  const head = kernel.symbol('vmap_area_list', 16);
  const odd = { addr: 0x1000n, size: 0xffffffffffff0000n, flags: 2n, pages: 1 };
  link(kernel, [
    head,
    writeArea(kernel, odd),
    ...AREAS.slice(0, 1).map((a) => writeArea(kernel, a)),
  ]);
  const image = await kernel.open(LIST + VMALLOC);
  expect(shownAreas(image)).toEqual(EXPECTED_AREAS.slice(0, 1));
  expect(image.findings.get('list_unreadable')).toBe(1);
  image.snapshot.close();
});

test('vmallocinfo tells the same where the image does not', () => {
  const text = `0xffffc90000000000-0xffffc90000005000   20480 dup_task_struct+0x4c/0x1b0 pages=4 vmalloc N0=4
0xffffc90000005000-0xffffc90000007000    8192 hpet_enable+0x2f/0x2cd phys=0x00000000fed00000 ioremap
0xffffc90000035000-0xffffc90000037000    8192 bpf_prog_alloc+0x5d/0xb0 pages=1 vmalloc N0=1
nonsense
`;
  expect(parseVmallocinfo(text).map((a) => [a.addr.toString(16), a.bytes, a.isVmalloc])).toEqual([
    ['ffffc90000000000', 16384, true],
    ['ffffc90000005000', 4096, false],
    ['ffffc90000035000', 4096, true],
  ]);
});

const CHUNK = `
struct pcpu_chunk {
	struct list_head           list;                 /*     0    16 */
	long unsigned int *        bound_map;            /*    16     8 */
	void *                     base_addr;            /*    24     8 */
	long unsigned int *        alloc_map;            /*    32     8 */
	int                        start_offset;         /*    40     4 */
	int                        end_offset;           /*    44     4 */
	int                        nr_pages;             /*    48     4 */

	/* size: 56, cachelines: 1, members: 7 */
};`;

/** Bits of a bitmap of one page in units of four bytes (1024 bits, and one more for the end). */
function writeBits(kernel: TestKernel, bits: readonly number[]): bigint {
  const at = kernel.room(256);
  const words = new Map<number, bigint>();
  for (const bit of bits) {
    const word = Math.floor(bit / 64);
    words.set(word, (words.get(word) ?? 0n) | (1n << BigInt(bit % 64)));
  }
  for (const [word, value] of words) kernel.machine.put64(at + BigInt(word * 8), value);
  return at;
}

test('per-CPU allocations are what lies between two bounds and is taken', async () => {
  const kernel = new TestKernel('9.9.9');
  const { machine } = kernel;
  const base = 0xffff888001000000n;
  kernel.symbolAt('__per_cpu_start', 0n);
  kernel.variable('pcpu_base_addr', base);
  const lists = kernel.room(32);
  kernel.variable('pcpu_chunk_lists', lists);
  kernel.variable('pcpu_nr_slots', 2n);
  link(kernel, [lists]);
  const chunk = kernel.room(64);
  link(kernel, [lists + 16n, chunk]);
  // Bits 0-15 are the static part; then 8 bytes, a hole of 16, 24 bytes up to bit 28.
  const range = (from: number, to: number): number[] =>
    Array.from({ length: to - from }, (_, i) => from + i);
  const taken = [...range(0, 16), ...range(16, 18), ...range(22, 28)];
  machine.put64(chunk + 16n, writeBits(kernel, [0, 16, 18, 22, 28, 1024]));
  machine.put64(chunk + 24n, base + 0x30000n);
  machine.put64(chunk + 32n, writeBits(kernel, taken));
  machine.put32(chunk + 40n, 64);
  machine.put32(chunk + 48n, 1);
  const image = await kernel.open(LIST + CHUNK);
  expect(readPerCpuAllocations(image)).toEqual([
    { pointer: 0x30040n, bytes: 8 },
    { pointer: 0x30058n, bytes: 24 },
  ]);
  image.snapshot.close();
});

const RCU_6_1 = `
struct kvfree_rcu_bulk_data {
	long unsigned int          nr_records;           /*     0     8 */
	struct kvfree_rcu_bulk_data * next;              /*     8     8 */
	void *                     records[];            /*    16     0 */

	/* size: 16, cachelines: 1, members: 3 */
};
struct kfree_rcu_cpu_work {
	struct rcu_head *          head_free;            /*     0     8 */
	struct kvfree_rcu_bulk_data * bkvhead_free[2];   /*     8    16 */

	/* size: 24, cachelines: 1, members: 2 */
};
struct kfree_rcu_cpu {
	struct rcu_head *          head;                 /*     0     8 */
	struct kvfree_rcu_bulk_data * bkvhead[2];        /*     8    16 */
	struct kfree_rcu_cpu_work  krw_arr[2];           /*    24    48 */

	/* size: 72, cachelines: 2, members: 3 */
};`;

/** One CPU whose offset is 0, so that per-CPU symbols are plain addresses. */
function oneCpu(kernel: TestKernel): bigint {
  kernel.variable('__per_cpu_offset', 0n);
  return kernel.symbol('krc', 128);
}

test('objects that wait for kfree_rcu(), in pages that lead on (up to 6.2) and in a chain', async () => {
  const kernel = new TestKernel('9.9.9');
  const { machine } = kernel;
  const krc = oneCpu(kernel);
  const page = kernel.room(64);
  const next = kernel.room(64);
  machine.put64(page, 2n);
  machine.put64(page + 8n, next);
  machine.put64(page + 16n, 0xffff888000a00000n);
  machine.put64(page + 24n, 0xffff888000a00040n);
  machine.put64(next, 1n);
  machine.put64(next + 16n, 0xffff888000a00080n);
  machine.put64(krc + 8n, page);
  // The second batch that waits has a chain of two rcu_heads.
  const head = kernel.room(64);
  const last = kernel.room(64);
  machine.put64(head, last);
  machine.put64(krc + 24n + 24n, head);
  const image = await kernel.open(RCU_6_1);
  expect(readPendingKfreeRcu(image)).toEqual([
    0xffff888000a00000n,
    0xffff888000a00040n,
    0xffff888000a00080n,
    head,
    last,
  ]);
  image.snapshot.close();
});

test('a chain of kfree_rcu() that runs in a circle ends and is counted', async () => {
  const kernel = new TestKernel('9.9.9');
  const { machine } = kernel;
  const krc = oneCpu(kernel);
  const a = kernel.room(64);
  const b = kernel.room(64);
  machine.put64(a, b);
  machine.put64(b, a);
  machine.put64(krc, a);
  const image = await kernel.open(RCU_6_1);
  expect(readPendingKfreeRcu(image).length).toBeLessThan(16);
  expect(image.findings.get('list_loop')).toBe(1);
  image.snapshot.close();
});

test('objects that wait for kfree_rcu(), in lists of pages (from 6.3 on)', async () => {
  const kernel = new TestKernel('9.9.9');
  const { machine } = kernel;
  const krc = oneCpu(kernel);
  const page = kernel.room(64);
  link(kernel, [krc + 8n, page]);
  for (const empty of [24n, 40n + 8n, 40n + 24n, 80n + 8n, 80n + 24n]) link(kernel, [krc + empty]);
  machine.put64(page + 16n, 1n);
  machine.put64(page + 24n, 0xffff888000a00000n);
  const image = await kernel.open(`${LIST}
struct kvfree_rcu_bulk_data {
	struct list_head           list;                 /*     0    16 */
	long unsigned int          nr_records;           /*    16     8 */
	void *                     records[];            /*    24     0 */

	/* size: 24, cachelines: 1, members: 3 */
};
struct kfree_rcu_cpu_work {
	struct rcu_head *          head_free;            /*     0     8 */
	struct list_head           bulk_head_free[2];    /*     8    32 */

	/* size: 40, cachelines: 1, members: 2 */
};
struct kfree_rcu_cpu {
	struct rcu_head *          head;                 /*     0     8 */
	struct list_head           bulk_head[2];         /*     8    32 */
	struct kfree_rcu_cpu_work  krw_arr[2];           /*    40    80 */

	/* size: 120, cachelines: 2, members: 3 */
};`);
  expect(readPendingKfreeRcu(image)).toEqual([0xffff888000a00000n]);
  image.snapshot.close();
});
