// Makes perf.data files of a few records, in either byte order, as a file or as through a pipe. Layouts
// written out after include/uapi/linux/perf_event.h and tools/perf/util/header.h, not after the reader.

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type ReadOptions, readTraceBytes, readTraceFile, type TraceRead } from './read-trace.ts';

/** PERF_SAMPLE_* */
export const S = {
  IP: 1,
  TID: 2,
  TIME: 4,
  ADDR: 8,
  READ: 0x10,
  CALLCHAIN: 0x20,
  ID: 0x40,
  CPU: 0x80,
  PERIOD: 0x100,
  STREAM_ID: 0x200,
  RAW: 0x400,
  IDENTIFIER: 0x10000,
} as const;

/** What perf record -a -e kmem:… asks for. */
export const USUAL: number = S.IDENTIFIER | S.IP | S.TID | S.TIME | S.CPU | S.PERIOD | S.RAW;

const KMALLOC_ID = 552;
export const KFREE_ID = 551;

const COMMON = `	field:unsigned short common_type;	offset:0;	size:2;	signed:0;
	field:unsigned char common_flags;	offset:2;	size:1;	signed:0;
	field:unsigned char common_preempt_count;	offset:3;	size:1;	signed:0;
	field:int common_pid;	offset:4;	size:4;	signed:1;

	field:unsigned long call_site;	offset:8;	size:8;	signed:0;
	field:const void * ptr;	offset:16;	size:8;	signed:0;
`;

export const FORMATS: Readonly<Record<string, string>> = {
  kmalloc: `name: kmalloc
ID: ${KMALLOC_ID}
format:
${COMMON}	field:size_t bytes_req;	offset:24;	size:8;	signed:0;
	field:size_t bytes_alloc;	offset:32;	size:8;	signed:0;
	field:unsigned long gfp_flags;	offset:40;	size:8;	signed:0;
	field:int node;	offset:48;	size:4;	signed:1;

print fmt: "call_site=%pS ptr=%p bytes_req=%zu bytes_alloc=%zu gfp_flags=%s node=%d accounted=%s", REC->call_site, (1 && (REC->gfp_flags & 0x400000)) ? "true" : "false"
`,
  kfree: `name: kfree
ID: ${KFREE_ID}
format:
${COMMON}
print fmt: "call_site=%pS ptr=%p", (void *)REC->call_site, REC->ptr
`,
};

/** Puts numbers one behind the other. */
export class Bytes {
  private readonly parts: Buffer[] = [];
  readonly le: boolean;

  constructor(le = true) {
    this.le = le;
  }

  u8(...values: number[]): this {
    this.parts.push(Buffer.from(values));
    return this;
  }
  u16(value: number): this {
    const b = Buffer.alloc(2);
    if (this.le) b.writeUInt16LE(value);
    else b.writeUInt16BE(value);
    return this.raw(b);
  }
  u32(value: number): this {
    const b = Buffer.alloc(4);
    if (this.le) b.writeUInt32LE(value >>> 0);
    else b.writeUInt32BE(value >>> 0);
    return this.raw(b);
  }
  u64(value: bigint | number): this {
    const b = Buffer.alloc(8);
    const n = BigInt.asUintN(64, BigInt(value));
    if (this.le) b.writeBigUInt64LE(n);
    else b.writeBigUInt64BE(n);
    return this.raw(b);
  }
  text(value: string): this {
    return this.raw(Buffer.from(value));
  }
  raw(bytes: Uint8Array): this {
    this.parts.push(Buffer.from(bytes));
    return this;
  }
  /** Zeros up to a multiple of `step`. */
  pad(step: number): this {
    return this.raw(Buffer.alloc((step - (this.length % step)) % step));
  }
  get length(): number {
    return this.parts.reduce((sum, part) => sum + part.length, 0);
  }
  get buffer(): Buffer {
    return Buffer.concat(this.parts);
  }
}

export interface Attr {
  readonly sampleType: number;
  readonly ids?: readonly number[];
  readonly readFormat?: number;
  /** Default true. */
  readonly sampleIdAll?: boolean;
  readonly clockid?: number;
  /** Number of the tracepoint; kmalloc's where it is left out. */
  readonly config?: number;
  /** Default 1. */
  readonly period?: number;
  /** The period is a frequency. */
  readonly freq?: boolean;
  readonly enableOnExec?: boolean;
}

export interface Alloc {
  readonly site?: bigint;
  readonly ptr: bigint;
  readonly req?: number;
  readonly alloc?: number;
  readonly gfp?: number;
  readonly flags?: number;
  readonly preempt?: number;
  readonly pid?: number;
}

/** What a sample says around the tracepoint's record. */
export interface SampleParts {
  readonly id?: number;
  readonly pid?: number;
  readonly tid?: number;
  readonly time?: bigint;
  readonly cpu?: number;
  /** The body of READ, made by hand. */
  readonly read?: Uint8Array;
  readonly chain?: readonly bigint[];
}

/** Records of one byte order and of one attr. */
export class Records {
  readonly le: boolean;
  private readonly attr: Attr;

  constructor(attr: Attr, le = true) {
    this.attr = attr;
    this.le = le;
  }

  record(type: number, body: Uint8Array, misc = 0): Buffer {
    return this.bytes()
      .u32(type)
      .u16(misc)
      .u16(8 + body.length)
      .raw(body).buffer;
  }

  kmalloc(sample: SampleParts, event: Alloc): Buffer {
    const { req = 100, alloc = 128, gfp = 0xcc0 } = event;
    const raw = this.common(KMALLOC_ID, event).u64(req).u64(alloc).u64(gfp).u32(-1);
    return this.sample(sample, raw.buffer);
  }

  kfree(sample: SampleParts, event: Alloc): Buffer {
    return this.sample(sample, this.common(KFREE_ID, event).buffer);
  }

  sample(parts: SampleParts, raw: Uint8Array | undefined): Buffer {
    const { sampleType: type } = this.attr;
    const { id = this.attr.ids?.[0] ?? 0, pid = 7, tid = pid, time = 0n, cpu = 0 } = parts;
    const b = this.bytes();
    if (type & S.IDENTIFIER) b.u64(id);
    if (type & S.IP) b.u64(0xffffffff81000000n);
    if (type & S.TID) b.u32(pid).u32(tid);
    if (type & S.TIME) b.u64(time);
    if (type & S.ADDR) b.u64(0x1234n);
    if (type & S.ID) b.u64(id);
    if (type & S.STREAM_ID) b.u64(99);
    if (type & S.CPU) b.u32(cpu).u32(0);
    if (type & S.PERIOD) b.u64(1);
    if (type & S.READ) b.raw(parts.read ?? Buffer.alloc(8));
    if (type & S.CALLCHAIN) {
      b.u64(parts.chain?.length ?? 0);
      for (const ip of parts.chain ?? []) b.u64(ip);
    }
    if (type & S.RAW && raw !== undefined) {
      // The u32 before it counts what fills up to 8 bytes, too.
      const padded = raw.length + ((8 - ((raw.length + 4) % 8)) % 8);
      b.u32(padded)
        .raw(raw)
        .raw(Buffer.alloc(padded - raw.length));
    }
    return this.record(9, b.buffer);
  }

  comm(tid: number, name: string, time: bigint, cpu = 0): Buffer {
    const body = this.bytes().u32(tid).u32(tid).text(`${name}\0`).pad(8);
    return this.record(3, body.raw(this.sampleId(time, cpu)).buffer);
  }

  fork(tid: number, parent: number, time: bigint, cpu = 0): Buffer {
    const body = this.bytes().u32(tid).u32(parent).u32(tid).u32(parent).u64(time);
    return this.record(7, body.raw(this.sampleId(time, cpu)).buffer);
  }

  lost(count: number, time: bigint, cpu: number): Buffer {
    return this.record(2, this.bytes().u64(1).u64(count).raw(this.sampleId(time, cpu)).buffer);
  }

  /** As perf writes totals at its end: no time, no CPU, only the id. */
  lostSamples(count: number, id: number, misc = 0): Buffer {
    const body = this.bytes()
      .u64(count)
      .raw(this.sampleId(0n, 0, id));
    return this.record(13, body.buffer, misc);
  }

  idIndex(entries: readonly { id: number; cpu: number }[]): Buffer {
    const body = this.bytes().u64(entries.length);
    for (const { id, cpu } of entries) body.u64(id).u64(0).u64(cpu).u64(-1);
    return this.record(69, body.buffer);
  }

  /** A mapping of the kernel. */
  mmap(file: string, start: bigint, size: number): Buffer {
    const body = this.bytes().u32(-1).u32(0).u64(start).u64(size).u64(0).text(`${file}\0`).pad(8);
    return this.record(1, body.raw(this.sampleId(0n, 0)).buffer, 1);
  }

  finishedRound(): Buffer {
    return this.record(68, Buffer.alloc(0));
  }

  /** {TID, TIME, ID, STREAM_ID, CPU, IDENTIFIER} as the attr asks. */
  private sampleId(time: bigint, cpu: number, id = this.attr.ids?.[0] ?? 0): Buffer {
    const { sampleType: type, sampleIdAll = true } = this.attr;
    const b = this.bytes();
    if (!sampleIdAll) return b.buffer;
    if (type & S.TID) b.u32(1).u32(1);
    if (type & S.TIME) b.u64(time);
    if (type & S.ID) b.u64(id);
    if (type & S.STREAM_ID) b.u64(99);
    if (type & S.CPU) b.u32(cpu).u32(0);
    if (type & S.IDENTIFIER) b.u64(id);
    return b.buffer;
  }

  private common(
    id: number,
    { site = 0xffffffff81234567n, ptr, flags = 0, preempt = 0, pid = 7 }: Alloc,
  ): Bytes {
    return this.bytes().u16(id).u8(flags, preempt).u32(pid).u64(site).u64(ptr);
  }

  private bytes(): Bytes {
    return new Bytes(this.le);
  }
}

/** perf_event_attr of 136 bytes. */
function attrBytes(attr: Attr, le = true): Buffer {
  // Bit 18 is sample_id_all, bit 25 use_clockid; big-endian machines count bits from the other end.
  const bits =
    (attr.sampleIdAll === false ? 0n : 1n << 18n) |
    (attr.clockid === undefined ? 0n : 1n << 25n) |
    (attr.freq === true ? 1n << 10n : 0n) |
    (attr.enableOnExec === true ? 1n << 12n : 0n);
  const flags = le
    ? bits
    : Array.from({ length: 64 }, (_, i) => i).reduce(
        (sum, i) => ((bits >> BigInt(i)) & 1n ? sum | (1n << BigInt(63 - i)) : sum),
        0n,
      );
  return new Bytes(le)
    .u32(2)
    .u32(136)
    .u64(attr.config ?? KMALLOC_ID)
    .u64(attr.period ?? 1)
    .u64(attr.sampleType)
    .u64(attr.readFormat ?? 0)
    .u64(flags)
    .raw(Buffer.alloc(92 - 48))
    .u32(attr.clockid ?? 0)
    .raw(Buffer.alloc(136 - 96)).buffer;
}

/** TRACING_DATA with the formats of kmalloc and kfree, and those of probes. */
export function tracingData(
  le = true,
  cmdlines = '',
  probes: readonly string[] = [],
  kmem: readonly string[] = Object.values(FORMATS),
): Buffer {
  const b = new Bytes(le)
    .u8(0x17, 8, 0x44)
    .text('tracing0.6\0')
    .u8(le ? 0 : 1, 8)
    .u32(4096);
  b.text('header_page\0').u64(2).text('hp').text('header_event\0').u64(2).text('he');
  b.u32(0);
  b.u32(2).text('kmem\0').u32(kmem.length);
  for (const text of kmem) b.u64(text.length).text(text);
  b.text('probe\0').u32(probes.length);
  for (const text of probes) b.u64(text.length).text(text);
  b.u32(0).u32(0).u64(cmdlines.length).text(cmdlines);
  return b.buffer;
}

/** u32 length (a multiple of 64), then the string. */
export function featureString(value: string, le = true): Buffer {
  return new Bytes(le)
    .u32(64)
    .text(value)
    .raw(Buffer.alloc(64 - value.length)).buffer;
}

export interface PerfFile {
  readonly attrs: readonly Attr[];
  readonly records: readonly Uint8Array[];
  readonly le?: boolean;
  /** By bit; TRACING_DATA (1) is there unless it is given as null. */
  readonly features?: Readonly<Record<number, Uint8Array | null>>;
  /** What the header says of the data's size, where it lies. */
  readonly dataSize?: number;
}

function featuresOf(file: PerfFile): [number, Uint8Array][] {
  const features = { 1: tracingData(file.le), ...file.features };
  return Object.entries(features).flatMap(([bit, body]) =>
    body === null ? [] : [[Number(bit), body] satisfies [number, Uint8Array]],
  );
}

/** A file: header, ids, attrs, data, then the features. */
export function perfFile(file: PerfFile): Buffer {
  const { attrs, le = true } = file;
  const magic = Buffer.from('PERFILE2');
  const ids = attrs.map((attr) => attr.ids ?? []);
  const attrsAt = 104 + ids.flat().length * 8;
  const data = Buffer.concat(file.records);
  const dataAt = attrsAt + attrs.length * 152;
  const features = featuresOf(file);
  const bits = features.reduce((sum, [bit]) => sum | (1n << BigInt(bit)), 0n);
  const b = new Bytes(le)
    .raw(le ? magic : Buffer.from(magic).reverse())
    .u64(104)
    .u64(152);
  b.u64(attrsAt).u64(attrs.length * 152);
  b.u64(dataAt).u64(file.dataSize ?? data.length);
  b.u64(0).u64(0).u64(bits).u64(0).u64(0).u64(0);
  for (const id of ids.flat()) b.u64(id);
  let idsAt = 104;
  for (const [i, attr] of attrs.entries()) {
    const size = (ids[i]?.length ?? 0) * 8;
    b.raw(attrBytes(attr, le)).u64(idsAt).u64(size);
    idsAt += size;
  }
  b.raw(data);
  let at = b.length + features.length * 16;
  for (const [, body] of features) {
    b.u64(at).u64(body.length);
    at += body.length;
  }
  for (const [, body] of features) b.raw(body);
  return b.buffer;
}

/** The same through a pipe: everything as records. */
export function perfPipe(file: PerfFile): Buffer {
  const { attrs, le = true } = file;
  const magic = Buffer.from('PERFILE2');
  const b = new Bytes(le).raw(le ? magic : Buffer.from(magic).reverse()).u64(16);
  const records = new Records({ sampleType: 0 }, le);
  for (const attr of attrs) {
    const body = new Bytes(le).raw(attrBytes(attr, le));
    for (const id of attr.ids ?? []) body.u64(id);
    b.raw(records.record(64, body.buffer));
  }
  for (const [bit, body] of featuresOf(file)) {
    if (bit !== 1) b.raw(records.record(80, new Bytes(le).u64(bit).raw(body).buffer));
    else {
      const padded = new Bytes(le).raw(body).pad(8).buffer;
      b.raw(records.record(66, new Bytes(le).u32(padded.length).u32(0).buffer)).raw(padded);
    }
  }
  return b.raw(Buffer.concat(file.records)).buffer;
}

/** Reads bytes as a file on the disk. `sidecars` are files of its folder. */
export async function readPerf(
  bytes: Uint8Array,
  options: ReadOptions & { readonly sidecars?: Readonly<Record<string, string>> } = {},
): Promise<TraceRead> {
  const folder = mkdtempSync(join(tmpdir(), 'perf-data-test-'));
  try {
    const path = join(folder, 'perf.data');
    writeFileSync(path, bytes);
    for (const [name, text] of Object.entries(options.sidecars ?? {})) {
      mkdirSync(join(folder, name, '..'), { recursive: true });
      writeFileSync(join(folder, name), text);
    }
    return await readTraceFile(path, { ...options, folders: options.sidecars ? [folder] : [] });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Reads bytes as they come through a pipe. */
export function readPipe(bytes: Uint8Array, chunkBytes?: number): Promise<TraceRead> {
  return readTraceBytes(bytes, chunkBytes === undefined ? {} : { chunkBytes });
}
