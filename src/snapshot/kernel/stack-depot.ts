// Handles of the stack depot → the call stacks kept there: lib/stackdepot.c. A handle is
//   bits 0-15 (since 6.8 0-16)  number of the pool, since 6.9 one more, so that 0 is no stack
//   the next 10                 where in the pool, in units of 16 bytes
//   the rest                    a valid bit (before 6.8), the user's extra bits
// Pools are in stack_slabs[] (before 6.3) or stack_pools[]; each stack is a struct stack_record.

import { isAtLeast, parseRelease } from '../../kernel/machine/kernel-version.ts';
import type { KernelImage } from './kernel-image.ts';
import { MissingMemory } from './kernel-reader.ts';

const OFFSET_BITS = 10;
const OFFSET_UNIT = 16;
/** STACK_ALLOC_SLABS_CAP, DEPOT_POOLS_CAP. */
const MAX_POOLS = 8192;
/** CONFIG_STACKDEPOT_MAX_FRAMES is at most 256. */
const MAX_FRAMES = 256;

interface RecordOffsets {
  readonly size: number;
  readonly entries: number;
}

export class StackDepot {
  private readonly kernel: KernelImage;
  private readonly pools: bigint | undefined;
  private readonly at: RecordOffsets | undefined;
  private readonly indexBits: number;
  private readonly indexBase: number;

  constructor(kernel: KernelImage) {
    this.kernel = kernel;
    this.pools = kernel.symbols.addressOf('stack_pools') ?? kernel.symbols.addressOf('stack_slabs');
    const size = kernel.layout?.field('stack_record', 'size')?.offset;
    const entries = kernel.layout?.field('stack_record', 'entries')?.offset;
    this.at = size === undefined || entries === undefined ? undefined : { size, entries };
    const version = parseRelease(kernel.release ?? null);
    this.indexBits = isAtLeast(version, 6, 8) ? 17 : 16;
    this.indexBase = isAtLeast(version, 6, 9) ? 1 : 0;
  }

  /** Return addresses, innermost first; undefined where the image does not tell them. */
  stack(handle: number): readonly bigint[] | undefined {
    const { pools, at, indexBits, indexBase } = this;
    if (handle === 0 || pools === undefined || at === undefined) return undefined;
    const index = (handle & (2 ** indexBits - 1)) - indexBase;
    if (index < 0 || index >= MAX_POOLS) return undefined;
    const offset = ((handle >>> indexBits) & (2 ** OFFSET_BITS - 1)) * OFFSET_UNIT;
    const { reader } = this.kernel;
    try {
      const pool = reader.u64(pools + BigInt(index * 8));
      const record = pool + BigInt(offset);
      const frames = reader.u32(record + BigInt(at.size));
      if (pool === 0n || frames === 0 || frames > MAX_FRAMES) return undefined;
      const words = reader.words(record + BigInt(at.entries), frames);
      return [...new BigUint64Array(words.buffer)];
    } catch (error) {
      if (error instanceof MissingMemory) return undefined;
      throw error;
    }
  }
}
