// Per-CPU allocations: the areas that alloc_percpu() gave out, of every chunk (mm/percpu.c). alloc_map
// has a bit for each four bytes that are taken, bound_map one where an area begins or ends.

import { wrap64 } from '../../base/address.ts';
import type { KernelImage } from '../kernel/kernel-image.ts';
import { walkList } from '../kernel/kernel-list.ts';
import { MissingMemory } from '../kernel/kernel-reader.ts';
import { MissingField, offsetOf } from '../layout/struct-layout.ts';

export interface PerCpuAllocation {
  /** As the kernel's per-CPU pointers have it: add a CPU's offset for its copy. */
  readonly pointer: bigint;
  readonly bytes: number;
}

/** PCPU_MIN_ALLOC_SIZE. */
const UNIT = 4;
const PAGE = 4096;
const MAX_SLOTS = 64;
const MAX_CHUNKS = 65536;
const MAX_PAGES = 65536;
const MAX_ALLOCATIONS = 16 * 1024 * 1024;

/** @returns undefined where the image does not show the chunks */
export function readPerCpuAllocations(kernel: KernelImage): PerCpuAllocation[] | undefined {
  const { reader, symbols, findings } = kernel;
  const lists = symbols.addressOf('pcpu_chunk_lists');
  const slots = symbols.addressOf('pcpu_nr_slots');
  if (lists === undefined || slots === undefined) return undefined;
  try {
    const base = reader.u64(symbols.addressOf('pcpu_base_addr') ?? 0n);
    const start = symbols.addressOf('__per_cpu_start') ?? 0n;
    const walk = new ChunkWalk(kernel, start - base);
    const heads = reader.u64(lists);
    const count = Math.min(MAX_SLOTS, reader.u32(slots));
    let chunks = 0;
    for (let i = 0; i < count; i++) {
      const head = heads + BigInt(i * 16);
      for (const node of walkList(reader, head, 'per-CPU chunks', findings)) {
        if (chunks++ === MAX_CHUNKS) return walk.found;
        walk.chunk(node);
      }
    }
    const reserved = symbols.addressOf('pcpu_reserved_chunk');
    const chunk = reserved === undefined ? 0n : reader.u64(reserved);
    if (chunk !== 0n) walk.chunkAt(chunk);
    return walk.found;
  } catch (error) {
    if (error instanceof MissingField || error instanceof MissingMemory) return undefined;
    throw error;
  }
}

class ChunkWalk {
  readonly found: PerCpuAllocation[] = [];
  private readonly kernel: KernelImage;
  /** What is added to the address of the first CPU's copy. */
  private readonly shift: bigint;
  private readonly at: Readonly<Record<ChunkField, bigint>>;

  constructor(kernel: KernelImage, shift: bigint) {
    const { layout } = kernel;
    if (layout === undefined) throw new MissingField('pcpu_chunk', 'layout', 'no layout');
    this.kernel = kernel;
    this.shift = shift;
    const field = (name: string): bigint => BigInt(offsetOf(layout, 'pcpu_chunk', name));
    this.at = {
      list: field('list'),
      bound_map: field('bound_map'),
      alloc_map: field('alloc_map'),
      base_addr: field('base_addr'),
      start_offset: field('start_offset'),
      end_offset: field('end_offset'),
      nr_pages: field('nr_pages'),
    };
  }

  chunk(node: bigint): void {
    this.chunkAt(wrap64(node - this.at.list));
  }

  chunkAt(chunk: bigint): void {
    const { reader, findings } = this.kernel;
    const { at } = this;
    try {
      const pages = reader.u32(chunk + at.nr_pages);
      if (pages > MAX_PAGES) {
        findings.add('list_unreadable', () => `per-CPU chunk 0x${chunk.toString(16)}`);
        return;
      }
      const bits = (pages * PAGE) / UNIT;
      const taken = reader.bytes(reader.u64(chunk + at.alloc_map), bits / 8);
      const bounds = reader.bytes(reader.u64(chunk + at.bound_map), bits / 8 + 8);
      const base = reader.u64(chunk + at.base_addr);
      // Both ends of the first chunk belong to its static part, marked as one area each.
      const first = reader.u32(chunk + at.start_offset) / UNIT;
      const end = bits - reader.u32(chunk + at.end_offset) / UNIT;
      for (let bit = first; bit < end; ) {
        let next = bit + 1;
        while (next < end && !bitIn(bounds, next)) next++;
        if (bitIn(taken, bit) && bitIn(bounds, bit)) {
          if (this.found.length === MAX_ALLOCATIONS) return;
          const pointer = wrap64(base + BigInt(bit * UNIT) + this.shift);
          this.found.push({ pointer, bytes: (next - bit) * UNIT });
        }
        bit = next;
      }
    } catch (error) {
      if (!(error instanceof MissingMemory)) throw error;
      findings.add('list_unreadable', () => `per-CPU chunks: ${error.message}`);
    }
  }
}

type ChunkField =
  | 'list'
  | 'bound_map'
  | 'alloc_map'
  | 'base_addr'
  | 'start_offset'
  | 'end_offset'
  | 'nr_pages';

function bitIn(map: Buffer, bit: number): boolean {
  return ((map[bit >>> 3]! >>> (bit & 7)) & 1) === 1;
}
