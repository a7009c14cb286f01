// Kinds of allocation whose frees are not in the recording at all: only kmalloc was switched on, say.
// Then what looks live is what was allocated at addresses that were not given out again since.

import type { CallTable } from '../../kernel/events/dictionary.ts';
import { EVENT_KIND, isAlloc, isFree, isKmalloc } from '../../kernel/events/event-kind.ts';
import type { Call } from '../../kernel/indices.ts';

/** The event that frees what a kind of allocation gave (include/trace/events/kmem.h). */
export type FreeEvent = 'kfree' | 'kmem_cache_free';

/**
 * Events of which a recording has none although it has allocations that they would free.
 * @param calls of the whole recording, whatever part of it is looked at
 */
export function unrecordedFrees(calls: CallTable): FreeEvent[] {
  const kinds = new Set<number>();
  for (let call: Call = 1; call < calls.length; call++) kinds.add(calls.kind(call));
  const has = (test: (kind: number) => boolean): boolean => [...kinds].some(test);
  const missing: FreeEvent[] = [];
  if (has(isKmalloc) && !kinds.has(EVENT_KIND.kfree)) missing.push('kfree');
  const hasCacheFrees = has((kind) => isFree(kind) && kind !== EVENT_KIND.kfree);
  if (has((kind) => isAlloc(kind) && !isKmalloc(kind)) && !hasCacheFrees) {
    missing.push('kmem_cache_free');
  }
  return missing;
}

/** True for an allocation of a kind whose frees are `missing`. */
export function lacksFrees(missing: readonly FreeEvent[], kind: number): boolean {
  return missing.includes(isKmalloc(kind) ? 'kfree' : 'kmem_cache_free');
}

const ALLOCATIONS: Readonly<Record<FreeEvent, string>> = {
  kfree: 'kmalloc',
  kmem_cache_free: 'kmem_cache_alloc',
};

/** `kmalloc`, `kmalloc and kmem_cache_alloc`: what is allocated and never seen freed. */
export function allocationsWithoutFrees(missing: readonly FreeEvent[]): string {
  return missing.map((event) => ALLOCATIONS[event]).join(' and ');
}
