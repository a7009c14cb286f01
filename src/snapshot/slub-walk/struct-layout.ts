// What the walk needs of the structures of mm/slab.h and mm/slub.c, as offsets in bytes, whatever the
// kernel: struct slab is part of struct page before 5.17, kmem_cache_cpu is gone from 7.0 on, sheaves
// came with 6.18. A field that this kernel does not have is undefined.

import { offsetOf, type StructLayout, sizeOf } from '../layout/struct-layout.ts';

export interface SlubLayout {
  readonly cache: CacheOffsets;
  readonly cpu: CpuSlabOffsets | undefined;
  readonly node: NodeOffsets;
  readonly slab: SlabOffsets;
  readonly sheaf: SheafOffsets | undefined;
}

export interface CacheOffsets {
  readonly list: number;
  readonly name: number;
  readonly flags: number;
  readonly size: number;
  readonly objectSize: number;
  readonly offset: number;
  readonly inuse: number;
  readonly align: number;
  readonly refcount: number;
  readonly oo: number;
  readonly min: number;
  readonly minPartial: number;
  readonly ctor: number;
  readonly redLeftPad: number | undefined;
  readonly cpuPartial: number | undefined;
  readonly cpuPartialSlabs: number | undefined;
  readonly sheafCapacity: number | undefined;
  /** CONFIG_SLAB_FREELIST_HARDENED. */
  readonly random: number | undefined;
  readonly cpuSlab: number | undefined;
  readonly cpuSheaves: number | undefined;
  /** The array with one entry per node: where, how many bytes each, the node's pointer in it. */
  readonly nodes: number;
  readonly nodeStride: number;
  readonly nodePointer: number;
  /** The pointer to the node's barn in an entry (7.2), undefined where it is in kmem_cache_node. */
  readonly barnPointer: number | undefined;
  /** Bytes to read of one kmem_cache, without the nodes. */
  readonly bytes: number;
}

interface CpuSlabOffsets {
  readonly freelist: number;
  readonly slab: number;
  /** Without CONFIG_SLUB_CPU_PARTIAL there is none. */
  readonly partial: number | undefined;
}

interface NodeOffsets {
  readonly nrPartial: number;
  readonly partial: number;
  /** With CONFIG_SLUB_DEBUG. */
  readonly nrSlabs: number | undefined;
  readonly full: number | undefined;
  readonly barn: number | undefined;
}

export interface SlabOffsets {
  readonly cache: number;
  readonly freelist: number;
  readonly counters: number;
  readonly list: number;
  readonly next: number | undefined;
  readonly pageSize: number;
  readonly pageFlags: number;
  readonly pageType: number;
}

export interface SheafOffsets {
  readonly main: number;
  readonly spare: number;
  readonly rcuFree: number;
  readonly size: number;
  readonly objects: number;
  readonly barnList: number;
  readonly barnFull: number;
}

/** @throws MissingField where the layout lacks what the walk cannot do without */
export function slubLayout(layout: StructLayout): SlubLayout {
  const optional = (struct: string, field: string): number | undefined =>
    layout.field(struct, field)?.offset;
  const sheaves = layout.sizeOf('slab_sheaf') !== undefined;
  return {
    cache: cacheOffsets(layout),
    cpu: layout.sizeOf('kmem_cache_cpu') === undefined ? undefined : cpuSlabOffsets(layout),
    node: {
      nrPartial: offsetOf(layout, 'kmem_cache_node', 'nr_partial'),
      partial: offsetOf(layout, 'kmem_cache_node', 'partial'),
      nrSlabs: optional('kmem_cache_node', 'nr_slabs'),
      full: optional('kmem_cache_node', 'full'),
      barn: optional('kmem_cache_node', 'barn'),
    },
    slab: slabOffsets(layout),
    sheaf: sheaves ? sheafOffsets(layout) : undefined,
  };
}

function cacheOffsets(layout: StructLayout): CacheOffsets {
  const at = (field: string): number => offsetOf(layout, 'kmem_cache', field);
  const optional = (field: string): number | undefined => layout.field('kmem_cache', field)?.offset;
  const perNode = optional('per_node');
  const nodes = perNode ?? at('node');
  const inEntry = (field: string): number => offsetOf(layout, 'kmem_cache_per_node_ptrs', field);
  return {
    list: at('list'),
    name: at('name'),
    flags: at('flags'),
    size: at('size'),
    objectSize: at('object_size'),
    offset: at('offset'),
    inuse: at('inuse'),
    align: at('align'),
    refcount: at('refcount'),
    oo: at('oo'),
    min: at('min'),
    minPartial: at('min_partial'),
    ctor: at('ctor'),
    redLeftPad: optional('red_left_pad'),
    cpuPartial: optional('cpu_partial'),
    cpuPartialSlabs: optional('cpu_partial_slabs'),
    sheafCapacity: optional('sheaf_capacity'),
    random: optional('random'),
    cpuSlab: optional('cpu_slab'),
    cpuSheaves: optional('cpu_sheaves'),
    nodes,
    nodeStride: perNode === undefined ? 8 : sizeOf(layout, 'kmem_cache_per_node_ptrs'),
    nodePointer: perNode === undefined ? 0 : inEntry('node'),
    barnPointer: perNode === undefined ? undefined : inEntry('barn'),
    bytes: nodes,
  };
}

function cpuSlabOffsets(layout: StructLayout): CpuSlabOffsets {
  const slab = layout.field('kmem_cache_cpu', 'slab') === undefined ? 'page' : 'slab';
  return {
    freelist: offsetOf(layout, 'kmem_cache_cpu', 'freelist'),
    slab: offsetOf(layout, 'kmem_cache_cpu', slab),
    partial: layout.field('kmem_cache_cpu', 'partial')?.offset,
  };
}

function slabOffsets(layout: StructLayout): SlabOffsets {
  const struct = layout.sizeOf('slab') === undefined ? 'page' : 'slab';
  return {
    cache: offsetOf(layout, struct, 'slab_cache'),
    freelist: offsetOf(layout, struct, 'freelist'),
    counters: offsetOf(layout, struct, 'counters'),
    list: offsetOf(layout, struct, 'slab_list'),
    next: layout.field(struct, 'next')?.offset,
    pageSize: sizeOf(layout, 'page'),
    pageFlags: offsetOf(layout, 'page', 'flags'),
    // page_type shares its place with _mapcount, which VMCOREINFO names too.
    pageType: layout.field('page', 'page_type')?.offset ?? offsetOf(layout, 'page', '_mapcount'),
  };
}

function sheafOffsets(layout: StructLayout): SheafOffsets {
  return {
    main: offsetOf(layout, 'slub_percpu_sheaves', 'main'),
    spare: offsetOf(layout, 'slub_percpu_sheaves', 'spare'),
    rcuFree: offsetOf(layout, 'slub_percpu_sheaves', 'rcu_free'),
    size: offsetOf(layout, 'slab_sheaf', 'size'),
    objects: offsetOf(layout, 'slab_sheaf', 'objects'),
    barnList: offsetOf(layout, 'slab_sheaf', 'barn_list'),
    barnFull: offsetOf(layout, 'node_barn', 'sheaves_full'),
  };
}
