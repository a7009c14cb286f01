// The memory nodes of the recorded machine: which one a page is of, and which one a CPU is of.

import type { Cpu } from '../../kernel/indices.ts';
import { type NodeOfAddress, nodeOfAddress, parseZoneSpans } from '../../kernel/machine/numa.ts';

export interface MemoryNodes {
  readonly count: number;
  readonly nodeOf: NodeOfAddress;
  readonly nodeOfCpu: (cpu: Cpu) => number;
}

/** Allocated objects: where they are and on which CPU they were allocated. */
export interface ObjectPlaces {
  readonly length: number;
  lo(i: number): number;
  hi(i: number): number;
  cpu(i: number): number;
}

const ONE_NODE: MemoryNodes = { count: 1, nodeOf: () => 0, nodeOfCpu: () => 0 };

/**
 * The nodes of a machine. A CPU belongs to the node that has most of what it allocated.
 * @param zoneinfo /proc/zoneinfo; without it all memory is one node
 */
export function learnNodes(
  zoneinfo: string | undefined,
  places: ObjectPlaces,
  pageSize: number,
): MemoryNodes {
  const spans = parseZoneSpans(zoneinfo ?? '');
  const count = spans.reduce((most, { node }) => Math.max(most, node + 1), 1);
  if (count === 1 || places.length === 0) return ONE_NODE;
  const nodeOf = nodeOfAddress(spans, lowestOf(places), pageSize);
  const objects: number[][] = [];
  for (let i = 0; i < places.length; i++) {
    const cpu = places.cpu(i);
    const node = nodeOf(places.lo(i), places.hi(i));
    objects[cpu] ??= new Array<number>(count).fill(0);
    objects[cpu][node]!++;
  }
  const nodeOfCpu = objects.map((ofCpu) => ofCpu.indexOf(Math.max(...ofCpu)));
  return { count, nodeOf, nodeOfCpu: (cpu) => nodeOfCpu[cpu] ?? 0 };
}

function lowestOf(places: ObjectPlaces): { lo: number; hi: number } {
  let lowest = { lo: places.lo(0), hi: places.hi(0) };
  for (let i = 1; i < places.length; i++) {
    const hi = places.hi(i);
    const lo = places.lo(i);
    if (hi < lowest.hi || (hi === lowest.hi && lo < lowest.lo)) lowest = { lo, hi };
  }
  return lowest;
}
