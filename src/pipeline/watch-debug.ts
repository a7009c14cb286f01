// The debug checks of a replay, with what the recording tells of the kernel's build and of names.

import type { ReplayReport, ReportedEvent } from '../analysis/replay-report.ts';
import type { ResolvedRun } from '../analysis/resolved-run.ts';
import { absoluteTime } from '../analysis/run-summary.ts';
import { formatAddress } from '../base/format-address.ts';
import { configNumber, isConfigured, parseKernelConfig } from '../kernel/kernel-config.ts';
import { nonSlabAddresses } from '../kernel/non-slab-addresses.ts';
import { cacheDebugFlags } from '../kernel/slub-debug.ts';
import type { ReportCause } from '../kernel/slub-report/slub-reports.ts';
import { DebugWatch } from '../replay/debug/debug-watch.ts';
import type { SlubModel } from '../replay/slub-model.ts';
import type { PreparedReplay } from './prepare-replay.ts';

const NS_PER_SECOND = 1e9;
/** By which the clock of a CPU may be behind another's. */
const CLOCK_SKEW_NS = 100_000;

/** Checks beside the model of the recorded machine. */
export function watchDebug(
  { loaded, machine, change }: PreparedReplay,
  slub: SlubModel,
): DebugWatch {
  const { run, sidecars } = loaded;
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
    askedFlags: ({ spec }) =>
      change?.debug === undefined ? 0 : cacheDebugFlags(change.debug, spec.flags, spec.name),
    nonSlab: nonSlabAddresses(sidecars.text('vmallocinfo.txt')),
    skew: info.clockUnit === 'ns' ? CLOCK_SKEW_NS : 0,
    jiffiesPerTick: hz === undefined || info.clockUnit !== 'ns' ? null : hz / NS_PER_SECOND,
    siteText: (site) => run.sites.printed(site),
    stackText: (stack) =>
      Array.from(dictionary.stacks.frames(stack), (site) => run.sites.printed(site) ?? '?'),
  });
}

export function describeReports(run: ResolvedRun, watch: DebugWatch): ReplayReport[] {
  return watch.reports().map(({ kind, title, cache, address, slab, text, cause }) => ({
    kind,
    title,
    cache: cache === '' ? null : cache,
    address: formatAddress(address) as string,
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
