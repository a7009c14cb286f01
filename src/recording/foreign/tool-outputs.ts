// What other programs print about the kernel's memory, and what their users wanted to give instead.

import type { ForeignText } from './foreign-file.ts';

const AS_CSV =
  'It holds sums and no events. Let the script print a line of CSV for each event, which can be read (docs/csv.md), or record them: `slabreplay record`.';
const TAKE_SLABINFO =
  'It holds sums and no events. Take what it was made from: `cat /proc/slabinfo > slabinfo.txt`, which `slabreplay slabinfo` reads.';
const TAKE_PERF =
  'It holds sums and no events. `slabreplay perfkmem perf.data` prints the same tables from the recording itself, or from the text of `perf script`.';
const RECORD =
  'It holds no slab events. `slabreplay record` makes a recording, or `trace-cmd record -e kmem`, or `perf record -e "kmem:*" -a`.';
const MEMORY =
  'It holds sums and no events. `slabreplay record` makes a recording, which tells who has the memory.';

const SLABTOP: ForeignText = {
  // procps src/slabtop.c
  title: 'the output of slabtop',
  advice: TAKE_SLABINFO,
  mark: /^(?:Active \/ Total (?:Objects|Slabs|Caches|Size) \(% used\)|Minimum \/ Average \/ Maximum Object|OBJS +ACTIVE +USE +OBJ SIZE)/gm,
};

export const TOOL_OUTPUTS: readonly ForeignText[] = [
  {
    // kernel/trace/trace_events_hist.c hist_trigger_show()
    title: 'the table of a hist trigger',
    advice:
      'It holds counts and no events. Record the events: `slabreplay record`, or `trace-cmd record -e kmem`.',
    mark: /^# event histogram/gm,
  },
  {
    title: 'the output of perf report',
    advice: 'It holds sums and no events. Give perf.data itself, or the text of `perf script`.',
    mark: /^(?:# Overhead +|# Samples: \S+ +of event|# Total Lost Samples: \d)/gm,
  },
  SLABTOP,
  {
    // tools/mm/slabinfo.c (tools/vm before 6.3)
    title: "the output of the kernel's slabinfo tool",
    advice:
      'It holds sums and no events. `slabreplay slabinfo` prints the same tables from a capture: `grep -rH . /sys/kernel/slab > slab_sysfs.txt` as root.',
    mark: /^(?:Name +Objects +(?:Objsize +(?:Space|Loss) +Slabs\/Part\/Cpu|Alloc +Free)|Slabcache Totals$|Slabcache: \S+ +Aliases|Slabs sorted by (?:size|loss|number)|Name +Slabs? +(?:Node|N0)|\S+ *<- \S+|\S+: (?:No )?[Kk]ernel object (?:allocation|freeing))/gm,
  },
  {
    title: 'the output of perf kmem stat',
    advice: TAKE_PERF,
    mark: /^(?:(?:Callsite|Alloc Ptr) +\| +Total_alloc\/Per|SUMMARY \((?:SLAB|page) allocator\)|(?:PFN|Callsite|Page) +\| +Total(?: alloc)? \(KB\))/gm,
  },
  {
    title: 'the output of perf stat',
    advice: RECORD,
    mark: /^(?:Performance counter stats for |# +time +counts +unit events)/gm,
  },
  {
    title: 'the output of perf trace',
    advice:
      'Its lines lack fields of the events. Record with `perf record -e "kmem:*" -a` and give perf.data itself, or the text of `perf script`.',
    mark: /^(?:\? +)?\(? *(?:\d+\.\d{3}|\?) +(?:\( *(?:\d+\.\d{3} ms|:)? *\): *)?(?:.{1,20}\/\d+ +)?\w+:\w+\(|^\d+\.\d{3} \( *\d+\.\d{3} ms\): /gm,
  },
  {
    title: "the dump of perf's raw records (perf script -D)",
    advice: 'Give perf.data itself, or the text of `perf script`.',
    mark: /^0x[0-9a-f]+ \[0x[0-9a-f]+\]: (?:event: \d+|PERF_RECORD_)/gm,
  },
  {
    title: "the output of bcc's memleak",
    advice: AS_CSV,
    mark: /^(?:(?:\[[\d:]+\] )?Top \d+ stacks with outstanding allocations|\d+ bytes in \d+ allocations from stack|Attaching to kernel allocators)/gm,
  },
  {
    title: "the output of bcc's slabratetop",
    advice:
      'It holds sums and no events. `slabreplay rates` prints the same table from a recording (`slabreplay record`).',
    mark: /^CACHE +ALLOCS +BYTES$/gm,
  },
  {
    title: "the output of crash's or drgn's kmem -s",
    advice:
      'It holds sums and no events. Give the memory snapshot itself: `slabreplay validate TRACE --vmcore FILE` and `slabreplay leaks TRACE --vmcore FILE` read it.',
    mark: /^(?:CACHE +(?:NAME +)?OBJSIZE +ALLOCATED +TOTAL|SLAB +MEMORY +NODE +TOTAL +ALLOCATED +FREE|PAGES +TOTAL +PERCENTAGE)/gm,
  },
  {
    title: 'a session of crash',
    advice:
      'It holds no events. Give the memory snapshot itself: `slabreplay leaks TRACE --vmcore FILE` reads it.',
    mark: /^(?:crash(?:64)?> |DUMPFILE: \S|KERNEL: \S+\/vmlinux)/gm,
  },
  {
    title: 'a session or the output of drgn',
    advice:
      'It holds no events. Give the memory snapshot itself: `slabreplay leaks TRACE --vmcore FILE` reads it.',
    mark: /^(?:drgn \d+\.\d+|.{0,40}\*?\((?:struct )?(?:kmem_cache|slab|page|kmem_cache_node|kmem_cache_cpu) \*?\)\*?0x[0-9a-f]+|={4,} (?:SECTION|MODULE)|warning: (?:missing debugging symbols|could not get debugging information))/gm,
  },
  {
    title: 'the output of bpftrace',
    advice: AS_CSV,
    mark: /^(?:Attach(?:ing|ed) \d+ probes?(?:\.\.\.)?$|@\w*(?:\[.*\])?: *(?:\S.*)?$|@\w*\[$|[[(]-?\d+[KMGTPE]?(?:, (?:-?\d+[KMGTPE]?|\.\.\.))?[\])] +\d+ \|[@ ]*\|)/gm,
  },
  {
    title: 'the output of a script of bcc',
    advice: AS_CSV,
    mark: /^(?:Tracing .*(?:Hit|hit) Ctrl-C|.*loadavg: [\d.]+ [\d.]+ [\d.]+ \d+\/\d+ \d+$)/gm,
  },
  {
    title: 'the output of vmstat',
    advice: MEMORY,
    mark: /^(?:procs -+memory-+|Cache +Num +Total +Size +Pages$)/gm,
  },
  {
    title: 'the output of free, top or smem',
    advice: MEMORY,
    mark: /^(?:total +used +free +shared|top - \d\d:\d\d:\d\d up|[KM]iB Mem ?: |Area +Used +Cache +Noncache)/gm,
  },
  {
    title: 'the output of valgrind or a sanitizer of user space',
    advice: 'It is about the memory of a process. slabreplay is about the memory of the kernel.',
    mark: /^==\d+==(?: |ERROR: )/gm,
  },
  {
    title: 'the output of strace or ltrace',
    advice: RECORD,
    mark: /^(?:\[pid +\d+\] |\d+ +)?(?:[\d:.]+ )?(?:openat?|read|write|mmap|brk|execve|close|malloc|free)\(.*\) += (?:-?\d|0x|\?|<void>)/gm,
  },
];
