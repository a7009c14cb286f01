// slab_caches → every kmem_cache with its geometry (struct kmem_cache, mm/slab.h). A cache whose
// sizes cannot be is left out and counted: everything behind it is computed from them.

import { PAGE_SIZE, wrap64 } from '../../base/address.ts';
import type { KernelImage } from '../kernel/kernel-image.ts';
import { walkList } from '../kernel/kernel-list.ts';
import { type KernelReader, MissingMemory } from '../kernel/kernel-reader.ts';
import type { CacheOffsets, SlubLayout } from './struct-layout.ts';

/** Objects per slab and order, packed as struct kmem_cache_order_objects is. */
interface OrderObjects {
  readonly order: number;
  readonly objects: number;
}

export interface SlubCache {
  readonly address: bigint;
  readonly name: string;
  /** SLAB_* flags. */
  readonly flags: number;
  /** Bytes from one object to the next. */
  readonly size: number;
  readonly objectSize: number;
  /** Where the free pointer is in an object. */
  readonly offset: number;
  readonly inuse: number;
  readonly align: number;
  readonly redLeftPad: number;
  readonly refcount: number;
  readonly oo: OrderObjects;
  readonly min: OrderObjects;
  readonly minPartial: number;
  readonly cpuPartial: number;
  readonly cpuPartialSlabs: number;
  readonly sheafCapacity: number;
  readonly hasCtor: boolean;
  /** What free pointers are mixed with, undefined where they are in the open. */
  readonly random: { readonly hi: number; readonly lo: number } | undefined;
  /** Per-CPU pointers, 0 where there are none. */
  readonly cpuSlab: bigint;
  readonly cpuSheaves: bigint;
  /** By node number; undefined for a node without memory. */
  readonly nodes: readonly (NodePointers | undefined)[];
}

export interface NodePointers {
  readonly node: bigint;
  readonly barn: bigint;
}

const MAX_CACHES = 8192;
const MAX_NODES = 1024;
const MAX_ORDER = 20;
/** The largest slab that counters can describe: 15 bits of objects. */
const MAX_OBJECTS = 32767;

/** @returns undefined where there is no symbol slab_caches */
export function readCaches(kernel: KernelImage, layout: SlubLayout): SlubCache[] | undefined {
  const { reader, symbols, findings } = kernel;
  const head = symbols.addressOf('slab_caches');
  if (head === undefined) return undefined;
  const addresses: bigint[] = [];
  for (const node of walkList(reader, head, 'slab_caches', findings)) {
    addresses.push(wrap64(node - BigInt(layout.cache.list)));
    if (addresses.length === MAX_CACHES) break;
  }
  const nodes = nodeCount(reader, addresses, layout.cache);
  const caches: SlubCache[] = [];
  for (const address of addresses) {
    try {
      const cache = readCache(reader, address, layout, nodes);
      if (isSensible(cache)) caches.push(cache);
      else findings.add('cache_nonsense', () => `${cache.name} at 0x${address.toString(16)}`);
    } catch (error) {
      if (!(error instanceof MissingMemory)) throw error;
      findings.add('cache_unreadable', `0x${address.toString(16)}`);
    }
  }
  return caches;
}

function readCache(
  reader: KernelReader,
  address: bigint,
  layout: SlubLayout,
  nodes: number,
): SlubCache {
  const at = layout.cache;
  const bytes = reader.bytes(address, at.bytes);
  const u32 = (offset: number | undefined): number =>
    offset === undefined ? 0 : bytes.readUInt32LE(offset);
  const u64 = (offset: number | undefined): bigint =>
    offset === undefined ? 0n : bytes.readBigUInt64LE(offset);
  return {
    address,
    name: reader.cString(u64(at.name)),
    flags: u32(at.flags),
    size: u32(at.size),
    objectSize: u32(at.objectSize),
    offset: u32(at.offset),
    inuse: u32(at.inuse),
    align: u32(at.align),
    redLeftPad: u32(at.redLeftPad),
    refcount: u32(at.refcount) | 0,
    oo: orderObjects(u32(at.oo)),
    min: orderObjects(u32(at.min)),
    minPartial: u32(at.minPartial),
    cpuPartial: u32(at.cpuPartial),
    cpuPartialSlabs: u32(at.cpuPartialSlabs),
    sheafCapacity: u32(at.sheafCapacity),
    hasCtor: u64(at.ctor) !== 0n,
    random: at.random === undefined ? undefined : { hi: u32(at.random + 4), lo: u32(at.random) },
    cpuSlab: u64(at.cpuSlab),
    cpuSheaves: u64(at.cpuSheaves),
    nodes: Array.from({ length: nodes }, (_, i) => readNode(reader, address, layout, i)),
  };
}

function readNode(
  reader: KernelReader,
  cache: bigint,
  layout: SlubLayout,
  i: number,
): NodePointers | undefined {
  const { nodes, nodeStride, nodePointer, barnPointer } = layout.cache;
  const entry = cache + BigInt(nodes + i * nodeStride);
  const node = reader.u64(entry + BigInt(nodePointer));
  if (node === 0n) return undefined;
  const { barn } = layout.node;
  if (barnPointer !== undefined) return { node, barn: reader.u64(entry + BigInt(barnPointer)) };
  return { node, barn: barn === undefined ? 0n : reader.u64(node + BigInt(barn)) };
}

/**
 * How many nodes a kmem_cache has room for: the cache named kmem_cache has objects of just that size
 * (kmem_cache_init(): offsetof(struct kmem_cache, node) + nr_node_ids pointers).
 */
function nodeCount(reader: KernelReader, addresses: readonly bigint[], at: CacheOffsets): number {
  for (const address of addresses) {
    try {
      const name = reader.cString(reader.u64(address + BigInt(at.name)), 16);
      if (name !== 'kmem_cache') continue;
      const size = reader.u32(address + BigInt(at.objectSize));
      const count = Math.floor((size - at.nodes) / at.nodeStride);
      return Math.max(1, Math.min(MAX_NODES, count));
    } catch (error) {
      if (!(error instanceof MissingMemory)) throw error;
    }
  }
  return 1;
}

function orderObjects(packed: number): OrderObjects {
  return { order: packed >>> 16, objects: packed & 0xffff };
}

function isSensible(cache: SlubCache): boolean {
  const { size, objectSize, offset, redLeftPad, oo, min } = cache;
  if (size < 8 || size % 4 !== 0 || offset % 4 !== 0 || redLeftPad % 4 !== 0) return false;
  if (objectSize > size || offset + 8 > size || redLeftPad >= size) return false;
  return [oo, min].every(
    (o) =>
      o.order <= MAX_ORDER &&
      o.objects > 0 &&
      o.objects <= MAX_OBJECTS &&
      o.objects * size <= PAGE_SIZE * 2 ** o.order,
  );
}
