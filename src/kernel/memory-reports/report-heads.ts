// The line that begins a report: SLUB's slab_bug() (mm/slub.c, 2.6.22 to 7.x), KASAN's (mm/kasan/report.c,
// 4.0 to 7.x) and KFENCE's (mm/kfence/report.c, 5.12 to 7.x).
//
//   BUG kmalloc-64 (Tainted: G    B): Right Redzone overwritten     without taint until 2.6.39
//   *** SLUB kmalloc-8: Redzone Active@0xc90f6d20 slab 0x…          2.6.22
//   BUG: KASAN: slab-use-after-free in foo+0x4a/0xc0
//   BUG: KASan: use after free in foo+0x3c8/0x960 at addr ffff…     4.0 to 4.3
//   BUG: KASAN: wild-memory-access on address dead000000000108      until 4.11
//   BUG: KFENCE: out-of-bounds read in foo+0x9f/0x22b

import type { MemoryReport } from './memory-report.ts';
import { parseFrame } from './stack-frame.ts';

export interface ReportHead {
  readonly tool: MemoryReport['tool'];
  readonly title: string;
  readonly cache: string | null;
  /** The function that was running, KASAN and KFENCE. */
  readonly foundIn: string | null;
  /** The faulty byte where the line has it, hexadecimal digits. */
  readonly byte: string | undefined;
}

/** What SLUB says is wrong, where no taint shows that it speaks. */
const REASON =
  /^(?:(?:\w+ )?(?:Redzone|[Pp]oison|[Pp]adding)\b|Free(?:pointer|chain|list)|Objects? |objects |inuse |Invalid |Attempt to |Wrong |Not a valid slab|Slab |Bulk |page slab pointer|No slab|SLUB |Incorrect )/;
const TAINTED = /^BUG (\S+?(?:\([^)]*\))?) \((?:Not|Tainted)[^)]*\)? ?:?\s?(.*)$/;
const UNTAINTED = /^BUG (\S+?) ?: (.*)$/;
const FIRST_FORM = /^\*\*\* SLUB (\S+): (.*?)@(0x[0-9a-f]{8,16})\b/;
/** Of an object that was freed into another cache (cache_from_obj(); 7.x), and of none at all. */
const WRONG_CACHE =
  /^(?:\w+: Wrong slab cache\. \S+ but object is from (\S+)|kmem_cache_free\(\S+, (?:0x)?[0-9a-f]{8,16}\): object belongs to different cache (\S+))/;
const NO_SLAB = /^SLUB <none>: no slab for object 0x[0-9a-f]+/;
const KASAN = /^BUG: KAS[Aa][Nn]: (.*)$/;
const KASAN_BYTE = / (?:at addr|on address) (?:0x)?([0-9a-f]{8,16})\b/;
const KASAN_DOUBLE_FREE = /^BUG: (Double free or freeing an invalid pointer)/;
const KFENCE = /^BUG: KFENCE: (.*)$/;
/** The cause, before a header that only says "Object corrupt" (6.12.y, and from 6.15 on). */
export const CAUSE: RegExp = /^\[([\w ]+ overwritten)\] /;
/** Reports of bugs that are not of slab objects, by who makes them. */
const OTHERS = /(?:^|\s)(?:BUG: (KCSAN|KMSAN): |(UBSAN): (?=\S+ in |Undefined))/;

/** Where such a line may begin in a line whose prefix is not known. */
export const HEAD_MARK: RegExp =
  /BUG \S+(?:\([^)]*\))? \((?:Not|Tainted)|BUG: (?:KAS[Aa][Nn]|KFENCE): |\*\*\* SLUB \S+: |\[[\w ]{1,40} overwritten\] 0x/;
/** A report that a KASAN of 4.0 to 4.7 lets SLUB print. */
export const PRINTED_FOR_KASAN: RegExp = /^kasan: bad access detected/;

/** Undefined where the line begins no report of the three. */
export function parseHead(text: string): ReportHead | undefined {
  if (text.startsWith('*** SLUB ')) return firstForm(text);
  const wrong = WRONG_CACHE.exec(text);
  if (wrong !== null || NO_SLAB.test(text)) {
    const cache = wrong?.[1] ?? wrong?.[2] ?? null;
    return { tool: 'SLUB', title: text, cache, foundIn: null, byte: undefined };
  }
  if (!text.startsWith('BUG')) return undefined;
  const kasan = KASAN.exec(text)?.[1] ?? KASAN_DOUBLE_FREE.exec(text)?.[1];
  if (kasan !== undefined) {
    return { tool: 'KASAN', cache: null, byte: KASAN_BYTE.exec(text)?.[1], ...split(kasan) };
  }
  const kfence = KFENCE.exec(text)?.[1];
  if (kfence !== undefined) {
    return { tool: 'KFENCE', cache: null, byte: undefined, ...split(kfence) };
  }
  if (text.startsWith('BUG:')) return undefined;
  const slub = TAINTED.exec(text) ?? UNTAINTED.exec(text);
  if (slub === null) return undefined;
  const [, cache = '', rest = ''] = slub;
  if (!text.includes('(') && !REASON.test(rest)) return undefined;
  return { tool: 'SLUB', title: rest.trim(), cache, foundIn: null, byte: undefined };
}

/** Who reports a bug that is not of a slab object; undefined where the line begins none. */
export function parseOtherHead(text: string): string | undefined {
  const match = OTHERS.exec(text);
  return match === null ? undefined : (match[1] ?? match[2]);
}

function firstForm(text: string): ReportHead | undefined {
  const match = FIRST_FORM.exec(text);
  if (match === null) return undefined;
  const [, cache = '', title = '', object = ''] = match;
  return { tool: 'SLUB', title, cache, foundIn: null, byte: object.slice(2) };
}

/** `double-free or invalid-free in lamp_put+0x36/0x60` */
function split(rest: string): Pick<ReportHead, 'title' | 'foundIn'> {
  const title = rest.split(/ in | on address | at addr /)[0]?.trim() ?? '';
  const place = / in (.*)$/.exec(rest)?.[1] ?? '';
  return { title, foundIn: parseFrame(place)?.symbol ?? null };
}
