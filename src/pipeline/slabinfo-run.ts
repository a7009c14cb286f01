// The kernel's slabinfo tables of a recording's sysfs capture; no events are read.

import type { SlabinfoOptions } from '../analysis/slabinfo/options.ts';
import { computeSlabinfo, type SlabinfoResult } from '../analysis/slabinfo/slabinfo.ts';
import { TraceFormatError } from '../base/errors.ts';
import { pageSizeOf } from '../ingest/read-facts.ts';
import { parseProcSlabinfo } from '../kernel/proc-slabinfo.ts';
import { resolveSlabCacheNames, type SlabCacheName } from '../kernel/slab-cache-names.ts';
import { parseSlabSysfs } from '../kernel/slab-sysfs.ts';
import { openSidecars } from './open-sidecars.ts';

export interface SlabinfoRun {
  readonly result: SlabinfoResult;
  /** Names of the directories, by id. */
  readonly names: ReadonlyMap<string, SlabCacheName>;
}

/** @throws TraceFormatError where the source has no capture of /sys/kernel/slab */
export async function slabinfoRun(
  source: string,
  sidecarFolders: readonly string[] | null,
  options: SlabinfoOptions,
): Promise<SlabinfoRun> {
  const sidecars = await openSidecars(source, sidecarFolders);
  const text = sidecars.text('slab_sysfs.txt');
  if (text === undefined) {
    throw new TraceFormatError(`${source}: no slab_sysfs.txt in this recording`, {
      hint: 'It is every /sys/kernel/slab/*/* as path=value; `slabreplay record` takes it.',
    });
  }
  const sysfs = parseSlabSysfs(text, sidecars.text('slab_sysfs_links.txt') ?? '');
  const slabinfo = sidecars.text('slabinfo.txt');
  return {
    result: computeSlabinfo(sysfs, pageSizeOf(sidecars) ?? 4096, options),
    names: resolveSlabCacheNames(sysfs, {
      slabinfo: slabinfo === undefined ? null : parseProcSlabinfo(slabinfo),
    }),
  };
}
