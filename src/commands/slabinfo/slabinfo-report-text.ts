// A cache becomes the report of `slabinfo -r`. Truth: tools/mm/slabinfo.c (6.12) report() and
// slab_stats(). Sizes are of 32 bits in the tool, so that an impossible one wraps as it does there.

import type { SlabCacheSysfs, SlabStats } from '../../kernel/caches/slab-cache-sysfs.ts';
import type { SlabinfoSection } from './sections.ts';

type ReportSection = Extract<SlabinfoSection, { kind: 'report' }>;

/** Marks, sizes, slabs, debug options and memory of a cache. */
export function renderSlabReport({ name, cache, slabBytes }: ReportSection): string {
  const title = `Slabcache: ${name.padEnd(15)}  Aliases: ${right(cache.aliases, 2)} Order : ${right(cache.order, 2)} Objects: ${cache.objects}`;
  const total = cache.slabs * slabBytes;
  const used = cache.objects * cache.objectSize;
  const objectLoss = (cache.slabSize - cache.objectSize) >>> 0;
  const tail = (slabBytes - Math.imul(cache.objsPerSlab, cache.slabSize)) >>> 0;
  const full = cache.slabs - cache.partial - cache.cpuSlabs;
  return [
    '',
    title,
    ...marksOf(cache),
    '',
    'Sizes (bytes)     Slabs              Debug                Memory',
    '-'.repeat(72),
    `Object : ${right(cache.objectSize)}  Total  : ${right(cache.slabs)}   Sanity Checks : ${onOff(cache.sanityChecks)}  Total: ${right(total)}`,
    `SlabObj: ${right(cache.slabSize)}  Full   : ${right(full)}   Redzoning     : ${onOff(cache.redZone)}  Used : ${right(used)}`,
    `SlabSiz: ${right(slabBytes)}  Partial: ${right(cache.partial)}   Poisoning     : ${onOff(cache.poison)}  Loss : ${right(total - used)}`,
    `Loss   : ${right(objectLoss | 0)}  CpuSlab: ${right(cache.cpuSlabs)}   Tracking      : ${onOff(cache.storeUser)}  Lalig: ${product(objectLoss, cache.objects)}`,
    `Align  : ${right(cache.align)}  Objects: ${right(cache.objsPerSlab)}   Tracing       : ${onOff(cache.trace)}  Lpadd: ${product(tail, cache.slabs)}`,
    '',
  ].join('\n');
}

function marksOf(cache: SlabCacheSysfs): string[] {
  const marks: readonly (readonly [boolean, string])[] = [
    [cache.hwcacheAlign, 'Hardware cacheline aligned'],
    [cache.cacheDma, 'Memory is allocated in a special DMA zone'],
    [cache.destroyByRcu, 'Slabs are destroyed via RCU'],
    [cache.reclaimAccount, 'Reclaim accounting active'],
  ];
  return marks.filter(([set]) => set).map(([, text]) => `** ${text}`);
}

/** Exact where an impossible size wrapped and is large. */
function product(size: number, count: number): string {
  return String(BigInt.asIntN(64, BigInt(size) * BigInt(count))).padStart(7);
}

function onOff(set: boolean): string {
  return set ? 'On ' : 'Off';
}

/** The counters of CONFIG_SLUB_STATS, in per cent of allocations and of frees. */
export function renderSlabStats(stats: SlabStats): string {
  const toPartial = stats.deactivate_to_head + stats.deactivate_to_tail;
  const deactivated =
    stats.deactivate_full + stats.deactivate_empty + toPartial + stats.deactivate_bypass;
  const out = ['', 'Slab Perf Counter       Alloc     Free %Al %Fr', '-'.repeat(50)];
  out.push(...perfLines(stats, toPartial), '');
  if (stats.cpuslab_flush !== 0) out.push(`Flushes ${right(stats.cpuslab_flush, 8)}`);
  if (deactivated !== 0) out.push(...deactivationLines(stats, deactivated));
  if (stats.cmpxchg_double_fail !== 0 || stats.cmpxchg_double_cpu_fail !== 0) {
    out.push(
      '',
      'Cmpxchg_double Looping',
      '-'.repeat(24),
      `Locked Cmpxchg Double redos   ${stats.cmpxchg_double_fail}`,
      `Unlocked Cmpxchg Double redos ${stats.cmpxchg_double_cpu_fail}`,
    );
  }
  return `${out.join('\n')}\n`;
}

function perfLines(stats: SlabStats, toPartial: number): string[] {
  const alloc = stats.alloc_fastpath + stats.alloc_slowpath;
  const free = stats.free_fastpath + stats.free_slowpath;
  const line = (name: string, ofAlloc: number, ofFree: number): string =>
    `${name.padEnd(20)} ${right(ofAlloc, 8)} ${right(ofFree, 8)} ${percent(ofAlloc, alloc)} ${percent(ofFree, free)}`;
  return [
    line('Fastpath', stats.alloc_fastpath, stats.free_fastpath),
    line('Slowpath', stats.alloc_slowpath, stats.free_slowpath),
    line('Page Alloc', stats.alloc_slab, stats.free_slab),
    line('Add partial', toPartial, stats.free_add_partial),
    line('Remove partial', stats.alloc_from_partial, stats.free_remove_partial),
    line('Cpu partial list', stats.cpu_partial_alloc, stats.cpu_partial_free),
    line('RemoteObj/SlabFrozen', stats.deactivate_remote_frees, stats.free_frozen),
    `${'Total'.padEnd(20)} ${right(alloc, 8)} ${right(free, 8)}`,
  ];
}

function deactivationLines(stats: SlabStats, deactivated: number): string[] {
  const line = (name: string, count: number): string =>
    `${name.padEnd(29)} ${right(count)}  ${percent(count, deactivated)}%`;
  return [
    '',
    'Slab Deactivation             Occurrences %',
    '-'.repeat(49),
    line('Slab full', stats.deactivate_full),
    line('Slab empty', stats.deactivate_empty),
    line('Moved to head of partial list', stats.deactivate_to_head),
    line('Moved to tail of partial list', stats.deactivate_to_tail),
    line('Deactivation bypass', stats.deactivate_bypass),
    line('Refilled from foreign frees', stats.alloc_refill),
    line('Node mismatch', stats.alloc_node_mismatch),
  ];
}

function percent(part: number, whole: number): string {
  return right(whole === 0 ? 0 : Math.trunc((part * 100) / whole), 3);
}

function right(value: number, width = 7): string {
  return String(value).padStart(width);
}
