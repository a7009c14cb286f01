// The fields of one probe event, as numbers of 64 bits by what they mean; reused from event to event.

import { TWO_32 } from '../../base/address.ts';
import { MEANING, MEANING_COUNT, type Meaning } from './probe-plan.ts';

/** Elements of an array that are kept: MAX_ARRAY_LEN of kernel/trace/trace_probe.h (6.1). */
const MAX_OBJECTS = 64;

export class ProbeValues {
  private readonly lows = new Uint32Array(MEANING_COUNT);
  private readonly highs = new Uint32Array(MEANING_COUNT);
  private known = 0;
  /** The elements of an array of objects. */
  readonly objectLo: Uint32Array = new Uint32Array(MAX_OBJECTS);
  readonly objectHi: Uint32Array = new Uint32Array(MAX_OBJECTS);
  objects = 0;

  /** Words that `save` writes. */
  static readonly WORDS: number = 1 + 2 * MEANING_COUNT;

  /** Writes the values into `words` from `at` on; an array of objects is not among them. */
  save(words: Uint32Array, at: number): void {
    words[at] = this.known;
    words.set(this.lows, at + 1);
    words.set(this.highs, at + 1 + MEANING_COUNT);
  }

  /** Takes back what `save` wrote. */
  restore(words: Uint32Array, at: number): void {
    this.known = words[at] ?? 0;
    this.lows.set(words.subarray(at + 1, at + 1 + MEANING_COUNT));
    this.highs.set(words.subarray(at + 1 + MEANING_COUNT, at + ProbeValues.WORDS));
    this.objects = 0;
  }

  clear(): void {
    this.known = 0;
    this.objects = 0;
    this.lows.fill(0);
    this.highs.fill(0);
  }

  set(meaning: Meaning, lo: number, hi: number): void {
    const i = MEANING[meaning];
    this.lows[i] = lo;
    this.highs[i] = hi;
    this.known |= 1 << i;
  }

  pushObject(lo: number, hi: number): void {
    if (this.objects === MAX_OBJECTS) return;
    this.objectLo[this.objects] = lo;
    this.objectHi[this.objects++] = hi;
  }

  has(meaning: Meaning): boolean {
    return (this.known & (1 << MEANING[meaning])) !== 0;
  }

  /** Halves of a value; 0 where it is not there. */
  lo(meaning: Meaning): number {
    return this.lows[MEANING[meaning]]!;
  }
  hi(meaning: Meaning): number {
    return this.highs[MEANING[meaning]]!;
  }

  number(meaning: Meaning): number {
    return this.hi(meaning) * TWO_32 + this.lo(meaning);
  }

  /** `0xffff8c83c11c6a00`. */
  hex(meaning: Meaning): string {
    const digits = (word: number): string => word.toString(16).padStart(8, '0');
    return `0x${digits(this.hi(meaning))}${digits(this.lo(meaning))}`;
  }
}
