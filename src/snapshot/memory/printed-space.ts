// Words that a debugger printed → virtual memory: sorted by address, everything between them missing.
// There is no physical memory here, and nothing to translate with.

import { addHi, addLo, distance, hex16, hiOf, loOf } from '../../base/address.ts';
import { TraceFormatError } from '../../base/errors.ts';
import { ensureLength } from '../../base/growable.ts';
import type { Findings } from '../findings.ts';
import { parseWordLine } from '../image/word-lines.ts';
import type { AddressSpace, MappedRun } from './address-space.ts';

const WORD = 4;
/** 256 MiB of printed memory, some 700 MiB of text: more is no sparse snapshot. */
const MAX_WORDS = 64 * 1024 * 1024;

/** Collects 32-bit words in any order. */
export class PrintedWords {
  private hi: Uint32Array = new Uint32Array(1024);
  private lo: Uint32Array = new Uint32Array(1024);
  private value: Uint32Array = new Uint32Array(1024);
  private count = 0;
  private readonly findings: Findings;
  private lineNumber = 0;

  constructor(findings: Findings) {
    this.findings = findings;
  }

  line(text: string): void {
    this.lineNumber++;
    const line = parseWordLine(text);
    const where = (): string => `line ${this.lineNumber}`;
    if (line === undefined) {
      if (text.trim() !== '') this.findings.add('odd_line', where);
      return;
    }
    const hi = hiOf(line.address);
    const lo = loOf(line.address);
    if (lo % WORD !== 0) {
      this.findings.add('bad_word', where);
      return;
    }
    let offset = 0;
    // A word that is none is as wide as the others of its line.
    const width = line.words.find((w) => w !== undefined)?.bytes ?? 8;
    for (const word of line.words) {
      if (word === undefined) this.findings.add('bad_word', where);
      else {
        this.put(addHi(hi, lo, offset), addLo(lo, offset), word.lo);
        if (word.bytes === 8) {
          this.put(addHi(hi, lo, offset + WORD), addLo(lo, offset + WORD), word.hi);
        }
      }
      offset += word?.bytes ?? width;
    }
  }

  build(): PrintedSpace {
    const { hi, lo, value, count, findings } = this;
    const order = Uint32Array.from({ length: count }, (_, i) => i);
    order.sort((a, b) => hi[a]! - hi[b]! || lo[a]! - lo[b]! || a - b);
    const sorted = new Words(count);
    for (const i of order) {
      const last = sorted.count - 1;
      if (last >= 0 && sorted.hi[last] === hi[i] && sorted.lo[last] === lo[i]) {
        if (sorted.value[last] !== value[i]) {
          findings.add('repeated_word', () => hex16(hi[i]!, lo[i]!));
        }
        sorted.value[last] = value[i]!;
      } else sorted.push(hi[i]!, lo[i]!, value[i]!);
    }
    return new PrintedSpace(sorted);
  }

  private put(hi: number, lo: number, value: number): void {
    if (this.count === MAX_WORDS) {
      throw new TraceFormatError(`line ${this.lineNumber}: more memory than text is good for`, {
        hint: 'Take a memory image in a binary form.',
      });
    }
    const i = this.count++;
    this.hi = ensureLength(this.hi, i + 1);
    this.lo = ensureLength(this.lo, i + 1);
    this.value = ensureLength(this.value, i + 1);
    this.hi[i] = hi;
    this.lo[i] = lo;
    this.value[i] = value;
  }
}

/** Columns of words in the order of their addresses. */
class Words {
  readonly hi: Uint32Array;
  readonly lo: Uint32Array;
  readonly value: Uint32Array;
  count = 0;

  constructor(capacity: number) {
    this.hi = new Uint32Array(capacity);
    this.lo = new Uint32Array(capacity);
    this.value = new Uint32Array(capacity);
  }

  push(hi: number, lo: number, value: number): void {
    const i = this.count++;
    this.hi[i] = hi;
    this.lo[i] = lo;
    this.value[i] = value;
  }
}

/** A run of a printed space: `paddr` is -1, `index` its first word. */
interface PrintedRun extends MappedRun {
  readonly index: number;
}

export class PrintedSpace implements AddressSpace {
  private readonly words: Words;
  private readonly bytes: Uint8Array;

  constructor(words: Words) {
    this.words = words;
    this.bytes = new Uint8Array(words.value.buffer);
  }

  /** Bytes in all. */
  get size(): number {
    return this.words.count * WORD;
  }

  translate(): number {
    return -1;
  }

  read(hi: number, lo: number, target: Uint8Array): boolean {
    if (target.length === 0) return true;
    const within = lo % WORD;
    const first = this.atOrAfter(hi, lo - within);
    const last = first + Math.floor((within + target.length - 1) / WORD);
    const { words } = this;
    if (last >= words.count) return false;
    const start = distance(words.hi[first]!, words.lo[first]!, hi, lo - within);
    const end = distance(words.hi[last]!, words.lo[last]!, hi, lo - within);
    if (start !== 0 || end !== (last - first) * WORD) return false;
    const from = first * WORD + within;
    target.set(this.bytes.subarray(from, from + target.length));
    return true;
  }

  *runs(hi: number, lo: number, length: number): Generator<PrintedRun> {
    const { words } = this;
    let first = this.atOrAfter(hi, lo);
    while (first < words.count) {
      const offset = distance(words.hi[first]!, words.lo[first]!, hi, lo);
      if (offset >= length) return;
      let last = first;
      while (this.follows(last) && offset + (last - first + 1) * WORD < length) last++;
      const bytes = Math.min((last - first + 1) * WORD, length - offset);
      yield { hi: words.hi[first]!, lo: words.lo[first]!, length: bytes, paddr: -1, index: first };
      first = last + 1;
    }
  }

  readRun(run: MappedRun, offset: number, target: Uint8Array): boolean {
    // Cast: a run is read by the space that gave it.
    const from = (run as PrintedRun).index * WORD + offset;
    if (from + target.length > this.size) return false;
    target.set(this.bytes.subarray(from, from + target.length));
    return true;
  }

  *kernelRuns(): Generator<PrintedRun> {
    const { words } = this;
    for (let first = 0; first < words.count; ) {
      let last = first;
      while (this.follows(last)) last++;
      const length = (last - first + 1) * WORD;
      yield { hi: words.hi[first]!, lo: words.lo[first]!, length, paddr: -1, index: first };
      first = last + 1;
    }
  }

  /** True where the next word is right behind word i. */
  private follows(i: number): boolean {
    const { hi, lo, count } = this.words;
    return i + 1 < count && distance(hi[i + 1]!, lo[i + 1]!, hi[i]!, lo[i]!) === WORD;
  }

  private atOrAfter(hi: number, lo: number): number {
    const { words } = this;
    let low = 0;
    let high = words.count;
    while (low < high) {
      const mid = (low + high) >>> 1;
      if (distance(words.hi[mid]!, words.lo[mid]!, hi, lo) < 0) low = mid + 1;
      else high = mid;
    }
    return low;
  }
}
