// What is read out of a report of a memory bug in a kernel log.

/** A stack as the report prints it, with what it says of the call. */
export interface ReportedTrack {
  /** `symbol+0xoff`, the first frame outside of the allocator; null where none is printed. */
  readonly in: string | null;
  readonly pid: number | null;
  readonly cpu: number | null;
  /** Seconds since boot (KFENCE, KASAN with CONFIG_KASAN_EXTRA_INFO). */
  readonly atSec: number | null;
  /** In jiffies, when the report was printed (SLUB). */
  readonly age: number | null;
  /** `symbol+0xoff` of all frames, the innermost first. */
  readonly stack: readonly string[];
}

/** An object that a report lists. */
export interface ReportedObject {
  readonly address: bigint;
  readonly allocated: ReportedTrack | null;
  readonly freed: ReportedTrack | null;
}

/** The access that KASAN or KFENCE caught. */
interface ReportedAccess {
  readonly isWrite: boolean;
  /** Bytes; null where it is not printed. */
  readonly size: number | null;
}

export interface MemoryReport {
  readonly tool: 'SLUB' | 'KASAN' | 'KFENCE';
  /** `Right Redzone overwritten`, `slab-use-after-free`, …: the kernel's words for the cause. */
  readonly title: string;
  readonly cache: string | null;
  /** The object or, where only that is printed, the faulty byte; null where neither is. */
  readonly address: bigint | null;
  /** True where the log prints hashed pointers (%p since 4.15). */
  readonly hashed: boolean;
  /** Seconds since boot as printed on the BUG line. */
  readonly atSec: number | null;
  /** Bytes of the object. */
  readonly size: number | null;
  /** From the object's start to the first faulty byte; negative before it. */
  readonly offset: number | null;
  /** Faulty bytes, where the report says where they end (SLUB). */
  readonly faultyBytes: number | null;
  readonly allocated: ReportedTrack | null;
  readonly freed: ReportedTrack | null;
  /** Where it was found: the function on the BUG line. */
  readonly foundIn: string | null;
  readonly access: ReportedAccess | null;
  /** The task that was running: `comm`, and its pid. */
  readonly task: { readonly comm: string; readonly pid: number } | null;
  /** In the order of the log; one for most reports, none without an address. */
  readonly objects: readonly ReportedObject[];
  /** Line of the BUG line in the log, from 1. */
  readonly line: number;
}
