// The flags column of ftrace text: trace_print_lat_fmt() in kernel/trace/trace_output.c (6.1; the
// lazy letters: 6.13 on).
//   1 irqs-off / BH-disabled: d b D   2 need-resched: N n p, lazy B b L l   3 hard/softirq: Z z H h s
//   4 preempt depth (hex)             5 migrate-disable depth (hex)

import { IRQ_FLAG } from './event-batch.ts';

/** Until 6.12 the bit says "irqs-off not supported", which no machine that we know of sets. */
const NEED_RESCHED_LAZY = 0x02;

// What stands in the first three columns, at the index that the flags of its comment make.
const IRQS = '.dbD'; // irqsOff, bhOff
const RESCHED = '.npNlbLB'; // needResched, preemptResched, needReschedLazy
const CONTEXT = '.hsHzZzZ'; // hardirq, softirq, nmi

/** `d.h2.`, from the flags of an event (EventBatch.flags); '.' for what is not set. */
export function formatIrqFlags(flags: number): string {
  const index = (...bits: number[]): number =>
    bits.reduce((sum, bit, i) => sum + ((flags & bit) === 0 ? 0 : 1 << i), 0);
  return [
    IRQS[index(IRQ_FLAG.irqsOff, IRQ_FLAG.bhOff)],
    RESCHED[index(IRQ_FLAG.needResched, IRQ_FLAG.preemptResched, NEED_RESCHED_LAZY)],
    CONTEXT[index(IRQ_FLAG.hardirq, IRQ_FLAG.softirq, IRQ_FLAG.nmi)],
    depth((flags >> 8) & 0xf),
    depth((flags >> 12) & 0xf),
  ].join('');
}

function depth(value: number): string {
  return value === 0 ? '.' : value.toString(16);
}
