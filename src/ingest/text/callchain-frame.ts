// A line of a callchain as `perf script -g` prints it → whose frame it is, its address, its name
// (sample__fprintf_callchain() in tools/perf/util/evsel_fprintf.c). What stands in the last brackets is
// the file: the kernel's or a module's, under the names that perf and the debug packages have for them.
//
// 	ffffffffa48b95b7 __kmalloc_node+0xa7 ([kernel.kallsyms])
// 	ffffffffc08b103e tally_open+0x3e ([tally])
// 	          2c7e40 __kmalloc (/usr/lib/debug/lib/modules/3.10.0-957.el7.x86_64/vmlinux)
// 	           0c8f3 xfs_buf_read (/lib/modules/6.1.0/kernel/fs/xfs/xfs.ko.xz)

export interface CallchainFrame {
  /** `symbol+0xoff [module]`; undefined where perf knows none. */
  readonly name: string | undefined;
  /** Hexadecimal digits; undefined where none is printed, or it is one of a file and not of memory. */
  readonly address: string | undefined;
}

const FRAME = /^(?:([0-9a-f]{1,16})(?:\s+|$))?(.*?)(?:\s*\(((?:[^()]|\([^()]*\))*)\))?$/;
const KERNEL = /^\[(?:guest\.)?kernel\b|(?:^|\/)kcore\b/;
/** Its addresses are those of the file where the kernel's place was not known. */
const KERNEL_FILE = /(?:^|\/)vmlinux\b/;
const MODULE_FILE = /(?:^|\/)([\w-]+)\.ko(?:\.\w+)*$/;
const MODULE = /^\[(?!unknown\]|vdso|vsyscall|vvar|heap|stack|anon|uprobes)([\w-]+)\]$/;
/** perf does not know the file: frames that it inlined, addresses in none. */
const NO_FILE = /^(?:inlined|\[unknown\]|\[?bpf\b.*|bpf_prog\w*)?$/;
/** `slub.c:3412` of -F +srcline. */
const SOURCE_LINE = /^[\w./-]+:\d+$/;

/**
 * The frame in a line; 'user' for one of a program, undefined for a line that is none.
 * @param pointerBits of the machine
 */
export function parseCallchainFrame(
  line: string,
  pointerBits: number,
): CallchainFrame | 'user' | undefined {
  const [, digits, symbol = '', file = ''] = FRAME.exec(line) ?? [];
  if (SOURCE_LINE.test(symbol)) return undefined;
  const inUpperHalf =
    digits !== undefined && BigInt(`0x${digits}`) >> BigInt(pointerBits - 1) === 1n;
  const address = inUpperHalf ? digits : undefined;
  const bare = symbol === '[unknown]' || symbol === '' ? undefined : symbol;
  if (KERNEL.test(file)) return { name: bare, address: digits };
  const module = moduleOf(file);
  if (module !== undefined) return { name: bare && `${bare} [${module}]`, address };
  if (KERNEL_FILE.test(file) || inUpperHalf) return { name: bare, address };
  const isFree = NO_FILE.test(file) && digits === undefined;
  return isFree && bare !== undefined ? { name: bare, address } : 'user';
}

/** As the kernel calls it: `-` of a file's name is `_`. */
function moduleOf(file: string): string | undefined {
  const name = MODULE_FILE.exec(file)?.[1] ?? MODULE.exec(file)?.[1];
  return name?.replaceAll('-', '_');
}
