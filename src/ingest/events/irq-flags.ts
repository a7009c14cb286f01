// The letters of the flags column → EventBatch.flags, the inverse of trace_print_lat_fmt() in
// kernel/trace/trace_output.c (6.1; the lazy letters: 6.13 on):
//
//   d..2.   irqs off, need-resched, hardirq/softirq, preempt depth, migrate-disable depth
//
// Four letters until 5.15: no migrate-disable. What the letters do not tell:
//  - `z` and `Z` (NMI) and `h` hide a softirq below; `d`, `b` and `D` hide "irqs-off not supported".
//  - `N` was need-resched alone until 3.12; it is need-resched and preempt-resched since. trace-cmd
//    prints it for both, and `.` where bottom halves are off.
//  - bit 0x02 is "irqs-off not supported" (`X`) until 6.12 and need-resched-lazy since.
//  - the preempt depth ends at `f` (15); before 5.16 it was the whole count, which two digits
//    (16 and more) would make five letters long.

import { FLAGS_UNKNOWN, IRQ_FLAG } from '../../kernel/events/event-batch.ts';

const { irqsOff, bhOff, needResched, preemptResched, hardirq, softirq, nmi } = IRQ_FLAG;
/** TRACE_FLAG_IRQS_NOSUPPORT, TRACE_FLAG_NEED_RESCHED_LAZY. */
const BIT_1 = 0x02;

const HEX_DIGITS = '0123456789abcdef';

const COLUMNS: readonly Readonly<Record<string, number>>[] = [
  { d: irqsOff, b: bhOff, D: irqsOff | bhOff, X: BIT_1 },
  {
    N: needResched | preemptResched,
    n: needResched,
    p: preemptResched,
    l: BIT_1,
    L: preemptResched | BIT_1,
    b: needResched | BIT_1,
    B: needResched | preemptResched | BIT_1,
  },
  { s: softirq, h: hardirq, H: hardirq | softirq, z: nmi, Z: nmi | hardirq },
  Object.fromEntries([...HEX_DIGITS].map((digit, depth) => [digit, depth << 8])),
  Object.fromEntries([...HEX_DIGITS].map((digit, depth) => [digit, depth << 12])),
];

/** Bits by column * 256 + letter; negative where the letter is none of that column. */
export const FLAG_BITS: Int32Array = new Int32Array(COLUMNS.length * 256).fill(-1);
for (const [column, letters] of COLUMNS.entries()) {
  FLAG_BITS[column * 256 + '.'.charCodeAt(0)] = 0;
  for (const [letter, bits] of Object.entries(letters)) {
    FLAG_BITS[column * 256 + letter.charCodeAt(0)] = bits;
  }
}

/** The flags of a column of four or five letters; FLAGS_UNKNOWN for any other. */
export function parseIrqFlags(letters: string): number {
  if (letters.length !== 4 && letters.length !== 5) return FLAGS_UNKNOWN;
  let flags = 0;
  for (let i = 0; i < letters.length; i++)
    flags |= FLAG_BITS[i * 256 + letters.charCodeAt(i)] ?? -1;
  return flags < 0 ? FLAGS_UNKNOWN : flags;
}
