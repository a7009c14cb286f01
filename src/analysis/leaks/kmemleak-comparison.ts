// What `leaks` reports beside what the kernel's kmemleak listed: which objects are in both, which in one
// of them only, and why.

import { formatAddress } from '../../base/format-address.ts';
import { isVmalloc, type KmemleakObject } from '../../kernel/checks/kmemleak-list.ts';
import { inModule } from '../../kernel/symbols/in-module.ts';
import type { Completeness, RunSummary } from '../../run/run-summary.ts';
import type { LeakCandidate } from './leaks-result.ts';
import type { ListClock } from './list-clock.ts';

/** Why an object is in one of the lists only. */
export type KmemleakReason =
  // In the kernel's list, not reported here
  | 'referenced'
  | 'freed'
  | 'freed-unseen'
  | 'other-owner'
  | 'before-trace'
  | 'after-trace'
  | 'per-cpu'
  | 'vmalloc'
  | 'not-traced'
  | 'not-at-site'
  | 'too-young'
  | 'annotated'
  | 'suppressed'
  | 'in-baseline'
  | 'not-confirmed'
  | 'uncertain'
  | 'filtered'
  // Reported here, not in the kernel's list
  | 'young'
  | 'after-list'
  | 'unknown';

/** What is said of an object of the trace or the snapshot. */
export type OwnObject = Pick<
  LeakCandidate,
  | 'address'
  | 'size'
  | 'cache'
  | 'callSite'
  | 'symbol'
  | 'module'
  | 'comm'
  | 'pid'
  | 'allocatedNs'
  | 'ageSec'
>;

export interface ComparedObject {
  readonly found: 'both' | 'kernel' | 'here';
  readonly reason: KmemleakReason | null;
  /** The reason in a sentence; null for what both have. */
  readonly why: string | null;
  /** As the kernel lists it. */
  readonly kernel: KmemleakObject | null;
  /** As it is reported here, or would be. */
  readonly here: OwnObject | null;
}

export interface KmemleakComparison {
  readonly type: 'kmemleak-comparison';
  readonly method: 'reference-scan' | 'outstanding';
  readonly run: RunSummary;
  readonly completeness: Completeness;
  /** Path of the kernel's list. */
  readonly list: string;
  /** `site`: no object of the list is known by its address, so those of one site and size are paired. */
  readonly matchedBy: 'address' | 'site';
  readonly minAgeSec: number;
  /** Objects in both, in the kernel's list only, and here only. */
  readonly both: number;
  readonly onlyKernel: number;
  readonly onlyHere: number;
  /** Those of both, of the kernel and of here, each as its list is sorted; of `outstanding` without the last. */
  readonly objects: readonly ComparedObject[];
  readonly notes: readonly string[];
}

/** Why an object is not reported, with what is known of it. */
export interface Absence {
  readonly reason: KmemleakReason;
  /** The sentence, where it says more than the reason. */
  readonly why?: string;
  readonly here: OwnObject | null;
}

/** What is reported here, and what is known of everything else. */
export interface OwnObjects {
  readonly count: number;
  /** The object at an address, where it is reported. */
  reported(address: bigint): OwnObject | undefined;
  /** Why the object at an address is not reported; undefined where nothing is known of it. */
  absence(address: bigint): Absence | undefined;
  /** All that are reported, in the order of the list. */
  all(): Iterable<OwnObject>;
  /** False where they are too many to be listed. */
  readonly isListed: boolean;
}

export interface CompareInput {
  readonly list: readonly KmemleakObject[];
  readonly own: OwnObjects;
  /** True where pointers of the trace are hashed. */
  readonly isHashed: boolean;
  readonly clock: ListClock;
}

export type Compared = Pick<
  KmemleakComparison,
  'matchedBy' | 'both' | 'onlyKernel' | 'onlyHere' | 'objects'
>;

/** kmemleak's least age, MSECS_MIN_AGE (mm/kmemleak.c). */
const KERNEL_MIN_AGE_SEC = 5;

export const REASON_SENTENCES: Readonly<Record<KmemleakReason, string>> = {
  referenced:
    'Something in the snapshot points to it; --who-points-to ADDRESS lists what. The kernel may not scan that memory (kmemleak_no_scan(), kmemleak_scan_area()), or it was written after the list.',
  freed: 'It was freed after the list was printed.',
  'freed-unseen':
    'It was freed without an event (kfree_rcu, in bulk): its place is free or was given out again.',
  'other-owner': 'Its address belongs to another object by now.',
  'before-trace': 'It was allocated before the trace begins.',
  'after-trace': 'It was allocated after the trace ends.',
  'per-cpu': 'It is per-CPU memory, of which no kmem event tells.',
  vmalloc: 'It is memory of vmalloc(), of which no kmem event tells. A snapshot shows it.',
  'not-traced': 'No event has its address: it was not recorded, or is no slab memory.',
  'not-at-site': 'No further object of its size that its callers allocated is reported.',
  'too-young': 'It is younger than --min-age.',
  annotated: '--annotations says that it is no leak, or what holds it.',
  suppressed: '--suppress names it.',
  'in-baseline': 'It is in the baseline.',
  'not-confirmed': 'It is referenced in another snapshot.',
  uncertain: 'It may have been freed without an event.',
  filtered: 'The options do not select it.',
  young: 'The kernel lists nothing that is younger than 5 s.',
  'after-list': 'It was allocated after the list was printed.',
  unknown:
    'The kernel saw a reference, or was told to leave it out (kmemleak_not_leak(), kmemleak_ignore(), "clear"), or its contents changed between two scans.',
};

/** Pairs the kernel's list with what is reported. */
export function compareWithKmemleak(input: CompareInput): Compared {
  const { list, own, isHashed } = input;
  // Another boot gives some of the same addresses to other objects.
  const isKnown = (object: KmemleakObject): boolean => {
    const address = BigInt(object.address);
    const here = own.reported(address) ?? own.absence(address)?.here;
    return here === null || (here !== undefined && isSameObject(here, object, true, input.clock));
  };
  const byAddress = !isHashed && (list.length === 0 || list.some(isKnown));
  const both: ComparedObject[] = [];
  const kernel: ComparedObject[] = [];
  const paired = new Set<string>();
  const bySite = byAddress ? undefined : new OwnBySite(own.all());
  for (const object of list) {
    const here = byAddress ? own.reported(BigInt(object.address)) : bySite?.take(object);
    if (here !== undefined && isSameObject(here, object, byAddress, input.clock)) {
      paired.add(here.address);
      both.push({ found: 'both', reason: null, why: null, kernel: object, here });
      continue;
    }
    const absence: Absence =
      here !== undefined
        ? { reason: 'other-owner', why: otherOwner(here), here }
        : absenceOf(object, byAddress, input);
    kernel.push(only('kernel', absence, object));
  }
  const onlyHere: ComparedObject[] = [];
  if (own.isListed) {
    for (const here of own.all()) {
      if (paired.has(here.address)) continue;
      onlyHere.push(only('here', { reason: reasonOfHere(here, input.clock), here }, null));
    }
  }
  return {
    matchedBy: byAddress ? 'address' : 'site',
    both: both.length,
    onlyKernel: kernel.length,
    onlyHere: own.count - paired.size,
    objects: [...both, ...kernel, ...onlyHere],
  };
}

function only(
  found: 'kernel' | 'here',
  { reason, why = REASON_SENTENCES[reason], here }: Absence,
  kernel: KmemleakObject | null,
): ComparedObject {
  return { found, reason, why, kernel, here };
}

/** Of an address that both have: whether it is one object, by its size and time. */
function isSameObject(
  here: OwnObject,
  object: KmemleakObject,
  byAddress: boolean,
  clock: ListClock,
): boolean {
  if (!byAddress) return true;
  return here.size === object.size && clock.isSameTime(object, here.allocatedNs);
}

function otherOwner({ size, symbol, allocatedNs }: OwnObject): string {
  const by = symbol === null ? '' : ` by ${symbol}`;
  const at = allocatedNs === null ? '' : ` at ${(Number(allocatedNs) / 1e9).toFixed(3)} s`;
  return `Its address belongs to another object by now: ${size} B, allocated${by}${at}.`;
}

function absenceOf(
  object: KmemleakObject,
  byAddress: boolean,
  { own, clock }: CompareInput,
): Absence {
  if (!byAddress) return { reason: 'not-at-site', here: null };
  const known = own.absence(BigInt(object.address));
  const place = clock.placeOf(object);
  if (known !== undefined) {
    const { here } = known;
    if (here === null || isSameObject(here, object, true, clock)) return known;
    // What is freed, or was allocated before that, says nothing of a later owner.
    if (place !== undefined) return { reason: place, here: null };
    if (known.reason !== 'freed') return { reason: 'other-owner', why: otherOwner(here), here };
    return { reason: 'not-traced', here: null };
  }
  if (place !== undefined) return { reason: place, here: null };
  if (object.isPercpu) return { reason: 'per-cpu', here: null };
  return { reason: isVmalloc(object) ? 'vmalloc' : 'not-traced', here: null };
}

function reasonOfHere({ ageSec, allocatedNs }: OwnObject, clock: ListClock): KmemleakReason {
  if (clock.isAfterList(allocatedNs)) return 'after-list';
  return ageSec !== null && ageSec < KERNEL_MIN_AGE_SEC ? 'young' : 'unknown';
}

/** Reported objects by size and site, each given away once. */
class OwnBySite {
  private readonly left = new Map<string, OwnObject[]>();

  constructor(all: Iterable<OwnObject>) {
    for (const object of all) {
      const key = keyOf(object.size, siteOf(object));
      const same = this.left.get(key);
      if (same === undefined) this.left.set(key, [object]);
      else same.push(object);
    }
  }

  /** An object of the size of one of the list, which one of its callers allocated. */
  take({ size, stack }: KmemleakObject): OwnObject | undefined {
    for (const frame of stack) {
      const found = this.left.get(keyOf(size, frame))?.shift();
      if (found !== undefined) return found;
    }
    return undefined;
  }
}

const keyOf = (size: number, site: string): string => `${size} ${site}`;

function siteOf({ symbol, module, callSite }: OwnObject): string {
  if (symbol === null) return callSite === null ? '?' : formatAddress(BigInt(callSite));
  return inModule(symbol, module);
}
