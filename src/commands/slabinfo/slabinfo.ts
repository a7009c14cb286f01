// A sysfs capture and the options of the kernel's slabinfo tool become what the tool prints of it.
// Truth: tools/mm/slabinfo.c (6.12; 6.1's prints the same) main(), output_slabs(), xtotals(),
// slabcache(), report(), alias(). Its order of steps is kept, since the sorted list of one step is
// the input of the next.

import { isUniqueId } from '../../kernel/caches/slab-cache-names.ts';
import type { SlabCacheSysfs } from '../../kernel/caches/slab-cache-sysfs.ts';
import type { SlabAlias, SlabSysfs } from '../../kernel/caches/slab-sysfs.ts';
import { buildAliasSection } from './alias-section.ts';
import type { SlabinfoOptions } from './options.ts';
import { buildRow } from './row.ts';
import type { SlabinfoRow, SlabinfoSection } from './sections.ts';
import {
  renameCaches,
  type SortKey,
  selectCaches,
  slabBytes,
  sortCaches,
  sortKeyOf,
  type ToolCache,
  type ToolCaches,
} from './tool-caches.ts';
import { computeTotals, type SlabinfoTotals } from './totals.ts';

export interface SlabinfoResult {
  readonly type: 'slabinfo';
  /** What the tool prints, in its order. */
  readonly sections: readonly SlabinfoSection[];
  /** Sizes are printed in bytes (-B, -X), not in decimal K, M and G. */
  readonly bytes: boolean;
  /**
   * The list (-l) of these caches, sorted as asked for, whatever the sections show of them; without
   * a pattern `unnamed` ones too.
   */
  readonly rows: readonly SlabinfoRow[];
  readonly totals: SlabinfoTotals;
  /** The selected aliases of selected caches. */
  readonly aliases: readonly SlabAlias[];
  /** Aliases of directories that the capture or the pattern lacks; the tool itself stops there. */
  readonly unresolvedAliases: readonly SlabAlias[];
  /** Merged caches of which no link was captured: the sections leave them out, as the tool does. */
  readonly unnamed: readonly string[];
}

/**
 * `pageSize`: of the machine that was captured. A bad pattern is a UsageError.
 * @param isSlabinfo true where the capture is /proc/slabinfo: it has no partial and CPU slabs
 */
export function computeSlabinfo(
  sysfs: SlabSysfs,
  pageSize: number,
  options: SlabinfoOptions,
  isSlabinfo = false,
): SlabinfoResult {
  const select = (): ToolCaches => selectCaches(sysfs, pageSize, options);
  const printing = new Printing(select(), pageSize, options, isSlabinfo);
  const { aliases, unresolvedAliases } = printing.selected;
  return {
    type: 'slabinfo',
    sections: printing.sections(),
    bytes: options.bytes || options.extendedTotals,
    // From the order read again: sorting is in place.
    rows: new Printing(select(), pageSize, options, isSlabinfo).allRows(),
    totals: printing.totals,
    aliases,
    unresolvedAliases,
    unnamed: sysfs.caches
      .map((cache) => cache.id)
      .filter((id) => isUniqueId(id) && !sysfs.aliasNames.has(id)),
  };
}

/** One run of the tool. */
class Printing {
  readonly totals: SlabinfoTotals;
  readonly selected: ToolCaches;
  private readonly options: SlabinfoOptions;
  private readonly isSlabinfo: boolean;
  private readonly pageSize: number;
  private readonly lines: number;
  private readonly highestNode: number;
  /** Caches that have a name to be shown under: of one alone the list is a report. */
  private shown = 0;
  /** A heading of the list or of the nodes was printed. */
  private headed = false;
  private readonly out: SlabinfoSection[] = [];

  constructor(
    selected: ToolCaches,
    pageSize: number,
    options: SlabinfoOptions,
    isSlabinfo: boolean,
  ) {
    const { caches, aliases, unresolvedAliases } = selected;
    this.options = options;
    this.isSlabinfo = isSlabinfo;
    this.pageSize = pageSize;
    this.selected = selected;
    this.lines = lineLimit(options);
    this.highestNode = highestNodeOf(caches);
    this.totals = computeTotals(caches, {
      aliases: aliases.length + unresolvedAliases.length, // the tool counts all that it read
      aliasTargets: caches.filter(({ cache }) => isUniqueId(cache.id)).length,
    });
  }

  sections(): SlabinfoSection[] {
    const { options, totals } = this;
    if (options.aliases) this.out.push(buildAliasSection(this.selected.aliases, options));
    else if (options.extendedTotals) this.printExtendedTotals();
    else if (options.totals) this.out.push({ kind: 'totals', totals });
    else {
      this.rename();
      this.printSorted(sortKeyOf(options), options.sortLoss);
    }
    return this.out;
  }

  allRows(): SlabinfoRow[] {
    const { options, selected } = this;
    this.rename();
    sortCaches(selected.caches, sortKeyOf(options), options.inverted);
    return selected.caches
      .slice(0, lineLimit({ ...options, extendedTotals: false }))
      .flatMap((tool) => {
        const name = tool.name ?? (options.pattern === null ? tool.cache.id : null);
        return name !== null && this.lists(tool.cache)
          ? [buildRow(tool, name, this.isSlabinfo)]
          : [];
      });
  }

  private rename(): void {
    renameCaches(this.selected, this.options);
    this.shown = this.selected.caches.filter((tool) => tool.name !== null).length;
  }

  private printExtendedTotals(): void {
    const { options, totals } = this;
    this.out.push({ kind: 'totals', totals });
    this.rename();
    // -A stays in force, and goes before all keys but the size.
    const key = (without: SortKey): SortKey => (options.sortActivity ? 'activity' : without);
    this.printRanking('Slabs sorted by size', 'size', false);
    this.printRanking('Slabs sorted by loss', key('loss'), true);
    this.printRanking('Slabs sorted by number of partial slabs', key('partial'), false);
    this.out.push({ kind: 'end' });
  }

  private printRanking(title: string, key: SortKey, loss: boolean): void {
    this.out.push({ kind: 'heading', title });
    this.headed = false;
    this.printSorted(key, loss);
  }

  private printSorted(key: SortKey, loss: boolean): void {
    const { options, selected } = this;
    sortCaches(selected.caches, key, options.inverted);
    const rows: SlabinfoRow[] = [];
    for (const tool of selected.caches.slice(0, this.lines)) {
      const row = this.printCache(tool);
      if (row !== undefined) rows.push(row);
    }
    if (rows.length === 0) return;
    const columns = options.activity ? 'activity' : loss ? 'loss' : 'space';
    this.out.push({ kind: 'list', columns, rows });
  }

  /** Prints one cache in the form that the options ask for; a line of the list is returned. */
  private printCache(tool: ToolCache): SlabinfoRow | undefined {
    const { options } = this;
    const { cache, name } = tool;
    if (name === null) {
      // All forms pass over it but this one, which prints the tool's own stand-in.
      if (options.tracking && !options.numa) this.printTracking('*', null, null);
    } else if (options.numa) this.printNuma(cache, name, 'list');
    else if (options.tracking) this.printTracking(name, cache.allocCalls, cache.freeCalls);
    else if (options.ops) this.out.push({ kind: 'ops', name, text: cache.ops });
    else if (options.report && !options.list) this.printReport(cache, name);
    else if (this.shown === 1 && !this.isSlabinfo) {
      if (!(options.unreclaimOnly && cache.reclaimAccount)) this.printReport(cache, name);
    } else if (this.lists(cache)) return buildRow(tool, name, this.isSlabinfo);
    return undefined;
  }

  /** True for a cache that the list does not hide. */
  private lists(cache: SlabCacheSysfs): boolean {
    const { options } = this;
    if (options.unreclaimOnly && cache.reclaimAccount) return false;
    if (options.empty) return cache.slabs === 0;
    return options.zero || cache.slabs !== 0;
  }

  private printReport(cache: SlabCacheSysfs, name: string): void {
    this.out.push({ kind: 'report', name, cache, slabBytes: slabBytes(cache, this.pageSize) });
    this.out.push({ kind: 'ops', name, text: cache.ops });
    this.printTracking(name, cache.allocCalls, cache.freeCalls);
    this.printNuma(cache, name, 'report');
    const { stats } = cache;
    if (stats === null || stats.alloc_slab === 0) return;
    if (stats.alloc_fastpath + stats.alloc_slowpath !== 0) this.out.push({ kind: 'stats', stats });
  }

  private printTracking(name: string, allocCalls: string | null, freeCalls: string | null): void {
    this.out.push({ kind: 'tracking', name, allocCalls, freeCalls });
  }

  private printNuma(cache: SlabCacheSysfs, name: string, form: 'report' | 'list'): void {
    if (this.highestNode === 0) {
      this.out.push({ kind: 'no-numa', name });
      return;
    }
    if (!this.options.zero && cache.slabs === 0) return;
    const nodes = Array.from({ length: this.highestNode + 1 }, (_, node) => node);
    const { slabs, partial } = cache.byNode;
    this.out.push({
      kind: 'numa',
      name,
      first: !this.headed,
      form,
      slabs: nodes.map((node) => slabs.get(node) ?? 0),
      partial: nodes.map((node) => partial.get(node) ?? 0),
    });
    this.headed = true;
  }
}

/** A number below 1 is 1; -X shows one of each unless told otherwise. */
function lineLimit({ lines, extendedTotals }: SlabinfoOptions): number {
  if (lines !== null) return Math.max(1, lines);
  return extendedTotals ? 1 : Number.POSITIVE_INFINITY;
}

/** Of slabs and partial slabs, over all selected caches: the node lists are as long as that. */
function highestNodeOf(caches: readonly ToolCache[]): number {
  let highest = 0;
  for (const { cache } of caches) {
    for (const node of cache.byNode.slabs.keys()) highest = Math.max(highest, node);
    for (const node of cache.byNode.partial.keys()) highest = Math.max(highest, node);
  }
  return highest;
}
