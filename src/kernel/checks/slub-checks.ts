// The checks of SLUB's debug option F over the bytes of a slab, in the kernel's order and with what it
// does about each finding: mm/slub.c check_object(), check_slab(), slab_pad_check(), on_freelist(),
// alloc_consistency_checks(), free_debug_processing(), validate_slab() (6.1.192, 6.12.117).

import { SLAB } from '../slub/slab-flags.ts';
import {
  type CheckedCache,
  type CheckedSlab,
  hasFlag,
  isNewStyle,
  isValidPointer,
  mostObjects,
  objectAt,
  objectOffset,
  origSize,
} from './checked-slab.ts';
import { type ObjectRegion, objectRegions } from './object-regions.ts';
import { POISON_INUSE } from './poison.ts';
import { pointerText, type SlubReports } from './slub-reports.ts';

/** Checks the slabs of one cache. Each check restores and adjusts what it found damaged. */
export class SlubChecks {
  readonly cache: CheckedCache;
  private readonly reports: SlubReports;
  private readonly active: readonly ObjectRegion[];
  private readonly inactive: readonly ObjectRegion[];

  constructor(cache: CheckedCache, reports: SlubReports) {
    this.cache = cache;
    this.reports = reports;
    this.active = objectRegions(cache, true);
    this.inactive = objectRegions(cache, false);
  }

  /**
   * check_object(): the bytes of one object and around it. Until 6.15 (6.12.117) the first damage ends
   * it, and padding does not fail it; since then it goes on and anything fails it.
   * @param isActive the object counts as allocated
   */
  object(slab: CheckedSlab, offset: number, isActive: boolean): boolean {
    const { cache } = this;
    const goesOn = isNewStyle(cache);
    let isGood = true;
    for (const region of isActive ? this.active : this.inactive) {
      if (this.region(slab, offset, region, isGood)) continue;
      if (goesOn) isGood = false;
      else if (!region.isPadding) return false;
    }
    // An allocated object's contents lie over a free pointer inside of it.
    const hasPointer = cache.geometry.layout.freePointerOutside || !isActive;
    if (hasPointer && !isValidPointer(cache, slab, slab.freePointer(offset))) {
      const address = slab.base + BigInt(offset);
      this.reports.object(cache, slab, address, 'freepointer', 'Freepointer corrupt');
      slab.setFreePointer(offset, 0n);
      return false;
    }
    return isGood;
  }

  /** check_slab(): what struct slab says, and the bytes behind the last object. */
  slab(slab: CheckedSlab): boolean {
    const { cache, reports } = this;
    const { objects, inuse } = slab;
    const most = mostObjects(cache, slab);
    if (objects > most) {
      reports.slab(cache, slab, 'counters', `objects ${objects} > max ${most}`);
      return false;
    }
    if (inuse > objects) {
      reports.slab(cache, slab, 'counters', `inuse ${inuse} > max ${objects}`);
      return false;
    }
    if (slab.frozen) {
      const title = 'Slab disabled since SLUB metadata consistency check failed';
      reports.slab(cache, slab, 'counters', title);
      return false;
    }
    this.padding(slab);
    return true;
  }

  /** slab_pad_check() */
  padding(slab: CheckedSlab): void {
    const { cache, reports } = this;
    if (!hasFlag(cache, SLAB.POISON)) return;
    const { bytes } = slab;
    const start = bytes.length - (bytes.length % cache.geometry.layout.size);
    const from = firstOther(bytes, start, bytes.length, POISON_INUSE);
    if (from < 0) return;
    const to = endOfOthers(bytes, from, bytes.length, POISON_INUSE);
    const fault = {
      kind: 'slab-padding',
      what: 'Padding',
      from,
      to,
      expected: POISON_INUSE,
    } as const;
    reports.slabPadding(cache, slab, start, fault);
    bytes.fill(POISON_INUSE, from, to);
  }

  /**
   * on_freelist(): walks the freelist, and corrects the count of objects in use where it is whole.
   * @param search the object that is looked for; undefined for none
   * @returns true where it was found, or nothing was looked for and the list can be used
   */
  freelist(slab: CheckedSlab, search?: bigint): boolean {
    const { cache, reports } = this;
    let count = 0;
    let before: bigint | undefined;
    let at = slab.freelist;
    while (at !== 0n && count <= slab.objects) {
      if (at !== undefined && at === search) return true;
      if (at === undefined || !isValidPointer(cache, slab, at)) {
        if (before === undefined) {
          reports.slab(cache, slab, 'freepointer', 'Freepointer corrupt');
          slab.freelist = 0n;
          slab.inuse = slab.objects;
          reports.fix(cache, 'Freelist cleared');
          return false;
        }
        reports.object(cache, slab, before, 'freelist', 'Freechain corrupt');
        slab.setFreePointer(Number(before - slab.base), 0n);
        break;
      }
      before = at;
      at = slab.freePointer(Number(at - slab.base));
      count++;
    }
    this.counters(slab, count);
    return search === undefined;
  }

  /** The objects on the freelist, by index; what does not belong there ends the list (__fill_map()). */
  freeObjects(slab: CheckedSlab): Set<number> {
    const free = new Set<number>();
    for (let at = slab.freelist; at !== undefined && at !== 0n; ) {
      const object = objectAt(this.cache, slab, at);
      if (object < 0 || free.has(object)) break;
      free.add(object);
      at = slab.freePointer(objectOffset(this.cache, object));
    }
    return free;
  }

  /** alloc_debug_processing(), but for what a success does to the object. */
  alloc(slab: CheckedSlab, offset: number): boolean {
    if (!hasFlag(this.cache, SLAB.CONSISTENCY_CHECKS)) return true;
    if (this.slab(slab) && this.object(slab, offset, false)) return true;
    this.reports.fix(this.cache, 'Marking all objects used');
    slab.inuse = slab.objects;
    slab.freelist = 0n;
    slab.frozen = true;
    return false;
  }

  /** free_debug_processing() of one object, but for what a success does to it. */
  free(slab: CheckedSlab, address: bigint): boolean {
    const { cache, reports } = this;
    if (this.freeChecks(slab, address)) return true;
    reports.fix(cache, `Object at ${pointerText(address)} not freed`);
    return false;
  }

  /** What a slab is checked for before its pages are given back (__free_slab(), free_slab()). */
  discard(slab: CheckedSlab): void {
    if (!hasFlag(this.cache, SLAB.CONSISTENCY_CHECKS)) return;
    this.padding(slab);
    for (let object = 0; object < slab.objects; object++) {
      this.object(slab, objectOffset(this.cache, object), false);
    }
  }

  /** validate_slab(): ends with the first object that fails. */
  validate(slab: CheckedSlab): void {
    if (!this.slab(slab) || !this.freelist(slab)) return;
    const free = this.freeObjects(slab);
    for (let object = 0; object < slab.objects; object++) {
      if (!this.object(slab, objectOffset(this.cache, object), !free.has(object))) return;
    }
  }

  private freeChecks(slab: CheckedSlab, address: bigint): boolean {
    const { cache, reports } = this;
    const checks = hasFlag(cache, SLAB.CONSISTENCY_CHECKS);
    if (checks && !this.slab(slab)) return false;
    if (slab.inuse < 1) {
      const title = `Slab has ${slab.inuse} allocated objects but 1 are to be freed\n`;
      reports.slab(cache, slab, 'double-free', title, address);
      return false;
    }
    if (!checks) return true;
    if (objectAt(cache, slab, address) < 0) {
      const title = `Invalid object pointer ${pointerText(address)}`;
      reports.slab(cache, slab, 'invalid-free', title, address);
      return false;
    }
    if (this.freelist(slab, address)) {
      reports.object(cache, slab, address, 'double-free', 'Object already free');
      return false;
    }
    return this.object(slab, Number(address - slab.base), true);
  }

  private counters(slab: CheckedSlab, free: number): void {
    const { cache, reports } = this;
    const most = mostObjects(cache, slab);
    if (slab.objects !== most) {
      const title = `Wrong number of objects. Found ${slab.objects} but should be ${most}`;
      reports.slab(cache, slab, 'counters', title);
      slab.objects = most;
      reports.fix(cache, 'Number of objects adjusted');
    }
    const inuse = slab.objects - free;
    if (slab.inuse === inuse) return;
    const title = `Wrong object count. Counter is ${slab.inuse} but counted were ${inuse}`;
    reports.slab(cache, slab, 'counters', title);
    slab.inuse = inuse;
    reports.fix(cache, 'Object count adjusted');
  }

  /** check_bytes_and_report() */
  private region(
    slab: CheckedSlab,
    offset: number,
    region: ObjectRegion,
    isFirst: boolean,
  ): boolean {
    const { bytes } = slab;
    const { kind, what, byte: expected } = region;
    const start = region.followsRequest ? origSize(this.cache, bytes, offset) : region.from;
    const end = offset + region.to;
    const from = firstOther(bytes, offset + start, end, expected);
    if (from < 0) return true;
    const to = endOfOthers(bytes, from, end, expected);
    this.reports.bytes(this.cache, slab, offset, { kind, what, from, to, expected }, isFirst);
    bytes.fill(expected, from, to);
    return false;
  }
}

/** memchr_inv(): the first byte of [from, to) that is not `value`; -1: all are. */
function firstOther(bytes: Uint8Array, from: number, to: number, value: number): number {
  for (let at = from; at < to; at++) if (bytes[at] !== value) return at;
  return -1;
}

function endOfOthers(bytes: Uint8Array, from: number, to: number, value: number): number {
  let end = to;
  while (end > from && bytes[end - 1] === value) end--;
  return end;
}
