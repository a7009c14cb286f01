// The files of a recording folder → KernelFacts.

import {
  defaultKmallocSizes,
  type KmallocClasses,
  type KmallocNaming,
  kmallocClassesOf,
  kmallocNamingOf,
} from '../kernel/caches/kmalloc-caches.ts';
import { kmallocEvidence } from '../kernel/caches/kmalloc-evidence.ts';
import { buildKnownCaches, type KnownCaches } from '../kernel/caches/known-cache.ts';
import type { ProcSlabinfo } from '../kernel/caches/proc-slabinfo.ts';
import {
  type Checked,
  checkProcSlabinfo,
  checkSlabSysfs,
  PAGE_SIZES,
} from '../kernel/caches/recorded-shapes.ts';
import { parseSlabSysfs, type SlabSysfs } from '../kernel/caches/slab-sysfs.ts';
import type { CallTable } from '../kernel/events/dictionary.ts';
import { gfpNamesOf } from '../kernel/events/gfp-flags.ts';
import type { TraceInfo } from '../kernel/events/trace-info.ts';
import { isConfigured, parseKernelConfig } from '../kernel/machine/kernel-config.ts';
import { isAtLeast, parseRelease, releaseFromText } from '../kernel/machine/kernel-version.ts';
import { parseZoneSpans } from '../kernel/machine/numa.ts';
import { bootLogFault } from '../kernel/slub/slub-parameters.ts';
import type { KernelFacts } from './kernel-facts.ts';
import { readRecordedSlabinfo } from './recorded-slabinfo.ts';
import type { SidecarFiles } from './sidecars.ts';

const DEFAULT_PAGE_SIZE = 4096;

/** What the kernel's caches were, as two files of a recording show it. */
export interface RecordedCaches {
  readonly sysfs: Checked<SlabSysfs> | undefined;
  readonly slabinfo: Checked<ProcSlabinfo> | undefined;
}

export function readRecordedCaches(sidecars: SidecarFiles): RecordedCaches {
  return { sysfs: readSlabSysfs(sidecars), slabinfo: readProcSlabinfo(sidecars) };
}

/**
 * @param eventNames cache names that the recording's events print
 * @param recorded the parsed captures, where somebody has them already
 */
export function readFacts(
  sidecars: SidecarFiles,
  info: TraceInfo,
  eventNames: ReadonlySet<string>,
  { sysfs, slabinfo }: RecordedCaches = readRecordedCaches(sidecars),
): KernelFacts {
  const release =
    releaseFromText(sidecars.text('version.txt') ?? '') ??
    releaseFromText(sidecars.text('uname.txt') ?? '') ??
    info.kernelRelease;
  const version = parseRelease(release);
  const pageSize = pageSizeOf(sidecars) ?? info.pageSize ?? DEFAULT_PAGE_SIZE;
  const caches = buildKnownCaches(sysfs?.capture, slabinfo?.capture, eventNames);
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
      hasReclaim: isAtLeast(version, 4, 20),
      hasDma: true,
      naming: namingOf(caches) ?? (isAtLeast(version, 4, 20) ? 'short' : 'long'),
    },
    gfpNames: info.gfpNames ?? gfpNamesOf(release),
    cmdline,
    // What has a file of its start was started on a running machine, whatever the boot switched on.
    tracedFromBoot:
      /\btrace_event=\S*(kmem|kmalloc)/.test(cmdline ?? '') &&
      sidecars.text('slabinfo.before.txt') === undefined,
    someTasksOnly: info.someTasksOnly || /^\d/.test(sidecars.text('tracing/set_event_pid') ?? ''),
    slubDebug: /\bsl[au]b_debug\b/.test(cmdline ?? ''),
    notes: [
      ...pageSizeNotes(sidecars),
      ...(sysfs?.notes ?? []),
      ...(slabinfo?.notes ?? []),
      ...otherNotes(sidecars),
    ],
    withMetadata: null,
    isSlob: isConfigured(parseKernelConfig(sidecars.text('config') ?? ''), 'SLOB', false),
  };
}

/** The same, with what the sizes in the events tell where no file does. */
export function withEvidence(facts: KernelFacts, calls: CallTable): KernelFacts {
  const { pageSize, caches, version } = facts;
  const evidence = kmallocEvidence(calls, pageSize);
  const { withMetadata, minimum } = evidence;
  const isRecorded = recordedClasses(caches, pageSize) !== undefined;
  const isOld = version === undefined && evidence.hasOldFlags;
  const kmalloc: KmallocClasses = isOld
    ? {
        ...facts.kmalloc,
        hasCgroup: false,
        hasReclaim: false,
        naming: namingOf(caches) ?? 'long',
      }
    : facts.kmalloc;
  const hasSlob = version === undefined || !isAtLeast(version, 6, 4);
  return {
    ...facts,
    isSlob: facts.isSlob || (hasSlob && caches === undefined && evidence.isSlob),
    slubDebug: facts.slubDebug || withMetadata !== null,
    withMetadata: facts.slubDebug ? null : withMetadata,
    kmalloc: isRecorded
      ? facts.kmalloc
      : { ...kmalloc, sizes: defaultKmallocSizes(pageSize, minimum) },
  };
}

/** The caches of slab_sysfs.txt that can be a kernel's; undefined where it was not recorded. */
export function readSlabSysfs(sidecars: SidecarFiles): Checked<SlabSysfs> | undefined {
  const text = sidecars.text('slab_sysfs.txt');
  if (text === undefined) return undefined;
  return checkSlabSysfs(parseSlabSysfs(text, sidecars.text('slab_sysfs_links.txt') ?? ''));
}

/**
 * The same of slabinfo.txt.
 * @throws TraceFormatError where its lines are not those of slabinfo
 */
export function readProcSlabinfo(sidecars: SidecarFiles): Checked<ProcSlabinfo> | undefined {
  const text = sidecars.text('slabinfo.txt');
  if (text === undefined) return undefined;
  const path = sidecars.taken.get('slabinfo.txt') ?? 'slabinfo.txt';
  return checkProcSlabinfo(readRecordedSlabinfo(text, path));
}

/** The page size that a recording names (pagesize.txt). */
export function pageSizeOf(sidecars: SidecarFiles): number | undefined {
  const size = Number(sidecars.text('pagesize.txt')?.trim());
  return PAGE_SIZES.includes(size) ? size : undefined;
}

function pageSizeNotes(sidecars: SidecarFiles): string[] {
  const text = sidecars.text('pagesize.txt');
  if (text === undefined || pageSizeOf(sidecars) !== undefined) return [];
  return [`pagesize.txt: '${text.trim().slice(0, 20)}' is no size of a page: it is not used.`];
}

/** Files of which nothing can be used, though they are there. */
function otherNotes(sidecars: SidecarFiles): string[] {
  const notes: string[] = [];
  const config = sidecars.text('config');
  if (config !== undefined && !/^CONFIG_\w+=/m.test(config)) {
    notes.push('config: it sets no option, so it is no configuration of a kernel: not used.');
  }
  const fault = bootLogFault(sidecars.text('dmesg.txt') ?? '');
  if (fault !== undefined) notes.push(`dmesg.txt: ${fault}: not used.`);
  const zoneinfo = sidecars.text('zoneinfo.txt');
  if (zoneinfo !== undefined && parseZoneSpans(zoneinfo).length === 0) {
    notes.push('zoneinfo.txt: it names no zone that has pages: all memory is taken as one node.');
  }
  return notes;
}

function recordedClasses(
  caches: KnownCaches | undefined,
  pageSize: number,
): KmallocClasses | undefined {
  return caches && kmallocClassesOf(namesIn(caches), pageSize);
}

function namingOf(caches: KnownCaches | undefined): KmallocNaming | undefined {
  return caches && kmallocNamingOf(namesIn(caches));
}

function namesIn(caches: KnownCaches): string[] {
  return caches.all.flatMap((cache) => [cache.name, ...cache.aliases]);
}
