// What is outstanding beside the kernel's own counts: /proc/allocinfo by function, and the owners that
// SLUB's debugfs lists of each cache, most of all of objects that are older than the trace.

import { groupBy } from '../base/keyed.ts';
import { parseAllocTraces, type TracedOwner } from '../kernel/allocations/alloc-traces.ts';
import { type AllocinfoTag, parseAllocinfo } from '../kernel/allocations/allocinfo.ts';
import type { ParsedLines } from '../kernel/allocations/parsed-lines.ts';
import type { SidecarFiles } from '../recording/sidecars.ts';
import { functionName } from './function-name.ts';
import type { OutstandingGroup } from './outstanding.ts';

/** A function that allocates, as /proc/allocinfo and the trace count it. */
export interface AllocinfoSite {
  readonly function: string;
  readonly module: string | null;
  /** Where it allocates: `fs/lamp.c:12`; none where allocinfo does not know the function. */
  readonly places: readonly string[];
  /** Live by allocinfo; pages count too. Null where it does not know the function. */
  readonly kernelBytes: number | null;
  readonly kernelCalls: number | null;
  /** Outstanding by the trace. */
  readonly objects: number;
  readonly bytesAlloc: number;
}

/** Who allocated objects of a cache, by debugfs. */
export interface KernelOwner {
  readonly cache: string;
  readonly symbol: string | null;
  readonly module: string | null;
  readonly objects: number;
  /** Of this function and cache, outstanding by the trace. */
  readonly inTrace: number;
  /** Older than the trace, by their ages or as what the trace does not hold; null where nothing tells. */
  readonly older: number | null;
  /** Null where CONFIG_HZ is not known. */
  readonly youngestSec: number | null;
  readonly oldestSec: number | null;
  readonly firstPid: number;
  readonly lastPid: number;
  readonly cpus: string | null;
  readonly nodes: string | null;
  readonly stack: readonly string[];
}

export interface KernelOwners {
  /** Most bytes first; null where the recording has no allocinfo.txt. */
  readonly allocinfo: readonly AllocinfoSite[] | null;
  /** Most objects that are older than the trace first; null where it has no alloc_traces.txt. */
  readonly allocTraces: readonly KernelOwner[] | null;
  /** What of the files could not be read, in sentences. */
  readonly notes: readonly string[];
}

export interface OwnersInput {
  readonly sidecars: SidecarFiles;
  readonly outstanding: readonly OutstandingGroup[];
  /** CONFIG_HZ; undefined where it is not known. */
  readonly hz: number | undefined;
  /** Seconds from the first to the last event; null where the clock does not tell. */
  readonly durationSec: number | null;
}

/** Both files are taken at the end of the recording. */
export function readKernelOwners(input: OwnersInput): KernelOwners {
  const { sidecars } = input;
  const notes: string[] = [];
  const read = <Row>(
    name: string,
    parse: (text: string) => ParsedLines<Row>,
  ): readonly Row[] | undefined => {
    const text = sidecars.text(name);
    if (text === undefined) return undefined;
    const { rows, badLines, firstBad } = parse(text);
    if (badLines > 0) {
      const path = sidecars.taken.get(name) ?? name;
      notes.push(`${path}: ${badLines} of its lines cannot be read (first: line ${firstBad}).`);
    }
    return rows;
  };
  const tags = read('allocinfo.txt', parseAllocinfo);
  const owners = read('alloc_traces.txt', parseAllocTraces);
  return {
    allocinfo: tags === undefined ? null : joinAllocinfo(tags, input.outstanding),
    allocTraces: owners === undefined ? null : joinOwners(owners, input),
    notes,
  };
}

function joinAllocinfo(
  tags: readonly AllocinfoTag[],
  outstanding: readonly OutstandingGroup[],
): AllocinfoSite[] {
  const named = outstanding.filter(({ symbol }) => symbol !== null);
  const ours = groupBy(named, ({ symbol, module }) => keyOf(symbol ?? '', module));
  const theirs = groupBy(tags, (tag) => keyOf(tag.function, tag.module));
  const sites: AllocinfoSite[] = [];
  for (const key of new Set([...theirs.keys(), ...ours.keys()])) {
    const [own] = ours.get(key) ?? [];
    const its = theirs.get(key);
    const [tag] = its ?? [];
    const live = (its ?? []).filter(({ bytes, calls }) => bytes > 0 || calls > 0);
    const objects = sum(ours.get(key) ?? [], (group) => group.objects);
    if (live.length === 0 && objects === 0) continue;
    sites.push({
      function: functionName(own?.symbol ?? tag?.function ?? ''),
      module: own?.module ?? tag?.module ?? null,
      places: (live.length > 0 ? live : (its ?? [])).map(({ file, line }) => `${file}:${line}`),
      kernelBytes: its === undefined ? null : sum(its, ({ bytes }) => bytes),
      kernelCalls: its === undefined ? null : sum(its, ({ calls }) => calls),
      objects,
      bytesAlloc: sum(ours.get(key) ?? [], (group) => group.bytesAlloc),
    });
  }
  const weight = ({ kernelBytes, bytesAlloc }: AllocinfoSite): number =>
    Math.max(kernelBytes ?? 0, bytesAlloc);
  return sites.sort((a, b) => weight(b) - weight(a));
}

function joinOwners(
  owners: readonly TracedOwner[],
  { outstanding, hz, durationSec }: OwnersInput,
): KernelOwner[] {
  const ours = groupBy(
    outstanding,
    ({ cache, symbol, module }) => `${cache ?? ''} ${keyOf(symbol ?? '', module)}`,
  );
  const joined = owners
    .filter(({ kind }) => kind === 'alloc')
    .map((owner): KernelOwner => {
      const { cache, symbol, module, objects, age } = owner;
      const key = `${cache} ${keyOf(symbol ?? '', module)}`;
      const inTrace = symbol === null ? 0 : sum(ours.get(key) ?? [], (group) => group.objects);
      const seconds = (jiffies: number): number | null => (hz === undefined ? null : jiffies / hz);
      const youngestSec = seconds(age.min);
      const oldestSec = seconds(age.max);
      return {
        cache,
        symbol,
        module,
        objects,
        inTrace,
        older: olderOf({ objects, inTrace, youngestSec, oldestSec, durationSec }),
        youngestSec,
        oldestSec,
        firstPid: owner.firstPid,
        lastPid: owner.lastPid,
        cpus: owner.cpus,
        nodes: owner.nodes,
        stack: owner.stack,
      };
    });
  return joined.sort((a, b) => (b.older ?? 0) - (a.older ?? 0) || b.objects - a.objects);
}

/** By the ages where they tell, else what the trace does not hold. */
function olderOf({
  objects,
  inTrace,
  youngestSec,
  oldestSec,
  durationSec,
}: Pick<KernelOwner, 'objects' | 'inTrace' | 'youngestSec' | 'oldestSec'> & {
  readonly durationSec: number | null;
}): number | null {
  if (youngestSec === null || oldestSec === null || durationSec === null) return null;
  if (youngestSec > durationSec) return objects;
  return oldestSec <= durationSec ? 0 : Math.max(1, objects - inTrace);
}

const keyOf = (symbol: string, module: string | null): string =>
  `${functionName(symbol)} ${module ?? ''}`;

function sum<T>(items: readonly T[], of: (item: T) => number): number {
  return items.reduce((total, item) => total + of(item), 0);
}
