// Names for the slabs of a site that allocates from several caches: a slab is of one cache, so each has
// its own name. What was freed on a slab names it; others follow from the order in which a CPU uses
// slabs (slab-turns.ts) and from how many slabs of each cache were recorded, and are inferred.

import type { KnownCaches } from '../../kernel/caches/known-cache.ts';
import type { Dictionary } from '../../kernel/events/dictionary.ts';
import type { LiveObjects } from '../../pairing/live-objects.ts';
import type { PageEvidence } from '../../pairing/page-evidence.ts';
import { slabNumber } from './slab-groups.ts';
import { cachesByTurns, type TurnSlab } from './slab-turns.ts';

/** Calls of one stride that allocate from the same caches. */
export interface MixedCalls {
  readonly calls: ReadonlySet<number>;
  readonly bytesAlloc: number;
  /** Names of the caches that they allocate from. */
  readonly caches: ReadonlySet<string>;
  /** Live objects of these caches: theirs, and those of other calls with the one cache of these. */
  readonly rows: readonly MixedRow[];
}

interface MixedRow {
  readonly row: number;
  /** Its cache where its call has only one. */
  readonly cache: string | undefined;
  /** The cache of most objects of its call. */
  readonly usual: string | undefined;
}

export interface SlabNamesInput {
  readonly dictionary: Dictionary;
  readonly live: LiveObjects;
  readonly pages: PageEvidence;
  readonly known: KnownCaches | undefined;
  readonly pageSize: number;
}

interface NamedSlab {
  readonly rows: number[];
  cache: string | undefined;
  /** When the object was allocated by which a free named it. */
  namedTs: number;
  /** No free since its live objects came named it. */
  isInferred: boolean;
}

/** What names the objects of some calls, one by one. */
export class SlabNames {
  private readonly input: SlabNamesInput;
  private readonly mixed: MixedCalls;
  private readonly slabBytes: number;
  private readonly slabs = new Map<number, NamedSlab>();

  /** Names of the caches. */
  get caches(): ReadonlySet<string> {
    return this.mixed.caches;
  }

  constructor(mixed: MixedCalls, input: SlabNamesInput) {
    this.mixed = mixed;
    this.input = input;
    const [recorded] = input.known?.ofSlabSize(mixed.bytesAlloc) ?? [];
    this.slabBytes = input.pageSize * 2 ** (recorded?.order ?? 0);
    this.collect();
    this.inferRest();
  }

  /** The cache of a live object, and whether it is inferred. */
  ofRow(row: number): { readonly cache: string; readonly isInferred: boolean } | undefined {
    const own = this.namedFrom(row);
    if (own !== undefined) return { cache: own, isInferred: false };
    const slab = this.slabs.get(this.slabOf(row));
    return slab?.cache === undefined
      ? undefined
      : { cache: slab.cache, isInferred: slab.isInferred };
  }

  /** The cache of an object that was allocated at an address at `ts`, as far as anything tells. */
  at(lo: number, hi: number, ts: number): string | undefined {
    return this.namedAfter(lo, hi, ts) ?? this.slabs.get(slabNumber(lo, hi, this.slabBytes))?.cache;
  }

  private slabOf(row: number): number {
    const { live } = this.input;
    return slabNumber(live.ptrLo(row), live.ptrHi(row), this.slabBytes);
  }

  private namedFrom(row: number): string | undefined {
    const { live } = this.input;
    return this.namedAfter(live.ptrLo(row), live.ptrHi(row), live.ts(row));
  }

  /** What the first free named that followed on the page. */
  private namedAfter(lo: number, hi: number, ts: number): string | undefined {
    const cache = this.input.dictionary.strings.get(this.input.pages.cacheFrom(lo, hi, ts));
    return this.mixed.caches.has(cache) ? cache : undefined;
  }

  private collect(): void {
    const { live } = this.input;
    for (const { row, cache } of this.mixed.rows) {
      const key = this.slabOf(row);
      const slab: NamedSlab = this.slabs.get(key) ?? {
        rows: [],
        cache: undefined,
        namedTs: -Infinity,
        isInferred: false,
      };
      this.slabs.set(key, slab);
      slab.rows.push(row);
      const named = cache ?? this.namedFrom(row);
      // What is older may be left over from another slab there.
      if (named === undefined || live.ts(row) < slab.namedTs) continue;
      slab.cache = named;
      slab.namedTs = live.ts(row);
    }
  }

  private inferRest(): void {
    const { live, known } = this.input;
    const all = [...this.slabs.values()];
    const room = new Map<string, number>();
    for (const cache of this.mixed.caches) {
      const named = all.filter((slab) => slab.cache === cache).length;
      room.set(cache, (known?.find(cache)?.slabs ?? Number.MAX_SAFE_INTEGER) - named);
    }
    const turns: TurnSlab[] = all.map(({ rows, cache }) => {
      rows.sort((a, b) => live.ts(a) - live.ts(b));
      return {
        named: cache,
        allocations: rows.map((row) => ({ ts: live.ts(row), cpu: live.cpu(row) })),
        lastFree: this.lastFree(rows),
      };
    });
    const caches = cachesByTurns(turns, room);
    all.forEach((slab, i) => {
      if (slab.cache !== undefined) return;
      slab.cache = caches[i];
      slab.isInferred = true;
    });
  }

  private lastFree(rows: readonly number[]): number {
    const { live, pages } = this.input;
    return Math.max(...rows.map((row) => pages.namedAt(live.ptrLo(row), live.ptrHi(row))));
  }
}
