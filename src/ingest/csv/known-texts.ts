// Fields that repeat from row to row (task names, flags, stacks) → numbers, each text read once.

import { ByteTable } from '../../base/byte-table.ts';

/** Texts after which all are forgotten: so many do not repeat. */
export const MAX_TEXTS: number = 1 << 18;

export class KnownTexts {
  private table = new ByteTable();
  private values: number[] = [];
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
    if (this.table.length > MAX_TEXTS) {
      this.table = new ByteTable();
      this.values = [];
    } else this.values[id] = value;
    return value;
  }
}
