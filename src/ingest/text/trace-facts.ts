// What a text says about the machine beside its events: header lines of tracefs, trace-cmd and perf,
// and the files that lie in its folder.
//
//   # entries-in-buffer/entries-written: 2619/50245   #P:2
//   # nop latency trace v1.1.5 on 6.1.0-56-amd64
//   # latency: 0 us, #49795/49795, CPU#0 | (M:desktop VP:0, KP:0, SP:0 HP:0 #P:2)
//   cpus=2                              (trace-cmd)
//   # os release : 6.1.0-56-amd64       (perf script --header)

import type { TraceInfo } from '../../kernel/events/trace-info.ts';
import type { TraceStats } from '../../kernel/events/trace-stats.ts';
import { releaseFromText } from '../../kernel/machine/kernel-version.ts';
import { pageSizeOf } from '../../recording/read-facts.ts';
import type { SidecarFiles } from '../../recording/sidecars.ts';
import { parseEventFormat, takeGfpNames } from '../events/event-format.ts';

const ENTRIES =
  /^# (?:entries-in-buffer\/entries-written: |latency: \d+ us, #)(\d+)\/(\d+)[\s,].*#P:(\d+)/;
const LATENCY_RELEASE = /^# \S+ latency trace v\S+ on (\S+)/;
const PERF_RELEASE = /^# os release : (\S+)/;
const PERF_CPUS = /^# nrcpus online : (\d+)/;
const CPUS = /^cpus=(\d+)\s*$/;

/** Takes what a header line says; false where it is none. */
export function readHeaderLine(line: string, info: TraceInfo, stats: TraceStats): boolean {
  const entries = ENTRIES.exec(line);
  if (entries !== null) {
    const lost = Number(entries[2]) - Number(entries[1]);
    if (lost > 0) stats.add('lost_events', lost, 'before the first event');
  }
  const release = LATENCY_RELEASE.exec(line) ?? PERF_RELEASE.exec(line);
  if (release !== null) info.kernelRelease ??= release[1] ?? null;
  const cpus = entries?.[3] ?? (PERF_CPUS.exec(line) ?? CPUS.exec(line))?.[1];
  if (cpus !== undefined) info.cpus ??= Number(cpus);
  return line.startsWith('#') || cpus !== undefined;
}

/** Takes what the recording's folder tells: release, page size, names of gfp flags. */
export function readSidecarFacts(sidecars: SidecarFiles, info: TraceInfo): void {
  info.kernelRelease ??=
    releaseFromText(sidecars.text('version.txt') ?? '') ??
    releaseFromText(sidecars.text('uname.txt') ?? '');
  info.pageSize ??= pageSizeOf(sidecars) ?? null;
  const format = parseEventFormat(sidecars.text('tracing/events/kmem/kmalloc/format') ?? '');
  if (format !== undefined) takeGfpNames(format.printFmt, info);
}
