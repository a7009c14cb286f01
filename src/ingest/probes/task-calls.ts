// The calls of allocators that one task is in, as probes show them: entries that wait for their
// returns, and what was told of them in the meantime.

import { NODE_UNKNOWN } from '../../kernel/events/dictionary.ts';
import { FLAGS_UNKNOWN, IRQ_FLAG } from '../../kernel/events/event-batch.ts';

/** Calls inside calls of one task; deeper ones have lost their returns. */
const MAX_DEPTH = 32;

/** Context that is not told. */
const ANY_CONTEXT = -1;

/** A call that has not returned yet. */
export class PendingCall {
  func = 0;
  context: number = ANY_CONTEXT;
  kind = 0;
  hasSize = false;
  size = 0;
  gfp = 0;
  hasGfp = false;
  node: number = NODE_UNKNOWN;
  cache = 0;
  /** What was told since: number of the event, object, call. */
  event = -1;
  lo = 0;
  hi = 0;
  call = 0;
  /** True where a tracepoint told it in this very call, false where a call inside it did. */
  isOwn = false;

  note(event: number, lo: number, hi: number, call: number, isOwn: boolean): void {
    if (this.isOwn && !isOwn) return;
    this.isOwn = isOwn;
    this.event = event;
    this.lo = lo;
    this.hi = hi;
    this.call = call;
  }

  /** True where the object that it returns was told already. */
  hasTold(lo: number, hi: number): boolean {
    return this.event >= 0 && this.lo === lo && this.hi === hi && (lo !== 0 || hi !== 0);
  }
}

/** The calls that a task is in, outermost first. */
export class TaskCalls {
  private readonly calls: PendingCall[] = [];
  depth = 0;
  /** Stands for a call whose entry was not seen. */
  readonly unseen: PendingCall = new PendingCall();

  /** A new innermost call. */
  push(): PendingCall {
    if (this.depth === MAX_DEPTH) {
      this.calls.push(...this.calls.splice(0, 1));
      this.depth--;
    }
    const call = this.calls[this.depth] ?? new PendingCall();
    this.calls[this.depth++] = call;
    call.event = -1;
    call.isOwn = false;
    return call;
  }

  /**
   * Leaves the innermost call of a function in a context, and those inside it; undefined where there
   * is none.
   */
  pop(func: number, context: number): PendingCall | undefined {
    for (let depth = this.depth - 1; depth >= 0; depth--) {
      const call = this.calls[depth]!;
      const isAny = call.context === ANY_CONTEXT || context === ANY_CONTEXT;
      if (call.func !== func || !(isAny || call.context === context)) continue;
      this.depth = depth;
      return call;
    }
    return undefined;
  }

  /** The call that the task is in. */
  get innermost(): PendingCall {
    return this.depth === 0 ? this.unseen : this.calls[this.depth - 1]!;
  }
}

/**
 * Task, softirq or hardirq: a call returns where it was made. A probe that traps counts as an NMI
 * itself (irqentry_nmi_enter() in kernel/entry/common.c, 6.1), so then the flags do not tell.
 */
export function contextOf(flags: number): number {
  const isTold = flags !== FLAGS_UNKNOWN && (flags & IRQ_FLAG.nmi) === 0;
  return isTold ? flags & (IRQ_FLAG.hardirq | IRQ_FLAG.softirq) : ANY_CONTEXT;
}
