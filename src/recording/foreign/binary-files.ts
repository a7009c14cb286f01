// Binary files that are no trace, by their first bytes. Archives and what is packed: base/packing.ts.

import { ascii, beginsWith } from '../../base/packing.ts';
import type { ForeignBinary } from './foreign-file.ts';

const SNAPSHOT =
  'It holds no events. `slabreplay validate FILE`, `slabreplay leaks TRACE --vmcore FILE` read it; beside a trace its name is vmcore.';

// ELF: TIS ELF specification 1.2, e_ident and e_type
const ELF_BIG_ENDIAN = 2;
const ELF_TYPES = { relocatable: 1, executable: 2, shared: 3, core: 4 } as const;

function elfType(head: Buffer): number | undefined {
  if (!beginsWith(head, [0x7f, ...ascii('ELF')]) || head.length < 18) return undefined;
  return head[5] === ELF_BIG_ENDIAN ? head.readUInt16BE(16) : head.readUInt16LE(16);
}

const has = (head: Buffer, text: string): boolean => head.includes(text, 0, 'latin1');

const magic =
  (...marks: readonly (string | readonly number[])[]) =>
  (head: Buffer): boolean =>
    marks.some((mark) => beginsWith(head, typeof mark === 'string' ? ascii(mark) : mark));

export const BINARY_FILES: readonly ForeignBinary[] = [
  {
    // tools/perf/util/header.c: __perf_magic1
    title: 'a perf.data of version 1 (PERFFILE), as perf wrote it before Linux 2.6.36',
    advice: 'Let the perf that wrote it print it, and give that: `perf script > trace.txt`.',
    matches: magic('PERFFILE', 'ELIFFREP'),
  },
  {
    // CTF 1.8.3, 5: packets of streams
    title: 'a stream of a CTF trace (LTTng, perf data convert)',
    advice:
      'A stream alone does not say what it holds. Name the folder that it is in, with its metadata; or give the text of `babeltrace2 FOLDER > trace.txt`.',
    matches: magic([0xc1, 0x1f, 0xfc, 0xc1], [0xc1, 0xfc, 0x1f, 0xc1]),
  },
  {
    // VMCOREINFO is a note of every kernel's core since 2.6.24 (kernel/vmcore_info.c)
    title: 'a memory snapshot of a kernel (an ELF core)',
    advice: SNAPSHOT,
    matches: (head) =>
      elfType(head) === ELF_TYPES.core && (has(head, 'VMCOREINFO') || has(head, 'QEMU')),
  },
  {
    // fs/binfmt_elf.c fill_note_info(): NT_PRPSINFO, owner CORE
    title: 'the core of a process',
    advice:
      'It is the memory of one program. slabreplay is about the memory of the kernel: a snapshot of it is made by kdump, or by QEMU (dump-guest-memory).',
    matches: (head) => elfType(head) === ELF_TYPES.core,
  },
  {
    title: 'a module of a kernel or an object file (ELF)',
    advice: 'It holds no events. Give the recording.',
    matches: (head) => elfType(head) === ELF_TYPES.relocatable,
  },
  {
    title: 'a program or a vmlinux (ELF)',
    advice:
      'It holds no events. A vmlinux with debug information lies beside a trace under the name vmlinux.',
    matches: (head) => elfType(head) !== undefined,
  },
  {
    // makedumpfile diskdump_mod.h; IMPLEMENTATION of the flattened form; LiME's header
    title: 'a memory snapshot of a kernel (kdump, makedumpfile, LiME)',
    advice: SNAPSHOT,
    matches: magic('KDUMP   ', 'DISKDUMP', 'makedumpfile\0', 'EMiL'),
  },
  {
    // include/uapi/linux/btf.h BTF_MAGIC
    title: 'BTF, the descriptions of types of a kernel',
    advice: 'It holds no events. Beside a snapshot its name is btf.',
    matches: magic([0x9f, 0xeb, 0x01], [0xeb, 0x9f, 0x01]),
  },
  {
    // arch/x86/boot/header.S, arch/arm64/kernel/head.S
    title: 'the image of a kernel, as a boot loader reads it',
    advice: 'It holds no events. Give the recording.',
    matches: (head) =>
      beginsWith(head, ascii('HdrS'), 0x202) || beginsWith(head, ascii('ARMd'), 0x38),
  },
  {
    title: 'an SQLite database',
    advice: 'Databases that `slabreplay ingest` made can be read.',
    matches: magic('SQLite format 3\0'),
  },
  {
    title: 'a journal of systemd',
    advice:
      'Print it: `journalctl --file FILE -k > dmesg.txt`; `slabreplay history TRACE --dmesg dmesg.txt` reads the reports in it.',
    matches: magic('LPKSHHRH'),
  },
  {
    title: 'Parquet',
    advice: 'Give the recording, or write the events as CSV (docs/csv.md).',
    matches: magic('PAR1'),
  },
  {
    title: 'a picture',
    advice: 'Text is needed, not a picture of it.',
    matches: (head) =>
      magic([0x89, ...ascii('PNG')], [0xff, 0xd8, 0xff], 'GIF8', 'BM6')(head) ||
      (beginsWith(head, ascii('RIFF')) && beginsWith(head, ascii('WEBP'), 8)),
  },
  {
    title: 'a document (PDF)',
    advice: 'Text is needed: the trace itself.',
    matches: magic('%PDF-'),
  },
  {
    // pcap and pcapng (draft-ietf-opsawg-pcap)
    title: 'a capture of network packets (pcap)',
    advice: 'It holds no slab events. `slabreplay record` makes a recording that does.',
    matches: magic([0xd4, 0xc3, 0xb2, 0xa1], [0xa1, 0xb2, 0xc3, 0xd4], [0x0a, 0x0d, 0x0d, 0x0a]),
  },
  {
    title: 'a Java class, a heap dump or a recording of a virtual machine',
    advice: 'It is about the memory of a process. slabreplay is about the memory of the kernel.',
    matches: magic([0xca, 0xfe, 0xba, 0xbe], 'JAVA PROFILE', 'FLR\0'),
  },
];
