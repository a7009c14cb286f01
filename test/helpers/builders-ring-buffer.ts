// Ring-buffer pages and event formats from a few readable lines, in any byte order and word size, for
// tests of what reads them. Written from the kernel's structures (ring_buffer.c, trace_events.c), not
// with the code under test.

import { strictEqual } from 'node:assert';

/** How a machine lays out its bytes. */
export interface Machine {
  readonly littleEndian: boolean;
  readonly longSize: 4 | 8;
  readonly pageSize: number;
}

export const X86_64: Machine = { littleEndian: true, longSize: 8, pageSize: 4096 };
export const S390X: Machine = { littleEndian: false, longSize: 8, pageSize: 4096 };
export const PPC32: Machine = { littleEndian: false, longSize: 4, pageSize: 4096 };
export const ARM32: Machine = { littleEndian: true, longSize: 4, pageSize: 4096 };

/** Numbers of 1, 2, 4 or 8 bytes one behind the other. */
export function packed(
  machine: Machine,
  ...numbers: (readonly [bytes: number, value: bigint | number])[]
): Buffer {
  return Buffer.concat(
    numbers.map(([bytes, value]) => {
      const hex = BigInt.asUintN(bytes * 8, BigInt(value))
        .toString(16)
        .padStart(bytes * 2, '0');
      const big = Buffer.from(hex, 'hex');
      return machine.littleEndian ? big.reverse() : big;
    }),
  );
}

/** One page: records, then `build`. */
export class PageBuilder {
  private readonly machine: Machine;
  private readonly parts: Buffer[] = [];

  constructor(machine: Machine = X86_64) {
    this.machine = machine;
  }

  /** The word before a record: type_len in the low five bits, on big-endian machines in the top five. */
  private word(typeLen: number, delta: number): Buffer {
    const { machine } = this;
    const word = machine.littleEndian ? delta * 32 + typeLen : typeLen * 2 ** 27 + delta;
    return packed(machine, [4, word]);
  }

  /** A record of up to 112 bytes, a multiple of 4. */
  record(delta: number, payload: Buffer): this {
    strictEqual(payload.length % 4, 0);
    this.parts.push(this.word(payload.length / 4, delta), payload);
    return this;
  }

  /** A record whose length stands in a word of its own, as longer ones (and some machines' all) do. */
  longRecord(delta: number, payload: Buffer): this {
    const rounded = Buffer.alloc((payload.length + 3) & ~3);
    payload.copy(rounded);
    this.parts.push(this.word(0, delta), packed(this.machine, [4, payload.length + 4]), rounded);
    return this;
  }

  /** A time extend: adds `delta`, which may be large. */
  extend(delta: number): this {
    this.parts.push(
      this.word(30, delta % 2 ** 27),
      packed(this.machine, [4, Math.floor(delta / 2 ** 27)]),
    );
    return this;
  }

  /** An absolute time stamp (its low 59 bits). */
  absolute(ts: bigint): this {
    this.parts.push(
      this.word(31, Number(ts & 0x7ffffffn)),
      packed(this.machine, [4, (ts >> 27n) & 0xffffffffn]),
    );
    return this;
  }

  /** A discarded event of `bytes` bytes behind its first word. */
  discarded(delta: number, bytes: number): this {
    this.parts.push(
      this.word(29, delta),
      packed(this.machine, [4, bytes]),
      Buffer.alloc(bytes - 4),
    );
    return this;
  }

  /** The mark that the rest of the page is unused. */
  unused(): this {
    this.parts.push(this.word(29, 0));
    return this;
  }

  raw(bytes: Buffer): this {
    this.parts.push(bytes);
    return this;
  }

  /** @param missed events lost before this page, -1: an unknown number */
  build(stamp: bigint, missed = 0): Buffer {
    const { machine } = this;
    const data = Buffer.concat(this.parts);
    const flags = missed === 0 ? 0n : missed < 0 ? 0x80000000n : 0xc0000000n;
    // `commit` is a signed int or'ed into a long: on 64-bit machines the upper half is all ones.
    const upper = missed !== 0 && machine.longSize === 8 ? 0xffffffff00000000n : 0n;
    const page = Buffer.alloc(machine.pageSize);
    packed(machine, [8, stamp], [machine.longSize, upper | flags | BigInt(data.length)]).copy(page);
    data.copy(page, 8 + machine.longSize);
    if (missed > 0)
      packed(machine, [machine.longSize, missed]).copy(page, 8 + machine.longSize + data.length);
    return page;
  }
}

/** The text of header_page. */
export function headerPage({ longSize, pageSize }: Machine): string {
  const start = 8 + longSize;
  return [
    '\tfield: u64 timestamp;\toffset:0;\tsize:8;\tsigned:0;\n',
    `\tfield: local_t commit;\toffset:8;\tsize:${longSize};\tsigned:1;\n`,
    '\tfield: int overwrite;\toffset:8;\tsize:1;\tsigned:1;\n',
    `\tfield: char data;\toffset:${start};\tsize:${pageSize - start};\tsigned:1;\n`,
  ].join('');
}

type FieldLine = readonly [declaration: string, offset: number, size: number];

/** The text of an event's format file. */
function formatText(
  name: string,
  id: number,
  fields: readonly FieldLine[],
  printFmt = '"", 0',
): string {
  const common: FieldLine[] = [
    ['unsigned short common_type', 0, 2],
    ['unsigned char common_flags', 2, 1],
    ['unsigned char common_preempt_count', 3, 1],
    ['int common_pid', 4, 4],
  ];
  const line = ([declaration, offset, size]: FieldLine): string =>
    `\tfield:${declaration};\toffset:${offset};\tsize:${size};\tsigned:0;\n`;
  return `name: ${name}\nID: ${id}\nformat:\n${common.map(line).join('')}\n${fields.map(line).join('')}\nprint fmt: ${printFmt}\n`;
}

const KMALLOC_ID = 552;
const KFREE_ID = 551;
const CACHE_FREE_ID = 549;
const STACK_ID = 4;

/** kmalloc and kfree as 6.1 has them, kmem_cache_free with a name, kernel_stack. */
export function kmemFormats({ longSize: long }: Machine): string[] {
  const at = (n: number): number => 8 + n * long;
  return [
    formatText('kmalloc', KMALLOC_ID, [
      ['unsigned long call_site', at(0), long],
      ['const void * ptr', at(1), long],
      ['size_t bytes_req', at(2), long],
      ['size_t bytes_alloc', at(3), long],
      ['unsigned long gfp_flags', at(4), long],
      ['int node', at(5), 4],
    ]),
    formatText('kfree', KFREE_ID, [
      ['unsigned long call_site', at(0), long],
      ['const void * ptr', at(1), long],
    ]),
    formatText('kmem_cache_free', CACHE_FREE_ID, [
      ['unsigned long call_site', at(0), long],
      ['const void * ptr', at(1), long],
      ['__data_loc char[] name', at(2), 4],
    ]),
    formatText('kernel_stack', STACK_ID, [
      ['int size', 8, 4],
      ['unsigned long caller[8]', 16, 64],
    ]),
  ];
}

interface Header {
  readonly flags?: number;
  readonly preempt?: number;
  readonly pid?: number;
}

function header(machine: Machine, id: number, { flags = 0, preempt = 0, pid = 1 }: Header): Buffer {
  return packed(machine, [2, id], [1, flags], [1, preempt], [4, pid]);
}

/** The record of a kmalloc. */
export function kmallocRecord(
  machine: Machine,
  event: Header & {
    readonly site: bigint;
    readonly ptr: bigint;
    readonly req: number;
    readonly alloc: number;
    readonly gfp?: number;
    readonly node?: number;
  },
): Buffer {
  const long = machine.longSize;
  return Buffer.concat([
    header(machine, KMALLOC_ID, event),
    packed(
      machine,
      [long, event.site],
      [long, event.ptr],
      [long, event.req],
      [long, event.alloc],
      [long, event.gfp ?? 0xcc0],
      [4, event.node ?? -1],
    ),
    Buffer.alloc(long === 8 ? 4 : 0),
  ]);
}

/** The record of a kfree. */
export function kfreeRecord(
  machine: Machine,
  event: Header & { readonly site: bigint; readonly ptr: bigint },
): Buffer {
  const long = machine.longSize;
  return Buffer.concat([
    header(machine, KFREE_ID, event),
    packed(machine, [long, event.site], [long, event.ptr]),
  ]);
}

/** The record of a kmem_cache_free; garbage stands between the name's NUL and the record's end. */
export function cacheFreeRecord(
  machine: Machine,
  event: Header & { readonly site: bigint; readonly ptr: bigint; readonly name: string },
): Buffer {
  const long = machine.longSize;
  const text = Buffer.from(`${event.name}\0`);
  const fixed = 8 + 2 * long + 4;
  const rest = Buffer.alloc(((text.length + 3) & ~3) - text.length, 0xa5);
  return Buffer.concat([
    header(machine, CACHE_FREE_ID, event),
    packed(machine, [long, event.site], [long, event.ptr], [4, text.length * 65536 + fixed]),
    text,
    rest,
  ]);
}

/** The record of a stack. */
export function stackRecord(machine: Machine, frames: readonly bigint[], pid = 1): Buffer {
  const long = machine.longSize;
  return Buffer.concat([
    header(machine, STACK_ID, { pid }),
    packed(machine, [4, frames.length], [4, 0], ...frames.map((frame) => [long, frame] as const)),
  ]);
}
