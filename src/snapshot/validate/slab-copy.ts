// One slab with its header, copied out of the image for the checks: what the kernel would repair is
// repaired in the copy, so that what is behind the first damage is seen as the kernel's next pass
// would see it. Pages that the image does not hold are missing: nothing is said of what is on them.

import { hiOf, joinHalves, loOf, PAGE_SIZE } from '../../base/address.ts';
import type { CheckedSlab } from '../../kernel/checks/checked-slab.ts';
import { POISON_INUSE } from '../../kernel/checks/poison.ts';
import type { PhysicalMemory } from '../memory/physical-memory.ts';
import type { SlubCache } from '../slub-walk/caches.ts';
import { swap32 } from '../slub-walk/freelist.ts';
import type { SlabView } from '../slub-walk/slab-view.ts';

/** MAX_PAGE_ORDER on x86: the page allocator gives no larger slab. */
const MAX_ORDER = 10;

export class SlabCopy implements CheckedSlab {
  base = 0n;
  bytes: Uint8Array = new Uint8Array(0);
  objects = 0;
  inuse = 0;
  freelist: bigint = 0n;
  frozen = false;
  /** Address of its struct slab. */
  page = 0n;
  private readonly memory: PhysicalMemory;
  private buffer: Uint8Array = new Uint8Array(PAGE_SIZE);
  private words: DataView = new DataView(this.buffer.buffer);
  private readonly missing: Uint8Array = new Uint8Array(2 ** MAX_ORDER);
  private gaps = 0;
  private cache: Pick<SlubCache, 'offset' | 'random'> = { offset: 0, random: undefined };

  constructor(memory: PhysicalMemory) {
    this.memory = memory;
  }

  /** True where the image lacks pages of the slab. */
  get hasGaps(): boolean {
    return this.gaps > 0;
  }

  /** Takes another slab; false where there can be none so large. */
  load(view: SlabView): boolean {
    if (view.order > MAX_ORDER) return false;
    const size = PAGE_SIZE * 2 ** view.order;
    if (this.buffer.length < size) {
      this.buffer = new Uint8Array(size);
      this.words = new DataView(this.buffer.buffer);
    }
    this.bytes = this.buffer.subarray(0, size);
    this.cache = view.cache;
    this.base = joinHalves(view.hi, view.lo);
    this.page = joinHalves(view.pageHi, view.pageLo);
    this.objects = view.objects;
    this.inuse = view.inuse;
    this.freelist = joinHalves(view.freelistHi, view.freelistLo);
    this.frozen = view.frozen;
    this.readPages(view.paddr);
    return true;
  }

  /** True where the image holds all bytes [from, to) of the slab. */
  has(from: number, to: number): boolean {
    if (this.gaps === 0) return true;
    for (let page = Math.floor(from / PAGE_SIZE); page * PAGE_SIZE < to; page++) {
      if (this.missing[page] === 1) return false;
    }
    return true;
  }

  freePointer(offset: number): bigint | undefined {
    const at = offset + this.cache.offset;
    if (at < 0 || at + 8 > this.bytes.length || !this.has(at, at + 8)) return undefined;
    const lo = (this.words.getUint32(at, true) ^ this.keyLo(at)) >>> 0;
    const hi = (this.words.getUint32(at + 4, true) ^ this.keyHi(at)) >>> 0;
    return lo === 0 && hi === 0 ? 0n : joinHalves(hi, lo);
  }

  setFreePointer(offset: number, value: bigint): void {
    const at = offset + this.cache.offset;
    this.words.setUint32(at, loOf(value) ^ this.keyLo(at), true);
    this.words.setUint32(at + 4, hiOf(value) ^ this.keyHi(at), true);
  }

  /** What the low half of a free pointer at an offset is mixed with: random ^ swab(its address). */
  private keyLo(at: number): number {
    const { random } = this.cache;
    return random === undefined ? 0 : random.lo ^ swap32(hiOf(this.base + BigInt(at)));
  }

  private keyHi(at: number): number {
    const { random } = this.cache;
    return random === undefined ? 0 : random.hi ^ swap32(loOf(this.base + BigInt(at)));
  }

  private readPages(paddr: number): void {
    this.gaps = 0;
    if (this.memory.read(paddr, this.bytes)) return;
    for (let page = 0; page * PAGE_SIZE < this.bytes.length; page++) {
      const at = page * PAGE_SIZE;
      const target = this.bytes.subarray(at, at + PAGE_SIZE);
      const isThere = this.memory.read(paddr + at, target);
      this.missing[page] = isThere ? 0 : 1;
      // Padding is all that is looked at without asking for its page first.
      if (!isThere) target.fill(POISON_INUSE);
      if (!isThere) this.gaps++;
    }
  }
}
