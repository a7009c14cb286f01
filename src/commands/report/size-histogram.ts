// What sizes kmalloc is asked for, held against the classes that serve them: each class in parts of
// equal width, so that requests far to the left of a class are those that waste most of it.

import { sizeStep } from '../../analysis/size-advice.ts';
import { present } from '../../base/assert.ts';
import { isKmalloc } from '../../kernel/events/event-kind.ts';
import { groupCalls } from '../../run/group-calls.ts';
import type { ResolvedRun } from '../../run/resolved-run.ts';

/** Parts of each class. */
const SIZE_PARTS = 8;

export interface SizeClass {
  /** Bytes that an object of it takes. */
  readonly size: number;
  /** It serves requests above this. */
  readonly above: number;
  /** False above the classes: whole pages. */
  readonly isClass: boolean;
  /** `SIZE_PARTS` of them, the smallest requests first. */
  readonly parts: readonly SizePart[];
}

export interface SizePart {
  /** Objects over the whole trace, and at the end. */
  readonly allocs: SizeSum;
  readonly live: SizeSum;
  /** The size in it that was asked for most often; 0 where none was. */
  readonly commonest: number;
}

export interface SizeSum {
  readonly objects: number;
  readonly requested: number;
  /** What rounding up to the class adds. */
  readonly rounding: number;
}

type Building<T> = { -readonly [K in keyof T]: T[K] };
type BuildingPart = {
  allocs: Building<SizeSum>;
  live: Building<SizeSum>;
  commonest: number;
  most: number;
};

/** The classes that served anything, the smallest first. */
export function buildSizeHistogram(run: ResolvedRun): SizeClass[] {
  const { calls } = run.dictionary;
  const classes = new Map<number, Omit<SizeClass, 'parts'> & { parts: BuildingPart[] }>();
  const groups = groupCalls(run, (call) => {
    const bytesReq = calls.bytesReq(call);
    if (bytesReq === 0 || !isKmalloc(calls.kind(call))) return undefined;
    return { id: `${bytesReq}`, key: bytesReq };
  });
  for (const { key: bytesReq, allocs, live } of groups) {
    if (allocs === 0) continue;
    const { taken, below = 0, hasClass } = sizeStep(run.facts, bytesReq);
    let served = classes.get(taken);
    if (served === undefined) {
      const parts = Array.from({ length: SIZE_PARTS }, () => emptyPart());
      served = { size: taken, above: below, isClass: hasClass, parts };
      classes.set(taken, served);
    }
    const number = Math.floor(((bytesReq - below - 1) * SIZE_PARTS) / (taken - below));
    const part = present(served.parts[Math.max(0, number)]);
    add(part.allocs, allocs, bytesReq, taken);
    add(part.live, live, bytesReq, taken);
    if (allocs > part.most) Object.assign(part, { most: allocs, commonest: bytesReq });
  }
  return [...classes.values()]
    .sort((a, b) => a.size - b.size)
    .map((served) => ({
      ...served,
      parts: served.parts.map(({ most: _, ...part }) => part),
    }));
}

function add(sum: Building<SizeSum>, objects: number, bytesReq: number, taken: number): void {
  sum.objects += objects;
  sum.requested += objects * bytesReq;
  sum.rounding += objects * (taken - bytesReq);
}

function emptyPart(): BuildingPart {
  const none = (): Building<SizeSum> => ({ objects: 0, requested: 0, rounding: 0 });
  return { allocs: none(), live: none(), commonest: 0, most: 0 };
}
