// Damages that files have in the wild: cut off, lines missing, numbers that cannot be. The same ones in
// every run.

import { SeededRandom } from '../../src/base/seeded-random.ts';

const ODD_NUMBERS = ['0', '-1', '2147483648', '9007199254740992', '1e999', 'text', ''] as const;

export class Damage {
  private readonly random: SeededRandom;

  constructor(seed: number) {
    this.random = new SeededRandom(seed * 2654435761);
  }

  pick<T>(items: readonly T[]): T {
    const item = items[this.random.below(items.length)];
    if (item === undefined) throw new Error('nothing to pick from');
    return item;
  }

  oddNumber(): string {
    return this.pick(ODD_NUMBERS);
  }

  /** A text with one kind of damage. */
  text(text: string): string {
    return this.pick([this.cut, this.withoutLines, this.withOddNumbers]).call(this, text);
  }

  /** Bytes cut off, or some of them others. */
  bytes(bytes: Buffer): Buffer {
    if (this.random.below(2) === 0) return bytes.subarray(0, this.random.below(bytes.length + 1));
    const copy = Buffer.from(bytes);
    for (let i = 0; i < 8 && copy.length > 0; i++) {
      copy[this.random.below(copy.length)] = this.pick([0, 0x7f, 0x80, 0xff]);
    }
    return copy;
  }

  private cut(text: string): string {
    return text.slice(0, this.random.below(text.length + 1));
  }

  private withoutLines(text: string): string {
    const share = this.pick([2, 5, 50]);
    return text
      .split('\n')
      .filter(() => this.random.below(share) > 0)
      .join('\n');
  }

  /** One number in a few is another, of some lines or of one. */
  private withOddNumbers(text: string): string {
    const share = this.pick([3, 30, 300]);
    return text.replaceAll(/\d+/g, (number) =>
      this.random.below(share) === 0 ? this.oddNumber() : number,
    );
  }
}
