// Does a page hold recorded events? struct buffer_data_page (kernel/trace/ring_buffer.c): a time stamp
// of eight bytes, how many bytes of events follow (commit), then events, each with a type or length in
// the low five bits of its first word. A page whose events end exactly where commit says is one.

const HEADER_WORDS = 4;
const MIN_EVENTS = 8;
const PADDING = 29;
const TIME_EXTEND = 30;
const TIME_STAMP = 31;
/** The top bits of commit say that events were lost. */
const COMMIT_MASK = 0xfffff;

/** @param page its 32-bit words */
export function isRingBufferPage(page: Uint32Array): boolean {
  const commit = (page[2]! & COMMIT_MASK) >>> 0;
  const bytes = page.length * 4 - HEADER_WORDS * 4;
  if (page[3] !== 0 || commit % 4 !== 0 || commit > bytes) return false;
  const end = HEADER_WORDS + commit / 4;
  let events = 0;
  let at = HEADER_WORDS;
  while (at < end) {
    const type = page[at]! & 31;
    if (type === TIME_EXTEND || type === TIME_STAMP) at += 2;
    else if (type === PADDING) {
      if (page[at]! >>> 5 === 0) break;
      at += 1 + Math.ceil(page[at + 1]! / 4);
    } else if (type === 0) at += 1 + Math.ceil(page[at + 1]! / 4);
    else at += 1 + type;
    events++;
  }
  return at === end && events >= MIN_EVENTS;
}
