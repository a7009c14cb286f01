// What was allocated and what is held, by call chain, cache and size: what profilers of other systems
// show as flame graphs. Without recorded stacks a chain is the call site alone.

import type { Call, Row, Site, Stack } from '../kernel/indices.ts';
import { functionOf } from '../kernel/symbols/symbols.ts';
import type { StackTally } from '../pairing/stack-tally.ts';
import { objectBytes } from '../run/object-size.ts';
import type { ResolvedRun } from '../run/resolved-run.ts';
import {
  type Completeness,
  judgeCompleteness,
  type RunOrigin,
  type RunSummary,
  summarizeRun,
} from '../run/run-summary.ts';
import { siteLabel } from '../run/site-names.ts';

/** One code address of a call chain. */
export interface ProfileFrame {
  /** The function; null where nothing names the address. */
  readonly name: string | null;
  /** The module; null for the kernel itself, or where it is not known. */
  readonly module: string | null;
  /** Null where the trace printed only a name. */
  readonly address: bigint | null;
}

/** Objects and bytes; `requested` is what was asked for of `bytes`. */
interface ProfileSum {
  objects: number;
  bytes: number;
  requested: number;
}

export interface ProfileSample {
  /** Indexes into `frames`, the call site first, its callers behind it. */
  readonly frames: readonly number[];
  readonly cache: string | null;
  /** Bytes that were asked for, each time. */
  readonly bytesReqEach: number;
  /** Over the whole trace, freed or not. */
  readonly allocated: Readonly<ProfileSum>;
  /** At the end; what may be freed already is part of it. */
  readonly live: Readonly<ProfileSum>;
}

export interface Profile {
  readonly run: RunSummary;
  readonly completeness: Completeness;
  readonly frames: readonly ProfileFrame[];
  readonly samples: readonly ProfileSample[];
}

export function buildProfile(run: ResolvedRun, tally: StackTally, origin: RunOrigin): Profile {
  const builder = new ProfileBuilder(run);
  const { sums } = run.columns;
  for (let row: Row = 0; row < tally.length; row++) {
    const call = tally.call[row];
    const allocs = tally.allocs[row];
    if (allocs === 0 || sums.allocs[call] === 0) continue;
    builder.add('allocated', tally.stack[row], call, run.names.ofCall[call] ?? null, allocs);
  }
  for (const row of run.rows) {
    const cache = run.cacheOfRow(row) ?? null;
    builder.add('live', run.live.stack(row), run.live.call(row), cache, 1);
  }
  return {
    run: summarizeRun(run, origin),
    completeness: judgeCompleteness(run),
    frames: builder.frames,
    samples: [...builder.samples.values()],
  };
}

type Building = ProfileSample & { readonly allocated: ProfileSum; readonly live: ProfileSum };

class ProfileBuilder {
  readonly frames: ProfileFrame[] = [];
  readonly samples = new Map<string, Building>();
  private readonly run: ResolvedRun;
  private readonly frameOfLabel = new Map<string, number>();
  private readonly frameOfSite: (number | undefined)[] = [];
  /** Chains by stack and site. */
  private readonly chains = new Map<string, readonly number[]>();

  constructor(run: ResolvedRun) {
    this.run = run;
  }

  add(
    what: 'allocated' | 'live',
    stack: Stack,
    call: Call,
    cache: string | null,
    objects: number,
  ): void {
    const { dictionary, facts } = this.run;
    const frames = this.chain(stack, dictionary.calls.site(call));
    const bytesReqEach = dictionary.calls.bytesReq(call);
    const key = `${frames.join()} ${bytesReqEach} ${cache ?? ''}`;
    let sample = this.samples.get(key);
    if (sample === undefined) {
      sample = { frames, cache, bytesReqEach, allocated: emptySum(), live: emptySum() };
      this.samples.set(key, sample);
    }
    const { requested, allocated } = objectBytes(dictionary, facts, call);
    sample[what].objects += objects;
    sample[what].bytes += objects * allocated;
    sample[what].requested += objects * requested;
  }

  /**
   * The call site and its callers. What lies inside of the call site (the allocator, the tracer) is
   * left out; where the stack does not hold the call site's function, all of it stands behind it.
   */
  private chain(stack: Stack, site: Site): readonly number[] {
    const key = `${stack} ${site}`;
    let chain = this.chains.get(key);
    if (chain === undefined) {
      const { dictionary, sites } = this.run;
      const frames = [...dictionary.stacks.frames(stack)];
      const own = sites.functionOf(site);
      const at = own === undefined ? -1 : frames.findIndex((f) => sites.functionOf(f) === own);
      chain = [this.frame(site), ...frames.slice(at + 1).map((frame) => this.frame(frame))];
      this.chains.set(key, chain);
    }
    return chain;
  }

  private frame(site: Site): number {
    let index = this.frameOfSite[site];
    if (index === undefined) {
      const name = this.run.sites.get(site);
      const label = `${siteLabel(name)} ${name.address ?? ''}`;
      index = this.frameOfLabel.get(label) ?? this.frames.length;
      if (index === this.frames.length) {
        const { symbol, module, address } = name;
        this.frames.push({ name: symbol === null ? null : functionOf(symbol), module, address });
        this.frameOfLabel.set(label, index);
      }
      this.frameOfSite[site] = index;
    }
    return index;
  }
}

function emptySum(): ProfileSum {
  return { objects: 0, bytes: 0, requested: 0 };
}
