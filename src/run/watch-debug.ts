// The debug checks of a replay, with what the recording tells of the kernel's build and of names.

import { formatAddress } from '../base/format-address.ts';
import type { ReportCause } from '../kernel/checks/slub-reports.ts';
import type { Task } from '../kernel/indices.ts';
import { configNumber, isConfigured, parseKernelConfig } from '../kernel/machine/kernel-config.ts';
import { nonSlabAddresses } from '../kernel/machine/non-slab-addresses.ts';
import { SLAB } from '../kernel/slub/slab-flags.ts';
import { cacheDebugFlags } from '../kernel/slub/slub-debug-option.ts';
import { DebugWatch } from '../replay/debug/debug-watch.ts';
import type { SlubModel } from '../replay/slub-model.ts';
import type { OpenedRun } from './open-run.ts';
import type { ReplayBasis } from './prepare-replay.ts';
import type { ReplayReport, ReportedEvent } from './replay-report.ts';
import type { ResolvedRun } from './resolved-run.ts';
import { absoluteTime } from './run-summary.ts';
import { siteKey } from './verdicts/live-verdicts.ts';

const NS_PER_SECOND = 1e9;
/** By which the clock of a CPU may be behind another's. */
const CLOCK_SKEW_NS = 100_000;
/** A recording whose first event is earlier than this may be one of a boot; initcalls take less. */
const BOOT_NS = 2 * NS_PER_SECOND;
/** How much longer than the usual time between two events a gap is that nothing explains. */
const UNUSUAL = 1000;

/**
 * Checks beside the model of the recorded machine.
 * @param watchesAll also wrong frees into caches without debug flags, of which the kernel says nothing
 */
export function watchDebug(
  { run, sidecars }: OpenedRun,
  { machine, change }: ReplayBasis,
  slub: SlubModel,
  watchesAll: boolean,
): DebugWatch {
  const { dictionary, info } = run;
  const config = parseKernelConfig(sidecars.text('config') ?? '');
  const hz = configNumber(config, 'HZ');
  return new DebugWatch({
    calls: dictionary.calls,
    strings: dictionary.strings,
    tasks: dictionary.tasks,
    slub,
    rules: machine.parameters.rules,
    isHardened: isConfigured(config, 'SLAB_FREELIST_HARDENED', true),
    askedFlags: ({ spec }) => {
      if (watchesAll && !recordsSomeTasks(run)) return SLAB.CONSISTENCY_CHECKS;
      return change?.debug === undefined ? 0 : cacheDebugFlags(change.debug, spec.flags, spec.name);
    },
    nonSlab: nonSlabAddresses(sidecars.text('vmallocinfo.txt')),
    freesUnseen: (call) => run.verdicts.marked.has(siteKey(run, call)),
    longGap: longGap(run),
    bootedTs: bootedTs(run),
    skew: info.clockUnit === 'ns' ? CLOCK_SKEW_NS : 0,
    jiffiesPerTick: hz === undefined || info.clockUnit !== 'ns' ? null : hz / NS_PER_SECOND,
    siteText: (site) => run.sites.printed(site),
    stackText: (stack) =>
      Array.from(dictionary.stacks.frames(stack), (site) => run.sites.printed(site) ?? '?'),
  });
}

/** Without an event for so long, the tracer may have been switched off and on. */
function longGap({ info, tallies, stats }: ResolvedRun): number {
  const { firstTs, lastTs, kinds } = tallies;
  const events = kinds.reduce((sum, count) => sum + count, stats.get('other_events'));
  const mean = (lastTs - firstTs) / Math.max(1, events);
  return Math.max(info.clockUnit === 'ns' ? NS_PER_SECOND : 0, mean * UNUSUAL);
}

/** See FreeEvidence. What the boot task did in the first seconds of a clock was a boot, too. */
function bootedTs({ facts, info, tallies, dictionary: { tasks } }: ResolvedRun): number {
  const { firstTs, maxCpu } = tallies;
  const isFirst = info.clockUnit === 'ns' && Number(info.originNs) + firstTs < BOOT_NS;
  const isEarly = isFirst && tasks.pid(1) === 0;
  if (maxCpu > 0 && (isEarly || facts.tracedFromBoot)) return Number.POSITIVE_INFINITY;
  return facts.tracedFromBoot ? firstTs + BOOT_NS : Number.NEGATIVE_INFINITY;
}

/** True where the tracer followed some tasks: what others allocate is not seen, what they free is. */
function recordsSomeTasks({ facts, info, dictionary: { tasks } }: ResolvedRun): boolean {
  if (facts.someTasksOnly) return true;
  const pids = new Set<number>();
  for (let task: Task = 1; task < tasks.length; task++) pids.add(tasks.pid(task));
  return info.format.startsWith('perf') && pids.size <= 1;
}

export function describeReports(run: ResolvedRun, watch: DebugWatch): ReplayReport[] {
  return watch.reports().map(({ kind, title, cache, address, slab, text, cause }) => ({
    kind,
    title,
    cache: cache === '' ? null : cache,
    address: formatAddress(address),
    slab: slab === 0n ? null : formatAddress(slab),
    text,
    event: cause === undefined ? null : describeCause(run, cause),
  }));
}

function describeCause(run: ResolvedRun, { ts, cpu, task, call }: ReportCause): ReportedEvent {
  const { calls, tasks, strings } = run.dictionary;
  const { address, symbol, module } = run.sites.get(calls.site(call));
  return {
    timeNs: absoluteTime(run, ts),
    cpu,
    comm: strings.get(tasks.comm(task)),
    pid: tasks.pid(task),
    site: formatAddress(address),
    symbol,
    module,
  };
}
