// What the kernel of a recording held at the instant the trace stopped, walked out of its memory dump,
// against what the analysis says of the trace.

import { openRun } from '../../src/run/open-run.ts';
import type { ResolvedRun } from '../../src/run/resolved-run.ts';
import { isRecorded, recordedText, recording } from './data.ts';

/** Lines of a table without its heading, cut into fields. */
function fieldsOf(text: string): string[][] {
  return text
    .split('\n')
    .filter((line) => /^[0-9a-f]{16}\t|^[^#\t]+\t[0-9a-f]{16}\t/.test(line))
    .map((line) => line.split('\t'));
}

export interface Truth {
  /** Cache of each allocated object, by address. */
  readonly cacheOf: ReadonlyMap<bigint, string>;
  /** Those of them whose allocation is in the trace; all where that was not recorded. */
  readonly traced: ReadonlySet<bigint>;
}

/** The allocated objects of a recording. */
export function recordedTruth(name: string): Truth {
  const cacheOf = new Map<bigint, string>();
  const traced = new Set<bigint>();
  for (const [cache = '', object, state] of fieldsOf(recordedText(name, 'slub_truth.tsv'))) {
    if (state === 'A') cacheOf.set(BigInt(`0x${object}`), cache);
  }
  if (!isRecorded(name, 'truth_live.tsv')) return { cacheOf, traced: new Set() };
  for (const [object, , inTrace] of fieldsOf(recordedText(name, 'truth_live.tsv'))) {
    if (inTrace === '1') traced.add(BigInt(`0x${object}`));
  }
  return { cacheOf, traced };
}

/** The sysfs directory of each cache name: merged caches have one. */
function recordedDirectories(name: string): (cache: string) => string {
  const links = recordedText(name, 'slab_sysfs_links.txt').matchAll(/([^/\n]+) -> (?:.*\/)?(\S+)/g);
  const directories = new Map(Array.from(links, ([, alias = '', id = '']) => [alias, id]));
  return (cache) => directories.get(cache) ?? cache;
}

export async function loadRecording(name: string): Promise<ResolvedRun> {
  return (await openRun({ source: recording(name) })).run;
}

/** One object that the analysis calls live. */
export interface LiveObject {
  readonly address: bigint;
  readonly cache: string | undefined;
  readonly isCertain: boolean;
}

/** The live objects of a run that lie in slabs: page-backed kmalloc is none of the dump's. */
export function slabObjects(run: ResolvedRun): LiveObject[] {
  const { live, dictionary, verdicts } = run;
  return Array.from(run.rows, (row) => ({
    address: (BigInt(live.ptrHi(row)) << 32n) | BigInt(live.ptrLo(row)),
    cache: run.cacheOfRow(row),
    isCertain: verdicts.ofRow[row] === 0,
    bytes: dictionary.calls.bytesAlloc(live.call(row)),
  })).filter(({ cache, bytes }) => bytes <= 8192 || !cache?.startsWith('kmalloc'));
}

/** Per cent. */
export function share(part: number, whole: number): number {
  return (100 * part) / Math.max(1, whole);
}

/** How many objects have the name of their cache, per cent of those that are allocated. */
export function rightNames(
  name: string,
  { cacheOf }: Truth,
  objects: readonly LiveObject[],
): number {
  const directoryOf = recordedDirectories(name);
  const allocated = objects.filter(({ address }) => cacheOf.has(address));
  const right = allocated.filter(({ address, cache }) => {
    return directoryOf(cache ?? '') === directoryOf(cacheOf.get(address) ?? '?');
  });
  return share(right.length, allocated.length);
}
