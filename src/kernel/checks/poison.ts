// The bytes that SLUB fills object memory with, so that it sees who wrote where nobody may.
// Truth: include/linux/poison.h (6.1.192, 6.12.117). A widespread text gives the red zone's byte as
// 0x5a; that is padding.

/** Red zones of a free object. */
export const SLUB_RED_INACTIVE = 0xbb;
/** Red zones of an allocated object. */
export const SLUB_RED_ACTIVE = 0xcc;
/** Padding, and what no one has filled yet. */
export const POISON_INUSE = 0x5a;
/** A free object, but for its last byte. */
export const POISON_FREE = 0x6b;
/** The last byte of a free object. */
export const POISON_END = 0xa5;

/** What is wrong with a slab, in one word; several of the kernel's texts share one. */
export type SlubReportKind =
  | 'redzone-right'
  | 'redzone-left'
  | 'poison'
  | 'object-padding'
  | 'slab-padding'
  | 'freepointer'
  | 'freelist'
  | 'counters'
  | 'track'
  | 'double-free'
  | 'invalid-free'
  | 'wrong-cache'
  | 'non-slab-free'
  | 'remaining-objects';
