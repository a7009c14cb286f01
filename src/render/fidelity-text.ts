// What was modelled and how far the model agrees with the kernel, as lines of text.

import { counted, formatBytes, formatCount, formatShare } from '../base/bytes-format.ts';
import type { ReplayedModel, ReplayFidelity } from '../run/replay-summary.ts';
import { escapeText } from './escape.ts';
import { labelled } from './run-text.ts';

/** `SLUB as in 6.1, no slub_debug, orders 0-3, 2 CPUs, 1 node, pages of 4.0 KB` */
export function describeModel(model: ReplayedModel): string {
  const { kernel, slubDebug, slubMinOrder, slubMaxOrder, nodes, cpus } = model;
  const unknown = kernel === null ? ' (the kernel is unknown: --kernel names it)' : '';
  return [
    `SLUB as in ${model.rules}${unknown}`,
    slubDebug === '' ? 'no slub_debug' : `slub_debug=${escapeText(slubDebug)}`,
    ...(model.slabNomerge ? ['slab_nomerge'] : []),
    `orders ${slubMinOrder}-${slubMaxOrder}`,
    counted(cpus, 'CPU'),
    counted(nodes, 'node'),
    `pages of ${formatBytes(model.pageSize)}`,
  ].join(', ');
}

/** Slots and slabs in per cent, as docs/model-rules.md defines them. */
export function fidelityText(fidelity: ReplayFidelity): string {
  const { allocations, undetermined, slotMatches, slabMatches } = fidelity;
  if (allocations === 0) return 'no allocation of a known cache: nothing to compare';
  if (allocations === undetermined) return 'no slot to compare: only first objects of new slabs';
  return (
    `replay chose the kernel's slot in ${formatShare(slotMatches, allocations - undetermined, 2)} ` +
    `of ${counted(allocations, 'allocation')}, its slab in ${formatShare(slabMatches, allocations, 2)}`
  );
}

/** Where the model is sure to be wrong. */
export function impossibleText(count: number): string {
  return `${counted(count, 'object')} that the trace shows freed ${count === 1 ? 'is' : 'are'} allocated in the replay`;
}

export function fidelityLines(fidelity: ReplayFidelity): string {
  const { undetermined, leftOut, mismatches } = fidelity;
  const out = [
    [
      undetermined,
      undetermined === 1
        ? 'first object of a new slab in a random order'
        : 'first objects of new slabs in a random order',
    ],
    [leftOut.large, 'page-backed kmalloc'],
    [leftOut.unknownCache, 'of unknown caches'],
    [leftOut.misplaced, 'where no object of their cache can begin'],
  ] as const;
  const missed = Object.entries(mismatches)
    .filter(([, count]) => count > 0)
    .sort((a, b) => b[1] - a[1])
    .map(([cause, count]) => `${formatCount(count)} ${CAUSES[cause] ?? cause}`);
  const without = out
    .filter(([count]) => count > 0)
    .map(([count, what]) => `${formatCount(count)} ${what}`);
  return (
    labelled('fidelity', fidelityText(fidelity)) +
    (without.length === 0 ? '' : labelled('not counted', without.join(', '))) +
    (missed.length === 0 ? '' : labelled('missed', missed.join(', '))) +
    (fidelity.impossible === 0 ? '' : labelled('impossible', impossibleText(fidelity.impossible)))
  );
}

const CAUSES: Readonly<Record<string, string>> = {
  unseenFree: 'where no event had freed the object',
  unseenAlloc: 'behind objects taken without an event',
  freshOrder: 'in another order of the new slab',
  migration: 'on another CPU',
  otherSlab: 'from another slab',
  newSlab: 'from a new slab too early',
  noneFree: 'where no free object was known',
};
