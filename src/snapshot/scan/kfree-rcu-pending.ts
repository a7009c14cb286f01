// Objects that were given to kfree_rcu() and wait for it: the kernel ignores them from then on
// (kmemleak_ignore() in kvfree_call_rcu(), kernel/rcu/tree.c), and only pages that nothing scans name
// them. Per CPU: lists of pages with pointers (bkvhead up to 6.2, bulk_head later), and a chain through
// the rcu_heads inside of objects where there was no page.

import { joinHalves, wrap64 } from '../../base/address.ts';
import type { KernelImage } from '../kernel/kernel-image.ts';
import { walkList } from '../kernel/kernel-list.ts';
import { MissingMemory } from '../kernel/kernel-reader.ts';
import { perCpuAddress, readCpus } from '../kernel/per-cpu.ts';
import { MissingField, offsetOf, type StructLayout, sizeOf } from '../layout/struct-layout.ts';

/** FREE_N_CHANNELS: slab objects, vmalloc areas. */
const CHANNELS = 2;
const PAGE = 4096;
const MAX_RECORDS = PAGE / 8;
const MAX_BATCHES = 16;
/** Objects that wait at a time; more than this is a chain in a damaged image. */
const MAX_PENDING = 4 * 1024 * 1024;

/** Addresses in objects that wait (their start, or their rcu_head); empty where nothing tells. */
export function readPendingKfreeRcu(kernel: KernelImage): bigint[] {
  const { symbols, layout } = kernel;
  const krc = symbols.addressOf('krc');
  if (krc === undefined || layout === undefined) return [];
  try {
    const walk = new PendingWalk(kernel, layout);
    for (const cpu of readCpus(kernel)) walk.cpu(perCpuAddress(krc, cpu));
    return walk.found;
  } catch (error) {
    if (error instanceof MissingField) return [];
    throw error;
  }
}

class PendingWalk {
  readonly found: bigint[] = [];
  private readonly kernel: KernelImage;
  private readonly layout: StructLayout;

  constructor(kernel: KernelImage, layout: StructLayout) {
    this.kernel = kernel;
    this.layout = layout;
  }

  /** @param krcp address of a CPU's struct kfree_rcu_cpu */
  cpu(krcp: bigint): void {
    this.batch(krcp, 'kfree_rcu_cpu', '');
    const works = this.layout.field('kfree_rcu_cpu', 'krw_arr');
    if (works === undefined) return;
    const stride = sizeOf(this.layout, 'kfree_rcu_cpu_work');
    const count = Math.min(MAX_BATCHES, Math.max(2, Math.floor(works.size / stride)));
    for (let i = 0; i < count; i++) {
      this.batch(krcp + BigInt(works.offset + i * stride), 'kfree_rcu_cpu_work', '_free');
    }
  }

  private batch(at: bigint, struct: string, suffix: string): void {
    const { layout, kernel } = this;
    try {
      const head = offsetOf(layout, struct, `head${suffix}`);
      this.chain(kernel.reader.u64(at + BigInt(head)));
      const pages = layout.field(struct, `bkvhead${suffix}`);
      const lists = layout.field(struct, `bulk_head${suffix}`);
      for (let channel = 0; channel < CHANNELS; channel++) {
        if (pages !== undefined) this.singleList(at + BigInt(pages.offset + channel * 8));
        else if (lists !== undefined) this.list(at + BigInt(lists.offset + channel * 16));
      }
    } catch (error) {
      if (!(error instanceof MissingMemory)) throw error;
      kernel.findings.add('list_unreadable', () => `kfree_rcu: ${error.message}`);
    }
  }

  /** rcu_heads, each with the address of the next in its first word. */
  private chain(first: bigint): void {
    for (const at of this.follow(first, 0n)) this.found.push(at);
  }

  /** Up to 6.2: pages that lead to the next one. */
  private singleList(variable: bigint): void {
    const { reader } = this.kernel;
    const next = BigInt(offsetOf(this.layout, 'kvfree_rcu_bulk_data', 'next'));
    for (const page of this.follow(reader.u64(variable), next)) this.records(page);
  }

  /** A chain that ends with NULL; one that runs in a circle ends there (Brent's marker). */
  private *follow(first: bigint, next: bigint): Generator<bigint> {
    const { reader, findings } = this.kernel;
    let marker = 0n;
    let steps = 0;
    let limit = 2;
    for (let at = first; at !== 0n; at = reader.u64(at + next)) {
      if (at === marker || this.found.length >= MAX_PENDING) {
        findings.add('list_loop', 'objects that wait for kfree_rcu()');
        return;
      }
      yield at;
      if (++steps < limit) continue;
      marker = at;
      steps = 0;
      limit *= 2;
    }
  }

  private list(head: bigint): void {
    const { reader, findings } = this.kernel;
    const link = BigInt(offsetOf(this.layout, 'kvfree_rcu_bulk_data', 'list'));
    for (const node of walkList(reader, head, 'pages of kfree_rcu', findings)) {
      if (this.found.length >= MAX_PENDING) return;
      this.records(wrap64(node - link));
    }
  }

  private records(page: bigint): void {
    const { reader } = this.kernel;
    const number = BigInt(offsetOf(this.layout, 'kvfree_rcu_bulk_data', 'nr_records'));
    const records = BigInt(offsetOf(this.layout, 'kvfree_rcu_bulk_data', 'records'));
    const count = Math.min(MAX_RECORDS, Number(reader.u64(page + number)));
    const words = reader.words(page + records, count);
    for (let i = 0; i < count; i++) {
      this.found.push(joinHalves(words[i * 2 + 1]!, words[i * 2]!));
    }
  }
}
