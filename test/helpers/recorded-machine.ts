// A recording's kernel as the geometry tests need it: its caches, and what decides their layout.

import { buildKnownCaches, type KnownCaches } from '../../src/kernel/caches/known-cache.ts';
import { type ProcSlabinfo, parseProcSlabinfo } from '../../src/kernel/caches/proc-slabinfo.ts';
import { parseSlabSysfs, type SlabSysfs } from '../../src/kernel/caches/slab-sysfs.ts';
import { type KernelConfig, parseKernelConfig } from '../../src/kernel/machine/kernel-config.ts';
import { textIfRecorded } from './data.ts';

/** What of a recording is no answer about its caches. */
export interface RecordedMachine {
  readonly release: string | null;
  readonly config: KernelConfig | undefined;
  readonly cmdline: string;
  readonly bootLog: string;
  readonly pageSize: number;
  readonly cpus: number;
}

export function recordedMachine(name: string): RecordedMachine {
  const bootLog = textIfRecorded(name, 'dmesg.txt') ?? '';
  const shown = /nr_cpu_ids:(\d+)/.exec(bootLog)?.[1];
  return {
    release: (textIfRecorded(name, 'uname.txt') ?? '').split(' ')[2] ?? null,
    config: parseKernelConfig(textIfRecorded(name, 'config') ?? ''),
    cmdline: textIfRecorded(name, 'cmdline.txt') ?? '',
    bootLog,
    pageSize: Number(textIfRecorded(name, 'pagesize.txt') ?? 4096),
    // The two without a boot log ran on 2 CPUs (RECORDING.md).
    cpus: Number(shown ?? 2),
  };
}

export interface RecordedCaches {
  readonly sysfs: SlabSysfs;
  readonly slabinfo: ProcSlabinfo;
  readonly known: KnownCaches;
  /** Rows of slub_caches.tsv by cache: fields of struct kmem_cache from the memory dump. */
  readonly dumped: ReadonlyMap<string, ReadonlyMap<string, string>>;
}

export function recordedCaches(name: string): RecordedCaches {
  const links = textIfRecorded(name, 'slab_sysfs_links.txt') ?? '';
  const sysfs = parseSlabSysfs(textIfRecorded(name, 'slab_sysfs.txt') ?? '', links);
  const slabinfo = parseProcSlabinfo(textIfRecorded(name, 'slabinfo.txt') ?? '');
  const known = buildKnownCaches(sysfs, slabinfo, new Set());
  if (known === undefined) throw new Error(`${name} has no caches`);
  return {
    sysfs,
    slabinfo,
    known,
    dumped: parseRows(textIfRecorded(name, 'slub_caches.tsv') ?? ''),
  };
}

function parseRows(text: string): ReadonlyMap<string, ReadonlyMap<string, string>> {
  const [head = '', ...rows] = text.trimEnd().split('\n');
  const columns = head.split('\t');
  const byCache = new Map<string, ReadonlyMap<string, string>>();
  for (const row of rows) {
    const cells = row.split('\t');
    byCache.set(cells[0] ?? '', new Map(columns.map((column, i) => [column, cells[i] ?? ''])));
  }
  return byCache;
}
