// The files of a recording folder → KernelFacts.

import { gfpNamesOf } from '../kernel/gfp-flags.ts';
import type { KernelFacts } from '../kernel/kernel-facts.ts';
import { isAtLeast, parseRelease, releaseFromText } from '../kernel/kernel-version.ts';
import {
  defaultKmallocSizes,
  type KmallocClasses,
  kmallocClassesOf,
} from '../kernel/kmalloc-caches.ts';
import { buildKnownCaches, type KnownCaches } from '../kernel/known-cache.ts';
import { readRecordedSlabinfo } from '../kernel/proc-slabinfo.ts';
import type { SidecarFiles } from '../kernel/sidecars.ts';
import { parseSlabSysfs } from '../kernel/slab-sysfs.ts';
import type { TraceInfo } from '../kernel/trace-info.ts';

const DEFAULT_PAGE_SIZE = 4096;

/** @param eventNames cache names that the recording's events print */
export function readFacts(
  sidecars: SidecarFiles,
  info: TraceInfo,
  eventNames: ReadonlySet<string>,
): KernelFacts {
  const release =
    releaseFromText(sidecars.text('version.txt') ?? '') ??
    releaseFromText(sidecars.text('uname.txt') ?? '') ??
    info.kernelRelease;
  const version = parseRelease(release);
  const pageSize = pageSizeOf(sidecars) ?? info.pageSize ?? DEFAULT_PAGE_SIZE;
  const sysfsText = sidecars.text('slab_sysfs.txt');
  const slabinfoText = sidecars.text('slabinfo.txt');
  const caches = buildKnownCaches(
    sysfsText === undefined
      ? undefined
      : parseSlabSysfs(sysfsText, sidecars.text('slab_sysfs_links.txt') ?? ''),
    slabinfoText === undefined
      ? undefined
      : readRecordedSlabinfo(slabinfoText, sidecars.taken.get('slabinfo.txt') ?? 'slabinfo.txt'),
    eventNames,
  );
  const cmdline = sidecars.text('cmdline.txt')?.trim() ?? null;
  return {
    release,
    version,
    pageSize,
    cpus: info.cpus,
    caches,
    kmalloc: recordedClasses(caches, pageSize) ?? {
      sizes: defaultKmallocSizes(pageSize),
      maxCacheSize: pageSize * 2,
      hasCgroup: isAtLeast(version, 5, 14),
      hasReclaim: true,
      hasDma: true,
      shortNames: true,
    },
    gfpNames: info.gfpNames ?? gfpNamesOf(release),
    cmdline,
    // What has a file of its start was started on a running machine, whatever the boot switched on.
    tracedFromBoot:
      /\btrace_event=\S*(kmem|kmalloc)/.test(cmdline ?? '') &&
      sidecars.text('slabinfo.before.txt') === undefined,
    someTasksOnly: /^\d/.test(sidecars.text('tracing/set_event_pid') ?? ''),
    slubDebug: /\bsl[au]b_debug\b/.test(cmdline ?? ''),
  };
}

/** The page size that a recording names (pagesize.txt). */
export function pageSizeOf(sidecars: SidecarFiles): number | undefined {
  const size = Number(sidecars.text('pagesize.txt')?.trim());
  return Number.isInteger(size) && size >= 1024 && size <= 1 << 20 ? size : undefined;
}

function recordedClasses(
  caches: KnownCaches | undefined,
  pageSize: number,
): KmallocClasses | undefined {
  const names = caches?.all.flatMap((cache) => [cache.name, ...cache.aliases]);
  return names && kmallocClassesOf(names, pageSize);
}
