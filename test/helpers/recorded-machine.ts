// A recording's kernel as the geometry tests need it: its caches, and what decides their layout.

import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { type KernelConfig, parseKernelConfig } from '../../src/kernel/kernel-config.ts';
import { buildKnownCaches, type KnownCaches } from '../../src/kernel/known-cache.ts';
import { type ProcSlabinfo, parseProcSlabinfo } from '../../src/kernel/proc-slabinfo.ts';
import { parseSlabSysfs, type SlabSysfs } from '../../src/kernel/slab-sysfs.ts';
import { recording } from './data.ts';

/** A file of a recording, plain or packed; undefined where there is neither. */
function recordedText(...path: string[]): string | undefined {
  const plain = recording(...path);
  if (existsSync(plain)) return readFileSync(plain, 'utf8');
  const packed = `${plain}.gz`;
  return existsSync(packed) ? gunzipSync(readFileSync(packed)).toString('utf8') : undefined;
}

/** Every recording with a capture of /sys/kernel/slab. */
export function recordingsWithSysfs(): string[] {
  if (!existsSync(recording())) return [];
  return readdirSync(recording())
    .filter((name) => recordedText(name, 'slab_sysfs.txt') !== undefined)
    .sort();
}

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
  const bootLog = recordedText(name, 'dmesg.txt') ?? '';
  const shown = /nr_cpu_ids:(\d+)/.exec(bootLog)?.[1];
  return {
    release: (recordedText(name, 'uname.txt') ?? '').split(' ')[2] ?? null,
    config: parseKernelConfig(recordedText(name, 'config') ?? ''),
    cmdline: recordedText(name, 'cmdline.txt') ?? '',
    bootLog,
    pageSize: Number(recordedText(name, 'pagesize.txt') ?? 4096),
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
  const links = recordedText(name, 'slab_sysfs_links.txt') ?? '';
  const sysfs = parseSlabSysfs(recordedText(name, 'slab_sysfs.txt') ?? '', links);
  const slabinfo = parseProcSlabinfo(recordedText(name, 'slabinfo.txt') ?? '');
  const known = buildKnownCaches(sysfs, slabinfo, new Set());
  if (known === undefined) throw new Error(`${name} has no caches`);
  return { sysfs, slabinfo, known, dumped: parseRows(recordedText(name, 'slub_caches.tsv') ?? '') };
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
