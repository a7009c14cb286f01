// Which caches the model has and which of them each call allocates from: the recorded caches under
// their names, else what the kernel's rules and the events tell.

import { isKmallocCacheName, KMALLOC_LARGE } from '../../kernel/caches/kmalloc-caches.ts';
import { kmallocCacheSet } from '../../kernel/caches/kmalloc-set.ts';
import type { KnownCache } from '../../kernel/caches/known-cache.ts';
import { type Column, column } from '../../kernel/column.ts';
import type { CallTable, Dictionary } from '../../kernel/events/dictionary.ts';
import { EVENT_KIND, isAlloc } from '../../kernel/events/event-kind.ts';
import type { Cache, Call } from '../../kernel/indices.ts';
import { specOfCreation } from '../../kernel/slub/cache-creation.ts';
import type { CacheGeometry, CacheSpec } from '../../kernel/slub/cache-geometry.ts';
import { computeGeometry, specOfKmalloc } from '../../kernel/slub/cache-geometry.ts';
import { calculateOrderObjects } from '../../kernel/slub/calculate-order.ts';
import { recordedGeometry } from '../../kernel/slub/recorded-geometry.ts';
import { DEBUG_METADATA_FLAGS } from '../../kernel/slub/slab-flags.ts';
import { cacheDebugFlags } from '../../kernel/slub/slub-debug-option.ts';
import type { KernelFacts } from '../../recording/kernel-facts.ts';
import type { Machine } from './machine.ts';

/** Where a cache's geometry is from. */
export type GeometryOrigin =
  /** sysfs or /proc/slabinfo of the recording */
  | 'recorded'
  /** the kernel's rules alone */
  | 'computed'
  /** the sizes that its events print, the rest by the rules */
  | 'events';

/** A cache that the model is to have. */
export interface PlannedCache {
  readonly name: string;
  readonly geometry: CacheGeometry;
  /** What it would be made from again under other parameters. */
  readonly spec: CacheSpec;
  readonly origin: GeometryOrigin;
  /** As the kernel showed it at the end of the recording. */
  readonly known: KnownCache | undefined;
}

export interface CachePlan {
  readonly caches: readonly PlannedCache[];
  /** By call: the number of the cache that it allocates from, or that a free names; NOT_PLANNED. */
  readonly cacheOfCall: Column<Call, Int32Array, Cache>;
  /** By call that allocates from several caches: what tells the number of an object's cache. */
  readonly mixed?: ReadonlyMap<number, ObjectCache>;
}

/** The number of the cache of an object that was allocated at an address at `ts`; NOT_PLANNED. */
export type ObjectCache = (lo: number, hi: number, ts: number) => number;

/** What tells the caches of the objects of one call. */
interface MixedObjects {
  readonly caches: ReadonlySet<string>;
  /** The name of the cache of an object; undefined where nothing tells. */
  at(lo: number, hi: number, ts: number): string | undefined;
}

export const NOT_PLANNED = {
  /** The cache or its geometry is not known. */
  unknown: -1,
  /** Page-backed kmalloc. */
  large: -2,
} as const;

/** What the first pass over the events found. */
export interface RecordedCalls {
  readonly dictionary: Dictionary;
  /** Name of the cache that each call allocates from; undefined where it is not known. */
  readonly cacheNames: readonly (string | undefined)[];
  /** By call that allocates from several caches; none where each object is of its call's. */
  readonly mixed?: ReadonlyMap<number, MixedObjects>;
}

/** The number of the cache of an object that a call allocated at an address at `ts`; NOT_PLANNED. */
export function cacheOfObject(
  { cacheOfCall, mixed }: Pick<CachePlan, 'cacheOfCall' | 'mixed'>,
  call: Call,
  lo: number,
  hi: number,
  ts: number,
): number {
  const own = mixed?.get(call);
  return own === undefined ? (cacheOfCall[call] ?? NOT_PLANNED.unknown) : own(lo, hi, ts);
}

/** The caches of the recorded kernel that the events are of, and its kmalloc caches. */
export function planRecorded(
  recorded: RecordedCalls,
  facts: KernelFacts,
  machine: Machine,
): CachePlan {
  const planner = new Planner(machine);
  if (facts.caches !== undefined) {
    for (const cache of facts.caches.all) {
      if (isKmallocCacheName(cache.name)) planner.addRecorded(cache);
    }
  } else {
    for (const cache of kmallocCacheSet(machine.build)) {
      planner.addComputed(specOfKmalloc(cache));
    }
  }
  const { calls, strings } = recorded.dictionary;
  const cacheOfCall: Column<Call, Int32Array, Cache> = column(
    new Int32Array(calls.length).fill(NOT_PLANNED.unknown),
  );
  for (let call: Call = 1; call < calls.length; call++) {
    if (calls.kind(call) !== EVENT_KIND.cache_create) continue;
    const name = strings.get(calls.cache(call));
    const data = strings.get(calls.data(call));
    planner.addCreated(specOfCreation(name, calls.bytesReq(call), data), facts);
  }
  const plan = (call: Call, name: string | undefined): void => {
    if (name === undefined) return;
    cacheOfCall[call] =
      name === KMALLOC_LARGE ? NOT_PLANNED.large : planner.find(name, facts, calls, call);
  };
  for (let call: Call = 1; call < calls.length; call++) {
    if (isAlloc(calls.kind(call))) plan(call, recorded.cacheNames[call]);
  }
  // What names a cache may come before its first allocation.
  for (let call: Call = 1; call < calls.length; call++) {
    const printed = calls.cache(call);
    if (printed !== 0 && !isAlloc(calls.kind(call))) plan(call, strings.get(printed));
  }
  const mixed = planMixed(recorded, cacheOfCall, (name, call) =>
    planner.find(name, facts, calls, call),
  );
  return { caches: planner.caches, cacheOfCall, ...(mixed.size > 0 && { mixed }) };
}

/** @param find the number of a cache that a call allocates from */
function planMixed(
  { mixed = new Map() }: RecordedCalls,
  cacheOfCall: Column<Call, Int32Array, Cache>,
  find: (name: string, call: Call) => number,
): Map<number, ObjectCache> {
  const planned = new Map<number, ObjectCache>();
  for (const [call, objects] of mixed) {
    const numbers = new Map<string | undefined, number>();
    for (const name of objects.caches) numbers.set(name, find(name, call));
    const usual = cacheOfCall[call] ?? NOT_PLANNED.unknown;
    planned.set(call, (lo, hi, ts) => numbers.get(objects.at(lo, hi, ts)) ?? usual);
  }
  return planned;
}

class Planner {
  readonly caches: PlannedCache[] = [];
  private readonly numbers = new Map<string, number>();
  private readonly machine: Machine;
  private readonly kmallocSpecs: ReadonlyMap<string, CacheSpec>;

  constructor(machine: Machine) {
    this.machine = machine;
    const specs = kmallocCacheSet(machine.build).map(specOfKmalloc);
    this.kmallocSpecs = new Map(specs.map((spec) => [spec.name, spec]));
  }

  /** @param objectSize what its events print, for caches that only /proc/slabinfo has */
  addRecorded(known: KnownCache, objectSize: number | null = null): number {
    const { name, slabSize, order } = known;
    const cache = { ...known, objectSize: known.objectSize ?? objectSize };
    const recorded = recordedGeometry(cache, this.machine.parameters);
    if (recorded === undefined) return this.note(name, undefined);
    // /proc/slabinfo does not tell the alignment of a kmalloc cache, but its kernel's rules do.
    const own = known.sysfs === null ? this.kmallocSpecs.get(name) : undefined;
    const made = own && computeGeometry(own, this.machine.parameters);
    const { geometry, spec } =
      own !== undefined && made?.slabSize === slabSize && made.order === order
        ? { geometry: made, spec: own }
        : recorded;
    return this.note(name, { geometry, spec, origin: 'recorded', known });
  }

  addComputed(spec: CacheSpec): number {
    const geometry = computeGeometry(spec, this.machine.parameters);
    const cache = geometry && { geometry, spec, origin: 'computed' as const, known: undefined };
    return this.note(spec.name, cache);
  }

  /** A cache that an event creates, unless the recording has it. */
  addCreated(spec: CacheSpec, facts: KernelFacts): void {
    if (this.numbers.has(spec.name) || facts.caches?.find(spec.name) !== undefined) return;
    if (spec.objectSize > 0) this.addComputed(spec);
  }

  /** The cache of a name; a new one is made from what is recorded of it. */
  find(name: string, facts: KernelFacts, calls: CallTable, call: Call): number {
    const found = this.numbers.get(name);
    if (found !== undefined) return found;
    const known = facts.caches?.find(name);
    if (known !== undefined) {
      const printed = isAlloc(calls.kind(call)) ? calls.bytesReq(call) : 0;
      const objectSize = printed > 0 && printed <= known.slabSize ? printed : null;
      const number = this.numbers.get(known.name) ?? this.addRecorded(known, objectSize);
      this.numbers.set(name, number);
      return number;
    }
    if (!isAlloc(calls.kind(call))) return NOT_PLANNED.unknown; // an allocation may tell its size
    return this.addFromEvent(name, calls.bytesReq(call), calls.bytesAlloc(call));
  }

  private addFromEvent(name: string, objectSize: number, slabSize: number): number {
    const { parameters } = this.machine;
    // A size without the metadata that the cache must have was not read from a kernel.
    const flags = cacheDebugFlags(parameters.debug, 0, name);
    if (slabSize <= objectSize && (flags & DEBUG_METADATA_FLAGS) !== 0) {
      return this.addComputed({
        name,
        objectSize,
        align: 0,
        flags: 0,
        hasCtor: false,
        usersize: 0,
      });
    }
    const sizes = slabSize > 0 ? calculateOrderObjects(slabSize, parameters) : undefined;
    if (sizes === undefined) return NOT_PLANNED.unknown;
    const recorded = recordedGeometry(
      {
        name,
        aliases: [],
        objectSize: Math.min(objectSize, slabSize),
        slabSize,
        order: sizes.order,
        objsPerSlab: sizes.objects,
        slabs: 0,
        activeObjects: 0,
        totalObjects: 0,
        accounted: null,
        sysfs: null,
      },
      parameters,
    );
    if (recorded === undefined) return NOT_PLANNED.unknown;
    const { geometry, spec } = recorded;
    return this.note(name, { geometry, spec, origin: 'events', known: undefined });
  }

  private note(name: string, cache: Omit<PlannedCache, 'name'> | undefined): number {
    if (cache === undefined) {
      this.numbers.set(name, NOT_PLANNED.unknown);
      return NOT_PLANNED.unknown;
    }
    const number = this.caches.length;
    this.caches.push({ name, ...cache });
    this.numbers.set(name, number);
    return number;
  }
}
