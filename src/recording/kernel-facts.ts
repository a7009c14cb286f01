// What is known of the recorded machine: from the trace, and from the files beside it.

import type { KmallocClasses } from '../kernel/caches/kmalloc-caches.ts';
import type { KmallocEvidence } from '../kernel/caches/kmalloc-evidence.ts';
import type { KnownCaches } from '../kernel/caches/known-cache.ts';
import type { GfpName } from '../kernel/events/trace-info.ts';
import type { KernelVersion } from '../kernel/machine/kernel-version.ts';

export interface KernelFacts {
  /** '6.1.0-56-amd64', where anything tells. */
  readonly release: string | null;
  readonly version: KernelVersion | undefined;
  readonly pageSize: number;
  readonly cpus: number | null;
  /** Its caches at the end of the recording, from sysfs or /proc/slabinfo. */
  readonly caches: KnownCaches | undefined;
  readonly kmalloc: KmallocClasses;
  readonly gfpNames: readonly GfpName[];
  /** The kernel command line, where it was recorded. */
  readonly cmdline: string | null;
  /** True where the command line switched the kmem events on (trace_event=). */
  readonly tracedFromBoot: boolean;
  /** True where the tracer recorded what some tasks did, and nothing else (set_event_pid). */
  readonly someTasksOnly: boolean;
  /**
   * True where the kernel ran with slub_debug (or KASAN), by its command line or by the sizes in its
   * events: bytes_alloc then counts debug metadata.
   */
  readonly slubDebug: boolean;
  /** True where its allocator is SLOB (until 6.3), which puts objects of any size on one page. */
  readonly isSlob: boolean;
  /** What of the files could not be used, in sentences that name the file. */
  readonly notes: readonly string[];
  /** Where only the events show it: sizes of an object with metadata. */
  readonly withMetadata: KmallocEvidence['withMetadata'];
}
