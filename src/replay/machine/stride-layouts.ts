// Where the objects of a call are in their slabs, as far as that is known before caches have names:
// caches whose objects take as many bytes are laid out alike.

import type { CallTable } from '../../kernel/events/dictionary.ts';
import { isKmalloc } from '../../kernel/events/event-kind.ts';
import type { Call } from '../../kernel/indices.ts';
import { calculateOrderObjects } from '../../kernel/slub/calculate-order.ts';
import { recordedGeometry } from '../../kernel/slub/recorded-geometry.ts';
import type { SlubParameters } from '../../kernel/slub/slub-parameters.ts';
import type { KernelFacts } from '../../recording/kernel-facts.ts';
import type { StrideLayout } from '../observe/order-learner.ts';
import type { Machine } from './machine.ts';

/** @returns of a call the layouts that its objects may have; none where they are in no slab */
export function strideLayouts(
  calls: CallTable,
  facts: KernelFacts,
  { parameters, classes }: Machine,
): (call: Call) => readonly StrideLayout[] {
  const byStride = new Map<number, StrideLayout[]>();
  for (const cache of facts.caches?.all ?? []) {
    const layouts = byStride.get(cache.slabSize) ?? [];
    byStride.set(cache.slabSize, layouts);
    // Left red zones of caches of one size differ with their alignment.
    const redLeftPad = recordedGeometry(cache, parameters)?.geometry.redLeftPad ?? 0;
    if (layouts.some((layout) => layout.redLeftPad === redLeftPad)) continue;
    layouts.push({
      slabBytes: parameters.pageSize * 2 ** cache.order,
      redLeftPad,
      objsPerSlab: cache.objsPerSlab,
    });
  }
  return (call) => {
    const isLarge = isKmalloc(calls.kind(call)) && calls.bytesReq(call) > classes.maxCacheSize;
    const stride = calls.bytesAlloc(call);
    if (isLarge || stride <= 0) return [];
    return byStride.get(stride) ?? computedLayout(stride, parameters);
  };
}

function computedLayout(stride: number, parameters: SlubParameters): StrideLayout[] {
  const sizes = calculateOrderObjects(stride, parameters);
  if (sizes === undefined) return [];
  const slabBytes = parameters.pageSize * 2 ** sizes.order;
  return [{ slabBytes, redLeftPad: 0, objsPerSlab: sizes.objects }];
}
