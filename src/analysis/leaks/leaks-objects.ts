// The objects of a scan → what a report says of each: its cache, site, task, age, first bytes.

import { hex16, joinHalves } from '../../base/address.ts';
import type { ResolvedRun } from '../../run/resolved-run.ts';
import { absoluteTime } from '../../run/run-summary.ts';
import { type KernelReader, MissingMemory } from '../../snapshot/kernel/kernel-reader.ts';
import type { Cpu } from '../../snapshot/kernel/per-cpu.ts';
import type { BuiltScan } from '../../snapshot/scan/build-scan.ts';
import { kmemleakChecksum } from '../../snapshot/scan/checksum.ts';
import type { LeakCandidate } from './leaks-result.ts';
import { isKnownSite, type LeakSite, type LeakSites, leakSiteLabel } from './leaks-sites.ts';
import type { LiveTrace } from './leaks-traced.ts';

/** HEX_MAX_LINES lines of HEX_ROW_SIZE bytes (mm/kmemleak.c). */
const MAX_HEX_BYTES = 32;
/** Contents of larger objects are not summed up. */
const MAX_CHECKED = 64 * 1024 * 1024;

export interface ObjectDetails {
  readonly candidate: LeakCandidate;
  readonly site: LeakSite;
  /** Index of the recorded stack, 0 for none. */
  readonly stack: number;
  /** Row of `run.live`, -1 where the trace does not know the object. */
  readonly row: number;
}

export interface DescribeInput {
  readonly run: ResolvedRun;
  readonly trace: LiveTrace;
  readonly sites: LeakSites;
  readonly built: BuiltScan;
  readonly reader: KernelReader;
  /** Names of the snapshot's caches; empty where it shows none. */
  readonly caches: readonly { readonly name: string }[];
  readonly cpus: readonly Cpu[];
  readonly wantsChecksum: boolean;
}

export class DescribedObjects {
  private readonly input: DescribeInput;

  constructor(input: DescribeInput) {
    this.input = input;
  }

  /** @param i index of the object */
  describe(i: number): ObjectDetails {
    const { run, built, sites } = this.input;
    const { live, dictionary } = run;
    const own = this.origin(i);
    const call = own.row < 0 ? 0 : live.call(own.row);
    const task = own.row < 0 ? 0 : live.task(own.row);
    const stack = own.row < 0 ? 0 : live.stack(own.row);
    const age = own.row < 0 ? null : ageOf(run, own.row);
    const size = built.objects.size[i] ?? 0;
    const bytes = this.contents(own.address, size);
    const { site } = own;
    const candidate: LeakCandidate = {
      address: `0x${hex16(built.objects.hi[i] ?? 0, built.objects.lo[i] ?? 0)}`,
      kind: own.kind,
      traced: own.row >= 0,
      size,
      bytesReq:
        own.kind === 'slab' || own.kind === 'large' ? dictionary.calls.bytesReq(call) : null,
      cache: own.cache,
      callSite: site.address === null ? null : `0x${site.address.toString(16).padStart(16, '0')}`,
      symbol: site.symbol,
      module: site.module,
      comm: own.row < 0 ? null : dictionary.strings.get(dictionary.tasks.comm(task)),
      pid: own.row < 0 ? null : dictionary.tasks.pid(task),
      allocatedNs: own.row < 0 ? null : absoluteTime(run, live.ts(own.row)),
      ageSec: age,
      hex: bytes?.subarray(0, MAX_HEX_BYTES).toString('hex') ?? null,
      crc: this.checksum(own, size),
      stack: [...dictionary.stacks.frames(stack)].map((frame) => sites.label(frame)),
    };
    return { candidate, site, stack, row: own.row };
  }

  /** What an object is called where it holds another: `kmalloc-64 0xffff…`. */
  name(i: number): string {
    const { candidate } = this.describe(i);
    return `${candidate.cache ?? candidate.kind} ${candidate.address}`;
  }

  siteLabel(i: number): string | null {
    const { site } = this.origin(i);
    return isKnownSite(site) ? leakSiteLabel(site) : null;
  }

  private origin(i: number): Origin {
    const { run, trace, built, sites } = this.input;
    const { objects, others } = built;
    const tag = objects.tag[i] ?? 0;
    const address = joinHalves(objects.hi[i] ?? 0, objects.lo[i] ?? 0);
    const other = tag < 0 ? others[-1 - tag] : undefined;
    if (other === undefined) {
      const row = trace.rows[tag] ?? -1;
      const site = sites.ofRow(row);
      const cache = run.cacheOfRow(row) ?? null;
      return { kind: cache === 'kmalloc-large' ? 'large' : 'slab', row, site, cache, address };
    }
    const site = sites.ofOther(other);
    switch (other.kind) {
      case 'vmalloc': {
        const row = trace.rows[other.row] ?? -1;
        return { kind: 'vmalloc', row, site, cache: null, address };
      }
      case 'percpu': {
        // The first CPU's copy stands for all.
        const offset = this.input.cpus[0]?.offset ?? 0n;
        const copy = BigInt.asUintN(64, address + offset);
        return { kind: 'percpu', row: -1, site, cache: null, address: copy };
      }
      case 'older': {
        const cache = this.input.caches[other.cache]?.name ?? null;
        return { kind: 'slab', row: -1, site, cache, address };
      }
    }
  }

  private contents(address: bigint, size: number): Buffer | undefined {
    return this.read(address, Math.min(size, MAX_HEX_BYTES));
  }

  private checksum({ kind, address }: Origin, size: number): number | null {
    if (!this.input.wantsChecksum || size > MAX_CHECKED) return null;
    if (kind !== 'percpu') {
      const bytes = this.read(address, size);
      return bytes === undefined ? null : kmemleakChecksum([bytes]);
    }
    const { cpus } = this.input;
    const first = cpus[0]?.offset ?? 0n;
    const copies = cpus.map(({ offset }) =>
      this.read(BigInt.asUintN(64, address - first + offset), size),
    );
    const there = copies.filter((copy) => copy !== undefined);
    return there.length === copies.length ? kmemleakChecksum(there) : null;
  }

  private read(address: bigint, length: number): Buffer | undefined {
    try {
      return this.input.reader.bytes(address, length);
    } catch (error) {
      if (error instanceof MissingMemory) return undefined;
      throw error;
    }
  }
}

interface Origin {
  readonly kind: LeakCandidate['kind'];
  readonly row: number;
  readonly site: LeakSite;
  readonly cache: string | null;
  /** Where its bytes stand. */
  readonly address: bigint;
}

/** Seconds from an object's allocation to the end of the trace; null where the clock has none. */
function ageOf(run: ResolvedRun, row: number): number | null {
  if (run.info.clockUnit !== 'ns') return null;
  return (run.tallies.lastTs - run.live.ts(row)) / 1e9;
}
