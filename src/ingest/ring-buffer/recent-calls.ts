// Binary records → the index of their call, without interpreting a record like one before it again.
// Most records repeat a call that was just seen: the same event, site, sizes, flags and cache name,
// another address. A record's words that decide its call are compared with those of the last record
// that fell into the same slot; equal words are the same call. Words decide, the hash only says where
// to look; what does not fit a slot is simply not remembered.

/** A field that is part of a call: its place in the record, and 1, 4 or 8 bytes. */
export interface CallField {
  readonly offset: number;
  readonly size: number;
}

const SLOTS = 4096;
/** Room for the words of a name: those up to 44 bytes are remembered; the longest known have 31. */
const NAME_WORDS = 11;

/** The calls of one event format. */
export class RecentCalls {
  /** Per slot: the call's index + 1, how many words its key has, and the key. */
  private readonly slots: Int32Array;
  private readonly stride: number;
  /** The words of a record that hold the fixed fields, and which bits of them. */
  private readonly offsets: Uint32Array;
  private readonly masks: Int32Array;
  private readonly nameField: number;
  private readonly nameBase: number;
  private readonly littleEndian: boolean;
  /** Bytes that a record needs for all words of the fixed fields. */
  private readonly minSize: number;
  private readonly factors: Int32Array;
  /** The key of the record that was asked for last, and where it belongs; -1: nowhere. */
  private readonly key: Int32Array;
  private keyLength = 0;
  private at = -1;

  /**
   * @param fields the fixed fields of a call, as many as the event has
   * @param nameField offset of the word that says where the cache's name is, -1 where there is none
   * @param nameBase what the offset in that word counts from
   */
  constructor(
    fields: readonly (CallField | undefined)[],
    nameField: number,
    nameBase: number,
    littleEndian: boolean,
  ) {
    const words = fields.flatMap((field) => (field === undefined ? [] : wordsOf(field)));
    this.offsets = Uint32Array.from(words, (word) => word.offset);
    this.masks = Int32Array.from(words, (word) => word.mask);
    this.nameField = nameField;
    this.nameBase = nameBase;
    this.littleEndian = littleEndian;
    this.minSize = Math.max(0, ...words.map((word) => word.offset + 4));
    const room = words.length + (nameField < 0 ? 0 : NAME_WORDS + 1);
    this.stride = 2 ** Math.ceil(Math.log2(room + 2));
    this.slots = new Int32Array(SLOTS * this.stride);
    this.key = new Int32Array(room);
    // Odd numbers: every word moves the top bits of the sum, whatever the others are.
    this.factors = Int32Array.from({ length: room }, (_, i) => Math.imul(i + 1, 0x9e3779b2) | 1);
  }

  /** The call of the record at `at`, or -1 where it must be interpreted. */
  find(view: DataView, at: number, size: number): number {
    const { offsets, masks, key, factors } = this;
    this.at = -1;
    if (size < this.minSize) return -1;
    let hash = 0;
    let length = 0;
    for (; length < offsets.length; length++) {
      const word = view.getInt32(at + offsets[length]!, true) & masks[length]!;
      key[length] = word;
      hash = (hash + Math.imul(word, factors[length]!)) | 0;
    }
    if (this.nameField >= 0) {
      const word = view.getUint32(at + this.nameField, this.littleEndian);
      const bytes = word >>> 16;
      const from = this.nameBase + (word & 0xffff);
      // An empty name is counted each time; one that lies outside is no name.
      if (bytes <= 1 || bytes > NAME_WORDS * 4 || from + bytes + 3 > view.byteLength - at)
        return -1;
      if (from + bytes > size) return -1;
      key[length] = word;
      hash = (hash + Math.imul(word, factors[length]!)) | 0;
      length++;
      let i = at + from;
      for (const last = i + bytes - 4; i <= last; i += 4, length++) {
        const part = view.getInt32(i, true);
        key[length] = part;
        hash = (hash + Math.imul(part, factors[length]!)) | 0;
      }
      const rest = bytes & 3;
      if (rest !== 0) {
        const part = view.getInt32(i, true) & ((1 << (rest * 8)) - 1);
        key[length] = part;
        hash = (hash + Math.imul(part, factors[length]!)) | 0;
        length++;
      }
    }
    hash ^= hash >>> 15;
    const slot = (Math.imul(hash, 0x9e3779b1) >>> 20) * this.stride;
    this.at = slot;
    this.keyLength = length;
    const { slots } = this;
    if (slots[slot + 1] !== length) return -1;
    for (let i = 0; i < length; i++) if (slots[slot + 2 + i] !== key[i]) return -1;
    return slots[slot]! - 1;
  }

  /** Keeps the call of the record that `find` was asked for last. */
  remember(call: number): void {
    const { slots, at, key, keyLength } = this;
    if (at < 0) return;
    slots[at] = call + 1;
    slots[at + 1] = keyLength;
    for (let i = 0; i < keyLength; i++) slots[at + 2 + i] = key[i]!;
  }
}

function wordsOf(field: CallField): { offset: number; mask: number }[] {
  if (field.size === 8) {
    return [
      { offset: field.offset, mask: -1 },
      { offset: field.offset + 4, mask: -1 },
    ];
  }
  if (field.size === 4) return [{ offset: field.offset, mask: -1 }];
  // One byte: of the aligned word around it; the rest of that word is padding, which may be anything.
  const offset = field.offset & ~3;
  return [{ offset, mask: 0xff << ((field.offset & 3) * 8) }];
}
