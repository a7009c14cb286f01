// The objects that are allocated at a moment of the trace, by address: where and when each came
// from. One record of 32 bytes an object, so that an event touches one cache line of it; records are
// used again, so memory grows with the objects that are live at a time.

import { AddressMap } from '../base/address-map.ts';
import { ensureLength } from '../base/growable.ts';
import type { EventBatch } from '../kernel/events/event-batch.ts';
import type { Call, EventRow, LiveRow } from '../kernel/indices.ts';
import type { PairedBatch } from './paired-batch.ts';

/** 32-bit words of a record. */
const WORDS = 8;
const PTR_LO = 0;
const PTR_HI = 1;
const CALL = 2;
const TASK = 3;
const STACK = 4;
/** The CPU, and flags above its 16 bits. */
const CPU = 5;
/** In 64-bit words. */
const TS = 3;

const CPU_MASK = 0xffff;
const SELECTED = 0x10000;
const HAS_DISPLACED = 0x20000;

const FIRST_CAPACITY = 1 << 15;

export class LiveObjects {
  private readonly rows = new AddressMap(FIRST_CAPACITY);
  private words: Uint32Array<ArrayBuffer> = new Uint32Array(0);
  private doubles: Float64Array = new Float64Array(0);
  private unused: Uint32Array = new Uint32Array(0);
  private unusedCount = 0;
  /** By row: what an allocation found live at its address; as long as ever needed. */
  private displacedWords: Uint32Array<ArrayBuffer> = new Uint32Array(0);
  private displacedDoubles: Float64Array = new Float64Array(0);

  get size(): number {
    return this.rows.size;
  }

  /** Rows are below this. */
  get capacity(): number {
    return this.words.length / WORDS;
  }

  ptrLo(row: LiveRow): number {
    return this.words[row * WORDS + PTR_LO]!;
  }
  ptrHi(row: LiveRow): number {
    return this.words[row * WORDS + PTR_HI]!;
  }
  /** Index into `Dictionary.calls`; 0 in an unused row. */
  call(row: LiveRow): number {
    return this.words[row * WORDS + CALL]!;
  }
  task(row: LiveRow): number {
    return this.words[row * WORDS + TASK]!;
  }
  stack(row: LiveRow): number {
    return this.words[row * WORDS + STACK]!;
  }
  cpu(row: LiveRow): number {
    return this.words[row * WORDS + CPU]! & CPU_MASK;
  }
  /** When it was allocated, as `EventBatch.ts`. */
  ts(row: LiveRow): number {
    return this.doubles[(row * WORDS) / 2 + TS]!;
  }
  /** True where the filters of the command select its allocation. */
  isSelected(row: LiveRow): boolean {
    return (this.words[row * WORDS + CPU]! & SELECTED) !== 0;
  }
  /** True where this allocation found another object live at its address, until its free came. */
  hasDisplaced(row: LiveRow): boolean {
    return (this.words[row * WORDS + CPU]! & HAS_DISPLACED) !== 0;
  }

  /**
   * Writes what is known of an object into row `i` of the `object…` columns.
   * @returns 1 where its allocation is selected, else 0
   */
  describe(row: LiveRow, paired: PairedBatch, i: EventRow): 0 | 1 {
    return describeRecord(this.words, this.doubles, row, paired, i);
  }

  /** The same for the object that was displaced (`hasDisplaced`). */
  describeDisplaced(row: LiveRow, paired: PairedBatch, i: EventRow): 0 | 1 {
    return describeRecord(this.displacedWords, this.displacedDoubles, row, paired, i);
  }

  /** The row of an address, or -1. */
  find(lo: number, hi: number): number {
    return this.rows.get(lo, hi);
  }

  /** A row for an address that has none; `fill` must follow. */
  add(lo: number, hi: number): number {
    if (this.unusedCount === 0) this.grow();
    const row = this.unused[--this.unusedCount]!;
    this.rows.set(lo, hi, row);
    this.words[row * WORDS + PTR_LO] = lo;
    this.words[row * WORDS + PTR_HI] = hi;
    this.words[row * WORDS + CPU] = 0;
    return row;
  }

  /** Takes the object's data from the event in row `i`. */
  fill(row: LiveRow, batch: EventBatch, i: EventRow, selected: boolean): void {
    const { words } = this;
    const at = row * WORDS;
    const cpu = batch.cpu[i];
    words[at + CALL] = batch.call[i];
    words[at + TASK] = batch.task[i];
    words[at + STACK] = batch.stack[i];
    words[at + CPU] = selected ? cpu | SELECTED : cpu;
    this.doubles[at / 2 + TS] = batch.ts[i];
  }

  /** The second event of an allocation names the true caller. */
  setCall(row: LiveRow, call: Call): void {
    this.words[row * WORDS + CALL] = call;
  }

  /** As `fill`, where an object is live in the row: it is kept as displaced. */
  replace(row: LiveRow, batch: EventBatch, i: EventRow, selected: boolean): void {
    if (this.displacedWords.length < this.words.length) this.growDisplaced();
    const { words, displacedWords } = this;
    const at = row * WORDS;
    displacedWords[at + CALL] = words[at + CALL]!;
    displacedWords[at + TASK] = words[at + TASK]!;
    displacedWords[at + CPU] = words[at + CPU]!;
    this.displacedDoubles[at / 2 + TS] = this.doubles[at / 2 + TS]!;
    this.fill(row, batch, i, selected);
    words[at + CPU]! |= HAS_DISPLACED;
  }

  forgetDisplaced(row: LiveRow): void {
    this.words[row * WORDS + CPU]! &= ~HAS_DISPLACED;
  }

  remove(row: LiveRow): void {
    const at = row * WORDS;
    const { words } = this;
    this.rows.delete(words[at + PTR_LO]!, words[at + PTR_HI]!);
    words[at + CALL] = 0;
    this.unused[this.unusedCount++] = row;
  }

  /** The rows in use. */
  inUse(): Uint32Array {
    const rows = new Uint32Array(this.size);
    const { words } = this;
    let n = 0;
    for (let at = CALL; at < words.length; at += WORDS) {
      if (words[at] !== 0) rows[n++] = (at - CALL) / WORDS;
    }
    return rows;
  }

  /** Rows in order of allocation time (ties by address), for results. */
  inOrder(rows: Uint32Array = this.inUse()): Uint32Array {
    return rows.toSorted(
      (a, b) =>
        this.ts(a) - this.ts(b) || this.ptrHi(a) - this.ptrHi(b) || this.ptrLo(a) - this.ptrLo(b),
    );
  }

  private grow(): void {
    const from = this.capacity;
    const capacity = Math.max(FIRST_CAPACITY, from * 2);
    this.words = ensureLength(this.words, capacity * WORDS);
    this.doubles = new Float64Array(this.words.buffer);
    this.unused = ensureLength(this.unused, capacity);
    for (let row: LiveRow = capacity - 1; row >= from; row--) this.unused[this.unusedCount++] = row;
  }

  private growDisplaced(): void {
    this.displacedWords = ensureLength(this.displacedWords, this.words.length);
    this.displacedDoubles = new Float64Array(this.displacedWords.buffer);
  }
}

function describeRecord(
  words: Uint32Array,
  doubles: Float64Array,
  row: LiveRow,
  paired: PairedBatch,
  i: EventRow,
): 0 | 1 {
  const at = row * WORDS;
  const cpu = words[at + CPU]!;
  paired.objectCall[i] = words[at + CALL]!;
  paired.objectTs[i] = doubles[at / 2 + TS]!;
  paired.objectTask[i] = words[at + TASK]!;
  paired.objectCpu[i] = cpu & CPU_MASK;
  return (cpu & SELECTED) === 0 ? 0 : 1;
}
