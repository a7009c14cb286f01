// A bitmap of pages → is page n there, and the how-manieth of the set ones is it. One number for
// every 512 bits answers the second at once; the bitmap of 64 GiB with it takes 2.1 MiB.

const BITS_PER_RANK = 512;
const WORDS_PER_RANK: number = BITS_PER_RANK / 32;

export class PageBitmap {
  /** Pages the bitmap speaks of. */
  readonly pages: number;
  private readonly words: Uint32Array;
  /** Set bits before each run of 512. */
  private readonly ranks: Float64Array;

  /** @param bytes least significant bit first */
  constructor(bytes: Uint8Array, pages: number) {
    const words = new Uint32Array(Math.ceil(bytes.length / 64) * WORDS_PER_RANK);
    new Uint8Array(words.buffer).set(bytes);
    this.pages = Math.min(pages, bytes.length * 8);
    this.words = words;
    // Bits behind the last page are of no page.
    for (let i = this.pages >>> 5; i < words.length; i++) {
      const from = this.pages - i * 32;
      if (from <= 0) words[i] = 0;
      else if (from < 32) words[i]! &= 2 ** from - 1;
    }
    this.ranks = new Float64Array(words.length / WORDS_PER_RANK + 1);
    let count = 0;
    for (let i = 0; i < words.length; i++) {
      if (i % WORDS_PER_RANK === 0) this.ranks[i / WORDS_PER_RANK] = count;
      count += popCount(words[i]!);
    }
    this.ranks[words.length / WORDS_PER_RANK] = count;
  }

  /** Set bits in all. */
  get count(): number {
    return this.ranks.at(-1) ?? 0;
  }

  has(page: number): boolean {
    if (page >= this.pages) return false;
    return ((this.words[Math.floor(page / 32)]! >>> (page % 32)) & 1) === 1;
  }

  /** Set bits before `page`. */
  rank(page: number): number {
    const word = Math.floor(page / 32);
    const run = Math.floor(page / BITS_PER_RANK);
    let count = this.ranks[run]!;
    for (let i = run * WORDS_PER_RANK; i < word; i++) count += popCount(this.words[i]!);
    const bit = page % 32;
    return bit === 0 ? count : count + popCount(this.words[word]! & (2 ** bit - 1));
  }

  /** The first page at or after `page` whose bit is `set`, or `pages` where there is none. */
  next(page: number, set: boolean): number {
    const { words, pages } = this;
    let at = page;
    while (at < pages) {
      const i = Math.floor(at / 32);
      const word = (set ? words[i]! : ~words[i]!) >>> (at % 32);
      if (word !== 0) return Math.min(pages, at + lowestBit(word));
      at = (i + 1) * 32;
    }
    return pages;
  }
}

function lowestBit(word: number): number {
  return 31 - Math.clz32(word & -word);
}

function popCount(word: number): number {
  let n = word - ((word >>> 1) & 0x55555555);
  n = (n & 0x33333333) + ((n >>> 2) & 0x33333333);
  return Math.imul((n + (n >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24;
}
