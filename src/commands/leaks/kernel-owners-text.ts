// What is outstanding beside the kernel's own counts, as text.

import type { AllocinfoSite, KernelOwner } from '../../analysis/kernel-owners.ts';
import type { Leaks } from '../../analysis/leaks/leaks-result.ts';
import { counted, formatBytes, formatCount, formatSeconds } from '../../base/bytes-format.ts';
import { inModule } from '../../kernel/symbols/in-module.ts';
import { wrapped } from '../../render/run-text.ts';
import { siteText } from '../../render/site-text.ts';
import { type Column, cutRows, moreRows, renderTable } from '../../render/table.ts';

const ALLOCINFO: readonly Column[] = [
  { title: 'by allocinfo', format: formatCount },
  { title: 'by the trace', format: formatCount },
  { title: 'allocated in' },
  { title: 'place' },
];

const OWNERS: readonly Column[] = [
  { title: 'objects', format: formatCount },
  { title: 'in trace', format: formatCount },
  { title: 'older', format: formatCount },
  { title: 'allocated at' },
  { title: 'cache' },
  { title: 'youngest', format: formatSeconds },
  { title: 'oldest', format: formatSeconds },
  { title: 'pid' },
];

/** Empty where the recording has neither file. */
export function renderKernelOwners({ allocinfo, allocTraces }: Leaks, top: number): string {
  const first = allocinfo === null ? '' : renderAllocinfo(allocinfo, top);
  return first + (allocTraces === null ? '' : renderOwners(allocTraces, top));
}

function renderAllocinfo(sites: readonly AllocinfoSite[], top: number): string {
  const held = sites.filter(({ objects }) => objects > 0);
  const bytes = (of: readonly AllocinfoSite[]): number =>
    of.reduce((sum, { bytesAlloc }) => sum + bytesAlloc, 0);
  const unknown = held.filter(({ kernelBytes }) => kernelBytes === null);
  const table = renderTable(
    ALLOCINFO,
    cutRows(held, top).map((site) => [
      site.kernelBytes,
      site.bytesAlloc,
      inModule(site.function, site.module),
      placesText(site.places),
    ]),
  );
  const others = sites.filter(({ objects }) => objects === 0);
  const missing = others.reduce((sum, { kernelBytes }) => sum + (kernelBytes ?? 0), 0);
  const known =
    unknown.length === 0
      ? 'All that is outstanding here is of functions that allocinfo knows.'
      : `Of the ${formatBytes(bytes(held))} that are outstanding here, ${formatBytes(bytes(unknown))} ` +
        `are of ${counted(unknown.length, 'function')} that allocinfo does not know: it counts ` +
        'inline functions under their own names, and has none of modules that are gone.';
  return (
    '\nLive bytes by /proc/allocinfo, which counts pages too, and since boot\n' +
    table +
    moreRows(held.length, top) +
    wrapped('', `${known} ${formatBytes(missing)} by allocinfo are of other functions.`)
  );
}

function placesText([first, ...others]: readonly string[]): string | null {
  if (first === undefined) return null;
  return others.length === 0 ? first : `${first} +${others.length}`;
}

function renderOwners(owners: readonly KernelOwner[], top: number): string {
  const shown = owners.filter(({ older }) => older !== 0);
  const older = owners.reduce((sum, owner) => sum + (owner.older ?? 0), 0);
  const isTimed = owners.every((owner) => owner.older !== null);
  const what = isTimed
    ? `${counted(older, 'object is', 'objects are')} older than the trace, or more`
    : 'which objects are older than the trace, only CONFIG_HZ tells (config)';
  const table = renderTable(
    OWNERS,
    cutRows(shown, top).map((owner) => [
      owner.objects,
      owner.inTrace,
      owner.older,
      siteText({ ...owner, site: null }),
      owner.cache,
      owner.youngestSec,
      owner.oldestSec,
      owner.firstPid === owner.lastPid ? `${owner.firstPid}` : `${owner.firstPid}-${owner.lastPid}`,
    ]),
  );
  return `\n${wrapped('', `Owners by SLUB's alloc_traces: ${what}.`)}${table}${moreRows(shown.length, top)}`;
}
