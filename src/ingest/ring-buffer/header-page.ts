// How the pages of a ring buffer are laid out, in the kernel's own words (tracefs events/header_page,
// also inside trace.dat): kernel/trace/ring_buffer.c, ring_buffer_print_page_header().
//
//           field: u64 timestamp;   offset:0;       size:8; signed:0;
//           field: local_t commit;  offset:8;       size:8; signed:1;
//           field: int overwrite;   offset:8;       size:1; signed:1;
//           field: char data;       offset:16;      size:4080;      signed:1;

import { parseFields } from '../events/event-format.ts';

export interface PageShape {
  /** Bytes in a long of the traced kernel: those of `commit`. */
  readonly longSize: 4 | 8;
  /** Bytes in a page of the buffer, which may be several pages of memory (buffer_subbuf_size_kb). */
  readonly pageSize: number;
}

/** Smallest and largest page of a ring buffer that is believed. */
const MIN_PAGE = 512;
const MAX_PAGE = 2 ** 24;

export function isPageSize(bytes: number): boolean {
  return Number.isInteger(bytes) && bytes >= MIN_PAGE && bytes <= MAX_PAGE && bytes % 4 === 0;
}

/** Undefined where the text does not describe a page as we know it. */
export function parseHeaderPage(text: string): PageShape | undefined {
  const fields = parseFields(text);
  const commit = fields.get('commit');
  const data = fields.get('data');
  if (commit === undefined || data === undefined) return undefined;
  const { size } = commit;
  if ((size !== 4 && size !== 8) || commit.offset !== 8 || data.offset !== 8 + size) {
    return undefined;
  }
  const pageSize = data.offset + data.size;
  return isPageSize(pageSize) ? { longSize: size, pageSize } : undefined;
}
