// Reports of memory bugs in a kernel log: SLUB's own (mm/slub.c slab_bug(), print_trailer(): 6.1 and
// 6.12), KASAN's (mm/kasan/report.c) and KFENCE's (mm/kfence/report.c). Found are the object, what is
// wrong with it, when it was printed and who had allocated it.

export interface MemoryReport {
  readonly tool: 'SLUB' | 'KASAN' | 'KFENCE';
  /** `Right Redzone overwritten`, `slab-use-after-free`, … */
  readonly title: string;
  readonly cache: string | null;
  /** The object or, where only that is printed, the faulty byte. */
  readonly address: bigint;
  /** Seconds since boot as printed; null without time stamps. */
  readonly atSec: number | null;
  /** `symbol+0xoff` of the line "Allocated in", or KASAN's first frame of the allocation. */
  readonly allocatedIn: string | null;
  /** Line in the log, from 1. */
  readonly line: number;
}

/** Lines of one report after which nothing more is looked for. */
const MOST_LINES = 400;
/** Longer lines are no kernel's: printk cuts at 1024. */
const MOST_CHARS = 4096;

const TIME = /^(?:<\d+>)?(?:\[\s*(\d{1,10}\.\d{1,9})\](?:\[\s*[TC]\d+\])?\s?)?/;
const SLUB_BUG = /^BUG (\S+) \([^)]*\): (.*)$/;
const SLUB_BUG_UNTAINTED = /^BUG (\S+) ?: (.*)$/;
const KASAN_BUG = /^BUG: KASAN: ([\w-]+) in /;
const KFENCE_BUG = /^BUG: KFENCE: ([\w -]+?) in /;
const OBJECT = /^Object 0x([0-9a-f]{8,16}) @offset/;
const INFO_OBJECT = /^INFO: Object 0x([0-9a-f]{8,16}) @offset/;
const ALLOCATED_IN = /^(?:INFO: )?Allocated in (\S+?)(?:\/0x[0-9a-f]+)? (?:\[\S+\] )?age=/;
const KASAN_OBJECT = /^The buggy address belongs to the object at ([0-9a-f]{16})/;
const KASAN_CACHE = /^ ?which belongs to the cache (\S+) of size/;
const KASAN_ADDRESS = / at addr ([0-9a-f]{16})(?: by task|$)/;
const KASAN_ALLOCATED = /^(?:Allocated by task|Allocated:)/;
const KFENCE_OBJECT = /^kfence-#\d+: 0x([0-9a-f]{16})-0x[0-9a-f]{16}, size=\d+, cache=(\S+)/;
const KFENCE_ADDRESS = /^(?:[\w-]+ )+at 0x([0-9a-f]{16})/;
const FRAME = /^ ?(\w[\w.]*\+0x[0-9a-f]+)\/0x[0-9a-f]+/;
/** What ends a SLUB report (its repair), and where another warning begins. */
const END = /^(FIX \S+: |-+\[ cut here \]-+|={60,})/;
/** Frames of the allocator and of the checkers themselves. */
const OWN_FRAME =
  /^(kasan_|__kasan_|kmem_cache_alloc|__kmalloc|kmalloc_|kzalloc|save_stack|stack_trace)/;

interface Open {
  tool: MemoryReport['tool'];
  title: string;
  cache: string | null;
  object: bigint | undefined;
  byte: bigint | undefined;
  atSec: number | null;
  allocatedIn: string | null;
  line: number;
  wantsFrame: boolean;
}

/** All reports whose address is printed. */
export function parseMemoryReports(text: string): MemoryReport[] {
  const reports: MemoryReport[] = [];
  let open: Open | undefined;
  const close = (): void => {
    const address = open?.object ?? open?.byte;
    if (open !== undefined && address !== undefined) {
      const { tool, title, cache, atSec, allocatedIn, line } = open;
      reports.push({ tool, title, cache, address, atSec, allocatedIn, line });
    }
    open = undefined;
  };
  text.split('\n').forEach((whole, i) => {
    if (whole.length > MOST_CHARS) return;
    const time = TIME.exec(whole);
    const line = whole.slice(time?.[0].length ?? 0).trimEnd();
    const begun = beginReport(line);
    if (begun !== undefined) {
      close();
      open = { ...begun, atSec: time?.[1] === undefined ? null : Number(time[1]), line: i + 1 };
    } else if (open !== undefined) {
      if (i + 1 - open.line > MOST_LINES || END.test(line)) close();
      else readOn(open, line);
    }
  });
  close();
  return reports;
}

function beginReport(line: string): Omit<Open, 'atSec' | 'line'> | undefined {
  const empty = { object: undefined, byte: undefined, allocatedIn: null, wantsFrame: false };
  const kasan = KASAN_BUG.exec(line);
  if (kasan !== null) return { tool: 'KASAN', title: kasan[1] ?? '', cache: null, ...empty };
  const kfence = KFENCE_BUG.exec(line);
  if (kfence !== null) return { tool: 'KFENCE', title: kfence[1] ?? '', cache: null, ...empty };
  if (line.startsWith('BUG:')) return undefined;
  const slub = SLUB_BUG.exec(line) ?? SLUB_BUG_UNTAINTED.exec(line);
  if (slub === null) return undefined;
  return { tool: 'SLUB', title: slub[2] ?? '', cache: slub[1] ?? '', ...empty };
}

function readOn(open: Open, line: string): void {
  const object = (OBJECT.exec(line) ?? INFO_OBJECT.exec(line) ?? KASAN_OBJECT.exec(line))?.[1];
  if (object !== undefined) open.object ??= BigInt(`0x${object}`);
  open.allocatedIn ??= ALLOCATED_IN.exec(line)?.[1] ?? null;
  if (open.tool === 'KASAN') {
    open.cache ??= KASAN_CACHE.exec(line)?.[1] ?? null;
    const byte = KASAN_ADDRESS.exec(line)?.[1];
    if (byte !== undefined) open.byte ??= BigInt(`0x${byte}`);
  }
  if (open.tool === 'KFENCE') {
    const kfence = KFENCE_OBJECT.exec(line);
    if (kfence !== null) {
      open.object ??= BigInt(`0x${kfence[1]}`);
      open.cache ??= kfence[2] ?? null;
    }
    const byte = KFENCE_ADDRESS.exec(line)?.[1];
    if (byte !== undefined) open.byte ??= BigInt(`0x${byte}`);
  }
  if (KASAN_ALLOCATED.test(line) || line.startsWith('allocated by task')) open.wantsFrame = true;
  else if (open.wantsFrame && open.allocatedIn === null) {
    const frame = FRAME.exec(line)?.[1];
    if (frame !== undefined && !OWN_FRAME.test(frame)) open.allocatedIn = frame;
  }
}
