// What stands before the name of an event: who, on which CPU, in which state, when. Each format has
// a grammar for it; everything behind it is read alike.

import { FLAGS_UNKNOWN } from '../../kernel/events/event-batch.ts';
import { nanosOf, splitWhole } from '../events/text-clock.ts';

/** How pid and name of a task are joined: `name-12` or `name 12`. */
export type TaskStyle = 'dash' | 'blank';

/** The places that a fast reader needs to find the same things in the next line. */
export interface LineLayout {
  /** Column of the CPU: of its `[`, or of the first of three columns for its digits. */
  readonly cpu: number;
  readonly brackets: boolean;
  /** Letters of the flags column behind it; 0 where there is none. */
  readonly flagsWidth: number;
  /** Digits behind the point; 0 where times are whole numbers. */
  readonly fraction: number;
  /** The point, or the comma of another locale. */
  readonly point: number;
  /** True where the time is `22708us+`. */
  readonly micros: boolean;
}

/** What a grammar found in a line; reused from line to line. */
export class LinePrefix {
  cpu = 0;
  flags: number = FLAGS_UNKNOWN;
  /** The time, see TextClock. */
  hi = 0;
  lo = 0;
  whole = false;
  /** The task is text [taskStart, taskEnd), with what stands around it. */
  taskStart = 0;
  taskEnd = 0;
  taskStyle: TaskStyle = 'dash';
  /** The tracing instance (`inst1: ` before the line); '' for the top one. */
  instance = '';
  /** Where the event begins. */
  rest = 0;
  /** True where the event is a comment, which ends with `*` and `/` (function_graph). */
  isComment = false;
  layout: LineLayout | undefined;

  /** `62` and `757201`: seconds with their fraction. */
  setSeconds(seconds: string, fraction: string): void {
    this.hi = Number(seconds);
    this.lo = nanosOf(fraction);
    this.whole = false;
  }

  /** Microseconds since some start. */
  setMicros(micros: string): void {
    this.setSeconds(micros.slice(0, -6) || '0', micros.slice(-6).padStart(6, '0'));
  }

  /** The value of a clock that does not count nanoseconds. */
  setWhole(digits: string): void {
    const { hi, lo } = splitWhole(digits);
    this.hi = hi;
    this.lo = lo;
    this.whole = true;
  }
}

export interface LineGrammar {
  /**
   * Reads what stands before the event.
   * @param text the first bytes of a line, one character per byte
   * @returns false where the line is no event; `prefix` is then not to be used
   */
  read(text: string, prefix: LinePrefix): boolean;
}
