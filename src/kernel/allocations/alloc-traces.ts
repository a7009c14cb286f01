// The files alloc_traces and free_traces of /sys/kernel/debug/slab/CACHE, as `grep -rH .` prints them →
// who allocated the objects of each cache. Truth: mm/slub.c slab_debugfs_show() (from 5.14 on; of caches
// with slub_debug=U): count, caller (%pS), waste (6.1 on), ages in jiffies, pids, CPUs, nodes, then the
// stack.

import type { ParsedLines } from './parsed-lines.ts';

export interface TracedOwner {
  readonly cache: string;
  readonly kind: 'alloc' | 'free';
  readonly objects: number;
  /** `name+0xoff`, an address where no symbol covers it; null where it is not known. */
  readonly symbol: string | null;
  readonly module: string | null;
  /** In jiffies, when the file was read: least, mean and greatest. */
  readonly age: { readonly min: number; readonly mean: number; readonly max: number };
  readonly firstPid: number;
  readonly lastPid: number;
  /** As the kernel prints a list, `0-3`; null where there is one CPU or node. */
  readonly cpus: string | null;
  readonly nodes: string | null;
  readonly stack: readonly string[];
}

const PATH = /^(?:\S*\/)?([^\s/]{1,128})\/(alloc|free)_traces:(.*)$/;
const OWNER =
  /^\s*(\d{1,10}) (<not-available>|\S{1,400})(?: \[([\w-]{1,64})\])?(?: waste=\d+\/\d+)? age=(\d{1,15})(?:\/(\d{1,15})\/(\d{1,15}))? pid=(\d{1,10})(?:-(\d{1,10}))?(?: cpus=([\d,-]{1,400}))?(?: nodes=([\d,-]{1,400}))?\s*$/;
const FRAME = /^\s+(\S{1,400}?)(?:\/0x[0-9a-f]+)?( \[[\w-]{1,64}\])?\s*$/;
const MOST_FRAMES = 64;

/** Never throws: lines that are no owner and no frame are counted. */
export function parseAllocTraces(text: string): ParsedLines<TracedOwner> {
  const rows: TracedOwner[] = [];
  let badLines = 0;
  let firstBad: number | null = null;
  let stack: string[] = [];
  for (const [i, line] of text.split('\n').entries()) {
    const [, cache, kind, rest = ''] = PATH.exec(line) ?? [];
    if (cache === undefined) {
      if (line.trim() === '') continue;
      badLines++;
      firstBad ??= i + 1;
      continue;
    }
    const owner = ownerOf(cache, kind === 'alloc' ? 'alloc' : 'free', rest);
    if (owner !== undefined) {
      stack = [];
      rows.push({ ...owner, stack });
      continue;
    }
    const [, frame, module = ''] = FRAME.exec(rest) ?? [];
    if (frame !== undefined && rows.at(-1)?.cache === cache && stack.length < MOST_FRAMES) {
      stack.push(frame + module);
    } else if (rest.trim() !== '' && rest.trim() !== 'No data') {
      badLines++;
      firstBad ??= i + 1;
    }
  }
  return { rows, badLines, firstBad };
}

function ownerOf(
  cache: string,
  kind: TracedOwner['kind'],
  text: string,
): Omit<TracedOwner, 'stack'> | undefined {
  const match = OWNER.exec(text);
  if (match === null) return undefined;
  const [, objects, site = '', module, min, mean, max, first, last, cpus, nodes] = match;
  return {
    cache,
    kind,
    objects: Number(objects),
    symbol: site === '<not-available>' ? null : site.replace(/\/0x[0-9a-f]+$/, ''),
    module: module ?? null,
    age: { min: Number(min), mean: Number(mean ?? min), max: Number(max ?? min) },
    firstPid: Number(first),
    lastPid: Number(last ?? first),
    cpus: cpus ?? null,
    nodes: nodes ?? null,
  };
}
