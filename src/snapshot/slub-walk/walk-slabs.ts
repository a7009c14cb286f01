// A kernel's memory → every slab of every cache, each with the state of every slot, as the kernel held
// them at the instant of the snapshot. Slabs are found by struct page, so full ones (which are on no
// list) are among them; lists and freelists say the rest. What does not fit together is counted, and
// the slab is shown as far as it makes sense.

import {
  addHi,
  addLo,
  hex16,
  hiOf,
  loOf,
  PAGE_SIZE,
  pageHi,
  pageLo,
  pageNumber,
} from '../../base/address.ts';
import { AddressMap } from '../../base/address-map.ts';
import type { Findings } from '../findings.ts';
import type { KernelImage } from '../kernel/kernel-image.ts';
import { MissingMemory } from '../kernel/kernel-reader.ts';
import { readCpus } from '../kernel/per-cpu.ts';
import { MissingField } from '../layout/struct-layout.ts';
import type { PhysicalMemory } from '../memory/physical-memory.ts';
import { readCaches, type SlubCache } from './caches.ts';
import { FreelistWalk } from './freelist.ts';
import { SheafObjects } from './sheaves.ts';
import { SlabLists, type SlabPlace } from './slab-lists.ts';
import { type ChainEnd, SLOT, type SlabView } from './slab-view.ts';
import { type SlubLayout, slubLayout } from './struct-layout.ts';
import { eachSlabPage, type StructPage, vmemmapBase } from './struct-pages.ts';

/** What a walk needs, read once; the walk itself may be repeated. */
export interface SlubImage {
  readonly kernel: KernelImage;
  readonly layout: SlubLayout;
  readonly caches: readonly SlubCache[];
  readonly lists: SlabLists;
  readonly sheaves: SheafObjects;
  /** Address of the struct page of physical page 0. */
  readonly vmemmap: bigint;
  /** The page number that physical page 0 is mapped at. */
  readonly directMapBase: number;
  /** Physical pages [from, to) that show slabs and are none. */
  readonly kfence: { readonly from: number; readonly to: number };
}

/** Why slabs cannot be walked in a snapshot, in words. */
export interface NoSlubImage {
  readonly reason: string;
}

/** Reads caches and lists; says why where something that cannot be done without is missing. */
export function openSlub(kernel: KernelImage): SlubImage | NoSlubImage {
  const { paged, layout } = kernel;
  if (paged === undefined) return { reason: 'the snapshot has no struct pages (printed words)' };
  if (layout?.sizeOf('kmem_cache') === undefined) {
    return {
      reason: 'nothing tells the layout of the kernel’s structures (BTF, struct-offsets.txt)',
    };
  }
  const directMapBase = paged.description.directMap.base;
  if (directMapBase < 0) return { reason: 'the direct map was not found' };
  const vmemmap = vmemmapBase(kernel);
  if (vmemmap === undefined) return { reason: 'the array of struct page was not found' };
  try {
    const slub = slubLayout(layout);
    const caches = readCaches(kernel, slub);
    if (caches === undefined) return { reason: 'no symbol slab_caches (kallsyms.txt)' };
    if (caches.length === 0) return { reason: 'the list slab_caches is empty or not in the image' };
    const cpus = readCpus(kernel);
    const lists = new SlabLists(kernel, slub, caches, cpus);
    const sheaves = new SheafObjects(kernel, slub, caches, cpus);
    const kfence = kfencePool(kernel, directMapBase);
    return { kernel, layout: slub, caches, lists, sheaves, vmemmap, directMapBase, kfence };
  } catch (error) {
    if (error instanceof MissingField) return { reason: error.message };
    throw error;
  }
}

/** CONFIG_KFENCE_NUM_OBJECTS as it mostly is: as many objects and one more, each with a guard page. */
const KFENCE_PAGES = (255 + 1) * 2;

/**
 * KFENCE's pool: its pages are marked as slabs and name the cache that their one object was asked from,
 * but SLUB knows nothing of them (mm/kfence/core.c, kfence_init_pool(), kfence_guarded_alloc()).
 */
function kfencePool({ symbols, reader }: KernelImage, base: number): SlubImage['kfence'] {
  const none = { from: 0, to: 0 };
  const variable = symbols.addressOf('__kfence_pool');
  if (variable === undefined) return none;
  try {
    const pool = reader.u64(variable);
    const from = pageNumber(hiOf(pool), loOf(pool)) - base;
    return pool === 0n ? none : { from, to: from + KFENCE_PAGES };
  } catch (error) {
    if (error instanceof MissingMemory) return none;
    throw error;
  }
}

/**
 * Shows every slab, in the order of its physical address. The view is the same object each time.
 * @param findings takes what is wrong with the slabs
 */
export function walkSlabs(
  slub: SlubImage,
  visit: (slab: SlabView) => void,
  findings: Findings = slub.kernel.findings,
): void {
  const walk = new SlabWalk(slub, findings);
  eachSlabPage(slub.kernel, slub.layout.slab, slub.vmemmap, (page) => {
    const view = walk.read(page);
    if (view !== undefined) visit(view);
  });
  walk.finish();
}

class SlabWalk {
  private readonly slub: SlubImage;
  private readonly findings: Findings;
  private readonly freelist: FreelistWalk;
  private readonly byCache = new AddressMap(512);
  private readonly states: Uint8Array = new Uint8Array(65536);
  private readonly view: SlabView;
  /** Slabs on lists that were met. */
  private listed = 0;

  constructor(slub: SlubImage, findings: Findings) {
    const [first] = slub.caches;
    if (first === undefined) throw new Error('internal error: a walk without caches');
    this.slub = slub;
    this.findings = findings;
    this.freelist = new FreelistWalk(physicalMemory(slub.kernel));
    this.view = emptyView(first, this.states);
    for (const [i, cache] of slub.caches.entries()) {
      this.byCache.set(hiOf(cache.address), loOf(cache.address), i);
    }
  }

  /** The slab of a struct page, or undefined where it is not one after all. */
  read(page: StructPage): SlabView | undefined {
    const { slub, view } = this;
    const at = slub.layout.slab;
    if (page.frame >= slub.kfence.from && page.frame < slub.kfence.to) return undefined;
    const { words } = page;
    const cacheAt = page.at + at.cache / 4;
    const cacheIndex = this.byCache.get(words[cacheAt + 1]!, words[cacheAt]!);
    const cache = slub.caches[cacheIndex];
    if (cache === undefined) {
      this.findings.add('slab_of_unknown_cache', () => `struct page ${hex16(page.hi, page.lo)}`);
      return undefined;
    }
    const counters = words[page.at + at.counters / 4]!;
    const objects = (counters >>> 16) & 0x7fff;
    const inuse = counters & 0xffff;
    // A slab has the usual number of objects or, where memory was short, the smallest one.
    const shape = objects === cache.min.objects ? cache.min : cache.oo;
    if (objects !== shape.objects || inuse > objects) {
      const what = `${inuse} of ${objects} objects in use`;
      this.findings.add('slab_nonsense', () => `struct page ${hex16(page.hi, page.lo)}: ${what}`);
    }
    const freelistAt = page.at + at.freelist / 4;
    const base = slub.directMapBase + page.frame;
    const place = slub.lists.placeOf(page.hi, page.lo);
    if (place !== undefined) this.listed++;
    view.cache = cache;
    view.cacheIndex = cacheIndex;
    view.hi = pageHi(base);
    view.lo = pageLo(base);
    view.paddr = page.frame * PAGE_SIZE;
    view.pageHi = page.hi;
    view.pageLo = page.lo;
    view.order = shape.order;
    view.slots = shape.objects;
    view.objects = objects;
    view.inuse = inuse;
    view.frozen = counters >>> 31 === 1;
    view.freelistHi = words[freelistAt + 1]!;
    view.freelistLo = words[freelistAt]!;
    view.place = place?.kind ?? 'full';
    view.placeNumber = place?.number ?? -1;
    view.states = this.states.subarray(0, shape.objects);
    view.states.fill(SLOT.allocated);
    this.markFree(place);
    if (slub.sheaves.size > 0 && cache.sheafCapacity > 0) this.markSheaves();
    return view;
  }

  /** Slabs that a list names and no struct page shows. */
  finish(): void {
    const missing = this.slub.lists.size - this.listed;
    if (missing > 0) this.findings.add('slab_unreachable', 'in the walk of all slabs', missing);
  }

  private markFree(place: SlabPlace | undefined): void {
    const { view, freelist, findings } = this;
    const { cache, states } = view;
    const { freelistHi, freelistLo } = view;
    freelist.mark(cache, view, freelistHi, freelistLo, states, SLOT.free);
    keep(freelist, view.slabChain);
    this.judge(view.slabChain);
    const expected = view.objects - view.inuse;
    if (view.slabChain.end === 'null' && view.slabChain.count !== expected) {
      findings.add('freelist_count', () => this.where());
    }
    const head = place?.cpuFreelist ?? 0n;
    freelist.mark(cache, view, hiOf(head), loOf(head), states, SLOT.cpuFree);
    keep(freelist, view.cpuChain);
    this.judge(view.cpuChain);
  }

  private judge(chain: ChainEnd): void {
    if (chain.end === 'null') return;
    const name = chain.end === 'missing' ? 'freelist_missing' : 'freelist_broken';
    this.findings.add(name, () => this.where());
  }

  private where(): string {
    return `${this.view.cache.name}, slab ${hex16(this.view.hi, this.view.lo)}`;
  }

  private markSheaves(): void {
    const { view, slub } = this;
    const { size, redLeftPad } = view.cache;
    for (let i = 0; i < view.slots; i++) {
      const offset = i * size + redLeftPad;
      const state = slub.sheaves.stateOf(addHi(view.hi, view.lo, offset), addLo(view.lo, offset));
      if (state >= 0 && view.states[i] === SLOT.allocated) view.states[i] = state;
    }
  }
}

function keep(walk: FreelistWalk, chain: ChainEnd): void {
  chain.count = walk.count;
  chain.end = walk.end;
  chain.badHi = walk.badHi;
  chain.badLo = walk.badLo;
  chain.badSlot = walk.badSlot;
}

/** The memory that slabs are read from. */
export function physicalMemory({ paged }: KernelImage): PhysicalMemory {
  if (paged === undefined) throw new Error('internal error: a walk without page tables');
  return paged.memory;
}

function emptyView(cache: SlubCache, states: Uint8Array): SlabView {
  const chain = (): ChainEnd => ({ count: 0, end: 'null', badHi: 0, badLo: 0, badSlot: -1 });
  return {
    cache,
    cacheIndex: 0,
    hi: 0,
    lo: 0,
    paddr: 0,
    pageHi: 0,
    pageLo: 0,
    order: 0,
    slots: 0,
    objects: 0,
    inuse: 0,
    frozen: false,
    freelistHi: 0,
    freelistLo: 0,
    place: 'full',
    placeNumber: -1,
    states,
    slabChain: chain(),
    cpuChain: chain(),
  };
}
