// /sys/kernel/debug/kmemleak as text → its objects. Truth: mm/kmemleak.c print_unreferenced(): older ones
// print an age, 6.1 an address for each frame, 6.12 neither, newer ones also per-CPU objects.

import { isAllocatorFrame } from '../memory-reports/allocator-frames.ts';

export interface KmemleakObject {
  /** `0x…`, as printed; hashed where the kernel hashes pointers. */
  readonly address: string;
  /** Said so from 6.13 on; in 6.12 the stack tells. */
  readonly isPercpu: boolean;
  /** In bytes. */
  readonly size: number;
  readonly comm: string | null;
  readonly pid: number | null;
  /** When it was allocated. */
  readonly jiffies: number | null;
  /** In seconds when the list was printed; null where the kernel prints none. */
  readonly ageSec: number | null;
  /** Innermost first, `name+0xoff [module]`, else the address. */
  readonly stack: readonly string[];
}

interface Draft {
  address: string;
  isPercpu: boolean;
  size: number;
  comm: string | null;
  pid: number | null;
  jiffies: number | null;
  ageSec: number | null;
  stack: string[];
}

const OBJECT = /unreferenced (percpu )?object (0x[0-9a-f]+) \(size (\d+)\):/;
const TASK = /comm "(.*)", pid (\d+), jiffies (\d+)(?: \(age (\d+\.\d+)s\))?/;
const BACKTRACE = /(?:^|\s)backtrace(?: \(crc [0-9a-f]+\))?:$/;
// [<ffffffff81200ab1>] kmalloc_trace+0x21/0x90       kmalloc_trace+0x21/0x90 [lamp]
const FRAME =
  /(?:^|\s)(?:\[<([0-9a-f]+)>\] ?)?((?:0x[0-9a-f]+|[\w.$]+\+0x[0-9a-f]+)\/0x[0-9a-f]+(?: \[\S+\])?|0x[0-9a-f]+)?$/;

/** Reads what is an object; other lines are passed over. A mail may have broken no line. */
export function parseKmemleakList(text: string): KmemleakObject[] {
  const objects: Draft[] = [];
  let inStack = false;
  for (const rawLine of text.split('\n')) {
    const line = rawLine.trimEnd();
    const [, percpu, address, size] = OBJECT.exec(line) ?? [];
    if (address !== undefined) {
      inStack = false;
      objects.push({
        address,
        isPercpu: percpu !== undefined,
        size: Number(size),
        comm: null,
        pid: null,
        jiffies: null,
        ageSec: null,
        stack: [],
      });
      continue;
    }
    const object = objects.at(-1);
    if (object === undefined) continue;
    const task = TASK.exec(line);
    if (task !== null) {
      object.comm = task[1] ?? null;
      object.pid = Number(task[2]);
      object.jiffies = Number(task[3]);
      object.ageSec = task[4] === undefined ? null : Number(task[4]);
    } else if (BACKTRACE.test(line)) inStack = true;
    else if (inStack) inStack = addFrame(object, line);
  }
  return objects;
}

/** False where the line is no frame: the stack has ended. */
function addFrame(object: Draft, line: string): boolean {
  const [, address, symbol] = FRAME.exec(line) ?? [];
  if (address === undefined && symbol === undefined) return false;
  if (symbol?.startsWith('pcpu_alloc') === true) object.isPercpu = true;
  object.stack.push(symbol?.replace(/\/0x[0-9a-f]+/, '') ?? `0x${address}`);
  return true;
}

// kmemleak's own functions, and those of vmalloc and per-CPU memory (mm/kmemleak.c, mm/vmalloc.c,
// mm/percpu.c, mm/util.c).
const VMALLOC = /^_*v[mz]?alloc\w*(?:\.\w+)*\+/;
const ALLOCATOR =
  /^(?:kmemleak_\w*(?:alloc|percpu)\w*|_*v[mz]?alloc\w*|__kvmalloc\w*|pcpu_alloc\w*|__alloc_percpu\w*)(?:\.\w+)*\+/;

/** The first frame outside of the allocators; null where no frame is printed. */
export function kmemleakCaller(stack: readonly string[]): string | null {
  const isCaller = (frame: string): boolean =>
    !ALLOCATOR.test(frame) && !isAllocatorFrame(frame.replace(/ \[.*/, ''));
  return stack.find(isCaller) ?? stack[0] ?? null;
}

/** True for memory of vmalloc(), by its stack. */
export function isVmalloc({ stack }: KmemleakObject): boolean {
  return stack.some((frame) => VMALLOC.test(frame));
}
