// The machine as it would be under other boot options, CPUs, kernel or kmalloc classes.

import type { KmallocClasses } from '../../kernel/caches/kmalloc-caches.ts';
import {
  type KmallocBuild,
  kmallocBuild,
  kmallocClassesOfBuild,
} from '../../kernel/caches/kmalloc-set.ts';
import { rulesFor, type SlubGeneration } from '../../kernel/slub/releases.ts';
import type { SlubDebug } from '../../kernel/slub/slub-debug-option.ts';
import type { SlubParameters } from '../../kernel/slub/slub-parameters.ts';
import type { Machine } from './machine.ts';

/** What is to be different; undefined: as it was. */
export interface MachineChange {
  readonly debug?: SlubDebug | undefined;
  readonly kernel?: SlubGeneration | undefined;
  readonly cpus?: number | undefined;
  readonly slubMinOrder?: number | undefined;
  readonly slubMaxOrder?: number | undefined;
  readonly slubMinObjects?: number | undefined;
  /** Object sizes of the kmalloc caches, ascending. */
  readonly classes?: readonly number[] | undefined;
}

export function changeMachine(machine: Machine, change: MachineChange): Machine {
  const parameters = changeParameters(machine.parameters, change);
  const build = change.kernel === undefined ? machine.build : rebuild(machine, parameters);
  return {
    ...machine,
    release: change.kernel ?? machine.release,
    parameters,
    build,
    classes: changeClasses(machine, build, change),
  };
}

function changeParameters(recorded: SlubParameters, change: MachineChange): SlubParameters {
  const cpus = change.cpus ?? recorded.cpus;
  return {
    ...recorded,
    // A configuration of one kernel says nothing of another one's options.
    rules: change.kernel === undefined ? recorded.rules : rulesFor(change.kernel),
    debug: change.debug ?? recorded.debug,
    cpus,
    possibleCpus: change.cpus ?? recorded.possibleCpus,
    minOrder: change.slubMinOrder ?? recorded.minOrder,
    maxOrder: change.slubMaxOrder ?? recorded.maxOrder,
    minObjects: change.slubMinObjects ?? recorded.minObjects,
  };
}

function rebuild({ build }: Machine, { rules, pageSize, cacheLine }: SlubParameters): KmallocBuild {
  return kmallocBuild({ rules, pageSize, cacheLine, arm64: build.arm64 });
}

function changeClasses(
  machine: Machine,
  build: KmallocBuild,
  { kernel, classes: sizes }: MachineChange,
): KmallocClasses {
  const classes = kernel === undefined ? machine.classes : kmallocClassesOfBuild(build);
  return sizes === undefined
    ? classes
    : { ...classes, sizes, maxCacheSize: sizes.at(-1) ?? classes.maxCacheSize };
}
