// Events of a few caches with debug flags through observed replay and its checks: SLUB's reports.

import { kmallocBuild, kmallocCacheSet } from '../../src/kernel/caches/kmalloc-set.ts';
import type { SlubReport } from '../../src/kernel/checks/slub-reports.ts';
import { column } from '../../src/kernel/column.ts';
import { Dictionary } from '../../src/kernel/events/dictionary.ts';
import { createBatch, type EventBatch } from '../../src/kernel/events/event-batch.ts';
import { EVENT_KIND, type EventKindName } from '../../src/kernel/events/event-kind.ts';
import { nonSlabAddresses } from '../../src/kernel/machine/non-slab-addresses.ts';
import { computeGeometry, specOfKmalloc } from '../../src/kernel/slub/cache-geometry.ts';
import { cacheDebugFlags, parseSlubDebug } from '../../src/kernel/slub/slub-debug-option.ts';
import { buildSlubParameters, type SlubParameters } from '../../src/kernel/slub/slub-parameters.ts';
import { DebugWatch } from '../../src/replay/debug/debug-watch.ts';
import type { PlannedCache } from '../../src/replay/machine/cache-plan.ts';
import { FollowerVotes, FreshOrder } from '../../src/replay/model/fresh-order.ts';
import { ObservedReplay } from '../../src/replay/observe/observed-replay.ts';
import { SlubModel } from '../../src/replay/slub-model.ts';

/** A cache besides those of kmalloc. */
export interface NamedCache {
  readonly name: string;
  readonly objectSize: number;
  readonly align?: number;
  readonly flags?: number;
  readonly hasCtor?: boolean;
}

/** A machine with 2 CPUs; its kmalloc caches are those of its kernel. */
export interface DebugMachine {
  readonly release: string;
  /** As of slub_debug=. */
  readonly slubDebug: string;
  /** The same, of a what-if. */
  readonly asked?: string;
  readonly caches?: readonly NamedCache[];
  /** Objects of a new slab of a cache, each with the one that the kernel hands out after it. */
  readonly order?: {
    readonly cache: string;
    readonly steps: readonly (readonly [bigint, bigint])[];
  };
  /** Units without any event after which events may be missing; a second where it is not given. */
  readonly longGap?: number;
  /** As FreeEvidence takes it; a machine that runs already where it is not said. */
  readonly bootedTs?: number;
  /** Areas as in /proc/vmallocinfo. */
  readonly vmallocinfo?: string;
}

export interface DebugEvent {
  readonly event: EventKindName;
  readonly ptr?: bigint;
  /** Nanoseconds; without it 1000 after the event before. */
  readonly ts?: number;
  readonly cpu?: number;
  readonly pid?: number;
  readonly site?: string;
  readonly stack?: readonly string[];
  readonly bytesReq?: number;
  readonly gfp?: number;
  /** Of an allocation the cache that it is from; of other events the one that they name. */
  readonly cache?: string;
  /** The event of an allocation names its cache. */
  readonly isNamed?: boolean;
  /** The bytes of a write, in hex. */
  readonly data?: string;
}

function parametersOf({ release, slubDebug }: DebugMachine): SlubParameters {
  const parameters = buildSlubParameters({ release, pageSize: 4096, cpus: 2 });
  return { ...parameters, debug: parseSlubDebug(slubDebug) };
}

/** The caches of a machine, kmalloc's first. */
export function cachesOf(machine: DebugMachine): PlannedCache[] {
  const parameters = parametersOf(machine);
  const build = kmallocBuild({
    rules: parameters.rules,
    pageSize: 4096,
    cacheLine: 64,
    arm64: false,
  });
  const specs = [
    ...kmallocCacheSet(build).map(specOfKmalloc),
    ...(machine.caches ?? []).map((cache) => ({
      align: 8,
      flags: 0,
      hasCtor: false,
      usersize: 0,
      ...cache,
    })),
  ];
  return specs.flatMap((spec) => {
    const geometry = computeGeometry(spec, parameters);
    return geometry === undefined
      ? []
      : { name: spec.name, geometry, spec, origin: 'computed' as const, known: undefined };
  });
}

/** @returns the reports, and the model as it stands then */
export function replayWithDebug(
  machine: DebugMachine,
  events: readonly DebugEvent[],
): {
  readonly reports: SlubReport[];
  readonly writesLeftOut: number;
  readonly slub: SlubModel;
} {
  const caches = cachesOf(machine);
  const dictionary = new Dictionary();
  const cacheOfCall: number[] = [];
  const batch = batchOf(events, dictionary, (call, cache) => {
    cacheOfCall[call] = caches.findIndex(({ name }) => name === cache);
  });
  const parameters = parametersOf(machine);
  const slub = new SlubModel({
    plan: { caches, cacheOfCall: column(Int32Array.from(cacheOfCall, (number) => number ?? -1)) },
    parameters,
    cpus: 2,
    nodes: { count: 1, nodeOf: () => 0, nodeOfCpu: () => 0 },
    orders: caches.map((cache) => orderOf(cache, machine)),
  });
  const watch = new DebugWatch({
    calls: dictionary.calls,
    strings: dictionary.strings,
    tasks: dictionary.tasks,
    slub,
    rules: parameters.rules,
    isHardened: true,
    nonSlab: nonSlabAddresses(machine.vmallocinfo),
    askedFlags: ({ spec }) =>
      machine.asked === undefined
        ? 0
        : cacheDebugFlags(parseSlubDebug(machine.asked), spec.flags, spec.name),
    skew: 100_000,
    longGap: machine.longGap ?? 1e9,
    bootedTs: machine.bootedTs ?? Number.NEGATIVE_INFINITY,
    freesUnseen: (call) =>
      dictionary.strings
        .get(dictionary.sites.text(dictionary.calls.site(call)))
        .startsWith('unseen'),
    jiffiesPerTick: 250 / 1e9,
    siteText: (site) => dictionary.strings.get(dictionary.sites.text(site)),
    stackText: (stack) =>
      Array.from(dictionary.stacks.frames(stack), (site) =>
        dictionary.strings.get(dictionary.sites.text(site)),
      ),
  });
  const observed = new ObservedReplay(dictionary.calls, slub, { watch });
  observed.add(batch);
  return { reports: watch.reports(), writesLeftOut: watch.writesLeftOut, slub };
}

function orderOf({ name, geometry }: PlannedCache, { order }: DebugMachine): FreshOrder {
  const { objsPerSlab } = geometry;
  if (order?.cache !== name) return FreshOrder.sequential(objsPerSlab);
  const votes = new FollowerVotes(objsPerSlab);
  for (const [object, next] of order.steps) {
    votes.add(indexOf(geometry, object), indexOf(geometry, next));
  }
  return FreshOrder.learned(objsPerSlab, votes);
}

function indexOf({ order, redLeftPad, slabSize }: PlannedCache['geometry'], ptr: bigint): number {
  return (Number(ptr % BigInt(4096 * 2 ** order)) - redLeftPad) / slabSize;
}

function batchOf(
  events: readonly DebugEvent[],
  dictionary: Dictionary,
  noteCache: (call: number, cache: string | undefined) => void,
): EventBatch {
  const { strings, sites, calls, tasks, stacks } = dictionary;
  const siteOf = (text: string): number => sites.internText(strings.intern(text));
  const batch = createBatch(events.length);
  batch.length = events.length;
  let ts = 0;
  for (const [i, event] of events.entries()) {
    ts = event.ts ?? ts + 1000;
    const { ptr = 0n, cache, site, stack = [], data = '' } = event;
    const isAlloc = event.event === 'kmalloc' || event.event === 'kmem_cache_alloc';
    const call = calls.intern({
      kind: EVENT_KIND[event.event],
      site: site === undefined ? 0 : siteOf(site),
      bytesReq: event.bytesReq ?? 0,
      gfp: event.gfp ?? 0xcc0,
      node: -1,
      cache: cache === undefined || (isAlloc && !event.isNamed) ? 0 : strings.intern(cache),
      data: strings.intern(data),
    });
    noteCache(call, cache);
    batch.ts[i] = ts;
    batch.call[i] = call;
    batch.task[i] = tasks.intern(event.pid ?? 1, strings.intern('init'));
    batch.ptrLo[i] = Number(ptr & 0xffffffffn);
    batch.ptrHi[i] = Number(ptr >> 32n);
    batch.cpu[i] = event.cpu ?? 0;
    const frames = Uint32Array.from(stack, siteOf);
    batch.stack[i] = stacks.intern(frames, frames.length);
  }
  return batch;
}
