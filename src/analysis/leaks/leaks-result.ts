// What `leaks` finds, as one object: text, kmemleak's own form and JSON are made from it.

import type { Completeness, RunSummary } from '../../run/run-summary.ts';
import type { AllocinfoSite, KernelOwner } from '../kernel-owners.ts';
import type { OutstandingGroup } from '../outstanding.ts';

/** One object that nothing refers to. */
export interface LeakCandidate {
  /** `0x…`, 16 hex digits; of a per-CPU allocation its pointer. */
  readonly address: string;
  readonly kind: 'slab' | 'large' | 'vmalloc' | 'percpu';
  /** True where the events show its allocation. */
  readonly traced: boolean;
  /** In bytes, as kmemleak has it: object_size, whole pages of a vmalloc area. */
  readonly size: number;
  readonly bytesReq: number | null;
  readonly cache: string | null;
  readonly callSite: string | null;
  readonly symbol: string | null;
  readonly module: string | null;
  readonly comm: string | null;
  readonly pid: number | null;
  /** Decimal digits, in the clock's unit. */
  readonly allocatedNs: string | null;
  readonly ageSec: number | null;
  /** Its first bytes, at most 32, two digits each; null where the image does not have them. */
  readonly hex: string | null;
  /** kmemleak's checksum of its contents; null where it was not asked for or is not known. */
  readonly crc: number | null;
  /** Frames, innermost first; empty where none were recorded. */
  readonly stack: readonly string[];
}

/** Candidates of one call site and stack. */
export interface LeakGroup {
  readonly site: string | null;
  readonly symbol: string | null;
  readonly module: string | null;
  /** What lies or lay at the same address too. */
  readonly alsoSymbol: string | null;
  readonly caches: readonly string[];
  readonly objects: number;
  readonly bytes: number;
  readonly oldestSec: number | null;
  readonly youngestSec: number | null;
  /** `comm-pid`, the one with most objects first. */
  readonly tasks: readonly string[];
  /** Address of the oldest one. */
  readonly example: string;
  /** Bytes that they keep alive, themselves included; null where that was not asked for. */
  readonly retainedBytes: number | null;
  readonly stack: readonly string[];
}

export interface ScanSummary {
  /** In the order in which the kernel goes through them. */
  readonly roots: readonly { readonly name: string; readonly bytes: number }[];
  readonly rootBytes: number;
  readonly objectBytes: number;
  readonly bytesScanned: number;
  /** Of ranges that the image does not hold: filtered or empty pages. */
  readonly bytesMissing: number;
  readonly objects: number;
  readonly white: number;
  readonly gray: number;
  readonly black: number;
  /** True where everything that is no object is a root. */
  readonly conservative: boolean;
  readonly threads: number;
}

export interface SnapshotSummary {
  readonly path: string;
  readonly format: string;
  readonly kernelRelease: string | null;
  /** Where structure layouts come from; null where there is none. */
  readonly layouts: string | null;
  readonly evidence: readonly string[];
  readonly findings: readonly {
    readonly name: string;
    /** What the name means. */
    readonly text: string;
    readonly count: number;
    readonly first: string;
  }[];
}

export interface NotReported {
  readonly tooYoung: number;
  /** Unreferenced but for what `--annotations` tells. */
  readonly annotated: number;
  readonly suppressed: number;
  /** Live in the baseline already. */
  readonly inBaseline: number;
  /** Referenced in another snapshot. */
  readonly notConfirmed: number;
  /** Perhaps freed without an event, and the image does not tell. */
  readonly uncertain: number;
  /** Not among those that the options select. */
  readonly filtered: number;
}

export interface Leaks {
  readonly type: 'leaks';
  readonly method: 'reference-scan' | 'outstanding';
  readonly run: RunSummary;
  readonly completeness: Completeness;
  /** Seconds that a candidate must have lived. */
  readonly minAgeSec: number;
  readonly snapshots: readonly SnapshotSummary[];
  readonly scan: ScanSummary | null;
  readonly groups: readonly LeakGroup[];
  readonly candidates: readonly LeakCandidate[];
  readonly notReported: NotReported | null;
  /** Live objects by site, where no snapshot says whether anything refers to them. */
  readonly outstanding: readonly OutstandingGroup[];
  /** Of it what the kernel counts itself; null where the recording lacks the file, or of a scan. */
  readonly allocinfo: readonly AllocinfoSite[] | null;
  readonly allocTraces: readonly KernelOwner[] | null;
  readonly notes: readonly string[];
}

export interface LeakReferrer {
  /** Where the word stands. */
  readonly address: string;
  /** `gray`, `white`; roots by the name of their class. */
  readonly kind: string;
  /** The object or symbol or task that it is in, with the offset: `kmalloc-64 0x…+0x10`. */
  readonly holder: string;
  /** Where that object was allocated; null for roots. */
  readonly allocatedAt: string | null;
}

/** `--who-points-to`. */
export interface LeakReferrers {
  readonly type: 'referrers';
  readonly run: RunSummary;
  readonly completeness: Completeness;
  readonly object: {
    readonly address: string;
    readonly size: number;
    readonly colour: 'white' | 'gray' | 'black';
    readonly cache: string | null;
    readonly site: string | null;
  };
  readonly referrers: readonly LeakReferrer[];
}
