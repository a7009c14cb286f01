// References → colours (update_refs() and scan_gray_list() of mm/kmemleak.c): an object is gray with
// min_count references from roots and from gray objects, white with fewer. The references that an
// object has beyond the one that made it gray count for the object in its excess_ref: a vm_struct
// holds the address of its area, and whoever holds the vm_struct holds the area.

import { BLACK, type ObjectColumns } from './object-list.ts';
import type { FoundReferences } from './references.ts';

/** References that grew larger say no more. */
const MAX_COUNT = 2 ** 30;

/** Who refers to whom among objects: targets of object i are targets[starts[i]] to targets[starts[i + 1]]. */
export interface ReferenceGraph {
  readonly starts: Uint32Array;
  readonly targets: Uint32Array;
}

export interface Colours {
  /** References that were found, by object. */
  readonly counts: Int32Array;
  readonly white: number;
  readonly gray: number;
  readonly black: number;
}

export function isWhite(objects: ObjectColumns, colours: Colours, i: number): boolean {
  const min = objects.minCount[i]!;
  return min !== BLACK && colours.counts[i]! < min;
}

/** The edges of every thread of a scan by the object that refers. */
export function buildGraph(objects: number, found: readonly FoundReferences[]): ReferenceGraph {
  const starts = new Uint32Array(objects + 1);
  let edges = 0;
  for (const { edges: pairs, edgeCount } of found) {
    edges += edgeCount;
    for (let i = 0; i < edgeCount; i++) starts[pairs[i * 2]! + 1]!++;
  }
  for (let i = 0; i < objects; i++) starts[i + 1]! += starts[i]!;
  const targets = new Uint32Array(edges);
  const next = starts.slice(0, objects);
  for (const { edges: pairs, edgeCount } of found) {
    for (let i = 0; i < edgeCount; i++) targets[next[pairs[i * 2]!]!++] = pairs[i * 2 + 1]!;
  }
  return { starts, targets };
}

/**
 * @param excess by object: the object that references beyond its first count for
 */
export function colourObjects(
  objects: ObjectColumns,
  graph: ReferenceGraph,
  found: readonly FoundReferences[],
  excess: ReadonlyMap<number, number>,
): Colours {
  const { count, minCount } = objects;
  const counts = new Int32Array(count);
  const queue = new Uint32Array(count);
  const queued = new Uint8Array(count);
  let length = 0;
  const enqueue = (i: number): void => {
    if (queued[i] === 1) return;
    queued[i] = 1;
    queue[length++] = i;
  };
  /** One object gets `n` more references from `source` (-1: a root). */
  const refer = (i: number, n: number, source: number): void => {
    const min = minCount[i]!;
    if (min === BLACK) return;
    const before = counts[i]!;
    const missing = Math.max(0, min - before);
    counts[i] = Math.min(MAX_COUNT, before + n);
    if (before + n < min) return;
    enqueue(i);
    const over = n - missing;
    const holds = over > 0 ? excess.get(i) : undefined;
    // The area's own words do not hold it.
    if (holds !== undefined && holds !== source) refer(holds, over, source);
  };
  for (let i = 0; i < count; i++) if (minCount[i] === 0) enqueue(i);
  for (let i = 0; i < count; i++) {
    let n = 0;
    for (const { fromRoots } of found) n += fromRoots[i]!;
    if (n > 0) refer(i, n, -1);
  }
  for (let at = 0; at < length; at++) {
    const source = queue[at]!;
    const end = graph.starts[source + 1]!;
    for (let e = graph.starts[source]!; e < end; e++) refer(graph.targets[e]!, 1, source);
  }
  let white = 0;
  let black = 0;
  for (let i = 0; i < count; i++) {
    if (minCount[i] === BLACK) black++;
    else if (counts[i]! < minCount[i]!) white++;
  }
  return { counts, white, black, gray: count - white - black };
}
