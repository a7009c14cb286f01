// Fields that repeat from row to row (task names, flags, stacks) → numbers, each text read once.

import { ByteTable } from '../../base/byte-table.ts';

/** Texts, and bytes of them, after which all are forgotten: so many do not repeat. */
export const MAX_TEXTS: number = 1 << 18;
export const MAX_TEXT_BYTES: number = 1 << 26;

export class KnownTexts {
  private table = new ByteTable();
  private values: number[] = [];
  private bytes = 0;
  private readonly parse: (text: string) => number;

  /** @param parse what a text means */
  constructor(parse: (text: string) => number) {
    this.parse = parse;
  }

  /** What the text in bytes [from, to) means. */
  get(bytes: Buffer, from: number, to: number): number {
    const id = this.table.intern(bytes, from, to);
    const known = this.values[id];
    if (known !== undefined) return known;
    const value = this.parse(bytes.toString('utf8', from, to));
    this.values[id] = value;
    this.bytes += to - from;
    if (this.table.length > MAX_TEXTS || this.bytes > MAX_TEXT_BYTES) {
      this.table = new ByteTable();
      this.values = [];
      this.bytes = 0;
    }
    return value;
  }
}
