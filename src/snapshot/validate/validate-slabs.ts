// A kernel's memory → SLUB's reports on every slab of every cache, and what each cache holds. The
// kernel validates the slabs on its lists; here all slab pages are looked at, full ones included.

import type { KernelConfig } from '../../kernel/machine/kernel-config.ts';
import { Findings } from '../findings.ts';
import { MissingMemory } from '../kernel/kernel-reader.ts';
import type { SlubCache } from '../slub-walk/caches.ts';
import { addSlab, type CacheOccupancy, emptyOccupancy } from '../slub-walk/occupancy.ts';
import { physicalMemory, type SlubImage, walkSlabs } from '../slub-walk/walk-slabs.ts';
import { snapshotCaches } from './checked-cache.ts';
import { SnapshotDetails } from './report-details.ts';
import { SlabCopy } from './slab-copy.ts';
import type { SlabReport } from './slab-report.ts';
import { SlabValidator } from './validate-slab.ts';

export interface SlabValidation {
  readonly slabs: number;
  readonly objects: number;
  /** Objects of which nothing can be said: the image lacks the memory that would. */
  readonly objectsUnchecked: number;
  /** By cache in the order of `caches`, slabs by address. */
  readonly reports: readonly SlabReport[];
  /** Reports that were found beyond the most that are kept: at least one for each such slab. */
  readonly reportsLeftOut: number;
  readonly caches: readonly CacheOccupancy[];
  /** Those of them whose objects have red zones, poison or tracks. */
  readonly debugCaches: number;
  /** Caches with debug metadata whose layout is not understood: only freelists were checked. */
  readonly notUnderstood: readonly string[];
  /** What is wrong with the walk itself. */
  readonly findings: Findings;
}

/** An image whose layouts do not fit has damage everywhere; so many reports are kept. */
const MAX_REPORTS = 10_000;

/**
 * @param config the kernel's build configuration, for the page flags in reports
 * @param selects says by its name whether a cache is looked at
 * @param tell called for every slab
 */
export function validateSlabs(
  slub: SlubImage,
  config: KernelConfig | undefined,
  selects: (name: string) => boolean = () => true,
  tell: () => void = () => undefined,
): SlabValidation {
  const { kernel, layout } = slub;
  const copy = new SlabCopy(physicalMemory(kernel));
  const pageFlagsAt = layout.slab.pageFlags;
  const details = new SnapshotDetails(kernel, { page: () => copy.page, pageFlagsAt, config });
  const caches = snapshotCaches(kernel, slub.caches).map((cache) => ({
    ...cache,
    validator: new SlabValidator(cache, copy, details),
    occupancy: emptyOccupancy(cache.cache.name),
    isSelected: selects(cache.cache.name),
    reports: [] as SlabReport[],
  }));
  const findings = new Findings();
  let slabs = 0;
  let objects = 0;
  let objectsUnchecked = 0;
  let kept = 0;
  let reportsLeftOut = 0;
  walkSlabs(
    slub,
    (slab) => {
      tell();
      const cache = caches[slab.cacheIndex];
      if (cache === undefined || !cache.isSelected) return;
      addSlab(cache.occupancy, slab);
      const room = MAX_REPORTS - kept;
      const { reports, unchecked } = cache.validator.validate(slab, Math.max(1, room));
      const taken = Math.min(reports.length, room);
      cache.reports.push(...reports.slice(0, taken));
      kept += taken;
      reportsLeftOut += reports.length - taken;
      slabs++;
      objects += slab.slots - unchecked;
      objectsUnchecked += unchecked;
    },
    findings,
  );
  const selected = caches.filter((cache) => cache.isSelected);
  for (const { cache, occupancy } of selected) {
    compareCounter(slub, cache, occupancy.slabs, findings);
  }
  return {
    slabs,
    objects,
    objectsUnchecked,
    reports: selected.flatMap((cache) => cache.reports),
    reportsLeftOut,
    caches: selected.map((cache) => cache.occupancy),
    debugCaches: selected.filter((cache) => cache.hasMetadata).length,
    notUnderstood: selected.filter((c) => !c.isUnderstood).map((c) => c.cache.name),
    findings,
  };
}

/** kmem_cache_node.nr_slabs of all nodes: validate_slab_node() reports where it is another. */
function compareCounter(
  { kernel, layout }: SlubImage,
  cache: SlubCache,
  found: number,
  findings: Findings,
): void {
  const { nrSlabs } = layout.node;
  if (nrSlabs === undefined) return;
  try {
    let counter = 0n;
    for (const node of cache.nodes) {
      if (node !== undefined) counter += kernel.reader.u64(node.node + BigInt(nrSlabs));
    }
    if (counter !== BigInt(found)) {
      const where = (): string => `${cache.name}: ${found} found, the counter says ${counter}`;
      findings.add('slab_count', where);
    }
  } catch (error) {
    if (!(error instanceof MissingMemory)) throw error;
    findings.add('list_unreadable', () => `${cache.name}: ${error.message}`);
  }
}
