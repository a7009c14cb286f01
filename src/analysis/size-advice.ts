// Where kmalloc requests stand just over a size class: what it would save on this trace to shrink
// them to the class below, or to give them a cache of their own.

import { compareText, formatAddress } from '../base/format-address.ts';
import { kmallocClassSize } from '../kernel/caches/kmalloc-caches.ts';
import { isKmalloc } from '../kernel/events/event-kind.ts';
import type { KernelFacts } from '../recording/kernel-facts.ts';
import { groupCalls } from '../run/group-calls.ts';
import type { ResolvedRun } from '../run/resolved-run.ts';
import { siteLabel } from '../run/site-names.ts';

/** A request counts as just over a class when it exceeds it by at most this share. */
const JUST_OVER = 0.125;
/** With fewer objects a cache of its own costs more in slabs than it saves. */
const MIN_OBJECTS_FOR_CACHE = 64;

export interface SizeAdvice {
  readonly site: string | null;
  readonly symbol: string | null;
  readonly module: string | null;
  readonly bytesReq: number;
  /** The size class that serves it; above the classes, what its pages hold. */
  readonly classSize: number;
  /** The class (or pages) below, where the request is just over it; else null. */
  readonly shrinkTo: number | null;
  readonly allocs: number;
  readonly live: number;
  readonly atPeak: number;
  /** Bytes that shrinking saves, in objects, at the end and at the peak; null where it is not just over. */
  readonly shrinkSavesNow: number | null;
  readonly shrinkSavesAtPeak: number | null;
  /** Bytes that a cache of its own saves, in objects; null where too few are live. */
  readonly ownCacheSavesNow: number | null;
  readonly ownCacheSavesAtPeak: number | null;
  /** The same in whole slabs, where it was simulated (negative: it would cost); else null. */
  readonly shrinkSavesSlabs: SlabSavings | null;
  readonly ownCacheSavesSlabs: SlabSavings | null;
}

/** Bytes of slabs, of the caches concerned; at the peak of each side. */
export interface SlabSavings {
  readonly now: number;
  readonly atPeak: number;
}

/** What a request takes, and the next smaller amount that there is. */
export interface SizeStep {
  readonly taken: number;
  readonly below: number | undefined;
  readonly hasClass: boolean;
}

const ADVICE = new WeakMap<ResolvedRun, SizeAdvice[]>();

/** Worked out once for a run. */
export function adviseSizes(run: ResolvedRun): readonly SizeAdvice[] {
  const known = ADVICE.get(run);
  if (known !== undefined) return known;
  const advice = findAdvice(run);
  ADVICE.set(run, advice);
  return advice;
}

function findAdvice(run: ResolvedRun): SizeAdvice[] {
  const { calls } = run.dictionary;
  const groups = groupCalls(run, (call) => {
    const bytesReq = calls.bytesReq(call);
    if (bytesReq === 0 || !isKmalloc(calls.kind(call))) return undefined;
    const name = run.sites.get(calls.site(call));
    return { id: `${siteLabel(name)} ${bytesReq}`, key: { name, bytesReq } };
  });
  const advice = groups.flatMap((group): SizeAdvice[] => {
    const { name, bytesReq } = group.key;
    const { taken, below, hasClass } = sizeStep(run.facts, bytesReq);
    const isJustOver = below !== undefined && bytesReq - below <= below * JUST_OVER;
    const ownSize = Math.ceil(bytesReq / 8) * 8;
    const most = Math.max(group.live, group.atPeak);
    const hasOwn = hasClass && most >= MIN_OBJECTS_FOR_CACHE && ownSize < taken;
    if (!isJustOver && !hasOwn) return [];
    return [
      {
        site: formatAddress(name.address),
        symbol: name.symbol,
        module: name.module,
        bytesReq,
        classSize: taken,
        shrinkTo: isJustOver ? below : null,
        allocs: group.allocs,
        live: group.live,
        atPeak: group.atPeak,
        shrinkSavesNow: isJustOver ? group.live * (taken - below) : null,
        shrinkSavesAtPeak: isJustOver ? group.atPeak * (taken - below) : null,
        ownCacheSavesNow: hasOwn ? group.live * (taken - ownSize) : null,
        ownCacheSavesAtPeak: hasOwn ? group.atPeak * (taken - ownSize) : null,
        shrinkSavesSlabs: null,
        ownCacheSavesSlabs: null,
      },
    ];
  });
  return advice
    .filter((a) => mostSaved(a) > 0)
    .sort(
      (a, b) =>
        mostSaved(b) - mostSaved(a) ||
        b.bytesReq - a.bytesReq ||
        compareText(a.symbol ?? '', b.symbol ?? ''),
    );
}

/** What a request takes, by the classes of a machine. */
export function sizeStep({ kmalloc, pageSize }: KernelFacts, bytesReq: number): SizeStep {
  const below = kmalloc.sizes.filter((size) => size < bytesReq).at(-1);
  const classSize = kmallocClassSize(kmalloc, bytesReq);
  if (classSize !== undefined) return { taken: classSize, below, hasClass: true };
  // Page-backed: a power of two of pages (get_order()).
  const taken = pageSize * 2 ** Math.ceil(Math.log2(bytesReq / pageSize));
  return { taken, below: taken / 2, hasClass: false };
}

function mostSaved(a: SizeAdvice): number {
  return Math.max(
    a.shrinkSavesNow ?? 0,
    a.shrinkSavesAtPeak ?? 0,
    a.ownCacheSavesNow ?? 0,
    a.ownCacheSavesAtPeak ?? 0,
  );
}
