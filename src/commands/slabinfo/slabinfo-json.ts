// A slabinfo result becomes the object of `slabinfo --json` (docs: JSON, type "slabinfo").
// Here caches have their names of /proc/slabinfo, as everywhere in JSON; the tool's own text shows
// merged caches by id or alias.

import type { SlabinfoRun } from './slabinfo-run.ts';
import type { SlabinfoTotals } from './totals.ts';

interface SlabinfoJsonCache {
  name: string;
  /** True where the recording does not tell which of a merged cache's names is its own. */
  nameGuessed: boolean;
  /** The directory in /sys/kernel/slab; of /proc/slabinfo null. */
  sysfsId: string | null;
  objects: number;
  objectSize: number;
  /** Bytes; below 0 where the capture's counts disagree. */
  loss: number;
  space: number;
  /** All slabs, those on CPUs included. */
  slabs: number;
  partial: number | null;
  cpuSlabs: number | null;
  objsPerSlab: number;
  order: number;
  pctFr: number | null;
  pctEf: number;
  /** Of /proc/slabinfo null. */
  flags: string | null;
}

interface SlabinfoJsonTotals {
  slabcaches: number;
  aliases: number;
  active: number;
  objects: number;
  slabs: number;
  /** Of /proc/slabinfo null. */
  partial: number | null;
  objectsPartial: number | null;
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
  const { run, completeness, isSlabinfo, result, names, notes } = tables;
  const { rows, totals, aliases } = result;
  return {
    type: 'slabinfo',
    run,
    completeness,
    caches: rows.map(({ id, name, activity: _activity, ...row }) => ({
      name: names.get(id)?.name ?? name,
      nameGuessed: names.get(id)?.guessed ?? false,
      sysfsId: isSlabinfo ? null : id,
      ...row,
      flags: isSlabinfo ? null : row.flags,
    })),
    totals: totalsOf(totals, isSlabinfo),
    aliases: aliases.map(({ name, target }) => ({ name, sysfsId: target })),
    notes,
  };
}

function totalsOf(
  { slabcaches, aliases, active, sums }: SlabinfoTotals,
  isSlabinfo: boolean,
): SlabinfoJsonTotals {
  const number = (value: bigint | undefined): number => Number(BigInt.asIntN(64, value ?? 0n));
  return {
    slabcaches,
    aliases,
    active,
    objects: number(sums?.objects.total),
    slabs: number(sums?.slabs.total),
    partial: isSlabinfo ? null : number(sums?.partialSlabs.total),
    objectsPartial: isSlabinfo ? null : number(sums?.partialObjects.total),
    space: number(sums?.memory.total),
    used: number(sums?.used.total),
    loss: number(sums?.loss.total),
  };
}
