// Files that are no trace, as their programs begin them.

import { ToolError } from '../../../src/base/errors.ts';
import { openRun } from '../../../src/run/open-run.ts';
import type { Examples } from './example.ts';

/** What the error says to do, where it names the kind of the file. */
export async function answerOfForeign(path: string, kind: string): Promise<string> {
  const error: unknown = await openRun({ source: path }).then(
    ({ run }) => new Error(`read as ${run.info.format}`),
    (failure: unknown) => failure,
  );
  if (!(error instanceof ToolError) || error.exitCode !== 65) throw error;
  if (!error.message.includes(kind)) return error.message;
  return (error.hint ?? '').replaceAll(path, 'FILE');
}

const ELF_TYPE_AT = 16;

function elf(type: number, notes = ''): Buffer {
  const bytes = Buffer.alloc(64);
  bytes.set([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1]);
  bytes.writeUInt16LE(type, ELF_TYPE_AT);
  return Buffer.concat([bytes, Buffer.from(notes)]);
}

const bytes = (text: string): Buffer => Buffer.from(text, 'latin1');

function at(offset: number, text: string): Buffer {
  const all = Buffer.alloc(offset + text.length + 64);
  all.write(text, offset, 'latin1');
  return all;
}

export const FOREIGN: Examples = {
  // What the kernel prints
  '/proc/slabinfo':
    'kmalloc-64           640    640     64   64    1 : tunables    0    0    0 : slabdata     10     10      0\n',
  'a capture of /sys/kernel/slab': '/sys/kernel/slab/kmalloc-64/object_size:64\n',
  "kmemleak's list of unreferenced objects":
    'unreferenced object 0xffff888001230000 (size 64):\n  comm "lampd", pid 710, jiffies 4302851558\n',
  '/proc/allocinfo': 'allocinfo - version: 1.0\n#     <size>  <calls> <tag info>\n',
  "alloc_traces or free_traces of SLUB's debugfs (alloc_calls and free_calls of older sysfs)":
    '   1311 lamp_list+0x97/0x110 age=90211/90214/90219 pid=1 cpus=1\n',
  page_owner:
    'Page allocated via order 0, mask 0x42cca(GFP_HIGHUSER_MOVABLE), pid 1, tgid 1 (init), ts 7 ns\nPFN 4096 type Unmovable Block 8\n',
  "the table of tracefs's function profiler (trace_stat)":
    '  Function                               Hit    Time            Avg\n',
  'the description of an event (format of tracefs)':
    'name: kmalloc\nID: 553\nformat:\n\tfield:unsigned short common_type;\toffset:0;\tsize:2;\tsigned:0;\n',
  '/proc/meminfo': 'MemTotal:        2035180 kB\nMemFree:          118000 kB\n',
  '/proc/vmallocinfo':
    '0xffffc90000000000-0xffffc90000005000   20480 irq_init_percpu_irqstack+0x9a pages=4 vmalloc\n',
  '/proc/pagetypeinfo': 'Page block order: 9\nPages per block:  512\n',
  '/proc/zoneinfo': 'Node 0, zone      DMA\n  per-node stats\n      nr_inactive_anon 12\n',
  '/proc/buddyinfo': 'Node 0, zone      DMA      1      1      0      0      2      1      1\n',
  '/proc/vmstat': 'nr_free_pages 410021\nnr_zone_inactive_anon 12\n',
  '/proc/iomem': '00000000-00000fff : Reserved\n00001000-0009fbff : System RAM\n',
  '/proc/PID/maps or smaps': '55d0c0a00000-55d0c0a02000 r--p 00000000 fe:01 131 /usr/bin/cat\n',
  '/proc/modules': 'lamp 16384 0 - Live 0xffffffffc0000000 (OE)\n',
  'kallsyms or System.map': 'ffffffff81000000 T _text\nffffffffc0000000 t lamp_new\t[lamp]\n',
  'the configuration of a kernel': 'CONFIG_SLUB=y\n# CONFIG_SLAB is not set\n',
  'a kernel log': '[    0.000000] Linux version 6.1.0 (x@y)\n',
  // What other programs print
  'the output of slabtop': ' Active / Total Slabs (% used)      : 198 / 198 (100.0%)\n',
  "the output of the kernel's slabinfo tool":
    'Name                   Objects Objsize           Space Slabs/Part/Cpu  O/S O %Fr %Ef Flg\n',
  'the table of a hist trigger': '# event histogram\n#\n# trigger info: hist:keys=call_site\n',
  'the output of perf kmem stat': 'SUMMARY (SLAB allocator)\n========================\n',
  'the output of perf report': "# Samples: 15  of event 'kmem:kmalloc'\n# Overhead  Command\n",
  'the output of perf stat':
    " Performance counter stats for 'system wide':\n\n   1,402      kmem:kmalloc\n",
  'the output of perf trace':
    '     0.000 sh/711 kmem:kmalloc(call_site: 0xffffffff, ptr: 0xffff)\n',
  "the dump of perf's raw records (perf script -D)":
    '0xe8 [0x60]: event: 64\n.\n. ... raw event: size 96 bytes\n',
  "the output of bcc's memleak": '[09:31:50] Top 10 stacks with outstanding allocations:\n',
  "the output of bcc's slabratetop": 'CACHE                            ALLOCS      BYTES\n',
  'the output of a script of bcc': 'Tracing kmalloc... Hit Ctrl-C to end.\n',
  'the output of bpftrace': '@[systemd-journal]: 12\n@[kworker/0:1]: 4021\n',
  "the output of crash's or drgn's kmem -s":
    'CACHE             OBJSIZE  ALLOCATED     TOTAL  SLABS  SSIZE  NAME\n',
  'a session of crash': 'crash> bt\nPID: 1  TASK: ffff88810\n',
  'a session or the output of drgn': '>>> cache\n*(struct kmem_cache *)0xffff888100042b00 = {\n',
  'the output of vmstat': 'procs -----------memory---------- ---swap--\n',
  'the output of free, top or smem':
    '               total        used        free      shared  buff/cache   available\n',
  'the output of valgrind or a sanitizer of user space': '==711== HEAP SUMMARY:\n',
  'the output of strace or ltrace': 'openat(AT_FDCWD, "/etc/passwd", O_RDONLY) = 3\n',
  // Documents
  'a report that slabreplay made':
    '<!doctype html>\n<meta name="generator" content="slabreplay 0.1.0">\n',
  'the JSON of a result of slabreplay': '{\n "formatVersion": 1,\n "type": "analysis"\n}\n',
  SARIF: '{"version":"2.1.0","$schema":"https://json.schemastore.org/sarif-2.1.0.json"}\n',
  'a page of HTML': '<!DOCTYPE html>\n<html><body>kmalloc</body>\n',
  "perf's JSON (perf data convert --to-json)": '{\n\t"linux-perf-json-version": 1,\n\t"headers": {',
  'the JSON of bpftrace': '{"type": "attached_probes", "data": {"probes": 1}}\n',
  'a profile or trace in JSON for a browser (speedscope, Chrome, Perfetto)':
    '{"$schema":"https://www.speedscope.app/file-format-schema.json"}',
  'a kernel log as JSON (journalctl -o json, dmesg -J)':
    '{"__CURSOR":"s=1","MESSAGE":"usb 1-1: reset"}\n{"__CURSOR":"s=2","MESSAGE":"x"}\n',
  JSON: '{"a": 1}\n',
  XML: '<?xml version="1.0"?>\n<a/>\n',
  'stacks for a flame graph': 'sh;do_syscall_64;kmalloc 12\n',
  'a script': '#!/bin/sh\nperf record\n',
  'a patch': 'diff --git a/mm/slub.c b/mm/slub.c\n',
  'the message of a command that failed, not its output':
    'cat: /sys/kernel/debug/kmemleak: Permission denied\n',
  // Binary files
  'a perf.data of version 1 (PERFFILE), as perf wrote it before Linux 2.6.36':
    bytes('PERFFILE\0\0'),
  'a stream of a CTF trace (LTTng, perf data convert)': bytes('\xc1\x1f\xfc\xc1\0\0'),
  'a memory snapshot of a kernel (an ELF core)': elf(4, 'VMCOREINFO\0'),
  'a memory snapshot of a kernel (kdump, makedumpfile, LiME)': bytes('KDUMP   \x06\0\0\0'),
  'the core of a process': elf(4, 'CORE\0\0\0\0'),
  'a module of a kernel or an object file (ELF)': elf(1),
  'a program or a vmlinux (ELF)': elf(2),
  'BTF, the descriptions of types of a kernel': bytes('\x9f\xeb\x01\0'),
  'the image of a kernel, as a boot loader reads it': at(0x202, 'HdrS'),
  'a journal of systemd': bytes('LPKSHHRH\0\0\0\0'),
  Parquet: bytes('PAR1\x15\x04\0'),
  'a picture': bytes('\x89PNG\r\n\x1a\n\0'),
  'a document (PDF)': bytes('%PDF-1.4\n'),
  'a capture of network packets (pcap)': bytes('\xd4\xc3\xb2\xa1\x02\0\x04\0'),
  'a Java class, a heap dump or a recording of a virtual machine': bytes(
    '\xca\xfe\xba\xbe\0\0\0\x34',
  ),
  // Archives
  'packed with bzip2': bytes('BZh91AY&SY\0\0'),
  'packed with lz4': bytes('\x04"M\x18\0\0'),
  'packed with lzop': bytes('\x89LZO\0\r\n\x1a\n'),
  'packed with lzma': bytes('\x5d\0\0\x80\0\xff\xff\xff\xff\xff\xff\xff\xff\0\x3b\x9a'),
  'packed with compress': bytes('\x1f\x9d\x90\0\0'),
  'a zip archive': bytes('PK\x03\x04\x14\0'),
  'a 7z archive': bytes("7z\xbc\xaf'\x1c\0"),
  'a tar archive': at(257, 'ustar'),
  'a rar archive': bytes('Rar!\x1a\x07\x01\0'),
  'a cpio archive': bytes('070701000000'),
  'an ar archive (a Debian package or a library)': bytes('!<arch>\ndebian-binary'),
  'an RPM package': bytes('\xed\xab\xee\xdb\x03\0'),
};
