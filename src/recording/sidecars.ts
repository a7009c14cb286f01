// The files that lie beside the events of a recording, and who gives them: a folder, or a database
// into which they were taken.

/** The largest that is read; the largest known (kallsyms) are some 20 MB. */
export const MAX_SIDECAR_BYTES: number = 512 * 1024 * 1024;

export interface SidecarFiles {
  /** The unpacked bytes of a file, or undefined where there is none. */
  bytes(name: string): Buffer | undefined;
  /** The same as text. */
  text(name: string): string | undefined;
  /** Names in a folder of the recording (`tracing/events/kmem`), without .gz. */
  list(folder: string): string[];
  /** Takes a file that was found inside the trace; one that lies in a folder goes before it. */
  offer(name: string, bytes: Buffer): void;
  /** Where each file that was asked for and found came from, by name. */
  readonly taken: ReadonlyMap<string, string>;
  /** What was offered. */
  readonly offered: ReadonlyMap<string, Buffer>;
}

/** Files that a run database takes in. Memory snapshots and vmlinux stay where they are. */
export const SIDECAR_NAMES: readonly string[] = [
  'kallsyms.txt',
  'modules.txt',
  'module_sections.txt',
  'System.map',
  'slabinfo.txt',
  'slabinfo.before.txt',
  'slab_sysfs.txt',
  'slab_sysfs.before.txt',
  'slab_sysfs_links.txt',
  'zoneinfo.txt',
  'pagesize.txt',
  'vmallocinfo.txt',
  'meminfo.txt',
  'iomem.txt',
  'cmdline.txt',
  'version.txt',
  'uname.txt',
  'config',
  'dmesg.txt',
  'kmemleak.txt',
  'allocinfo.txt',
  'alloc_traces.txt',
  'struct-offsets.txt',
  'tracing/trace_clock',
  'tracing/set_event_pid',
  'trace_clock',
];
