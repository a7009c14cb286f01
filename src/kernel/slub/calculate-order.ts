// How many pages a slab has and how many objects fit: mm/slub.c calculate_order(), calc_slab_order(),
// order_objects(), oo_make(); include/asm-generic/getorder.h get_order(). Its two forms: until 6.7
// (read in 6.1.192) and since 6.8 (6.12.117); of 4 KiB pages they differ for sizes from 10,928 to
// 12,280 only.

import type { SlubRules } from './releases.ts';

/** What the order of a slab depends on beside the size of its objects. */
export interface OrderParameters {
  readonly rules: Pick<SlubRules, 'orderLoop' | 'orderCpus'>;
  readonly pageSize: number;
  /** CPUs that were present when the cache was made (num_present_cpus()). */
  readonly cpus: number;
  /** CPUs that could ever be (nr_cpu_ids). */
  readonly possibleCpus: number;
  /** slub_min_order: 0. */
  readonly minOrder: number;
  /** slub_max_order: 3 (PAGE_ALLOC_COSTLY_ORDER). */
  readonly maxOrder: number;
  /** slub_min_objects: 0, which means by the number of CPUs. */
  readonly minObjects: number;
  /** The largest order of the page allocator (MAX_PAGE_ORDER; until 6.3 MAX_ORDER - 1): 10. */
  readonly maxPageOrder: number;
}

/** struct kmem_cache_order_objects. */
export interface OrderObjects {
  readonly order: number;
  readonly objects: number;
}

/** The largest order of any architecture's page allocator (ARCH_FORCE_MAX_ORDER of arm64, 64 KiB). */
export const MAX_ORDER = 13;

/** MAX_OBJS_PER_PAGE: slab->objects has 15 bits. */
export const MAX_OBJS_PER_PAGE = 32767;

/** The smallest order whose pages hold `bytes` (get_order()). */
export function getOrder(bytes: number, pageSize: number): number {
  let order = 0;
  while (pageSize * 2 ** order < bytes) order++;
  return order;
}

/** Objects in a slab of an order (order_objects()). */
export function orderObjects(order: number, size: number, pageSize: number): number {
  return Math.floor((pageSize * 2 ** order) / size);
}

/** The objects that a slab should hold at least, by the number of CPUs unless it was set. */
export function minObjectsOf(parameters: OrderParameters): number {
  if (parameters.minObjects > 0) return parameters.minObjects;
  const { cpus, possibleCpus, rules } = parameters;
  // Some architectures count present CPUs late: a count of one is not trusted.
  const counted = rules.orderCpus === 'present' && cpus > 1 ? cpus : possibleCpus;
  const highestBit = 32 - Math.clz32(counted);
  return 4 * (highestBit + 1);
}

/**
 * The order of slabs for objects of `size` bytes, metadata included; undefined where no order that
 * the page allocator has holds one (the kernel then refuses the cache).
 */
export function calculateOrder(size: number, parameters: OrderParameters): number | undefined {
  return parameters.rules.orderLoop === 'fewer-objects'
    ? orderByFewerObjects(size, parameters)
    : orderFromFixedStart(size, parameters);
}

/** What slabs have normally (`oo`). */
export function calculateOrderObjects(
  size: number,
  parameters: OrderParameters,
): OrderObjects | undefined {
  const order = calculateOrder(size, parameters);
  if (order === undefined) return undefined;
  const objects = orderObjects(order, size, parameters.pageSize);
  return objects === 0 ? undefined : { order, objects };
}

/** What a slab has when the page allocator could not give the normal order (`min`). */
export function minOrderObjects(size: number, pageSize: number): OrderObjects {
  const order = getOrder(size, pageSize);
  return { order, objects: orderObjects(order, size, pageSize) };
}

/** Until 6.7: wants fewer objects as long as more than a quarter of the slab would be lost. */
function orderByFewerObjects(size: number, parameters: OrderParameters): number | undefined {
  const { maxOrder, maxPageOrder, pageSize } = parameters;
  const most = orderObjects(maxOrder, size, pageSize);
  for (let objects = Math.min(minObjectsOf(parameters), most); objects > 1; objects--) {
    for (const fraction of [16, 8, 4]) {
      const order = firstOrder(size, objects, maxOrder, fraction, parameters);
      if (order <= maxOrder) return order;
    }
  }
  const single = firstOrder(size, 1, maxOrder, 1, parameters);
  if (single <= maxOrder) return single;
  const beyond = firstOrder(size, 1, maxPageOrder + 1, 1, parameters);
  return beyond <= maxPageOrder ? beyond : undefined;
}

/** Since 6.8: one lowest order, and whatever is lost in the end. */
function orderFromFixedStart(size: number, parameters: OrderParameters): number | undefined {
  const { maxOrder, maxPageOrder, pageSize } = parameters;
  const most = Math.max(orderObjects(maxOrder, size, pageSize), 1);
  const objects = Math.min(minObjectsOf(parameters), most);
  const lowest = Math.max(parameters.minOrder, getOrder(objects * size, pageSize));
  if (orderObjects(lowest, size, pageSize) > MAX_OBJS_PER_PAGE) {
    return getOrder(size * MAX_OBJS_PER_PAGE, pageSize) - 1;
  }
  for (const fraction of [16, 8, 4, 2]) {
    const order = firstFitting(size, lowest, maxOrder, fraction, pageSize);
    if (order <= maxOrder) return order;
  }
  const single = getOrder(size, pageSize);
  return single <= maxPageOrder ? single : undefined;
}

/** calc_slab_order() until 6.7; `maxOrder` + 1 or more where none fits. */
function firstOrder(
  size: number,
  objects: number,
  maxOrder: number,
  fraction: number,
  { minOrder, pageSize }: OrderParameters,
): number {
  if (orderObjects(minOrder, size, pageSize) > MAX_OBJS_PER_PAGE) {
    return getOrder(size * MAX_OBJS_PER_PAGE, pageSize) - 1;
  }
  const lowest = Math.max(minOrder, getOrder(objects * size, pageSize));
  return firstFitting(size, lowest, maxOrder, fraction, pageSize);
}

/** The first order from `lowest` of which at most one part in `fraction` is lost. */
function firstFitting(
  size: number,
  lowest: number,
  maxOrder: number,
  fraction: number,
  pageSize: number,
): number {
  let order = lowest;
  for (; order <= maxOrder; order++) {
    const slabBytes = pageSize * 2 ** order;
    if (slabBytes % size <= Math.floor(slabBytes / fraction)) break;
  }
  return order;
}
