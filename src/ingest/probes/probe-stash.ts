// Probe records that wait for their turn: read where they lie in the file, told in the order of time,
// because a call and its return are two records, perhaps of two CPUs.

import { ensureLength } from '../../base/growable.ts';
import type { ProbeEvents } from './probe-events.ts';
import type { ProbePlan } from './probe-plan.ts';
import { ProbeValues } from './probe-values.ts';

/** Words of a slot: function, site, values. */
const FUNC = 0;
const SITE = 1;
const VALUES = 2;
const SLOT_WORDS: number = VALUES + ProbeValues.WORDS;
/** Records that may wait, of some 100 bytes each. */
const MAX_WAITING = 512 * 1024;

/** The elements of an array, as halves. */
interface Objects {
  readonly lo: Uint32Array;
  readonly hi: Uint32Array;
}

export class ProbeStash {
  readonly events: ProbeEvents;
  private words: Uint32Array = new Uint32Array(1024 * SLOT_WORDS);
  private readonly plans: ProbePlan[] = [];
  private readonly objects = new Map<number, Objects>();
  private readonly unused: number[] = [];

  constructor(events: ProbeEvents) {
    this.events = events;
  }

  /** True where no more records should come before some were told. */
  get isFull(): boolean {
    return this.plans.length - this.unused.length >= MAX_WAITING;
  }

  /** Keeps what the events' hit and values hold; gives the number under which `tell` finds it. */
  keep(plan: ProbePlan): number {
    const { hit, values } = this.events;
    const slot = this.unused.pop() ?? this.plans.length;
    const from = slot * SLOT_WORDS;
    this.words = ensureLength(this.words, from + SLOT_WORDS);
    this.plans[slot] = plan;
    this.words[from + FUNC] = hit.func;
    this.words[from + SITE] = hit.site;
    values.save(this.words, from + VALUES);
    const { objects, objectLo, objectHi } = values;
    if (objects > 0) {
      const lo = objectLo.slice(0, objects);
      this.objects.set(slot, { lo, hi: objectHi.slice(0, objects) });
    }
    return slot;
  }

  /** Tells a record that was kept, once; false where it makes no event. */
  tell(slot: number, ts: number, task: number, cpu: number, flags: number): boolean {
    const plan = this.plans[slot];
    if (plan === undefined) return false;
    const { hit, values } = this.events;
    const from = slot * SLOT_WORDS;
    hit.ts = ts;
    hit.task = task;
    hit.cpu = cpu;
    hit.flags = flags;
    hit.func = this.words[from + FUNC] ?? 0;
    hit.site = this.words[from + SITE] ?? 0;
    values.restore(this.words, from + VALUES);
    const objects = this.objects.get(slot);
    objects?.lo.forEach((lo, i) => {
      values.pushObject(lo, objects.hi[i] ?? 0);
    });
    this.objects.delete(slot);
    this.unused.push(slot);
    return this.events.add(plan);
  }
}
