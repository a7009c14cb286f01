// A kernel's memory → objects and roots as kmemleak_scan() has them (mm/kmemleak.c): .data, .bss and
// .data..ro_after_init, per-CPU areas, struct pages in use, task stacks; and what kmemleak knows as
// gray objects: memory of the boot allocator, modules, per-CPU allocations. Objects that were
// allocated before the trace began are roots too: who holds them, the trace does not say.

import {
  addHi,
  addLo,
  hiOf,
  joinHalves,
  loOf,
  PAGE_SIZE,
  pageHi,
  pageLo,
} from '../../base/address.ts';
import { isAtLeast, parseRelease } from '../../kernel/machine/kernel-version.ts';
import type { KernelImage } from '../kernel/kernel-image.ts';
import { MissingMemory } from '../kernel/kernel-reader.ts';
import { perCpuAddress, readCpus } from '../kernel/per-cpu.ts';
import { readTasks, threadSize } from '../kernel/tasks.ts';
import type { SlubCache } from '../slub-walk/caches.ts';
import { SlabIndex } from '../slub-walk/slab-index.ts';
import { SLOT, type SlabView } from '../slub-walk/slab-view.ts';
import { type SlubImage, walkSlabs } from '../slub-walk/walk-slabs.ts';
import { findBootMemory, pageFields } from './boot-memory.ts';
import { type BuiltScan, ScanBuilder } from './build-scan.ts';
import { scannedElsewhere, without } from './frames.ts';
import { readPendingKfreeRcu } from './kfree-rcu-pending.ts';
import { readPerCpuAllocations } from './percpu-allocations.ts';
import { indexRows, type RowOfAddress, type TracedObjects } from './traced-objects.ts';
import { readVmallocAreas, type VmallocArea } from './vmalloc-areas.ts';

export interface KernelScan extends BuiltScan {
  /** What the scan could not take into account, in words. */
  readonly notes: readonly string[];
  /** Rows that are no object any more: on a freelist, or their slab is another cache's. */
  readonly freed: number;
}

const SLAB_NOLEAKTRACE = 0x00800000;
/** Their flag has no fixed place from 6.9 on. */
const NOLEAKTRACE_CACHES: ReadonlySet<string> = new Set([
  'kmemleak_object',
  'kmemleak_scan_area',
  'debug_objects_cache',
]);
/** KERNEL_IMAGE_SIZE: no section is larger. */
const MAX_SECTION = 2 ** 30;
/** Copies of per-CPU allocations that are looked at: 1000 CPUs with 60,000 of them. */
const MAX_COPIES = 2 ** 26;
/** Modules are above the kernel's image (arch/x86/include/asm/pgtable_64_types.h). */
const START_KERNEL_MAP = 0xffffffff80000000n;

const THERE = 1;
const UNTRACKED = 2;

const SECTIONS = [
  ['_sdata', '_edata'],
  ['__bss_start', '__bss_stop'],
  ['__start_ro_after_init', '__end_ro_after_init'],
] as const;

export interface KernelScanOptions {
  /** Report objects that are older than the trace too. */
  readonly pretrace: boolean;
  /** Areas of vmallocinfo.txt, for an image that does not show its own. */
  readonly vmallocinfo: readonly VmallocArea[] | undefined;
}

export function buildKernelScan(
  slub: SlubImage,
  traced: TracedObjects,
  options: KernelScanOptions,
): KernelScan {
  const scan = new KernelScanBuilder(slub, traced, options);
  return scan.build();
}

class KernelScanBuilder {
  private readonly slub: SlubImage;
  private readonly kernel: KernelImage;
  private readonly traced: TracedObjects;
  private readonly options: KernelScanOptions;
  private readonly builder: ScanBuilder;
  private readonly rowOf: RowOfAddress;
  private readonly notes: string[] = [];
  /** Rows that were found allocated; UNTRACKED ones are no objects of kmemleak's. */
  private readonly isThere: Uint8Array;

  constructor(slub: SlubImage, traced: TracedObjects, options: KernelScanOptions) {
    this.slub = slub;
    this.kernel = slub.kernel;
    this.traced = traced;
    this.options = options;
    this.builder = new ScanBuilder(traced);
    this.rowOf = indexRows(traced);
    this.isThere = new Uint8Array(traced.count);
  }

  build(): KernelScan {
    const { builder } = this;
    this.sections();
    this.perCpuSections();
    this.stacks();
    this.slabs();
    this.pages();
    this.vmalloc();
    this.perCpuAllocations();
    for (const address of readPendingKfreeRcu(this.kernel)) builder.ignore(address);
    const built = builder.build(readCpus(this.kernel));
    const freed = this.isThere.reduce((n, there) => (there === 0 ? n + 1 : n), 0);
    return { ...built, notes: this.notes, freed };
  }

  private sections(): void {
    const { symbols } = this.kernel;
    let dataEnd = 0n;
    for (const [startName, endName] of SECTIONS) {
      const start = symbols.addressOf(startName);
      const end = symbols.addressOf(endName);
      if (start === undefined || end === undefined || !isSection(start, end)) {
        this.notes.push(`No symbols ${startName} and ${endName}: that section is not scanned.`);
        continue;
      }
      // .data..ro_after_init may be inside .data.
      if (startName === '_sdata') dataEnd = end;
      else if (startName === '__start_ro_after_init' && end <= dataEnd) {
        const data = symbols.addressOf('_sdata');
        if (data !== undefined && start >= data) continue;
      }
      this.builder.root('data', start, Number(end - start));
    }
  }

  private perCpuSections(): void {
    const { symbols } = this.kernel;
    const start = symbols.addressOf('__per_cpu_start');
    const end = symbols.addressOf('__per_cpu_end');
    const cpus = readCpus(this.kernel);
    if (start === undefined || end === undefined || !isSection(start, end) || cpus.length === 0) {
      this.notes.push('Per-CPU variables were not found: they are not scanned.');
      return;
    }
    for (const cpu of cpus) {
      this.builder.root('per-CPU variables', perCpuAddress(start, cpu), Number(end - start));
    }
  }

  private stacks(): void {
    const tasks = readTasks(this.kernel);
    if (tasks === undefined)
      this.notes.push('The task list was not found: stacks are not scanned.');
    const bytes = threadSize(this.kernel);
    for (const { stack } of tasks ?? []) {
      if (stack !== 0n) this.builder.root('task stacks', stack, bytes);
    }
  }

  private slabs(): void {
    const untracked = this.slub.caches.map((cache) => this.isNoLeakTrace(cache));
    walkSlabs(this.slub, (slab) => this.slab(slab, untracked[slab.cacheIndex] === true));
  }

  private isNoLeakTrace({ name, flags }: SlubCache): boolean {
    if (isAtLeast(parseRelease(this.kernel.release ?? null), 6, 9)) {
      return NOLEAKTRACE_CACHES.has(name);
    }
    return (flags & SLAB_NOLEAKTRACE) !== 0;
  }

  private slab(slab: SlabView, isUntracked: boolean): void {
    const { size, objectSize, redLeftPad } = slab.cache;
    const { builder, traced } = this;
    for (let i = 0; i < slab.slots; i++) {
      if (slab.states[i] !== SLOT.allocated) continue;
      const offset = i * size + redLeftPad;
      const hi = addHi(slab.hi, slab.lo, offset);
      const lo = addLo(slab.lo, offset);
      const row = this.rowOf(hi, lo);
      const bytes = row < 0 ? 0 : traced.bytesAlloc[row]!;
      const isTraced = row >= 0 && (bytes === size || bytes === objectSize);
      if (isTraced) this.isThere[row] = isUntracked ? UNTRACKED : THERE;
      if (isUntracked) continue;
      if (isTraced) builder.row(row, objectSize);
      else if (this.options.pretrace) {
        builder.other({ kind: 'older', cache: slab.cacheIndex }, hi, lo, objectSize, 1);
      } else builder.rootAt('older slab objects', hi, lo, objectSize);
    }
  }

  private pages(): void {
    const { slub, builder, traced } = this;
    const { directMapBase, vmemmap } = slub;
    const { size } = pageFields(this.kernel);
    let end = 0;
    const index = new SlabIndex(slub);
    const large = new Set<number>();
    for (let row = 0; row < traced.count; row++) {
      if (this.isThere[row] !== 0 || traced.bytesAlloc[row]! < PAGE_SIZE) continue;
      if (traced.lo[row]! % PAGE_SIZE !== 0) continue;
      const place = index.find(traced.hi[row]!, traced.lo[row]!);
      if (place !== undefined) continue;
      this.isThere[row] = THERE;
      builder.row(row, traced.bytesReq[row]!);
      large.add(row);
    }
    const root = (kind: 'boot memory' | 'older page allocations', from: number, to: number) => {
      const page = directMapBase + from;
      end = Math.max(end, to);
      builder.rootAt(kind, pageHi(page), pageLo(page), (to - from) * PAGE_SIZE);
    };
    const scanned = scannedElsewhere(this.kernel);
    findBootMemory(slub, {
      reserved: (from, to) => {
        for (const part of without(from, to, scanned)) root('boot memory', part.from, part.to);
      },
      compound: (from, to) => {
        const page = directMapBase + from;
        if (!large.has(this.rowOf(pageHi(page), pageLo(page)))) {
          root('older page allocations', from, to);
        }
      },
    });
    for (const run of this.kernel.space.runs(
      hiOf(vmemmap),
      loOf(vmemmap),
      Math.max(end, endOfImage(this.kernel)) * size,
    )) {
      builder.rootAt('struct pages', run.hi, run.lo, run.length);
    }
  }

  private vmalloc(): void {
    const { builder } = this;
    const areas = readVmallocAreas(this.kernel) ?? this.options.vmallocinfo;
    if (areas === undefined) {
      this.notes.push('vmalloc areas were not found: they are neither objects nor scanned.');
      return;
    }
    const holders = areas[0]?.vmStruct === 0n ? this.vmStructs() : undefined;
    const most = bytesInImage(this.kernel);
    for (const area of areas) {
      const { addr, bytes, isVmalloc } = area;
      // More than there is memory: not what it says.
      if (bytes > most) continue;
      if (addr >= START_KERNEL_MAP) {
        builder.root('modules', addr, bytes);
        continue;
      }
      if (!isVmalloc) continue;
      const vmStruct = area.vmStruct === 0n ? (holders?.get(addr) ?? 0n) : area.vmStruct;
      const row = vmStruct === 0n ? -1 : this.rowOf(hiOf(vmStruct), loOf(vmStruct));
      if (row < 0 || this.isThere[row] !== THERE) {
        builder.root('older vmalloc areas', addr, bytes);
        continue;
      }
      builder.other({ kind: 'vmalloc', area, row }, hiOf(addr), loOf(addr), bytes, 2);
      builder.excess(vmStruct, addr);
    }
  }

  /** Traced objects whose second word is an address, by that: vm_struct.addr. */
  private vmStructs(): Map<bigint, bigint> {
    const found = new Map<bigint, bigint>();
    const { traced, kernel } = this;
    for (let row = 0; row < traced.count; row++) {
      if (this.isThere[row] !== THERE || traced.bytesReq[row]! < 64) continue;
      if (traced.bytesReq[row]! > 80) continue;
      const address = joinHalves(traced.hi[row]!, traced.lo[row]!);
      try {
        found.set(kernel.reader.u64(address + 8n), address);
      } catch (error) {
        if (!(error instanceof MissingMemory)) throw error;
      }
    }
    return found;
  }

  private perCpuAllocations(): void {
    const found = readPerCpuAllocations(this.kernel);
    if (found === undefined) {
      this.notes.push('Per-CPU allocations were not found: they are not scanned.');
      return;
    }
    const cpus = readCpus(this.kernel);
    if (found.length * cpus.length > MAX_COPIES) {
      this.notes.push('There are more per-CPU allocations than can be: they are not scanned.');
      return;
    }
    const areReported = isAtLeast(parseRelease(this.kernel.release ?? null), 6, 12);
    for (const allocation of found) {
      const { pointer, bytes } = allocation;
      if (areReported) {
        const other = { kind: 'percpu', allocation } as const;
        this.builder.other(other, hiOf(pointer), loOf(pointer), bytes, 1);
        continue;
      }
      for (const cpu of cpus) {
        this.builder.root('per-CPU allocations', perCpuAddress(pointer, cpu), bytes);
      }
    }
  }
}

function isSection(start: bigint, end: bigint): boolean {
  return end > start && end - start <= BigInt(MAX_SECTION);
}

/** One past the last physical page of the image. */
function endOfImage({ snapshot }: KernelImage): number {
  let end = 0;
  if (snapshot.kind === 'printed') return end;
  for (const r of snapshot.memory.ranges()) end = Math.ceil((r.start + r.length) / PAGE_SIZE);
  return end;
}

/** Physical addresses up to its end. */
function bytesInImage(kernel: KernelImage): number {
  return endOfImage(kernel) * PAGE_SIZE;
}
