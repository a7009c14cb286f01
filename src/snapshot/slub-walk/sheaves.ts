// Sheaves (6.18 on, mm/slub.c): arrays of free objects in front of the slabs. Each CPU has a main and a
// spare one and one that waits for RCU; each node's barn has full ones. An object in a sheaf is in
// use for its slab. Sheaves that were already given to RCU are on no list and are not found.

import { hiOf, loOf } from '../../base/address.ts';
import { AddressMap } from '../../base/address-map.ts';
import type { KernelImage } from '../kernel/kernel-image.ts';
import { walkList } from '../kernel/kernel-list.ts';
import { MissingMemory } from '../kernel/kernel-reader.ts';
import { type Cpu, perCpuAddress } from '../kernel/per-cpu.ts';
import type { NodePointers, SlubCache } from './caches.ts';
import { SLOT } from './slab-view.ts';
import type { SheafOffsets, SlubLayout } from './struct-layout.ts';

/** The kernel's largest sheaves hold some hundred objects. */
const MAX_SHEAF = 65536;
/** 200 caches on 1000 CPUs with three sheaves of 60 each are 36 million. */
const MAX_OBJECTS = 60_000_000;

/** Which objects are in a sheaf: SLOT.sheaf or SLOT.rcuSheaf by the object's address. */
export class SheafObjects {
  private readonly byObject = new AddressMap(1024);
  private readonly kernel: KernelImage;
  private readonly at: SheafOffsets | undefined;

  constructor(
    kernel: KernelImage,
    layout: SlubLayout,
    caches: readonly SlubCache[],
    cpus: readonly Cpu[],
  ) {
    this.kernel = kernel;
    this.at = layout.sheaf;
    if (layout.sheaf === undefined) return;
    for (const cache of caches) {
      if (cache.sheafCapacity === 0) continue;
      for (const cpu of cpus) this.addCpu(cache, cpu, layout.sheaf);
      for (const node of cache.nodes) this.addBarn(cache, node, layout.sheaf);
    }
  }

  get size(): number {
    return this.byObject.size;
  }

  /** The state of an object that is in a sheaf, or -1. */
  stateOf(hi: number, lo: number): number {
    return this.byObject.get(hi, lo);
  }

  private addCpu(cache: SlubCache, cpu: Cpu, at: SheafOffsets): void {
    if (cache.cpuSheaves === 0n) return;
    const { reader } = this.kernel;
    const sheaves = perCpuAddress(cache.cpuSheaves, cpu);
    this.orCounted(cache, () => {
      this.add(cache, reader.u64(sheaves + BigInt(at.main)), SLOT.sheaf);
      this.add(cache, reader.u64(sheaves + BigInt(at.spare)), SLOT.sheaf);
      this.add(cache, reader.u64(sheaves + BigInt(at.rcuFree)), SLOT.rcuSheaf);
    });
  }

  private addBarn(cache: SlubCache, node: NodePointers | undefined, at: SheafOffsets): void {
    if (node === undefined || node.barn === 0n) return;
    const { reader, findings } = this.kernel;
    const head = node.barn + BigInt(at.barnFull);
    this.orCounted(cache, () => {
      for (const link of walkList(reader, head, `full sheaves of ${cache.name}`, findings)) {
        this.add(cache, link - BigInt(at.barnList), SLOT.sheaf);
      }
    });
  }

  private add(cache: SlubCache, sheaf: bigint, state: number): void {
    if (sheaf === 0n || this.at === undefined) return;
    const { reader, findings } = this.kernel;
    const size = reader.u32(sheaf + BigInt(this.at.size));
    if (size > MAX_SHEAF) {
      findings.add('sheaf_nonsense', () => `${cache.name}: ${size} objects in one sheaf`);
      return;
    }
    for (let i = 0; i < size; i++) {
      const object = reader.u64(sheaf + BigInt(this.at.objects + i * 8));
      const known = this.byObject.get(hiOf(object), loOf(object)) >= 0;
      if (object === 0n || known || this.byObject.size === MAX_OBJECTS) {
        findings.add('sheaf_nonsense', () => `${cache.name}: object 0x${object.toString(16)}`);
        return;
      }
      this.byObject.set(hiOf(object), loOf(object), state);
    }
  }

  private orCounted(cache: SlubCache, read: () => void): void {
    try {
      read();
    } catch (error) {
      if (!(error instanceof MissingMemory)) throw error;
      this.kernel.findings.add('list_unreadable', () => `${cache.name}: ${error.message}`);
    }
  }
}
