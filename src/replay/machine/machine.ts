// The machine that the model runs on: SLUB's parameters, the kmalloc classes, CPUs and memory nodes.

import type { KmallocClasses } from '../../kernel/caches/kmalloc-caches.ts';
import {
  isArm64,
  type KmallocBuild,
  kmallocBuild,
  kmallocClassesOfBuild,
} from '../../kernel/caches/kmalloc-set.ts';
import { isConfigured, parseKernelConfig } from '../../kernel/machine/kernel-config.ts';
import { parseSlubCmdline } from '../../kernel/slub/boot-options.ts';
import type { SlubDebug } from '../../kernel/slub/slub-debug-option.ts';
import { buildSlubParameters, type SlubParameters } from '../../kernel/slub/slub-parameters.ts';
import type { KernelFacts } from '../../recording/kernel-facts.ts';
import type { SidecarFiles } from '../../recording/sidecars.ts';

export interface Machine {
  readonly release: string | null;
  readonly parameters: SlubParameters;
  /** Which kmalloc caches its kernel makes. */
  readonly build: KmallocBuild;
  /** Which of them serves a request: as recorded, else as its kernel makes them. */
  readonly classes: KmallocClasses;
  /** CONFIG_SLAB_FREELIST_RANDOM; undefined where no configuration is known. */
  readonly isRandom: boolean | undefined;
}

/** What the user says of a machine of which the recording does not tell it. */
export interface MachineOptions {
  readonly release?: string | undefined;
  readonly debug?: SlubDebug | undefined;
  readonly cpus?: number | undefined;
}

/** Whose rules are taken where the kernel is not known: the newest that was read in full. */
const ASSUMED_RELEASE = '6.12';

/** The recorded machine, from its files and the trace's own header. */
export function buildMachine(
  facts: KernelFacts,
  sidecars: SidecarFiles,
  options: MachineOptions = {},
): Machine {
  const config = parseKernelConfig(sidecars.text('config') ?? '');
  const release = facts.release ?? options.release ?? null;
  const recorded = buildSlubParameters({
    release: release ?? ASSUMED_RELEASE,
    config,
    cmdline: facts.cmdline,
    bootLog: sidecars.text('dmesg.txt'),
    pageSize: facts.pageSize,
    cpus: facts.cpus ?? options.cpus,
    caches: (facts.caches?.all ?? []).flatMap(({ sysfs }) => sysfs ?? []),
  });
  const parameters = options.debug === undefined ? recorded : { ...recorded, debug: options.debug };
  const { rules, pageSize, cacheLine } = parameters;
  const build = kmallocBuild({
    rules,
    pageSize,
    cacheLine,
    arm64: isArm64(config, release ?? sidecars.text('uname.txt') ?? null),
    config,
    options: parseSlubCmdline(facts.cmdline ?? '', rules),
  });
  return {
    release,
    parameters,
    build,
    classes: facts.caches === undefined ? kmallocClassesOfBuild(build) : facts.kmalloc,
    isRandom: config && isConfigured(config, 'SLAB_FREELIST_RANDOM', false),
  };
}
