// What the kernel's slabinfo tool prints, piece by piece and in its order, as data. The words, widths
// and units are commands/slabinfo/slabinfo-text.ts.

import type { SlabCacheSysfs, SlabStats } from '../../kernel/caches/slab-cache-sysfs.ts';
import type { SlabAlias } from '../../kernel/caches/slab-sysfs.ts';
import type { SlabinfoTotals } from './totals.ts';

/** A line of the list. */
export interface SlabinfoRow {
  /** As the tool shows it: the name, a unique id, or an alias. */
  readonly name: string;
  /** The directory in /sys/kernel/slab. */
  readonly id: string;
  readonly objects: number;
  readonly objectSize: number;
  /** Bytes of all slabs. */
  readonly space: number;
  /** Bytes not in allocated objects; below 0 where the capture's counts disagree. */
  readonly loss: number;
  readonly slabs: number;
  /** null where the capture does not tell; the tool itself prints 0. */
  readonly partial: number | null;
  readonly cpuSlabs: number | null;
  readonly objsPerSlab: number;
  readonly order: number;
  /** Partial slabs in per cent of slabs, allocated objects' bytes in per cent of space; truncated. */
  readonly pctFr: number | null;
  readonly pctEf: number;
  /** Of `*dAPaZFUT`. */
  readonly flags: string;
  readonly activity: SlabinfoActivity;
}

/** All 0 without CONFIG_SLUB_STATS. */
export interface SlabinfoActivity {
  readonly alloc: number;
  readonly free: number;
  readonly fastAllocPct: number;
  readonly fastFreePct: number;
  readonly orderFallback: number;
  readonly cmpxchgDoubleFail: number;
  readonly cmpxchgDoubleCpuFail: number;
}

export interface SlabinfoNuma {
  readonly kind: 'numa';
  readonly name: string;
  /** The heading with the node numbers comes before this one. */
  readonly first: boolean;
  /** 'report': "All slabs" and "Partial slabs" under a report; 'list': one line per cache. */
  readonly form: 'report' | 'list';
  /** By node from 0 on. */
  readonly slabs: readonly number[];
  readonly partial: readonly number[];
}

export type SlabinfoSection =
  | { readonly kind: 'totals'; readonly totals: SlabinfoTotals }
  | { readonly kind: 'heading'; readonly title: string }
  | {
      readonly kind: 'list';
      readonly columns: 'space' | 'loss' | 'activity';
      readonly rows: readonly SlabinfoRow[];
    }
  | {
      readonly kind: 'report';
      readonly name: string;
      readonly cache: SlabCacheSysfs;
      readonly slabBytes: number;
    }
  | { readonly kind: 'ops'; readonly name: string; readonly text: string | null }
  | {
      readonly kind: 'tracking';
      readonly name: string;
      readonly allocCalls: string | null;
      readonly freeCalls: string | null;
    }
  | SlabinfoNuma
  | { readonly kind: 'no-numa'; readonly name: string }
  | { readonly kind: 'stats'; readonly stats: SlabStats }
  | {
      readonly kind: 'aliases';
      readonly groups: readonly { readonly target: string; readonly names: readonly string[] }[];
    }
  | { readonly kind: 'alias-lines'; readonly aliases: readonly SlabAlias[] }
  /** The end of -X. */
  | { readonly kind: 'end' };
