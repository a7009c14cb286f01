// Candidates → groups by call site and stack: one line for one place in the code.

import type { WhiteGraph } from '../../snapshot/scan/white-graph.ts';
import type { ObjectDetails } from './leaks-objects.ts';
import type { LeakGroup } from './leaks-result.ts';
import { isKnownSite, leakSiteLabel } from './leaks-sites.ts';

export interface FoundLeak {
  /** Index of the object in the scan. */
  readonly object: number;
  readonly details: ObjectDetails;
}

/** Largest first. @param graph where the bytes are wanted that a group keeps alive */
export function groupLeaks(leaks: readonly FoundLeak[], graph?: WhiteGraph): LeakGroup[] {
  const groups = new Map<string, FoundLeak[]>();
  for (const leak of leaks) {
    const { candidate, site, stack } = leak.details;
    const place = isKnownSite(site)
      ? leakSiteLabel(site)
      : `${candidate.kind} ${candidate.cache ?? ''}`;
    const key = `${place} ${stack}`;
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [leak]);
    else group.push(leak);
  }
  return [...groups.values()]
    .map((group) => describeGroup(group, graph))
    .sort((a, b) => b.bytes - a.bytes || b.objects - a.objects || (a.example < b.example ? -1 : 1));
}

function describeGroup(group: readonly FoundLeak[], graph: WhiteGraph | undefined): LeakGroup {
  const candidates = group.map(({ details }) => details.candidate);
  const [first] = group;
  if (first === undefined) throw new Error('internal error: a group without candidates');
  const ages = candidates.flatMap(({ ageSec }) => (ageSec === null ? [] : [ageSec]));
  const tasks = new Map<string, number>();
  for (const { comm, pid } of candidates) {
    if (comm === null) continue;
    const task = `${comm}-${pid ?? '?'}`;
    tasks.set(task, (tasks.get(task) ?? 0) + 1);
  }
  const caches = new Set(candidates.map(({ cache, kind }) => cache ?? kind));
  const { site, candidate } = first.details;
  return {
    site: candidate.callSite,
    symbol: site.symbol,
    module: site.module,
    alsoSymbol: site.alsoSymbol,
    caches: [...caches],
    objects: group.length,
    bytes: candidates.reduce((sum, { size }) => sum + size, 0),
    oldestSec: ages.length === 0 ? null : ages.reduce((a, b) => Math.max(a, b)),
    youngestSec: ages.length === 0 ? null : ages.reduce((a, b) => Math.min(a, b)),
    tasks: [...tasks].sort((a, b) => b[1] - a[1]).map(([task]) => task),
    example: candidate.address,
    retainedBytes: graph?.retained(group.map(({ object }) => object)) ?? null,
    stack: candidate.stack,
  };
}
