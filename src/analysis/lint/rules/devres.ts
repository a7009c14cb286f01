// Managed allocations (drivers/base/devres.c): devm_kmalloc() puts struct devres in front of the data
// and frees both when the driver is unbound or its probe fails.

import { counted } from '../../../base/bytes-format.ts';
import { kmallocClassSize } from '../../../kernel/caches/kmalloc-caches.ts';
import { allocatesDevres, devresOverhead } from '../../../kernel/caches/wrapper-functions.ts';
import { type CallGroup, groupCalls, hasCalls } from '../../../run/group-calls.ts';
import type { ResolvedRun } from '../../../run/resolved-run.ts';
import { type SiteName, siteLabel } from '../../../run/site-names.ts';
import { exampleOf, type LintRule, siteColumns } from '../finding.ts';

/** Functions that free them as they should. */
const RELEASES = /^(devres_\w+|devm_\w+|release_nodes|remove_nodes|__devm_\w+)(\.\w+)*$/;
/** Frames under which they belong: a driver's probe, and what calls it. */
const PROBES = /probe|_bind\b|_init\b|driver_attach/;

interface DevresKey {
  readonly name: SiteName;
  readonly cache: string | null;
  readonly bytesReq: number;
}

function devresGroups(run: ResolvedRun): CallGroup<DevresKey>[] {
  const { calls } = run.dictionary;
  return groupCalls(run, (call, cache) => {
    const site = calls.site(call);
    if (!allocatesDevres(run.sites.functionOf(site) ?? '')) return undefined;
    const name = run.sites.get(site);
    const bytesReq = calls.bytesReq(call);
    return { id: `${siteLabel(name)} ${cache} ${bytesReq}`, key: { name, cache, bytesReq } };
  });
}

export const devresCrossesClass: LintRule = {
  id: 'devres-crosses-class',
  severity: 'note',
  title: 'a devm_ allocation whose bookkeeping pushes it into the next size class',
  help:
    'devm_kmalloc() adds a struct devres to what was asked for. A size that is itself a power of two ' +
    'then takes twice as much. Plain kmalloc() with devm_add_action() does not.',
  find({ run, tracker }) {
    const overhead = devresOverhead(run.facts.release);
    return devresGroups(run)
      .filter(hasCalls)
      .flatMap(({ key, calls, allocs }) => {
        const taken = kmallocClassSize(run.facts.kmalloc, key.bytesReq);
        const without = kmallocClassSize(run.facts.kmalloc, Math.max(1, key.bytesReq - overhead));
        if (taken === undefined || without === undefined || without >= taken) return [];
        return [
          {
            count: allocs,
            ...siteColumns(key.name),
            cache: key.cache,
            message: `${key.bytesReq} bytes with struct devres take ${taken}; the data alone would take ${without}`,
            example: exampleOf(run, tracker.first, calls),
          },
        ];
      });
  },
};

export const devresFreedByHand: LintRule = {
  id: 'devres-freed-by-hand',
  severity: 'warning',
  title: 'a devm_ allocation that something else than devres frees',
  help: 'The unbinding frees it again: a double free. Use devm_kfree(), or kmalloc() without devm_.',
  find({ run, tracker, pairs }) {
    const { calls } = run.dictionary;
    const found = new Map<string, { site: number; calls: number[]; count: number; free: number }>();
    for (let row = 0; row < pairs.length; row++) {
      const alloc = pairs.alloc[row]!;
      const free = pairs.free[row]!;
      const by = run.sites.functionOf(calls.site(free));
      if (!allocatesDevres(run.sites.functionOf(calls.site(alloc)) ?? '')) continue;
      if (by === undefined || RELEASES.test(by)) continue;
      const site = calls.site(alloc);
      const id = `${run.sites.label(site)} ${by}`;
      const entry = found.get(id) ?? { site, calls: [], count: 0, free };
      found.set(id, entry);
      entry.calls.push(alloc);
      entry.count += pairs.count[row]!;
    }
    return [...found.values()].map(({ site, calls: own, count, free }) => ({
      count,
      ...siteColumns(run.sites.get(site)),
      cache: null,
      message: `managed memory freed by ${run.sites.label(calls.site(free))}`,
      example: exampleOf(run, tracker.first, own),
    }));
  },
};

export const devresOutsideProbe: LintRule = {
  id: 'devres-outside-probe',
  severity: 'note',
  title: 'a devm_ allocation outside of a probe',
  help:
    'Managed memory is freed only when the driver is unbound. Allocated in operation (open, ioctl), it ' +
    'piles up. Needs recorded stacks.',
  find({ run, tracker }) {
    const { stacks } = run.dictionary;
    if (stacks.length === 1) return []; // none recorded
    const found = new Map<string, { calls: number[]; count: number; site: number }>();
    for (const row of run.rows) {
      const stack = run.live.stack(row);
      const call = run.live.call(row);
      const site = run.dictionary.calls.site(call);
      if (stack === 0 || !allocatesDevres(run.sites.functionOf(site) ?? '')) continue;
      const frames = Array.from(stacks.frames(stack), (frame) => run.sites.functionOf(frame) ?? '');
      if (frames.some((frame) => PROBES.test(frame))) continue;
      const id = run.sites.label(site);
      const entry = found.get(id) ?? { calls: [], count: 0, site };
      found.set(id, entry);
      entry.count++;
      if (!entry.calls.includes(call)) entry.calls.push(call);
    }
    return [...found.values()].map(({ calls, count, site }) => ({
      count,
      ...siteColumns(run.sites.get(site)),
      cache: null,
      message: `${counted(count, 'live managed object was', 'live managed objects were')} allocated with no probe on the stack`,
      example: exampleOf(run, tracker.first, calls),
    }));
  },
};
