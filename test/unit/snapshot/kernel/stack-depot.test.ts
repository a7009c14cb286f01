// Stacks written into a depot by hand, with the records and handles of 6.1 and 6.12.

import { expect, test } from 'vitest';
import { StackDepot } from '../../../../src/snapshot/kernel/stack-depot.ts';
import { TestKernel } from '../../../helpers/machine-builder.ts';

const PAHOLE_61 = `struct stack_record {
	struct stack_record *      next;                 /*     0     8 */
	u32                        hash;                 /*     8     4 */
	u32                        size;                 /*    12     4 */
	union handle_parts         handle;               /*    16     4 */
	long unsigned int          entries[];            /*    24     0 */

	/* size: 24, cachelines: 1, members: 5 */
};
`;
const PAHOLE_612 = `struct stack_record {
	struct list_head           hash_list;            /*     0    16 */
	u32                        hash;                 /*    16     4 */
	u32                        size;                 /*    20     4 */
	union handle_parts         handle;               /*    24     4 */
	refcount_t                 count;                /*    28     4 */
	long unsigned int          entries[64];          /*    32   512 */

	/* size: 544, cachelines: 9, members: 6 */
};
`;

interface Depot {
  readonly release: string;
  readonly pahole: string;
  readonly array: string;
  readonly size: number;
  readonly entries: number;
}

const DEPOTS: readonly (Depot & { readonly handle: number })[] = [
  // Pool 3, 5 * 16 bytes into it; the valid bit.
  {
    release: '6.1.0',
    pahole: PAHOLE_61,
    array: 'stack_slabs',
    size: 12,
    entries: 24,
    handle: 0x4050003,
  },
  // Pools count from 1.
  {
    release: '6.12.0',
    pahole: PAHOLE_612,
    array: 'stack_pools',
    size: 20,
    entries: 32,
    handle: 0xa0004,
  },
];

function write({ release, array, size, entries }: Depot, frames: number): TestKernel {
  const kernel = new TestKernel(release);
  const pools = kernel.symbol(array, 64);
  const pool = kernel.room(4096);
  kernel.machine.put64(pools + 24n, pool);
  kernel.machine.put32(pool + 80n + BigInt(size), frames);
  for (let i = 0; i < Math.min(frames, 3); i++) {
    kernel.machine.put64(pool + 80n + BigInt(entries + i * 8), 0xffffffff81000000n + BigInt(i));
  }
  return kernel;
}

test.each(DEPOTS)('$release: the frames of a handle', async (depot) => {
  const stacks = new StackDepot(await write(depot, 3).open(depot.pahole));
  expect(stacks.stack(depot.handle)).toEqual([
    0xffffffff81000000n,
    0xffffffff81000001n,
    0xffffffff81000002n,
  ]);
  // The user's bits do not count.
  expect(stacks.stack((depot.handle | 0x80000000) >>> 0)?.length).toBe(3);
});

test.each(DEPOTS)('$release: handles that lead nowhere', async (depot) => {
  const stacks = new StackDepot(await write(depot, 3).open(depot.pahole));
  expect(stacks.stack(0)).toBeUndefined();
  expect(stacks.stack(depot.handle - 1)).toBeUndefined();
  expect(stacks.stack(0xffffffff)).toBeUndefined();
});

test.each(DEPOTS)('$release: a record with too many frames is none', async (depot) => {
  const stacks = new StackDepot(await write(depot, 1_000_000).open(depot.pahole));
  expect(stacks.stack(depot.handle)).toBeUndefined();
});
