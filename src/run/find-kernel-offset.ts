// The events → how far KASLR moved the kernel: the one offset at which the callers of
// kmem_cache_alloc() are the functions that are known to call it. At the right offset about half of a
// recording's callers are (5.10 to 7.2: 32 of 43, 58 of 102, 52 of 116); at another, some few happen to
// be (of another kernel at most 4, of another build of the same source 10 of 93).

import { joinHalves } from '../base/address.ts';
import { KNOWN_ALLOCATORS } from '../kernel/caches/well-known-caches.ts';
import type { Dictionary } from '../kernel/events/dictionary.ts';
import { EVENT_KIND } from '../kernel/events/event-kind.ts';
import type { Call } from '../kernel/indices.ts';
import type { SymbolTable } from '../kernel/symbols/symbols.ts';
import { kaslrStep } from '../recording/kernel-offset.ts';

/** Callers that must agree, and their share of those that lie in the kernel itself. */
const MIN_AGREEING = 8;
const MIN_SHARE = 0.2;
/** With so many callers, symbols of the kernel that was recorded always get MIN_AGREEING. */
const MANY_CALLERS = 40;

export type FoundOffset =
  | { readonly kind: 'found'; readonly offset: bigint }
  /** Too few events to tell. */
  | { readonly kind: 'unknown' }
  /** These are the symbols of another kernel. */
  | { readonly kind: 'none' };

/** @param linked symbols at the addresses that they were linked at */
export function findKernelOffset(dictionary: Dictionary, linked: SymbolTable): FoundOffset {
  const callers = cacheAllocCallers(dictionary);
  const functions = linked.functionsNamed(KNOWN_ALLOCATORS);
  const step = kaslrStep(functions[0]?.start ?? 0n);
  const votes = new Map<bigint, number>();
  for (const caller of callers) {
    const offsets = new Set<bigint>();
    for (const { start, size } of functions) {
      const distance = BigInt.asUintN(64, caller - start);
      const behind = distance % step;
      // A return address is behind the function's first byte, at its end at the latest.
      if (behind > 0n && behind <= BigInt(size)) offsets.add(distance - behind);
    }
    for (const offset of offsets) votes.set(offset, (votes.get(offset) ?? 0) + 1);
  }
  const [best, second] = [...votes].sort((a, b) => b[1] - a[1]);
  if (best !== undefined) {
    const [offset, agreeing] = best;
    const needed = Math.max(MIN_AGREEING, MIN_SHARE * countInKernel(callers, linked, offset));
    if (agreeing >= needed && agreeing > 2 * (second?.[1] ?? 0)) return { kind: 'found', offset };
  }
  return { kind: callers.size < MANY_CALLERS ? 'unknown' : 'none' };
}

/** How many callers are in the kernel itself, not in modules, if it lies at an offset. */
function countInKernel(callers: Set<bigint>, linked: SymbolTable, offset: bigint): number {
  const start = linked.addressOf('_text');
  const end = linked.addressOf('_end');
  if (start === undefined || end === undefined) return callers.size;
  let count = 0;
  for (const caller of callers) {
    if (BigInt.asUintN(64, caller - offset - start) < end - start) count++;
  }
  return count;
}

/** Distinct return addresses; sites that are known by text only have none. */
function cacheAllocCallers({ calls, sites }: Dictionary): Set<bigint> {
  const callers = new Set<bigint>();
  for (let call: Call = 1; call < calls.length; call++) {
    const kind = calls.kind(call);
    if (kind !== EVENT_KIND.kmem_cache_alloc && kind !== EVENT_KIND.kmem_cache_alloc_node) continue;
    const site = calls.site(call);
    const address = joinHalves(sites.hi(site), sites.lo(site));
    if (address !== 0n) callers.add(address);
  }
  return callers;
}
