import { IRQ_FLAG } from '../../../kernel/events/event-batch.ts';
import type { Call } from '../../../kernel/indices.ts';
import { groupCalls, hasCalls } from '../../../run/group-calls.ts';
import { siteLabel } from '../../../run/site-names.ts';
import type { CallSightings } from '../call-sightings.ts';
import { exampleOf, type LintRule, siteColumns } from '../finding.ts';

/** might_alloc() (include/linux/sched/mm.h) warns of the same on a kernel with DEBUG_ATOMIC_SLEEP. */
export const sleepingInAtomic: LintRule = {
  id: 'sleeping-in-atomic',
  severity: 'error',
  title: 'an allocation that may sleep, where sleeping is forbidden',
  help:
    'gfp_flags with __GFP_DIRECT_RECLAIM (GFP_KERNEL has it) let the allocator sleep when memory is ' +
    'short. In an interrupt, with interrupts or bottom halves off, or under a spinlock that hangs or ' +
    'corrupts the machine, but only then, so tests do not show it. Use GFP_ATOMIC or GFP_NOWAIT, or ' +
    'allocate before the lock is taken.',
  find({ run, tracker }) {
    if (tracker.atomic.total + tracker.preemptOff.total === 0) return [];
    const { calls } = run.dictionary;
    const seenIn = (call: Call): CallSightings[] =>
      [tracker.atomic, tracker.showsDepth ? tracker.preemptOff : undefined].flatMap((seen) =>
        seen?.has(call) ? [seen] : [],
      );
    const groups = groupCalls(run, (call, cache) => {
      if (seenIn(call).length === 0) return undefined;
      const name = run.sites.get(calls.site(call));
      return { id: `${siteLabel(name)} ${cache}`, key: { name, cache } };
    });
    return groups.filter(hasCalls).map(({ key, calls: own }) => {
      const seen = own.flatMap((call) => seenIn(call).map((sightings) => ({ call, sightings })));
      const first = seen.reduce((a, b) =>
        b.sightings.ts(b.call) < a.sightings.ts(a.call) ? b : a,
      );
      const context = contextOf(first.sightings.flags(first.call));
      return {
        count: seen.reduce((sum, { call, sightings }) => sum + sightings.count(call), 0),
        ...siteColumns(key.name),
        cache: key.cache,
        message: `may sleep (__GFP_DIRECT_RECLAIM) ${context}`,
        example: exampleOf(run, first.sightings, [first.call]),
      };
    });
  },
};

function contextOf(flags: number): string {
  if ((flags & IRQ_FLAG.nmi) !== 0) return 'in an NMI';
  if ((flags & IRQ_FLAG.hardirq) !== 0) return 'in a hardware interrupt';
  if ((flags & IRQ_FLAG.softirq) !== 0) return 'in a softirq';
  if ((flags & IRQ_FLAG.irqsOff) !== 0) return 'with interrupts off';
  if ((flags & IRQ_FLAG.bhOff) !== 0) return 'with bottom halves off';
  return `with preemption off (depth ${(flags >> 8) & 0xf})`;
}
