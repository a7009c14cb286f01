// Bytes from object to object of the caches that frees name: as recorded, else as the objects tell that
// were freed under the name. An object of another stride, or at a place where none of the cache can
// begin, is not the one that was freed: it had been freed before, without an event (kfree_rcu, bulk),
// and its page had become one of that cache. cache_from_obj() takes the cache from the page, so the
// name in the event is true (mm/slub.c, kmem_cache_free(); with 6.1's hardening or debug checks).

import type { KnownCaches } from '../../kernel/caches/known-cache.ts';
import type { Dictionary } from '../../kernel/events/dictionary.ts';
import { isAlloc } from '../../kernel/events/event-kind.ts';
import type { Call } from '../../kernel/indices.ts';
import type { CallEvidence } from '../../pairing/call-evidence.ts';

export interface StrideInput {
  readonly dictionary: Dictionary;
  readonly evidence: CallEvidence;
  readonly known: KnownCaches | undefined;
  readonly pageSize: number;
  /** False where pointers are hashed, or red zones shift objects: addresses tell no starts. */
  readonly tellsStarts: boolean;
}

export class CacheStrides {
  private readonly input: StrideInput;
  /** By cache (index into `strings`). */
  private readonly strides = new Map<number, number>();

  constructor(input: StrideInput) {
    this.input = input;
    const claims = new Map<number, Map<number, number>>();
    const { dictionary, evidence } = input;
    for (let call: Call = 1; call < dictionary.calls.length; call++) {
      const stride = dictionary.calls.bytesAlloc(call);
      if (stride === 0 || !isAlloc(dictionary.calls.kind(call))) continue;
      for (const [cache, count] of evidence.namesOf(call)) {
        const strides = claims.get(cache) ?? new Map<number, number>();
        claims.set(cache, strides);
        strides.set(stride, (strides.get(stride) ?? 0) + count);
      }
    }
    for (const [cache, strides] of claims) this.strides.set(cache, this.choose(cache, strides));
  }

  /** Undefined where no object that was freed under the name tells. */
  of(cache: number): number | undefined {
    return this.strides.get(cache) ?? this.recorded(cache)?.slabSize;
  }

  /** False where an object of `bytesAlloc` at an address cannot be one of the cache. */
  fits(cache: number, bytesAlloc: number, lo: number): boolean {
    const stride = this.of(cache);
    if (stride === undefined || bytesAlloc === 0) return true;
    if (stride !== bytesAlloc) return false;
    const known = this.recorded(cache);
    if (!this.input.tellsStarts) return true;
    if (known === undefined) return lo % lowestBit(stride) === 0;
    const object = (lo % (this.input.pageSize * 2 ** known.order)) / stride;
    return Number.isInteger(object) && object < known.objsPerSlab;
  }

  private recorded(cache: number): ReturnType<KnownCaches['find']> {
    return this.input.known?.find(this.input.dictionary.strings.get(cache));
  }

  /**
   * Of the strides that objects freed under a name had, the strictest that all of their addresses
   * keep: of memory that changed its cache some objects of a smaller stride seem to be freed too.
   */
  private choose(cache: number, strides: ReadonlyMap<number, number>): number {
    const recorded = this.recorded(cache);
    if (recorded !== undefined) return recorded.slabSize;
    const alignment = this.input.tellsStarts ? this.input.evidence.alignmentOf(cache) : 1;
    const strictness = (stride: number): number =>
      lowestBit(stride) <= alignment ? lowestBit(stride) : 0;
    const [[best] = [0]] = [...strides].sort(
      ([a, countA], [b, countB]) => strictness(b) - strictness(a) || countB - countA,
    );
    return best;
  }
}

/** The largest power of two that divides a positive number below 2^31. */
function lowestBit(n: number): number {
  return n & -n;
}

/**
 * Takes back the pairing of frees with objects that were not theirs.
 * @returns how many there were
 */
export function disownStrangers(strides: CacheStrides, input: StrideInput): number {
  const { dictionary, evidence } = input;
  let count = 0;
  for (let call: Call = 1; call < dictionary.calls.length; call++) {
    const stride = dictionary.calls.bytesAlloc(call);
    if (stride === 0 || !isAlloc(dictionary.calls.kind(call))) continue;
    for (const [cache, frees] of evidence.namesOf(call)) {
      const named = strides.of(cache);
      if (named === undefined || named === stride) continue;
      evidence.disown(call, cache);
      count += frees;
    }
  }
  return count;
}
