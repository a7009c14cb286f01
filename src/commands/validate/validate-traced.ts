// Where the kernel's own lists and structures cannot be read in a snapshot: the slabs that the trace
// knows, by the objects that it holds live and the caches that the recording describes.

import { joinHalves } from '../../base/address.ts';
import type { CheckedCache } from '../../kernel/checks/checked-slab.ts';
import { DEBUG_METADATA_FLAGS } from '../../kernel/slub/slab-flags.ts';
import { cacheOfObject, type PlannedCache, planRecorded } from '../../replay/machine/cache-plan.ts';
import { buildMachine } from '../../replay/machine/machine.ts';
import type { OpenedRun } from '../../run/open-run.ts';
import { VERDICT } from '../../run/verdicts/live-verdicts.ts';
import type { TracedSlab } from '../../snapshot/validate/traced-slabs.ts';

/** The slabs that live objects of a run are in, of caches with red zones, poison or tracks. */
export function tracedSlabs(
  { run, sidecars }: OpenedRun,
  selects: (name: string) => boolean,
): TracedSlab[] {
  const { dictionary, facts, live, rows } = run;
  const machine = buildMachine(facts, sidecars);
  const { rules } = machine.parameters;
  const { ofCall, mixed } = run.names;
  const plan = planRecorded({ dictionary, cacheNames: ofCall, mixed }, facts, machine);
  const caches = plan.caches.map((planned): TracedCache => {
    const { name, geometry } = planned;
    return {
      planned,
      checked: { name, geometry, rules, contentsKnown: true },
      isSelected: selects(name) && (geometry.flags & DEBUG_METADATA_FLAGS) !== 0,
    };
  });
  const slabs = new Map<bigint, TracedSlab>();
  for (const row of rows) {
    if (run.verdicts.ofRow[row] !== VERDICT.certain) continue;
    const lo = live.ptrLo(row);
    const hi = live.ptrHi(row);
    const cache = caches[cacheOfObject(plan, live.call(row), lo, hi, live.ts(row))];
    if (cache?.isSelected !== true) continue;
    const slab = slabOf(cache, joinHalves(hi, lo), facts.pageSize);
    if (slab !== undefined) slabs.set(slab.base, slab);
  }
  return [...slabs.values()].sort((a, b) => (a.base < b.base ? -1 : 1));
}

interface TracedCache {
  readonly planned: PlannedCache;
  readonly checked: CheckedCache;
  readonly isSelected: boolean;
}

/** Slabs begin at a multiple of their size; undefined where the object is none of such a slab. */
function slabOf(
  { planned, checked }: TracedCache,
  address: bigint,
  pageSize: number,
): TracedSlab | undefined {
  const { order, objsPerSlab, layout } = planned.geometry;
  const size = pageSize * 2 ** order;
  const base = address - (address % BigInt(size));
  const within = Number(address - base) - layout.redLeftPad;
  const isObject = within >= 0 && within % layout.size === 0 && within / layout.size < objsPerSlab;
  if (!isObject) return undefined;
  const isRecorded = planned.origin === 'recorded';
  return { cache: checked, base, size, objects: objsPerSlab, isRecorded };
}
