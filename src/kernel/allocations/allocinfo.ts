// /proc/allocinfo as text → what the kernel counts at each place in its source that allocates. Truth:
// lib/alloc_tag.c alloc_tag_to_text(), lib/codetag.c codetag_to_text() (6.10 on, with
// CONFIG_MEM_ALLOC_PROFILING). It counts all memory, pages too, since boot.

import type { ParsedLines } from './parsed-lines.ts';

export interface AllocinfoTag {
  /** Live now. */
  readonly bytes: number;
  readonly calls: number;
  readonly file: string;
  readonly line: number;
  readonly module: string | null;
  readonly function: string;
}

//     91750400    22400 mm/slub.c:1890 func:alloc_slab_page
//         1024        1 fs/x/y.c:7 [xfs] func:g
const TAG =
  /^\s*(\d{1,15})\s+(\d{1,15})\s+(\S{1,400}):(\d{1,9}) (?:\[([\w-]{1,64})\] )?func:([\w.$]{1,400})\s*$/;
const HEADER = /^(?:allocinfo - version: \d|#)/;

/** Never throws: lines that are no tag are counted. */
export function parseAllocinfo(text: string): ParsedLines<AllocinfoTag> {
  const rows: AllocinfoTag[] = [];
  let badLines = 0;
  let firstBad: number | null = null;
  for (const [i, line] of text.split('\n').entries()) {
    const [, bytes, calls, file = '', number, module, name = ''] = TAG.exec(line) ?? [];
    if (bytes !== undefined) {
      rows.push({
        bytes: Number(bytes),
        calls: Number(calls),
        file,
        line: Number(number),
        module: module ?? null,
        function: name,
      });
    } else if (line.trim() !== '' && !HEADER.test(line)) {
      badLines++;
      firstBad ??= i + 1;
    }
  }
  return { rows, badLines, firstBad };
}
