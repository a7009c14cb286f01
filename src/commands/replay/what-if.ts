// What the recorded workload costs on a changed machine: both simulated, cache beside cache, at the
// end and when slab memory was highest. Objects from before the recording, of which no event tells,
// are a population of their own.

import { compareText } from '../../base/format-address.ts';
import { KMALLOC_LARGE } from '../../kernel/caches/kmalloc-caches.ts';
import type { CachePlan, GeometryOrigin, PlannedCache } from '../../replay/machine/cache-plan.ts';
import type { SlabUsage } from '../../replay/model/slab-usage.ts';
import type { Simulation } from '../../replay/simulate/simulation.ts';
import type { ReplayedCache, ReplayedModel } from '../../run/replay-summary.ts';

export interface WhatIf {
  /** What was changed, as options: `--slub-debug FZPU`. */
  readonly changes: readonly string[];
  /** The changed machine. */
  readonly model: ReplayedModel;
  readonly end: BytesBeside;
  /** Each at its own peak. */
  readonly peak: BytesBeside & { readonly baselineAtNs: string; readonly atNs: string };
  /** Objects from before the recording: counted as the kernel had them, not replayed. */
  readonly older: BytesBeside & { readonly objects: number };
  /** Slab memory at the end by the recorded addresses, to judge the simulated baseline by. */
  readonly observedBytes: number;
  /** What letter O of slub_debug would leave out; null where it is on or would do nothing. */
  readonly noHigherOrder: NoHigherOrder | null;
  readonly caches: readonly WhatIfCache[];
}

interface NoHigherOrder {
  /** Caches in use that would have no metadata. */
  readonly caches: number;
  /** At the end, with their objects packed into full slabs. */
  readonly savesBytes: number;
}

export interface BytesBeside {
  readonly baselineBytes: number;
  readonly bytes: number;
  readonly deltaBytes: number;
}

export interface WhatIfCache {
  readonly name: string;
  /** Allocated at the end. */
  readonly objects: number;
  /** Null where only the other machine has the cache. */
  readonly baseline: SimulatedCache | null;
  readonly changed: SimulatedCache | null;
  readonly deltaBytes: number;
  readonly peakDeltaBytes: number;
  /** Others were merged into it: its objects' true sizes are not known, this is a forecast. */
  readonly merged: boolean;
  readonly geometry: GeometryOrigin;
}

export interface SimulatedCache {
  readonly slabSize: number;
  readonly order: number;
  readonly objsPerSlab: number;
  readonly slabs: number;
  readonly bytes: number;
  /** Bytes of its slabs that no one asked for. */
  readonly bytesWasted: number;
  /** When all slab memory was highest. */
  readonly peakSlabs: number;
  readonly peakBytes: number;
  readonly peakBytesWasted: number;
}

export interface WhatIfInput {
  readonly changes: readonly string[];
  readonly model: ReplayedModel;
  readonly baseline: Simulation;
  readonly changed: Simulation;
  /** The changed caches with letter O as well, where debug flags were asked for. */
  readonly noHigherOrder: CachePlan | undefined;
  /** By the recorded addresses. */
  readonly observed: readonly ReplayedCache[];
  readonly absoluteTime: (ts: number) => string;
}

export function buildWhatIf(input: WhatIfInput): WhatIf {
  const { baseline, changed, observed, absoluteTime } = input;
  const before = baseline.replay.usage;
  const after = changed.replay.usage;
  return {
    changes: input.changes,
    model: input.model,
    end: beside(before.bytes, after.bytes),
    peak: {
      ...beside(before.peakBytes, after.peakBytes),
      baselineAtNs: absoluteTime(before.peakTs),
      atNs: absoluteTime(after.peakTs),
    },
    older: olderObjects(observed, baseline, changed),
    observedBytes: observed.reduce((sum, { bytes }) => sum + bytes, 0),
    noHigherOrder: judgeNoHigherOrder(changed, input.noHigherOrder),
    caches: cachesBeside(baseline, changed),
  };
}

function beside(baselineBytes: number, bytes: number): BytesBeside {
  return { baselineBytes, bytes, deltaBytes: bytes - baselineBytes };
}

/** Largest differences first. */
function cachesBeside(baseline: Simulation, changed: Simulation): WhatIfCache[] {
  const before = simulatedCaches(baseline);
  const after = simulatedCaches(changed);
  const names = new Set([...before.keys(), ...after.keys()]);
  const caches = [...names].map((name) => besideByName(name, before.get(name), after.get(name)));
  return caches
    .filter(
      ({ baseline: b, changed: c }) =>
        (b?.peakBytes ?? 0) + (b?.bytes ?? 0) + (c?.bytes ?? 0) + (c?.peakBytes ?? 0) > 0,
    )
    .sort(
      (a, b) =>
        Math.abs(b.deltaBytes) - Math.abs(a.deltaBytes) ||
        (b.baseline?.bytes ?? 0) - (a.baseline?.bytes ?? 0) ||
        compareText(a.name, b.name),
    );
}

interface NamedCache {
  readonly figures: SimulatedCache;
  readonly objects: number;
  readonly plan: PlannedCache | undefined;
}

function besideByName(
  name: string,
  before: NamedCache | undefined,
  after: NamedCache | undefined,
): WhatIfCache {
  const plan = after?.plan ?? before?.plan;
  const was = before?.figures;
  const is = after?.figures;
  return {
    name,
    objects: (after ?? before)?.objects ?? 0,
    baseline: was ?? null,
    changed: is ?? null,
    deltaBytes: (is?.bytes ?? 0) - (was?.bytes ?? 0),
    peakDeltaBytes: (is?.peakBytes ?? 0) - (was?.peakBytes ?? 0),
    merged: (plan?.known?.sysfs?.aliases ?? 0) > 0,
    geometry: plan?.origin ?? 'computed',
  };
}

function simulatedCaches({ plan, slub, replay }: Simulation): Map<string, NamedCache> {
  const { usage } = replay;
  const caches = new Map<string, NamedCache>();
  plan.caches.forEach((cache, number) => {
    const { slabSize, order, objsPerSlab } = cache.geometry;
    const slabBytes = slub.pageSize * 2 ** order;
    caches.set(cache.name, {
      figures: { slabSize, order, objsPerSlab, ...figuresOf(usage, number, slabBytes) },
      objects: usage.objects.now[number]!,
      plan: cache,
    });
  });
  const large = plan.caches.length;
  const figures = figuresOf(usage, large, slub.pageSize);
  caches.set(KMALLOC_LARGE, {
    figures: { slabSize: slub.pageSize, order: 0, objsPerSlab: 1, ...figures },
    objects: usage.objects.now[large]!,
    plan: undefined,
  });
  return caches;
}

function figuresOf(
  usage: SlabUsage,
  cache: number,
  slabBytes: number,
): Omit<SimulatedCache, 'slabSize' | 'order' | 'objsPerSlab'> {
  const bytes = usage.slabBytes.now[cache]!;
  const peak = usage.ofPeak(cache);
  return {
    slabs: bytes / slabBytes,
    bytes,
    bytesWasted: bytes - usage.requested.now[cache]!,
    peakSlabs: peak.slabBytes / slabBytes,
    peakBytes: peak.slabBytes,
    peakBytesWasted: peak.slabBytes - peak.requested,
  };
}

function judgeNoHigherOrder(
  { plan, slub, replay }: Simulation,
  other: CachePlan | undefined,
): NoHigherOrder | null {
  const sum = { caches: 0, savesBytes: 0 };
  const after = new Map(other?.caches.map(({ name, geometry }) => [name, geometry]));
  plan.caches.forEach(({ name, geometry }, number) => {
    const bytes = replay.usage.slabBytes.now[number]!;
    const without = after.get(name);
    if (bytes === 0 || without === undefined || without.slabSize === geometry.slabSize) return;
    const slabs = Math.ceil(replay.usage.objects.now[number]! / without.objsPerSlab);
    sum.caches++;
    sum.savesBytes += bytes - slabs * slub.pageSize * 2 ** without.order;
  });
  return sum.caches === 0 ? null : sum;
}

/** Slabs that the kernel had at the end and no event shows; they are taken to be full. */
function olderObjects(
  observed: readonly ReplayedCache[],
  baseline: Simulation,
  changed: Simulation,
): WhatIf['older'] {
  const { pageSize } = baseline.slub;
  const after = new Map(changed.plan.caches.map((cache) => [cache.name, cache.geometry]));
  let objects = 0;
  let baselineBytes = 0;
  let bytes = 0;
  for (const cache of observed) {
    const slabs = Math.max(0, (cache.kernel?.slabs ?? 0) - cache.slabs);
    const geometry = after.get(cache.name) ?? cache;
    const older = slabs * cache.objsPerSlab;
    objects += older;
    baselineBytes += slabs * pageSize * 2 ** cache.order;
    bytes += Math.ceil(older / geometry.objsPerSlab) * pageSize * 2 ** geometry.order;
  }
  return { ...beside(baselineBytes, bytes), objects };
}
