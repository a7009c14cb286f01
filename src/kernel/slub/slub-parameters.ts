// Everything beside the cache itself that decides how SLUB lays it out: release, build, boot options
// and machine of a recording become one set of parameters.
// Truth: the boot log where there is one (mm/slub.c kmem_cache_init() prints the values in force),
// then the command line, then the defaults of mm/slub.c.

import type { SlabCacheSysfs } from '../caches/slab-cache-sysfs.ts';
import { configNumber, isConfigured, type KernelConfig } from '../machine/kernel-config.ts';
import { isAtLeast, parseRelease } from '../machine/kernel-version.ts';
import { MAX_PAGE_ORDER, parseSlubCmdline } from './boot-options.ts';
import { MAX_OBJS_PER_PAGE, MAX_ORDER, type OrderParameters } from './calculate-order.ts';
import { rulesOfRecording } from './recorded-rules.ts';
import type { SlubRules } from './releases.ts';
import type { SlubDebug } from './slub-debug-option.ts';

export interface SlubParameters extends OrderParameters {
  readonly rules: SlubRules;
  /** cache_line_size(). */
  readonly cacheLine: number;
  readonly debug: SlubDebug;
  /** The kernel has SLUB_DEBUG; without it no debug flag does anything. */
  readonly debugBuilt: boolean;
  readonly noMerge: boolean;
}

/** What is known of a machine; nothing of it has to be. */
export interface SlubMachine {
  readonly release: string | null;
  readonly config?: KernelConfig | undefined;
  readonly cmdline?: string | null | undefined;
  /** dmesg, of which the boot's lines on CPUs and SLUB count. */
  readonly bootLog?: string | undefined;
  readonly pageSize: number;
  /** CPUs that the recording shows. */
  readonly cpus?: number | null | undefined;
  /** Recorded caches: they show the rules that a release with backports follows. */
  readonly caches?: readonly SlabCacheSysfs[];
}

/** The parameters of a recorded machine. */
export function buildSlubParameters(machine: SlubMachine): SlubParameters {
  const { config, pageSize } = machine;
  const rules = rulesOfRecording(machine.release, config, machine.caches ?? []);
  const boot = parseSlubBootLog(machine.bootLog ?? '');
  const maxPageOrder = maxPageOrderOf(machine.release, config);
  const tiny = isConfigured(config, 'SLUB_TINY', false);
  const options = parseSlubCmdline(machine.cmdline ?? '', rules, {
    debugOn: isConfigured(config, 'SLUB_DEBUG_ON', false),
    mergeDefault: isConfigured(config, 'SLAB_MERGE_DEFAULT', true),
    ...(tiny ? { maxOrder: 1 } : {}),
    maxPageOrder,
  });
  const possibleCpus = boot.possibleCpus ?? machine.cpus ?? 1;
  return {
    rules,
    pageSize,
    cacheLine: boot.cacheLine ?? 64,
    cpus: boot.presentCpus ?? machine.cpus ?? possibleCpus,
    possibleCpus,
    minOrder: boot.minOrder ?? options.minOrder,
    maxOrder: boot.maxOrder ?? options.maxOrder,
    minObjects: boot.minObjects ?? options.minObjects,
    maxPageOrder,
    debug: options.debug,
    debugBuilt: isConfigured(config, 'SLUB_DEBUG', true),
    noMerge: options.noMerge,
  };
}

/** What the boot log says; undefined where it does not. */
export interface SlubBootLog {
  readonly cacheLine: number | undefined;
  readonly minOrder: number | undefined;
  readonly maxOrder: number | undefined;
  readonly minObjects: number | undefined;
  readonly possibleCpus: number | undefined;
  readonly nodes: number | undefined;
  readonly presentCpus: number | undefined;
}

// SLUB: HWalign=64, Order=0-3, MinObjects=0, CPUs=2, Nodes=1
const SLUB_LINE =
  /SLUB: HWalign=(\d+), Order=(\d+)-(\d+), MinObjects=(\d+), CPUs=(\d+), Nodes=(\d+)/;
// CPU topo: Allowing 2 present CPUs plus 0 hotplug CPUs        (since 6.9)
// smpboot: Allowing 2 CPUs, 0 hotplug CPUs                     (before; the first counts both)
const PRESENT_LINE = /Allowing (\d+) present CPUs plus|Allowing (\d+) CPUs, (\d+) hotplug CPUs/;

/** Reads the boot's lines on SLUB and CPUs. A line with a figure that no kernel has is none. */
export function parseSlubBootLog(bootLog: string): SlubBootLog {
  const figures = slubFigures(bootLog);
  const [cacheLine, minOrder, maxOrder, minObjects, possibleCpus, nodes] =
    figures?.every(canBe) === true ? figures : [];
  const [, present, allowed, hotplug] = PRESENT_LINE.exec(bootLog) ?? [];
  const presentCpus = Number(present ?? Number(allowed) - Number(hotplug));
  return {
    cacheLine,
    minOrder,
    maxOrder,
    minObjects,
    possibleCpus,
    nodes,
    presentCpus: isWithin(presentCpus, 1, MAX_CPUS) ? presentCpus : undefined,
  };
}

/** What is wrong with the boot's line on SLUB; undefined where nothing is, or there is none. */
export function bootLogFault(bootLog: string): string | undefined {
  const fault = slubFigures(bootLog)?.findIndex((figure, i) => !canBe(figure, i)) ?? -1;
  return fault < 0 ? undefined : `${FIGURES[fault]?.name} of its line on SLUB cannot be`;
}

function slubFigures(bootLog: string): number[] | undefined {
  return SLUB_LINE.exec(bootLog)?.slice(1).map(Number);
}

/** NR_CPUS and MAX_NUMNODES are at most this (arch/x86/Kconfig and others, 7.2). */
const MAX_CPUS = 8192;
const MAX_NODES = 1024;
/** No machine's cache line is longer (s390 has 256 bytes). */
const MAX_CACHE_LINE = 4096;

/** What the figures of SLUB_LINE are, and can be. */
const FIGURES = [
  { name: 'HWalign', from: 4, to: MAX_CACHE_LINE },
  { name: 'Order', from: 0, to: MAX_ORDER },
  { name: 'Order', from: 0, to: MAX_ORDER },
  { name: 'MinObjects', from: 0, to: MAX_OBJS_PER_PAGE },
  { name: 'CPUs', from: 1, to: MAX_CPUS },
  { name: 'Nodes', from: 1, to: MAX_NODES },
] as const;

function canBe(figure: number, i: number): boolean {
  const bounds = FIGURES[i];
  return bounds !== undefined && isWithin(figure, bounds.from, bounds.to);
}

function isWithin(value: number, from: number, to: number): boolean {
  return Number.isInteger(value) && value >= from && value <= to;
}

/** ARCH_FORCE_MAX_ORDER is the largest order; until 6.3 it was one more. */
function maxPageOrderOf(release: string | null, config: KernelConfig | undefined): number {
  const forced = configNumber(config, 'ARCH_FORCE_MAX_ORDER');
  if (forced === undefined) return MAX_PAGE_ORDER;
  const order = isAtLeast(parseRelease(release), 6, 4) ? forced : forced - 1;
  return isWithin(order, 0, MAX_ORDER) ? order : MAX_PAGE_ORDER;
}
