// Caches and slabs written into a small machine by hand, with the offsets of Debian's 6.1 kernel.

import { openSlub, type SlubImage } from '../../src/snapshot/slub-walk/walk-slabs.ts';
import { DIRECT_MAP, TestKernel, VMEMMAP } from './machine-builder.ts';

/** kmem_cache.random of every cache. */
export const RANDOM = 0x9e3779b97f4a7c15n;
const PG_SLAB = 1 << 9;

export function bswap64(value: bigint): bigint {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(value);
  return bytes.readBigUInt64BE();
}

/** Where the direct map has a page. */
export function pageAt(frame: number): bigint {
  return DIRECT_MAP + BigInt(frame) * 4096n;
}

export function structPage(frame: number): bigint {
  return VMEMMAP + BigInt(frame) * 64n;
}

export interface CacheShape {
  readonly name: string;
  readonly size: number;
  readonly objectSize: number;
  readonly offset: number;
  readonly redLeftPad?: number;
  readonly order: number;
  readonly objects: number;
  /** As the kernel's own bits. */
  readonly flags?: number;
  /** object_size where it is not said. */
  readonly inuse?: number;
  readonly align?: number;
}

/** What both generations share: a list of caches, freelists in slabs. */
export abstract class SlubWriter {
  readonly kernel: TestKernel;
  private readonly heads: bigint[] = [];
  private readonly list: bigint;
  protected abstract readonly listAt: number;

  constructor(release: string) {
    this.kernel = new TestKernel(release);
    this.list = this.kernel.symbol('slab_caches', 16);
  }

  put64(at: bigint, value: bigint): void {
    this.kernel.machine.put64(at, value);
  }

  put32(at: bigint, value: number): void {
    this.kernel.machine.put32(at, value);
  }

  /** Writes the free pointers of a chain of slots, each mixed with `RANDOM` and its own place. */
  chain(shape: CacheShape, frame: number, slots: readonly number[]): bigint {
    for (const [i, slot] of slots.entries()) {
      const next = slots[i + 1];
      const at = this.object(shape, frame, slot) + BigInt(shape.offset);
      const pointer = next === undefined ? 0n : this.object(shape, frame, next);
      this.put64(at, pointer ^ RANDOM ^ bswap64(at));
    }
    const [head] = slots;
    return head === undefined ? 0n : this.object(shape, frame, head);
  }

  object(shape: CacheShape, frame: number, slot: number): bigint {
    return pageAt(frame) + BigInt((shape.redLeftPad ?? 0) + slot * shape.size);
  }

  /** Closes the list of caches. */
  finish(): void {
    const nodes = [this.list, ...this.heads.map((c) => c + BigInt(this.listAt))];
    for (const [i, node] of nodes.entries()) this.put64(node, nodes[i + 1] ?? this.list);
  }

  protected addCache(bytes: number): bigint {
    const at = this.kernel.room(bytes);
    this.heads.push(at);
    return at;
  }

  async slub(): Promise<SlubImage> {
    const slub = openSlub(await this.kernel.open());
    if ('reason' in slub) throw new Error(slub.reason);
    return slub;
  }
}

/** 6.1: CPU slabs and CPU partial lists. */
export class Slub61 extends SlubWriter {
  protected readonly listAt = 104;
  private nextPerCpu = 0x1000n;

  constructor(release = '6.1.0-56-amd64') {
    super(release);
    const offsets = this.kernel.symbol('__per_cpu_offset', 64);
    this.put64(offsets, DIRECT_MAP + 0xc00000n);
    this.put64(offsets + 8n, DIRECT_MAP + 0xd00000n);
    this.kernel.variable('nr_cpu_ids', 2n);
    this.kernel.variable('__cpu_possible_mask', 3n);
    this.cache({
      name: 'kmem_cache',
      size: 256,
      objectSize: 224,
      offset: 112,
      order: 0,
      objects: 16,
    });
  }

  /** A cache with a node without partial slabs; gives the cache, its CPU areas and its node. */
  cache(shape: CacheShape): { at: bigint; cpus: [bigint, bigint]; node: bigint } {
    const at = this.addCache(224);
    const name = this.kernel.room(64);
    this.kernel.machine.putText(name, shape.name);
    const node = this.kernel.room(64);
    this.put64(node + 16n, node + 16n);
    const perCpu = this.nextPerCpu;
    this.nextPerCpu += 32n;
    const cpus: [bigint, bigint] = [
      DIRECT_MAP + 0xc00000n + perCpu,
      DIRECT_MAP + 0xd00000n + perCpu,
    ];
    for (const cpu of cpus) this.put64(cpu, 0n);
    const packed = (shape.order << 16) | shape.objects;
    this.put64(at, perCpu);
    for (const [field, value] of [
      [8, shape.flags ?? 0],
      [24, shape.size],
      [28, shape.objectSize],
      [40, shape.offset],
      [52, packed],
      [56, packed],
      [64, 1],
      [80, shape.inuse ?? shape.objectSize],
      [84, shape.align ?? 8],
      [88, shape.redLeftPad ?? 0],
    ] as const) {
      this.put32(at + BigInt(field), value);
    }
    this.put64(at + 96n, name);
    this.put64(at + 184n, RANDOM);
    this.put64(at + 216n, node);
    return { at, cpus, node };
  }

  slab(
    cache: bigint,
    shape: CacheShape,
    frame: number,
    free: readonly number[],
    inuse?: number,
  ): void {
    const at = structPage(frame);
    for (let i = 0; i < 2 ** shape.order; i++) this.put64(pageAt(frame + i), 0n);
    this.put64(at, BigInt(PG_SLAB));
    this.put64(at + 24n, cache);
    this.put64(at + 32n, this.chain(shape, frame, free));
    const used = inuse ?? shape.objects - free.length;
    this.put64(at + 40n, BigInt(used | (shape.objects << 16)));
  }

  /** Puts slabs on a node's partial list. */
  partial(node: bigint, frames: readonly number[]): void {
    const nodes = [node + 16n, ...frames.map((f) => structPage(f) + 8n)];
    for (const [i, at] of nodes.entries()) this.put64(at, nodes[i + 1] ?? node + 16n);
    this.put64(node + 8n, BigInt(frames.length));
  }
}

/** 6.12: struct slab has its fields elsewhere, and a page type says that it is one. */
export class Slub612 extends Slub61 {
  constructor() {
    super('6.12.117+deb12-amd64');
    this.kernel.infoLine('NUMBER(PAGE_SLAB_MAPCOUNT_VALUE)=-184549376');
  }

  override slab(
    cache: bigint,
    shape: CacheShape,
    frame: number,
    free: readonly number[],
    inuse?: number,
  ): void {
    super.slab(cache, shape, frame, free, inuse);
    const at = structPage(frame);
    this.put64(at, 0n);
    this.put64(at + 8n, cache);
    this.put64(at + 16n, 0n);
    this.put64(at + 24n, 0n);
    this.put32(at + 48n, 0xf5000000);
  }
}
