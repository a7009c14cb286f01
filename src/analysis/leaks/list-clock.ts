// When the objects of kmemleak's list were allocated, in the trace's time. The list has jiffies; how they
// count, and where the trace's clock began, is learnt from objects that both know.

import type { KmemleakObject } from '../../kernel/checks/kmemleak-list.ts';

/** INITIAL_JIFFIES: 300 seconds before the low 32 bits turn over (include/linux/jiffies.h). */
const WRAP = 2 ** 32;
const SECONDS_BEFORE_WRAP = 300;

/** Of one object, by two clocks of one machine: a tick, and what rounds. */
const SAME_SEC = 1;
/** What may pass before a clock begins that counts from the start of the machine. */
const UNLEARNT_SEC = 10;
/** Objects that a difference is learnt from. */
const ENOUGH = 3;
/** CONFIG_HZ as kernels are built with (kernel/Kconfig.hz). */
const USUAL_HZ = [250, 1000, 100, 300];
/** Clocks that begin with the machine (kernel/trace/trace.c, trace_clocks[]). */
const BOOT_CLOCKS: ReadonlySet<string> = new Set(['local', 'global', 'mono', 'boot', 'mono_raw']);

export interface ClockInput {
  /** CONFIG_HZ; undefined: it is learnt too. */
  readonly hz: number | undefined;
  /** The trace's clock, where it is known and counts nanoseconds. */
  readonly clock: string | null;
  /** First and last event in seconds; null where the clock does not count time. */
  readonly firstSec: number | null;
  readonly lastSec: number | null;
  readonly list: readonly KmemleakObject[];
  /** When the trace has the object at an address allocated, in seconds. */
  readonly allocatedSec: (object: KmemleakObject) => number | undefined;
}

export class ListClock {
  private readonly input: ClockInput;
  private readonly hz: number | undefined;
  /** Seconds that the kernel's time is ahead of the trace's; undefined: not learnt. */
  private readonly ahead: number | undefined;
  /** What two times of one object may differ by, in seconds. */
  private readonly margin: number;
  /** When the list was printed, in the trace's seconds; undefined where it has no ages. */
  private readonly printedSec: number | undefined;

  constructor(input: ClockInput) {
    this.input = input;
    const { clock, hz } = input;
    const learnt = input.firstSec === null ? undefined : learn(input);
    this.hz = learnt?.hz ?? hz;
    this.ahead =
      learnt?.ahead ?? (hz !== undefined && BOOT_CLOCKS.has(clock ?? '') ? 0 : undefined);
    this.margin = learnt === undefined ? UNLEARNT_SEC : SAME_SEC;
    const moments = input.list.flatMap((object) => {
      const sec = this.secOf(object);
      return sec === undefined || object.ageSec === null ? [] : [sec + object.ageSec];
    });
    this.printedSec = moments.length === 0 ? undefined : Math.max(...moments);
  }

  /** False where the times tell that an object of the list is not the one of the trace. */
  isSameTime(object: KmemleakObject, allocatedNs: string | null): boolean {
    const sec = this.secOf(object);
    if (sec === undefined || allocatedNs === null) return true;
    return Math.abs(sec - Number(allocatedNs) / 1e9) <= this.margin;
  }

  /** Where an object's allocation is outside of the trace. */
  placeOf(object: KmemleakObject): 'before-trace' | 'after-trace' | undefined {
    const { firstSec, lastSec } = this.input;
    const sec = this.secOf(object);
    if (sec === undefined || firstSec === null || lastSec === null) return undefined;
    if (sec < firstSec - this.margin) return 'before-trace';
    return sec > lastSec + this.margin ? 'after-trace' : undefined;
  }

  /** True for what was allocated when the list was there already. */
  isAfterList(allocatedNs: string | null): boolean {
    if (this.printedSec === undefined || allocatedNs === null) return false;
    return Number(allocatedNs) / 1e9 > this.printedSec + this.margin;
  }

  private secOf({ jiffies }: KmemleakObject): number | undefined {
    if (jiffies === null || this.hz === undefined || this.ahead === undefined) return undefined;
    return bootSec(jiffies, this.hz) - this.ahead;
  }
}

/** Seconds since the kernel began to count. */
function bootSec(jiffies: number, hz: number): number {
  const ticks = jiffies - (WRAP - SECONDS_BEFORE_WRAP * hz);
  return (ticks < 0 ? ticks + WRAP : ticks) / hz;
}

/** The HZ and difference by which most objects have the same time in list and trace. */
function learn({ hz, list, allocatedSec }: ClockInput): { hz: number; ahead: number } | undefined {
  const pairs = list.flatMap((object) => {
    const sec = allocatedSec(object);
    return sec === undefined || object.jiffies === null ? [] : [{ jiffies: object.jiffies, sec }];
  });
  if (pairs.length < ENOUGH) return undefined;
  const fits = (hz === undefined ? USUAL_HZ : [hz]).map((each) => {
    const differences = pairs.map(({ jiffies, sec }) => bootSec(jiffies, each) - sec);
    const ahead = median(differences);
    const off = differences.map((d) => Math.abs(d - ahead));
    return { hz: each, ahead, off: median(off), agree: off.filter((o) => o <= SAME_SEC).length };
  });
  const [best] = fits.sort((a, b) => a.off - b.off);
  return best !== undefined && best.agree * 2 > pairs.length ? best : undefined;
}

const median = (values: readonly number[]): number =>
  values.toSorted((a, b) => a - b)[values.length >> 1] ?? 0;
