// Events to what `perf kmem stat` counts: per address and per call site how often and how much was
// allocated, and how often another CPU freed it. Its own arithmetic, with its faults:
// tools/perf/builtin-kmem.c, evsel__process_alloc_event() and evsel__process_free_event() (6.1; 6.12
// counts alike). So: both events of one large kmalloc() count (6.12 on); allocations that returned
// NULL count, as address 0; a second free of an address counts its bytes again, and as a ping-pong;
// an address keeps its last call site, but the bytes of all; sizes are C ints.

import { joinHalves } from '../../base/address.ts';
import { AddressMap } from '../../base/address-map.ts';
import { ensureLength } from '../../base/growable.ts';
import { type Column, column } from '../../kernel/column.ts';
import { type Dictionary, NODE_ANY, NODE_UNKNOWN } from '../../kernel/events/dictionary.ts';
import type { EventBatch } from '../../kernel/events/event-batch.ts';
import { EVENT_KIND, isAlloc } from '../../kernel/events/event-kind.ts';
import type { Call, Cpu, EventRow, Row, Site } from '../../kernel/indices.ts';
import type { PairedBatch } from '../../pairing/paired-batch.ts';

/** The keys of perf's `-s`. */
export type PerfKmemSortKey = 'ptr' | 'callsite' | 'bytes' | 'hit' | 'pingpong' | 'frag';

/** perf's totals. All are unsigned 64-bit numbers there; a negative one here has wrapped there. */
export interface PerfKmemSummary {
  readonly bytesReq: number;
  readonly bytesAlloc: number;
  readonly bytesFreed: number;
  readonly internalFragmentationPct: number;
  readonly allocs: number;
  /** Allocations that asked for another node than their CPU's. */
  readonly crossCpuAllocs: number;
}

/** One of the two tables, as columns; they are the tracker's own, valid until its next `add`. */
export interface PerfKmemTable {
  /** Indexes into the columns, in the order in which perf prints the rows. */
  readonly order: Uint32Array;
  /** Of the call site (0 where it is not known) or of the memory, its two halves. */
  readonly addressLo: Column<Row>;
  readonly addressHi: Column<Row>;
  /** Index into `Dictionary.sites`; for memory the call site of the last allocation. */
  readonly site: Column<Row, Uint32Array, Site>;
  readonly hit: Column<Row>;
  readonly pingpong: Column<Row>;
  readonly bytesReq: Column<Row, Float64Array>;
  readonly bytesAlloc: Column<Row, Float64Array>;
  readonly fragPct: Column<Row, Float64Array>;
}

export interface PerfKmemResult {
  readonly type: 'perfkmem';
  readonly summary: PerfKmemSummary;
  /** Per call site; null where it was not asked for. */
  readonly callers: PerfKmemTable | null;
  /** Per address; null where it was not asked for. */
  readonly ptrs: PerfKmemTable | null;
}

export interface PerfKmemQuery {
  /** Sort keys, most important first; null: no such table. */
  readonly callerSort: readonly PerfKmemSortKey[] | null;
  readonly allocSort: readonly PerfKmemSortKey[] | null;
  /** The address of a call site, where it is known; without it, as the trace has it. */
  readonly addressOf?: (site: Site) => bigint | undefined;
}

const MASK_32 = 0xffffffffn;

export class PerfKmemTracker {
  private readonly dictionary: Dictionary;
  private readonly nodeOfCpu: ArrayLike<number>;
  private readonly rowOf = new AddressMap();
  private rows = 0;
  private ptrLo: Column<Row> = column(new Uint32Array(0));
  private ptrHi: Column<Row> = column(new Uint32Array(0));
  private ptrSite: Column<Row, Uint32Array, Site> = column(new Uint32Array(0));
  private ptrHit: Column<Row> = column(new Uint32Array(0));
  private ptrPingpong: Column<Row> = column(new Uint32Array(0));
  private ptrBytesReq: Column<Row, Float64Array> = column(new Float64Array(0));
  private ptrBytesAlloc: Column<Row, Float64Array> = column(new Float64Array(0));
  private lastAlloc: Column<Row, Int32Array> = column(new Int32Array(0));
  /** The CPU of the last allocation as C's short; -1 once it was freed. */
  private allocCpu: Column<Row, Int16Array> = column(new Int16Array(0));
  private siteHit: Column<Site> = column(new Uint32Array(0));
  private sitePingpong: Column<Site> = column(new Uint32Array(0));
  private siteBytesReq: Column<Site, Float64Array> = column(new Float64Array(0));
  private siteBytesAlloc: Column<Site, Float64Array> = column(new Float64Array(0));
  private bytesReq = 0;
  private bytesAlloc = 0;
  private bytesFreed = 0;
  private allocs = 0;
  private crossCpuAllocs = 0;

  /** @param nodeOfCpu node of each CPU; one that is not in it is on node 0 */
  constructor(dictionary: Dictionary, nodeOfCpu: ArrayLike<number> = []) {
    this.dictionary = dictionary;
    this.nodeOfCpu = nodeOfCpu;
  }

  add(batch: EventBatch, { selected }: PairedBatch): void {
    const { calls } = this.dictionary;
    this.growSites(this.dictionary.sites.length);
    for (let i: EventRow = 0; i < batch.length; i++) {
      if (selected[i] === 0) continue;
      const call = batch.call[i];
      const kind = calls.kind(call);
      if (isAlloc(kind)) {
        this.alloc(call, batch.ptrLo[i], batch.ptrHi[i], batch.cpu[i]);
      } else if (kind === EVENT_KIND.kfree || kind === EVENT_KIND.kmem_cache_free) {
        this.free(batch.ptrLo[i], batch.ptrHi[i], batch.cpu[i]);
      }
    }
  }

  result(query: PerfKmemQuery): PerfKmemResult {
    const { bytesReq, bytesAlloc, bytesFreed, allocs, crossCpuAllocs } = this;
    const { callerSort, allocSort, addressOf = this.tracedAddress } = query;
    const internalFragmentationPct = fragmentationPct(bytesReq, bytesAlloc);
    const isSorted = callerSort !== null || allocSort !== null;
    const sites = isSorted ? Math.min(this.siteHit.length, this.dictionary.sites.length) : 0;
    const addresses = Array.from({ length: sites }, (_, site) => addressOf(site));
    return {
      type: 'perfkmem',
      summary: {
        bytesReq,
        bytesAlloc,
        bytesFreed,
        internalFragmentationPct,
        allocs,
        crossCpuAllocs,
      },
      callers: callerSort && this.callerTable(callerSort, addresses),
      ptrs: allocSort && this.ptrTable(allocSort, addresses),
    };
  }

  private alloc(call: Call, lo: number, hi: number, cpu: Cpu): void {
    const { calls } = this.dictionary;
    const site = calls.site(call);
    const bytesReq = calls.bytesReq(call) | 0;
    const bytesAlloc = calls.bytesAlloc(call) | 0;
    let row = this.rowOf.get(lo, hi);
    if (row < 0) row = this.addPtr(lo, hi);
    this.ptrHit[row]!++;
    this.ptrBytesReq[row]! += bytesReq;
    this.ptrBytesAlloc[row]! += bytesAlloc;
    this.ptrSite[row] = site;
    this.allocCpu[row] = cpu;
    this.lastAlloc[row] = bytesAlloc;
    this.siteHit[site]++;
    this.siteBytesReq[site] += bytesReq;
    this.siteBytesAlloc[site] += bytesAlloc;
    this.bytesReq += bytesReq;
    this.bytesAlloc += bytesAlloc;
    this.allocs++;
    const node = calls.node(call);
    if (node !== NODE_UNKNOWN && node !== NODE_ANY && node !== (this.nodeOfCpu[cpu] ?? 0)) {
      this.crossCpuAllocs++;
    }
  }

  private free(lo: number, hi: number, cpu: Cpu): void {
    const row = this.rowOf.get(lo, hi);
    if (row < 0) return;
    this.bytesFreed += this.lastAlloc[row]!;
    if ((cpu << 16) >> 16 !== this.allocCpu[row]) {
      this.ptrPingpong[row]!++;
      this.sitePingpong[this.ptrSite[row]!]!++;
    }
    this.allocCpu[row] = -1;
  }

  private addPtr(lo: number, hi: number): number {
    const row = this.rows++;
    if (row >= this.ptrLo.length) this.growPtrs(this.rows);
    this.rowOf.set(lo, hi, row);
    this.ptrLo[row] = lo;
    this.ptrHi[row] = hi;
    return row;
  }

  private growPtrs(length: number): void {
    this.ptrLo = ensureLength(this.ptrLo, length);
    this.ptrHi = ensureLength(this.ptrHi, length);
    this.ptrSite = ensureLength(this.ptrSite, length);
    this.ptrHit = ensureLength(this.ptrHit, length);
    this.ptrPingpong = ensureLength(this.ptrPingpong, length);
    this.ptrBytesReq = ensureLength(this.ptrBytesReq, length);
    this.ptrBytesAlloc = ensureLength(this.ptrBytesAlloc, length);
    this.lastAlloc = ensureLength(this.lastAlloc, length);
    this.allocCpu = ensureLength(this.allocCpu, length);
  }

  private growSites(length: number): void {
    this.siteHit = ensureLength(this.siteHit, length);
    this.sitePingpong = ensureLength(this.sitePingpong, length);
    this.siteBytesReq = ensureLength(this.siteBytesReq, length);
    this.siteBytesAlloc = ensureLength(this.siteBytesAlloc, length);
  }

  private readonly tracedAddress = (site: Site): bigint | undefined => {
    const { sites } = this.dictionary;
    const address = joinHalves(sites.hi(site), sites.lo(site));
    return address === 0n ? undefined : address;
  };

  private callerTable(
    keys: readonly PerfKmemSortKey[],
    addresses: readonly (bigint | undefined)[],
  ): PerfKmemTable {
    const { siteHit: hit, sitePingpong: pingpong } = this;
    const { siteBytesReq: bytesReq, siteBytesAlloc: bytesAlloc } = this;
    const rank = rankByAddress(addresses);
    const order = Uint32Array.from(rank.keys()).filter((site) => hit[site]! > 0);
    const fragPct = fragmentationPcts(bytesReq, bytesAlloc, hit.length);
    const bytes = unsignedColumn(bytesAlloc);
    // A caller's `ptr` is memory that perf never set: here it decides nothing.
    const columns = { ptr: null, callsite: rank, bytes, hit, pingpong, frag: fragPct };
    sortRows(order, keys, columns, (a, b) => rank[a]! - rank[b]!);
    return {
      order,
      addressLo: column(
        Uint32Array.from(addresses, (address) => Number((address ?? 0n) & MASK_32)),
      ),
      addressHi: column(Uint32Array.from(addresses, (address) => Number((address ?? 0n) >> 32n))),
      site: column(Uint32Array.from(rank.keys())),
      hit: column(hit),
      pingpong: column(pingpong),
      bytesReq: column(bytesReq),
      bytesAlloc: column(bytesAlloc),
      fragPct: column(fragPct),
    };
  }

  private ptrTable(
    keys: readonly PerfKmemSortKey[],
    addresses: readonly (bigint | undefined)[],
  ): PerfKmemTable {
    const { ptrLo: lo, ptrHi: hi, ptrSite: site, ptrHit: hit, ptrPingpong: pingpong } = this;
    const { ptrBytesReq: bytesReq, ptrBytesAlloc: bytesAlloc } = this;
    const siteRank = rankByAddress(addresses);
    const byAddress = (a: number, b: number): number => hi[a]! - hi[b]! || lo[a]! - lo[b]!;
    const order = new Uint32Array(this.rows);
    for (let row: Row = 0; row < order.length; row++) order[row] = row;
    order.sort(byAddress);
    // Sorted once, so that the rows are compared by one number from here on.
    const rank = new Uint32Array(this.rows);
    for (let i = 0; i < order.length; i++) rank[order[i]!] = i;
    const callsite = keys.includes('callsite') ? site.map((id) => siteRank[id]!) : null;
    const fragPct = fragmentationPcts(bytesReq, bytesAlloc, this.rows);
    const bytes = unsignedColumn(bytesAlloc);
    const columns = { ptr: rank, callsite, bytes, hit, pingpong, frag: fragPct };
    sortRows(order, keys, columns, (a, b) => rank[a]! - rank[b]!);
    const address = { addressLo: lo, addressHi: hi };
    return {
      order,
      ...address,
      site,
      hit,
      pingpong,
      bytesReq,
      bytesAlloc,
      fragPct: column(fragPct),
    };
  }
}

/** The unsigned 64-bit number that C sees; only sizes above INT_MAX, added as negative, differ. */
function unsigned64(value: number): number {
  return value < 0 ? value + 2 ** 64 : value;
}

function unsignedColumn(values: Float64Array): Float64Array {
  return values.some((value) => value < 0) ? values.map(unsigned64) : values;
}

/** perf's "fragmentation", in per cent: fragmentation() in builtin-kmem.c, with the same doubles. */
function fragmentationPct(bytesReq: number, bytesAlloc: number): number {
  if (bytesAlloc === 0) return 0;
  return 100 - (100 * unsigned64(bytesReq)) / unsigned64(bytesAlloc);
}

function fragmentationPcts(req: Float64Array, alloc: Float64Array, length: number): Float64Array {
  const result = new Float64Array(length);
  for (let i = 0; i < length; i++) result[i] = fragmentationPct(req[i]!, alloc[i]!);
  return result;
}

/**
 * Sorts as perf's sort_slab_insert() does: every key descending; rows that no key tells apart stay
 * in the order in which they are put into the sorted tree, that is by address, ascending.
 */
function sortRows(
  order: Uint32Array,
  keys: readonly PerfKmemSortKey[],
  columns: Readonly<Record<PerfKmemSortKey, ArrayLike<number> | null>>,
  byAddress: (a: number, b: number) => number,
): void {
  const chosen = keys.map((key) => columns[key]).filter((column) => column !== null);
  order.sort((a, b) => {
    for (const column of chosen) {
      const difference = column[b]! - column[a]!;
      if (difference !== 0) return difference;
    }
    return byAddress(a, b);
  });
}

/** Each site's place in the order of addresses; those without one are last, first seen first. */
function rankByAddress(addresses: readonly (bigint | undefined)[]): Uint32Array {
  const sites = [...addresses.keys()].sort((a, b) => {
    const left = addresses[a] ?? 1n << 64n;
    const right = addresses[b] ?? 1n << 64n;
    if (left === right) return a - b;
    return left < right ? -1 : 1;
  });
  const rank = new Uint32Array(addresses.length);
  for (const [place, site] of sites.entries()) rank[site] = place;
  return rank;
}
