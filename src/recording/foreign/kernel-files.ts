// Texts that a kernel prints and that are no trace: files of /proc, sysfs and debugfs, and its log.
// Where each is printed stands beside it (6.12 unless said).

import type { ForeignText } from './foreign-file.ts';

const beside = (name: string): string =>
  `It holds no events. Put it beside a trace under the name ${name} (docs/recording-folder.md).`;

const UNUSED =
  'It holds sums and no events, and is not used here. `slabreplay record` makes a recording that is.';

/** mm/slab_common.c print_slabinfo_header(), cache_show(); 1.x: mm/slab.c of Linux 2.4. */
export const PROC_SLABINFO: ForeignText = {
  title: '/proc/slabinfo',
  advice:
    'It holds no events. `slabreplay slabinfo FILE` prints its tables; beside a trace its name is slabinfo.txt.',
  mark: /^(?:slabinfo - version: \d|# ?name +<active_objs>|\S+(?:[ \t]+\d+){6} : +\d+ +\d+|\S.*\s:[ \t]+tunables[ \t]+\d|.*:[ \t]+slabdata[ \t]+\d)/gm,
};

/** mm/slub.c, the attributes of /sys/kernel/slab, as grep and find print them. */
export const SLAB_SYSFS: ForeignText = {
  title: 'a capture of /sys/kernel/slab',
  advice:
    'It holds no events. `slabreplay slabinfo FILE` prints its tables; beside a trace its name is slab_sysfs.txt.',
  mark: /^(?:\S*\/)?[^\s/]+\/(?:object_size|slab_size|objs_per_slab|total_objects|cpu_slabs|objects_partial|hwcache_align|min_partial)[=:]/gm,
};

/** mm/kmemleak.c print_unreferenced(). */
export const KMEMLEAK: ForeignText = {
  title: "kmemleak's list of unreferenced objects",
  advice: 'It holds no events. `slabreplay leaks FILE` groups its objects by stack.',
  mark: /^(?:\[[^\]]*\] )?(?:kmemleak: )?unreferenced object 0x[0-9a-f]+ \(size \d+\)/gm,
};

/** lib/alloc_tag.c print_allocinfo_header(), alloc_tag_to_text(). */
const ALLOCINFO: ForeignText = {
  title: '/proc/allocinfo',
  advice:
    'It holds sums and no events. Beside a trace its name is allocinfo.txt: `slabreplay leaks --outstanding` shows the sums beside those of the trace.',
  mark: /^(?:allocinfo - version: \d|# +<size> +<calls> +<tag info>|\d+ +\d+ \S+\.[chS]:\d+ (?:\[\w+\] )?func:\w+)/gm,
};

/** mm/slub.c slab_debugfs_show(); before 5.14 list_locations(), in sysfs. */
const OBJECT_TRACES: ForeignText = {
  title:
    "alloc_traces or free_traces of SLUB's debugfs (alloc_calls and free_calls of older sysfs)",
  advice:
    'It holds sums and no events. Beside a trace its name is alloc_traces.txt, as `grep -rH . /sys/kernel/debug/slab` prints it: `slabreplay leaks --outstanding` shows who has objects that are older than the trace.',
  mark: /^(?:\S*\/(?:alloc|free)_(?:traces|calls):\s*)?\d+ (?:\S+(?: \[\w+\])?|<not-available>) (?:waste=\d+\/\d+ )?age=-?\d+(?:\/-?\d+\/-?\d+)? pid=/gm,
};

/** What a kernel prints, those that another program's text could be taken for last. */
export const KERNEL_FILES: readonly ForeignText[] = [
  PROC_SLABINFO,
  SLAB_SYSFS,
  ALLOCINFO,
  OBJECT_TRACES,
  {
    // mm/page_owner.c print_page_owner(); the second form is tools/mm/page_owner_sort.c's.
    title: 'page_owner',
    advice:
      'It holds the owners of pages, not of slab objects, and no events. tools/mm/page_owner_sort of the kernel sums it up.',
    mark: /^(?:Page allocated via order \d|\d+ times?, \d+ pages?(?::|,|$)|nr_base_pages: \d)/gm,
  },
  {
    // kernel/trace/ftrace.c function_stat_headers()
    title: "the table of tracefs's function profiler (trace_stat)",
    advice:
      'It holds counts and no events. Record the events: `slabreplay record`, or `trace-cmd record -e kmem`.',
    mark: /^Function +Hit +Time +Avg/gm,
  },
  {
    // kernel/trace/trace_events.c f_show()
    title: 'the description of an event (format of tracefs)',
    advice: 'It belongs into a recording folder as tracing/events/SYSTEM/EVENT/format.',
    mark: /^field:.*;[ \t]*offset:\d+;/gm,
  },
  {
    // fs/proc/meminfo.c meminfo_proc_show()
    title: '/proc/meminfo',
    advice: beside('meminfo.txt'),
    mark: /^(?:MemTotal|MemFree|SReclaimable|SUnreclaim|VmallocTotal): +\d+ kB$/gm,
  },
  {
    // mm/vmalloc.c vmalloc_info_show()
    title: '/proc/vmallocinfo',
    advice: beside('vmallocinfo.txt'),
    mark: /^0x[0-9a-f]{8,16}-0x[0-9a-f]{8,16} +\d+ /gm,
  },
  {
    // mm/vmstat.c pagetypeinfo_show()
    title: '/proc/pagetypeinfo',
    advice: UNUSED,
    mark: /^(?:Page block order: \d|Free pages count per migrate type|Number of blocks type )/gm,
  },
  {
    // mm/vmstat.c zoneinfo_show_print()
    title: '/proc/zoneinfo',
    advice: beside('zoneinfo.txt'),
    mark: /^Node \d+, zone +\w+$/gm,
  },
  {
    // mm/vmstat.c frag_show_print(); extfrag_show_print() and unusable_show_print() look alike
    title: '/proc/buddyinfo',
    advice: UNUSED,
    mark: /^Node \d+, zone +\w+ +-?\d/gm,
  },
  {
    // mm/vmstat.c vmstat_show()
    title: '/proc/vmstat',
    advice: UNUSED,
    mark: /^(?:nr_free_pages|nr_slab_reclaimable|nr_slab_unreclaimable|nr_zone_inactive_anon|pgalloc_normal|pgfault|slabs_scanned) \d+$/gm,
  },
  {
    // kernel/resource.c r_show()
    title: '/proc/iomem',
    advice: beside('iomem.txt'),
    mark: /^[0-9a-f]{8,16}-[0-9a-f]{8,16} : \S/gm,
  },
  {
    // fs/proc/task_mmu.c show_map_vma()
    title: '/proc/PID/maps or smaps',
    advice: 'It describes the memory of a process. slabreplay is about the memory of the kernel.',
    mark: /^[0-9a-f]{8,16}-[0-9a-f]{8,16} [r-][w-][x-][ps] /gm,
  },
  {
    // kernel/module/procfs.c m_show()
    title: '/proc/modules',
    advice: beside('modules.txt'),
    mark: /^\w+ \d+ \d+ (?:-|[\w,]+,) (?:Live|Loading|Unloading) 0x[0-9a-f]+/gm,
  },
  {
    // kernel/kallsyms.c s_show(); scripts/mksysmap
    title: 'kallsyms or System.map',
    advice: beside('kallsyms.txt or System.map'),
    mark: /^(?:[0-9a-f]{8}|[0-9a-f]{16}) [a-zA-Z] [\w.$]+(?:[ \t]+\[\w+\])?$/gm,
  },
  {
    // scripts/kconfig/confdata.c
    title: 'the configuration of a kernel',
    advice: beside('config'),
    mark: /^(?:CONFIG_\w+=\S|# CONFIG_\w+ is not set$)/gm,
  },
  KMEMLEAK,
];

/** The kernel's log, also without times and as journald, syslog and serial consoles print it. */
export const KERNEL_LOG: ForeignText = {
  title: 'a kernel log',
  advice:
    '`slabreplay history TRACE --dmesg FILE` finds the objects of its SLUB, KASAN and KFENCE reports in a trace.',
  mark: new RegExp(
    [
      // dmesg, with or without level and caller; -x, -T, --time-format=iso
      '^(?:<\\d+>)? ?\\[ *\\d+\\.\\d{3,9}\\]',
      '^(?:kern|user|daemon) *:\\w+ *: \\[',
      '^\\[(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun) \\w{3} +\\d',
      '^__REALTIME_TIMESTAMP=\\d+$',
      '^\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d[,.]\\d{6}[+-]\\d\\d:\\d\\d ',
      ' kernel: ',
      '(?:^|\\s)Linux version \\d+\\.\\d+',
      '(?:^|\\s)BUG:? (?:KASAN|KFENCE|KCSAN|KMSAN|unable to handle|[\\w-]+ \\()',
      '(?:^|\\s)(?:Call [Tt]race|Oops|Kernel panic - not syncing|Mem-Info|Hardware name): ?',
      '(?:^|\\s)CPU: \\d+ (?:UID: \\d+ )?PID: \\d+ Comm: ',
      '(?:^|\\s)Kernel command line: ',
    ].join('|'),
    'gm',
  ),
};
