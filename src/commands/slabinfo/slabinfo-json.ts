// A slabinfo result becomes the object of `slabinfo --json` (docs: JSON, type "slabinfo").
// Here caches have their names of /proc/slabinfo, as everywhere in JSON; the tool's own text shows
// merged caches by id or alias.

import type { SlabinfoRun } from './slabinfo-run.ts';
import type { SlabinfoTotals } from './totals.ts';

interface SlabinfoJsonCache {
  name: string;
  /** True where the recording does not tell which of a merged cache's names is its own. */
  nameGuessed: boolean;
  /** The directory in /sys/kernel/slab. */
  sysfsId: string;
  objects: number;
  objectSize: number;
  /** Bytes; below 0 where the capture's counts disagree. */
  loss: number;
  space: number;
  /** All slabs, those on CPUs included. */
  slabs: number;
  partial: number;
  cpuSlabs: number;
  objsPerSlab: number;
  order: number;
  pctFr: number;
  pctEf: number;
  flags: string;
}

interface SlabinfoJsonTotals {
  slabcaches: number;
  aliases: number;
  active: number;
  objects: number;
  slabs: number;
  partial: number;
  objectsPartial: number;
  space: number;
  used: number;
  loss: number;
}

export interface SlabinfoJson {
  type: 'slabinfo';
  run: SlabinfoRun['run'];
  completeness: SlabinfoRun['completeness'];
  caches: SlabinfoJsonCache[];
  totals: SlabinfoJsonTotals;
  /** Every name of a merged cache that the pattern selects. */
  aliases: { name: string; sysfsId: string }[];
  /** What of the recording's files could not be used. */
  notes: readonly string[];
}

/** The caches are those of the list, in its order. */
export function buildSlabinfoJson(tables: SlabinfoRun): SlabinfoJson {
  const { run, completeness, result, names, notes } = tables;
  const { rows, totals, aliases } = result;
  return {
    type: 'slabinfo',
    run,
    completeness,
    caches: rows.map(({ id, name, activity: _activity, ...row }) => ({
      name: names.get(id)?.name ?? name,
      nameGuessed: names.get(id)?.guessed ?? false,
      sysfsId: id,
      ...row,
    })),
    totals: totalsOf(totals),
    aliases: aliases.map(({ name, target }) => ({ name, sysfsId: target })),
    notes,
  };
}

function totalsOf({ slabcaches, aliases, active, sums }: SlabinfoTotals): SlabinfoJsonTotals {
  const number = (value: bigint | undefined): number => Number(BigInt.asIntN(64, value ?? 0n));
  return {
    slabcaches,
    aliases,
    active,
    objects: number(sums?.objects.total),
    slabs: number(sums?.slabs.total),
    partial: number(sums?.partialSlabs.total),
    objectsPartial: number(sums?.partialObjects.total),
    space: number(sums?.memory.total),
    used: number(sums?.used.total),
    loss: number(sums?.loss.total),
  };
}
