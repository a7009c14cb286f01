// Which list each slab is on: the slab in use of a CPU, its partial slabs (a chain through
// slab->next), a node's partial list. What is on none is full: the kernel keeps no list of those
// (but with SLAB_STORE_USER, and then it says the same).

import { hiOf, loOf, wrap64 } from '../../base/address.ts';
import { AddressMap } from '../../base/address-map.ts';
import type { KernelImage } from '../kernel/kernel-image.ts';
import { walkList } from '../kernel/kernel-list.ts';
import { MissingMemory } from '../kernel/kernel-reader.ts';
import { type Cpu, perCpuAddress } from '../kernel/per-cpu.ts';
import type { SlubCache } from './caches.ts';
import type { SlubLayout } from './struct-layout.ts';

export type SlabListKind = 'cpu' | 'cpu-partial' | 'partial' | 'full';

/** Where a slab is kept. */
export interface SlabPlace {
  readonly kind: SlabListKind;
  /** The CPU or the node; -1 for full slabs. */
  readonly number: number;
  readonly cache: SlubCache;
  /** The head of the CPU's own freelist, 0 where it is empty or the slab is no CPU's. */
  readonly cpuFreelist: bigint;
}

/** Partial lists may be long; a chain of one CPU is at most some hundred slabs. */
const MAX_CHAIN = 1024 * 1024;
/** 128 GiB in slabs of one page: more on lists than any machine keeps. */
const MAX_LISTED = 32 * 1024 * 1024;

export class SlabLists {
  private readonly places: SlabPlace[] = [];
  /** By the address of struct slab: index into `places`. */
  private readonly bySlab = new AddressMap(4096);
  private readonly kernel: KernelImage;
  private readonly layout: SlubLayout;

  constructor(
    kernel: KernelImage,
    layout: SlubLayout,
    caches: readonly SlubCache[],
    cpus: readonly Cpu[],
  ) {
    this.kernel = kernel;
    this.layout = layout;
    for (const cache of caches) {
      for (const cpu of cpus) this.orCounted(cache, () => this.addCpu(cache, cpu));
      for (const [i] of cache.nodes.entries()) {
        this.orCounted(cache, () => this.addNode(cache, i));
      }
    }
  }

  /** Slabs on lists. */
  get size(): number {
    return this.bySlab.size;
  }

  /** The place of a slab, by the address of its struct slab; undefined: on no list. */
  placeOf(hi: number, lo: number): SlabPlace | undefined {
    const index = this.bySlab.get(hi, lo);
    return index < 0 ? undefined : this.places[index];
  }

  private addCpu(cache: SlubCache, cpu: Cpu): void {
    const { reader, findings } = this.kernel;
    const at = this.layout.cpu;
    if (at === undefined || cache.cpuSlab === 0n) return;
    const cpuSlab = perCpuAddress(cache.cpuSlab, cpu);
    const slab = reader.u64(cpuSlab + BigInt(at.slab));
    const number = cpu.cpu;
    if (slab !== 0n) {
      const cpuFreelist = reader.u64(cpuSlab + BigInt(at.freelist));
      this.add(slab, { kind: 'cpu', number, cache, cpuFreelist });
    }
    const { next } = this.layout.slab;
    if (at.partial === undefined || next === undefined) return;
    const place: SlabPlace = { kind: 'cpu-partial', number, cache, cpuFreelist: 0n };
    let partial = reader.u64(cpuSlab + BigInt(at.partial));
    for (let n = 0; partial !== 0n; n++) {
      // A slab that is on a list already ends the chain: a circle, or a list that runs into another.
      if (n === MAX_CHAIN || !this.add(partial, place)) {
        findings.add('list_loop', () => `partial slabs of CPU ${number} of ${cache.name}`);
        return;
      }
      partial = reader.u64(partial + BigInt(next));
    }
  }

  private addNode(cache: SlubCache, number: number): void {
    const { reader, findings } = this.kernel;
    const node = cache.nodes[number]?.node;
    if (node === undefined) return;
    const what = `partial slabs of node ${number} of ${cache.name}`;
    const head = node + BigInt(this.layout.node.partial);
    const place: SlabPlace = { kind: 'partial', number, cache, cpuFreelist: 0n };
    let length = 0n;
    for (const link of walkList(reader, head, what, findings)) {
      // A slab of another list means that the lists run into each other.
      if (!this.add(wrap64(link - BigInt(this.layout.slab.list)), place)) return;
      length++;
    }
    const counter = reader.u64(node + BigInt(this.layout.node.nrPartial));
    if (counter !== length) {
      findings.add('list_count', () => `${what}: ${length} found, the counter says ${counter}`);
    }
  }

  /** False where the slab is on a list already. */
  private add(slab: bigint, place: SlabPlace): boolean {
    const hi = hiOf(slab);
    const lo = loOf(slab);
    if (this.bySlab.get(hi, lo) >= 0 || this.bySlab.size === MAX_LISTED) {
      const where = (): string => `0x${slab.toString(16)} of ${place.cache.name}`;
      this.kernel.findings.add('slab_on_two_lists', where);
      return false;
    }
    const last = this.places.length - 1;
    if (this.places[last] !== place) this.places.push(place);
    this.bySlab.set(hi, lo, this.places.length - 1);
    return true;
  }

  /** A list that leads out of the memory is counted, and its cache goes on with the next one. */
  private orCounted(cache: SlubCache, read: () => void): void {
    try {
      read();
    } catch (error) {
      if (!(error instanceof MissingMemory)) throw error;
      this.kernel.findings.add('list_unreadable', () => `${cache.name}: ${error.message}`);
    }
  }
}
