import { counted, formatBytes } from '../../../base/bytes-format.ts';
import { siteLabel } from '../../../run/site-names.ts';
import { VERDICT } from '../../../run/verdicts/live-verdicts.ts';
import { exampleOf, type LintRule, siteColumns } from '../finding.ts';

/** A slab counts as nearly empty up to this share of its objects. */
const NEARLY_EMPTY = 0.25;
const LEAST_PAGES = 16;

export const pinnedSlabs: LintRule = {
  id: 'pinned-slabs',
  severity: 'note',
  title: 'a few long-lived objects that keep nearly empty slabs from being freed',
  help:
    'A slab goes back to the page allocator only when its last object is freed. Long-lived objects ' +
    'among short-lived ones pin whole slabs; a cache of their own keeps them together.',
  find({ run, tracker, replay }) {
    if (replay === null || !run.facts.tracedFromBoot) return [];
    const { table, caches, pageSize } = replay.slub;
    const sparse = new Set<number>();
    table.rowsByCache(caches.length).forEach((rows, cache) => {
      const { objsPerSlab } = caches[cache]?.plan.geometry ?? { objsPerSlab: 0 };
      if (objsPerSlab * NEARLY_EMPTY < 1) return;
      for (const row of rows) {
        let used = 0;
        for (let object = 0; object < objsPerSlab; object++) if (!table.isFree(row, object)) used++;
        if (used > 0 && used <= objsPerSlab * NEARLY_EMPTY) sparse.add(row);
      }
    });
    const sites = new Map<string, { calls: Set<number>; slabs: Set<number>; objects: number }>();
    for (const row of run.rows) {
      if (run.verdicts.ofRow[row] === VERDICT.unrecordedFrees) continue;
      const slab = table.find(run.live.ptrLo(row), run.live.ptrHi(row));
      if (!sparse.has(slab)) continue;
      const call = run.live.call(row);
      const id = `${siteLabel(run.sites.get(run.dictionary.calls.site(call)))} ${run.cacheOfRow(row)}`;
      const site = sites.get(id) ?? { calls: new Set(), slabs: new Set(), objects: 0 };
      sites.set(id, site);
      site.calls.add(call);
      site.slabs.add(slab);
      site.objects++;
    }
    return [...sites.values()].flatMap(({ calls, slabs, objects }) => {
      const pages = [...slabs].reduce((sum, slab) => sum + 2 ** table.order[slab]!, 0);
      const [call = 0] = calls;
      const cache = run.names.ofCall[call] ?? null;
      if (pages < LEAST_PAGES) return [];
      return [
        {
          count: slabs.size,
          ...siteColumns(run.sites.get(run.dictionary.calls.site(call))),
          cache,
          message: `${counted(objects, 'object pins', 'objects pin')} ${counted(slabs.size, 'slab')} of at most a quarter used, ${formatBytes(pages * pageSize)}`,
          example: exampleOf(run, tracker.first, [...calls]),
        },
      ];
    });
  },
};
