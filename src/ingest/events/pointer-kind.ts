// What the pointers of a text tell about the machine: hashed to 32 bits or not (hash-ptr: lib/vsprintf.c
// ptr_to_id()), of 4 or of 8 bytes. A binary trace says so in its header, a text only by its values.

import type { Dictionary } from '../../kernel/events/dictionary.ts';
import { isAlloc } from '../../kernel/events/event-kind.ts';
import type { TraceInfo } from '../../kernel/events/trace-info.ts';

/** Values below are NULL, ZERO_SIZE_PTR and offsets from NULL, which are never hashed. */
export const SMALL_POINTER = 4096;

export class PointerKind {
  /** True once an address above 4 GiB was met: more of them say nothing new. */
  wide = false;
  private readonly info: TraceInfo;
  private readonly dictionary: Dictionary;

  constructor(info: TraceInfo, dictionary: Dictionary) {
    this.info = info;
    this.dictionary = dictionary;
  }

  /**
   * @param digits it was written with
   * @param prefixed whether after `0x`, by a program that knows no hashing and pads nothing
   */
  note(lo: number, hi: number, digits: number, prefixed: boolean, call: number): void {
    const { info } = this;
    if (hi !== 0) {
      this.wide = true;
      info.pointerBytes = 8;
      return;
    }
    if (lo < SMALL_POINTER) return;
    const allocated = isAlloc(this.dictionary.calls.kind(call));
    if (!prefixed && digits === 16) {
      if (allocated || !this.wide) info.hashedPointers = true;
    } else if (!this.wide) {
      info.pointerBytes = 4;
      // Objects lie at multiples of the pointer's size; three of four hashes do not.
      if (allocated && (lo & 3) !== 0) info.hashedPointers = true;
    }
  }
}
