// The caches of the recorded machine as a changed one would make them, and which of them each call
// then allocates from.

import { present } from '../../base/assert.ts';
import {
  isKmallocCacheName,
  KMALLOC_LARGE,
  kmallocCacheName,
} from '../../kernel/caches/kmalloc-caches.ts';
import { kmallocCacheSet } from '../../kernel/caches/kmalloc-set.ts';
import { type Column, column } from '../../kernel/column.ts';
import type { CallTable } from '../../kernel/events/dictionary.ts';
import { isAlloc } from '../../kernel/events/event-kind.ts';
import type { Cache, Call } from '../../kernel/indices.ts';
import { computeGeometry, specOfKmalloc } from '../../kernel/slub/cache-geometry.ts';
import { type CachePlan, NOT_PLANNED, type ObjectCache, type PlannedCache } from './cache-plan.ts';
import type { MachineChange } from './changed-machine.ts';
import type { Machine } from './machine.ts';

/** Call sites whose objects get a cache of their own. */
export interface DedicatedCache {
  readonly name: string;
  /** By call: true where its objects belong in it. */
  readonly calls: ReadonlySet<number>;
}

/**
 * @param machine the changed one
 */
export function planChanged(
  recorded: CachePlan,
  calls: CallTable,
  machine: Machine,
  change: MachineChange,
  dedicated: readonly DedicatedCache[],
): CachePlan {
  const planner = new ChangedPlanner(machine);
  const remakesKmalloc = change.kernel !== undefined || change.classes !== undefined;
  if (remakesKmalloc) planner.addKmallocCaches();
  const numberOf = recorded.caches.map((cache) =>
    remakesKmalloc && isKmallocCacheName(cache.name) ? NOT_PLANNED.unknown : planner.add(cache),
  );
  const cacheOfCall: Column<Call, Int32Array, Cache> = column(
    recorded.cacheOfCall.map((number, call) => {
      const isKmalloc =
        number === NOT_PLANNED.large ||
        (number >= 0 && isKmallocCacheName(present(recorded.caches[number]).name));
      if (!isKmalloc || !remakesKmalloc) return number < 0 ? number : present(numberOf[number]);
      return isAlloc(calls.kind(call)) ? planner.kmalloc(calls, call) : NOT_PLANNED.unknown;
    }),
  );
  for (const { name, calls: own } of dedicated) {
    const number = planner.addDedicated(name, own, calls);
    for (const call of own) cacheOfCall[call] = number;
  }
  const isApart = (call: Call): boolean => dedicated.some((cache) => cache.calls.has(call));
  const mixed = [...(recorded.mixed ?? [])]
    .filter(([call]) => !isApart(call))
    .map(([call, ofObject]): [number, ObjectCache] => [
      call,
      (lo, hi, ts) => numberOf[ofObject(lo, hi, ts)] ?? NOT_PLANNED.unknown,
    ]);
  return { caches: planner.caches, cacheOfCall, mixed: new Map(mixed) };
}

class ChangedPlanner {
  readonly caches: PlannedCache[] = [];
  private readonly numbers = new Map<string, number>();
  private readonly machine: Machine;

  constructor(machine: Machine) {
    this.machine = machine;
  }

  /** The same cache, made again. */
  add(cache: PlannedCache): number {
    const geometry = computeGeometry(cache.spec, this.machine.parameters);
    return geometry === undefined ? NOT_PLANNED.unknown : this.note({ ...cache, geometry });
  }

  addKmallocCaches(): void {
    const { build, classes, parameters } = this.machine;
    for (const cache of kmallocCacheSet(build, classes.sizes)) {
      const spec = specOfKmalloc(cache);
      const geometry = computeGeometry(spec, parameters);
      if (geometry === undefined) continue;
      this.note({ name: cache.name, geometry, spec, origin: 'computed', known: undefined });
    }
  }

  kmalloc(calls: CallTable, call: Call): number {
    const { classes } = this.machine;
    const bytesReq = calls.bytesReq(call);
    const name = kmallocCacheName(classes, bytesReq, calls.gfp(call), calls.accounted(call));
    if (name === KMALLOC_LARGE) return NOT_PLANNED.large;
    return this.numbers.get(name) ?? NOT_PLANNED.unknown;
  }

  /** A cache for the largest request of the calls. */
  addDedicated(name: string, own: ReadonlySet<number>, calls: CallTable): number {
    const objectSize = Math.max(...[...own].map((call) => calls.bytesReq(call)));
    const spec = { name, objectSize, align: 8, flags: 0, hasCtor: false, usersize: 0 };
    const geometry = computeGeometry(spec, this.machine.parameters);
    if (geometry === undefined) return NOT_PLANNED.unknown;
    return this.note({ name, geometry, spec, origin: 'computed', known: undefined });
  }

  private note(cache: PlannedCache): number {
    const number = this.caches.length;
    this.caches.push(cache);
    this.numbers.set(cache.name, number);
    return number;
  }
}
