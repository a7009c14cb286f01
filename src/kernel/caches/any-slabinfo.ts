// /proc/slabinfo as people post it → caches: of any version from 1.0 on, a part of it, with lines that
// a mail program broke, with SLAB's statistics. Truth: s_show() of mm/slab.c in Linux 2.4 (1.0, 1.1),
// cache_show() of mm/slab_common.c since.

import { type ProcSlabCache, type ProcSlabinfo, parseProcSlabinfo } from './proc-slabinfo.ts';
import type { SlabCacheSysfs } from './slab-cache-sysfs.ts';
import { buildSlabCache } from './slab-cache-sysfs.ts';

const HEADING = /^(?:slabinfo - version:|#)/;
// kmalloc-64  48257  48320  64  64  1 : tunables  0  0  0 : slabdata  755  755  0
const WHOLE = /^\S.*(?:\s+\d+){5}\s*: tunables(?:\s+\d+){3}\s*: slabdata(?:\s+\d+){3}/;
// size-64  64  118  64  2  2  1 :  252  126
const OLD = /^(\S+(?:\s\S+)*?)((?:\s+\d+){6})(?:\s*:(?:\s+\d+)+)*$/;

/** What grep puts before a line: the file (`-H`; `-` behind it around a match), the number (`-n`). */
const GREPPED = /^(?:\/\S*?:|\/\S*?slabinfo\S*?-)?(?:\d+[:-](?=\S))?/;

/** Reads what is a cache, and counts the other lines. Never throws. */
export function parseAnySlabinfo(text: string): ProcSlabinfo {
  const { lines, old } = sortLines(text);
  const { version, caches, badLines } = parseProcSlabinfo(lines.map(withPoints).join('\n'));
  const all = [...caches, ...old];
  const byName = new Map(all.toReversed().map((cache) => [cache.name, cache]));
  return { version, caches: all, byName, badLines };
}

/** Lines of version 2 as the kernel printed them, broken ones joined again; and caches of version 1. */
function sortLines(text: string): { lines: string[]; old: ProcSlabCache[] } {
  const lines: string[] = [];
  const old: ProcSlabCache[] = [];
  let begun = '';
  for (const rawLine of text.split('\n')) {
    const line = rawLine.trim().replace(GREPPED, '');
    if (HEADING.test(line)) lines.push(line);
    if (line === '' || HEADING.test(line)) continue;
    const whole = wholeLines(begun, line);
    const cache = whole === undefined ? parseOld(line) : undefined;
    if (whole !== undefined) lines.push(...whole);
    else if (cache !== undefined) old.push(cache);
    else {
      if (!BROKEN_HEADING.test(line)) begun = joined(begun, line);
      continue;
    }
    begun = '';
  }
  if (begun !== '') lines.push(begun);
  return { lines, old };
}

/** A line that is whole, after what had begun; or what had begun, with its end; undefined: neither. */
function wholeLines(begun: string, line: string): string[] | undefined {
  if (WHOLE.test(line)) return begun === '' ? [line] : [begun, line];
  return WHOLE.test(joined(begun, line)) ? [joined(begun, line)] : undefined;
}

function joined(begun: string, line: string): string {
  return begun === '' ? line : `${begun} ${line}`;
}

/** `<pagesperslab> : tunables <limit> …`, a heading that was broken. */
const BROKEN_HEADING = /^<\w+>/;

/** A blank on both sides of each point, which a break may have taken. */
function withPoints(line: string): string {
  return HEADING.test(line) ? line : line.replace(/\s*:\s+(?=tunables|slabdata)/g, ' : ');
}

function parseOld(line: string): ProcSlabCache | undefined {
  const [, name, numbers] = OLD.exec(line) ?? [];
  if (name === undefined || numbers === undefined) return undefined;
  const [activeObjs = 0, numObjs = 0, objsize = 0, activeSlabs = 0, numSlabs = 0, pages = 0] =
    numbers.trim().split(/\s+/).map(Number);
  if (pages === 0) return undefined;
  return {
    name,
    activeObjs,
    numObjs,
    objsize,
    // It is not printed.
    objperslab: numSlabs === 0 ? 0 : Math.round(numObjs / numSlabs),
    pagesperslab: pages,
    activeSlabs,
    numSlabs,
  };
}

/** A line of slabinfo as the sysfs of its cache would be, without what slabinfo does not tell. */
export function sysfsOfRow(row: ProcSlabCache): SlabCacheSysfs {
  const files: Record<string, number> = {
    // objsize of SLUB is s->size (get_slabinfo()): padding and debug metadata count.
    object_size: row.objsize,
    slab_size: row.objsize,
    order: Math.ceil(Math.log2(Math.max(1, row.pagesperslab))),
    objects: row.activeObjs,
    total_objects: row.numObjs,
    slabs: row.numSlabs,
  };
  if (row.objperslab > 0) files['objs_per_slab'] = row.objperslab;
  const texts = Object.entries(files).map(([name, value]) => [name, String(value)] as const);
  return buildSlabCache(row.name, new Map(texts));
}
