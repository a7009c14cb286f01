// The CALLCHAIN of a sample → a stack of the kernel's frames. Addresses come innermost first, with marks
// between them that say whose the next ones are (enum perf_callchain_context in
// include/uapi/linux/perf_event.h): u64 numbers from -4095 on, -128 the kernel, -512 the user.

import { ByteTable } from '../../base/byte-table.ts';
import type { Dictionary } from '../../kernel/events/dictionary.ts';

const ALL_ONES = 0xffffffff;
/** The low half of -4095, the first mark, and of PERF_CONTEXT_KERNEL. */
const FIRST_MARK = 0xfffff001;
const CONTEXT_KERNEL = 0xffffff80;

export class Callchains {
  private readonly dictionary: Dictionary;
  private readonly littleEndian: boolean;
  /** Chains by their bytes, so that each is taken apart once. */
  private readonly chains = new ByteTable();
  private readonly stacks: number[] = [0];
  private frames = new Uint32Array(256);

  constructor(dictionary: Dictionary, littleEndian: boolean) {
    this.dictionary = dictionary;
    this.littleEndian = littleEndian;
  }

  /**
   * Index of the stack of `length` addresses at `at`; 0 where none is the kernel's.
   * @param view of the same bytes
   */
  stack(bytes: Uint8Array, view: DataView, at: number, length: number): number {
    // Frames of the user stand behind the kernel's and differ more: they are cut off first.
    const { littleEndian } = this;
    const end = at + length * 8;
    let to = at;
    let inKernel = true;
    for (let i = at; i < end; i += 8) {
      const lo = view.getUint32(littleEndian ? i : i + 4, littleEndian);
      const hi = view.getUint32(littleEndian ? i + 4 : i, littleEndian);
      if (hi === ALL_ONES && lo >= FIRST_MARK) inKernel = lo === CONTEXT_KERNEL;
      else if (inKernel) to = i + 8;
    }
    const index = this.chains.intern(bytes, at, to);
    const known = this.stacks[index];
    if (known !== undefined) return known;
    const stack = this.intern(view, at, to);
    this.stacks[index] = stack;
    return stack;
  }

  private intern(view: DataView, at: number, to: number): number {
    const { littleEndian } = this;
    const { sites, stacks } = this.dictionary;
    if ((to - at) / 8 > this.frames.length) this.frames = new Uint32Array((to - at) / 8);
    let used = 0;
    let inKernel = true;
    for (let i = at; i < to; i += 8) {
      const lo = view.getUint32(littleEndian ? i : i + 4, littleEndian);
      const hi = view.getUint32(littleEndian ? i + 4 : i, littleEndian);
      if (hi === ALL_ONES && lo >= FIRST_MARK) inKernel = lo === CONTEXT_KERNEL;
      else if (inKernel) this.frames[used++] = sites.internAddress(lo, hi);
    }
    return stacks.intern(this.frames, used);
  }
}
