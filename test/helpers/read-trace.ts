// Reads a trace of any format into plain values, in this thread: what a test compares.

import { RandomAccessFile } from '../../src/base/random-access-file.ts';
import { BatchWriter, FIRST_EVENTS } from '../../src/ingest/events/batch-writer.ts';
import {
  type CsvOptions,
  DEFAULT_CSV,
  type TraceFormat,
  type TraceInput,
} from '../../src/ingest/format.ts';
import { detectFormat, formatByName } from '../../src/ingest/formats.ts';
import { openInput } from '../../src/ingest/open-input.ts';
import { ACCOUNTED, Dictionary, NODE_UNKNOWN } from '../../src/kernel/events/dictionary.ts';
import {
  BATCH_CAPACITY,
  createBatch,
  type EventBatch,
  FLAGS_UNKNOWN,
} from '../../src/kernel/events/event-batch.ts';
import { EVENT_NAMES } from '../../src/kernel/events/event-kind.ts';
import { emptyTraceInfo, type TraceInfo } from '../../src/kernel/events/trace-info.ts';
import { TraceStats } from '../../src/kernel/events/trace-stats.ts';
import { FolderSidecars } from '../../src/recording/sidecar-files.ts';
import type { SidecarFiles } from '../../src/recording/sidecars.ts';

/** One event; what the trace does not show is null. */
export interface PlainEvent {
  /** Absolute, in the clock's unit. */
  readonly ns: bigint;
  readonly event: string;
  /** `symbol+0xoff [module]`, or `0x…` where only the address is known. */
  readonly site: string;
  readonly bytesReq: number;
  readonly bytesAlloc: number;
  readonly gfp: number | null;
  readonly node: number | null;
  readonly cache: string;
  readonly accounted: boolean | null;
  readonly ptr: bigint;
  readonly pid: number | null;
  readonly comm: string;
  readonly cpu: number;
  readonly flags: number | null;
  /** Innermost first, as `site`. */
  readonly stack: readonly string[];
  /** Bytes of a write, attributes of a cache_create, where there are any. */
  readonly data?: string;
}

export interface TraceRead {
  readonly format: string;
  readonly info: TraceInfo;
  /** Counts by name. */
  readonly stats: Readonly<Record<string, number>>;
  /** Where each was met first, by name. */
  readonly positions: Readonly<Record<string, string>>;
  readonly count: number;
  readonly batches: readonly EventBatch[];
  event(i: number): PlainEvent;
  events(): PlainEvent[];
}

export interface ReadOptions {
  readonly format?: string;
  readonly buffer?: string;
  readonly csv?: Partial<CsvOptions>;
  readonly maps?: readonly string[];
  /** Names a call site or frame by its address (hi, lo), and the name beside it. */
  readonly nameSite?: (hi: number, lo: number, name: string) => string;
}

/** Reads a file. */
export async function readTraceFile(
  path: string,
  options: ReadOptions & { readonly folders?: readonly string[] } = {},
): Promise<TraceRead> {
  const { input } = await openInput({
    path,
    format: options.format,
    sidecarFolders: options.folders ?? [],
    buffer: options.buffer,
    csv: { ...DEFAULT_CSV, ...options.csv },
    maps: options.maps ?? [],
    tmp: undefined,
  });
  return readInput(input, options);
}

/** Reads bytes, in chunks of `chunkBytes`; `sidecars` are the files of its folder by name. */
export function readTraceBytes(
  source: string | Uint8Array,
  options: ReadOptions & {
    readonly chunkBytes?: number;
    readonly sidecars?: Readonly<Record<string, string | Uint8Array>>;
  } = {},
): Promise<TraceRead> {
  const bytes = typeof source === 'string' ? Buffer.from(source) : source;
  const step = options.chunkBytes ?? Math.max(bytes.length, 1);
  const input: TraceInput = {
    path: 'test-input',
    head: bytes.subarray(0, 65536),
    sidecars: memorySidecars(options.sidecars ?? {}),
    buffer: options.buffer,
    csv: { ...DEFAULT_CSV, ...options.csv },
    maps: options.maps ?? [],
    share: () => 0,
    async *chunks() {
      for (let at = 0; at < bytes.length; at += step) {
        yield await Promise.resolve(bytes.subarray(at, at + step));
      }
    },
    open: () => RandomAccessFile.fromChunks('test-input', only(bytes), { truncated: false }),
  };
  return readInput(input, options);
}

async function* only(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield await Promise.resolve(bytes);
}

function memorySidecars(files: Readonly<Record<string, string | Uint8Array>>): SidecarFiles {
  const sidecars = new MemorySidecars([]);
  for (const [name, text] of Object.entries(files)) sidecars.offer(name, Buffer.from(text));
  return sidecars;
}

/** Files that are only in memory, listed as those of a folder are. */
class MemorySidecars extends FolderSidecars {
  override list(folder: string): string[] {
    const inside = [...this.offered.keys()].filter((name) => name.startsWith(`${folder}/`));
    return [...new Set(inside.map((name) => name.slice(folder.length + 1).split('/')[0] ?? ''))];
  }
}

async function readInput(input: TraceInput, options: ReadOptions): Promise<TraceRead> {
  const format: TraceFormat =
    options.format === undefined
      ? await detectFormat(input.head, input.path)
      : await formatByName(options.format);
  const info = emptyTraceInfo(format.name);
  const stats = new TraceStats();
  const dictionary = new Dictionary();
  const batches: EventBatch[] = [];
  let obtained = 0;
  const outlet = {
    emit: (batch: EventBatch) => batches.push(batch),
    // Most tests read a few lines: the first batch is as small as may be.
    obtain: () => createBatch(obtained++ === 0 ? FIRST_EVENTS : BATCH_CAPACITY),
  };
  const writer = new BatchWriter(dictionary, stats, outlet, info);
  const reader = await format.open(input, writer, info);
  try {
    while (await reader.step());
  } finally {
    reader.close();
  }
  writer.finish();
  return new PlainTrace(format.name, info, stats, dictionary, batches, options);
}

class PlainTrace implements TraceRead {
  readonly format: string;
  readonly info: TraceInfo;
  readonly stats: Readonly<Record<string, number>>;
  readonly positions: Readonly<Record<string, string>>;
  readonly count: number;
  private readonly dictionary: Dictionary;
  readonly batches: readonly EventBatch[];
  private readonly starts: number[] = [];
  private readonly nameSite: (hi: number, lo: number, name: string) => string;
  private readonly sites = new Map<number, string>();

  constructor(
    format: string,
    info: TraceInfo,
    stats: TraceStats,
    dictionary: Dictionary,
    batches: readonly EventBatch[],
    options: ReadOptions,
  ) {
    this.format = format;
    this.info = info;
    this.stats = Object.fromEntries(stats.list().map((s) => [s.name, s.count]));
    this.positions = Object.fromEntries(stats.list().map((s) => [s.name, s.firstPosition]));
    this.dictionary = dictionary;
    this.batches = batches;
    this.nameSite = options.nameSite ?? addressText;
    let count = 0;
    for (const batch of batches) {
      this.starts.push(count);
      count += batch.length;
    }
    this.count = count;
  }

  event(i: number): PlainEvent {
    const b = this.starts.findLastIndex((start) => start <= i);
    const batch = this.batches[b];
    if (batch === undefined) throw new Error(`there is no event ${i}`);
    const at = i - (this.starts[b] ?? 0);
    const { calls, tasks, strings, stacks } = this.dictionary;
    const call = calls.get(batch.call[at] ?? 0);
    const task = batch.task[at] ?? 0;
    return {
      ns: this.info.originNs + BigInt(batch.ts[at] ?? 0),
      event: EVENT_NAMES[call.kind] ?? '',
      site: this.site(call.site),
      bytesReq: call.bytesReq,
      bytesAlloc: call.bytesAlloc,
      gfp: call.gfpKnown ? call.gfp : null,
      node: call.node === NODE_UNKNOWN ? null : call.node,
      cache: strings.get(call.cache),
      accounted: call.accounted === ACCOUNTED.unknown ? null : call.accounted === ACCOUNTED.yes,
      ptr: (BigInt(batch.ptrHi[at] ?? 0) << 32n) | BigInt(batch.ptrLo[at] ?? 0),
      pid: task === 0 ? null : tasks.pid(task),
      comm: task === 0 ? '' : strings.get(tasks.comm(task)),
      cpu: batch.cpu[at] ?? 0,
      flags: batch.flags[at] === FLAGS_UNKNOWN ? null : (batch.flags[at] ?? 0),
      stack: Array.from(stacks.frames(batch.stack[at] ?? 0), (frame) => this.site(frame)),
      ...(call.data === 0 ? {} : { data: strings.get(call.data) }),
    };
  }

  events(): PlainEvent[] {
    return Array.from({ length: this.count }, (_, i) => this.event(i));
  }

  private site(id: number): string {
    let name = this.sites.get(id);
    if (name === undefined) {
      const { sites, strings } = this.dictionary;
      const text = sites.text(id);
      if (id === 0) name = '';
      else if (sites.hi(id) === 0 && sites.lo(id) === 0) name = strings.get(text);
      else name = this.nameSite(sites.hi(id), sites.lo(id), strings.get(text));
      this.sites.set(id, name);
    }
    return name;
  }
}

function addressText(hi: number, lo: number, name: string): string {
  const address = `0x${((BigInt(hi) << 32n) | BigInt(lo)).toString(16)}`;
  return name === '' ? address : `${name} ${address}`;
}
