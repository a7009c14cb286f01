// One slab of a snapshot → SLUB's reports on it: validate_slab() (mm/slub.c, 6.1.192, 6.12.117) over a
// private copy, gone through until nothing more is found. The kernel ends with a slab's first damaged
// object and finds the next in its next pass; here each repair is followed by the next look at once.

import {
  hasFlag,
  mostObjects,
  objectAt,
  objectOffset,
  sizeFromObject,
} from '../../kernel/checks/checked-slab.ts';
import { SlubChecks } from '../../kernel/checks/slub-checks.ts';
import { pointerText, SlubReports } from '../../kernel/checks/slub-reports.ts';
import { SLAB } from '../../kernel/slub/slab-flags.ts';
import { SLOT, type SlabView } from '../slub-walk/slab-view.ts';
import type { SnapshotCache } from './checked-cache.ts';
import { lostObjects, pointerThatLostThem } from './lost-objects.ts';
import type { SnapshotDetails } from './report-details.ts';
import type { SlabCopy } from './slab-copy.ts';
import { type ListDamage, remarkOn, type SlabReport } from './slab-report.ts';
import { damagedTrack } from './tracks.ts';

/** What was looked at in one slab. */
export interface SlabResult {
  readonly reports: readonly SlabReport[];
  /** Objects of which nothing can be said: memory that tells of them is not in the image. */
  readonly unchecked: number;
}

const NOTHING_FOUND: SlabResult = { reports: [], unchecked: 0 };
/** An object has at most seven regions, and each is repaired when it is reported. */
const MAX_ROUNDS = 8;

/** Checks the slabs of one cache, one after the other. */
export class SlabValidator {
  private readonly cache: SnapshotCache;
  private readonly copy: SlabCopy;
  private readonly details: SnapshotDetails;
  private reports: SlubReports;
  private checks: SlubChecks;
  private unchecked = 0;

  /** @param copy where slabs are copied to; all caches may share one, with its details */
  constructor(cache: SnapshotCache, copy: SlabCopy, details: SnapshotDetails) {
    this.cache = cache;
    this.copy = copy;
    this.details = details;
    this.reports = new SlubReports(details);
    this.checks = new SlubChecks(cache.checked, this.reports);
  }

  /** @param most reports after which no further object of the slab is looked at */
  validate(view: SlabView, most: number): SlabResult {
    const { cache, copy } = this;
    if (!cache.checksObjects && isSound(view)) return NOTHING_FOUND;
    if (!copy.load(view)) return { reports: [], unchecked: view.slots };
    this.unchecked = 0;
    this.details.setLayout(cache.checked.geometry.layout);
    // Slabs of CPUs are frozen as a rule; in a debug cache the mark means that a check failed.
    if (!cache.isDebug) copy.frozen = false;
    const listFrom = this.header() ? this.reports.count : -1;
    if (listFrom < 0) return this.result(undefined);
    const damage = this.freelists(view, listFrom);
    this.objects(view, damage.free, most);
    return this.result(damage);
  }

  /** False for a slab that the kernel has set aside: no list leads to it, nothing in it counts. */
  private header(): boolean {
    const { checks, copy, cache } = this;
    if (checks.slab(copy)) return true;
    if (copy.objects <= mostObjects(cache.checked, copy) && copy.inuse <= copy.objects)
      return false;
    // The kernel stops here, too; the counts that must be are put in their place.
    copy.objects = Math.min(copy.objects, mostObjects(cache.checked, copy));
    copy.inuse = copy.objects - checks.freeObjects(copy).size;
    return checks.slab(copy);
  }

  /** The slab's own freelist and its CPU's. */
  private freelists(view: SlabView, from: number): ListDamage {
    const { checks, copy, reports, cache } = this;
    const { checked } = cache;
    const before = checks.freeObjects(copy);
    const last = [...before].at(-1);
    const end = last === undefined ? copy.freelist : copy.freePointer(this.offset(last));
    const isCircle = end !== undefined && before.has(objectAt(checked, copy, end));
    // Where the list leads into memory that is not there, nothing can be said of its end.
    const isKnown = end !== undefined;
    if (isKnown && !checks.freelist(copy)) checks.freelist(copy);
    if (isCircle && last !== undefined) {
      copy.setFreePointer(this.offset(last), 0n);
      copy.inuse = copy.objects - before.size;
    }
    this.cpuFreelist(view);
    const free = checks.freeObjects(copy);
    const isDamaged = reports.count > from;
    const lost = isDamaged ? lostObjects(checked, copy, free) : new Set<number>();
    const culprit = isCircle ? last : pointerThatLostThem(checked, copy, free, lost);
    return {
      from,
      to: reports.count,
      free: isKnown ? free : undefined,
      lost,
      isCircle,
      culprit: culprit === undefined ? undefined : this.address(culprit),
      cpu: view.cpuChain.end === 'null' ? undefined : view.placeNumber,
    };
  }

  /** deactivate_slab() reports such a list in these words. */
  private cpuFreelist({ cpuChain: { end, badSlot } }: SlabView): void {
    const { reports, copy, cache } = this;
    if (end === 'null' || end === 'missing') return;
    if (badSlot < 0) reports.slab(cache.checked, copy, 'freepointer', 'Freepointer corrupt');
    else {
      const address = this.address(badSlot);
      reports.object(cache.checked, copy, address, 'freelist', 'Freechain corrupt');
    }
    reports.fix(cache.checked, 'Isolate corrupted freechain');
  }

  /** @param free the objects on the slab's list; undefined where not all of them are known */
  private objects(view: SlabView, free: ReadonlySet<number> | undefined, most: number): void {
    const { cache, copy, checks, reports } = this;
    const { checked } = cache;
    const hasTracks = hasFlag(checked, SLAB.STORE_USER);
    for (let object = 0; object < copy.objects && reports.count < most; object++) {
      const offset = this.offset(object);
      const from = offset - checked.geometry.layout.redLeftPad;
      const isFree = free?.has(object) ?? view.states[object] === SLOT.free;
      const isKnown = isFree || (free !== undefined && view.cpuChain.end !== 'missing');
      if (!isKnown || !copy.has(from, offset + sizeFromObject(checked))) {
        this.unchecked++;
        continue;
      }
      // On a CPU's freelist or in a sheaf: only caches without debug metadata have those.
      const isElsewhere = !isFree && (view.states[object] ?? SLOT.allocated) > SLOT.free;
      if (!cache.checksObjects || isElsewhere) continue;
      for (let n = 0; n < MAX_ROUNDS && !checks.object(copy, offset, !isFree); n++);
      if (hasTracks) this.tracks(offset);
    }
  }

  private tracks(offset: number): void {
    const { cache, copy, reports, details } = this;
    const which = damagedTrack(cache.checked, copy, offset);
    if (which === undefined) return;
    const address = copy.base + BigInt(offset);
    const site = details.track(copy, offset, which)?.site ?? 'no code';
    const about = {
      kind: 'track',
      title: 'Track overwritten',
      cache: cache.checked.name,
      address,
      slab: copy.base,
    } as const;
    const words = which === 'alloc' ? 'Allocated' : 'Freed';
    const line = `Object ${pointerText(address)} @offset=${offset}: ${words} in ${site}`;
    reports.line(about, line, []);
  }

  private result(damage: ListDamage | undefined): SlabResult {
    const { unchecked, cache, copy } = this;
    if (this.reports.count === 0)
      return unchecked === 0 ? NOTHING_FOUND : { reports: [], unchecked };
    const found = this.reports.reports();
    this.reports = new SlubReports(this.details);
    this.checks = new SlubChecks(cache.checked, this.reports);
    const reports = found.map((_, i) => remarkOn(found, i, damage, cache.checked, copy));
    return { reports, unchecked };
  }

  private offset(object: number): number {
    return objectOffset(this.cache.checked, object);
  }

  private address(object: number): bigint {
    return this.copy.base + BigInt(this.offset(object));
  }
}

/** Nothing that the walk of all slabs sees is wrong with it. */
function isSound(view: SlabView): boolean {
  const { slabChain, cpuChain, objects, slots, inuse } = view;
  return (
    slabChain.end === 'null' &&
    cpuChain.end === 'null' &&
    objects === slots &&
    inuse === objects - slabChain.count
  );
}
