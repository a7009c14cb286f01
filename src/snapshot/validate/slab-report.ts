// A report of SLUB → what can be said about it beyond its text: which object's free pointer a wrong
// count comes from, and which reports are only consequences of a damaged freelist.

import { present } from '../../base/assert.ts';
import { counted } from '../../base/bytes-format.ts';
import {
  type CheckedCache,
  type CheckedSlab,
  objectAt,
  objectOffset,
} from '../../kernel/checks/checked-slab.ts';
import { pointerText, type SlubReport } from '../../kernel/checks/slub-reports.ts';

export interface SlabReport extends SlubReport {
  /** Found only because a damaged freelist makes free objects look allocated, or counts wrong. */
  readonly isConsequence: boolean;
  /** What the kernel's text does not say, one sentence without its full stop. */
  readonly note: string | undefined;
  readonly objects: ReportObjects;
}

/** The object that a report is about and those beside it in the slab, as far as there are any. */
interface ReportObjects {
  readonly object: bigint | undefined;
  readonly before: bigint | undefined;
  readonly after: bigint | undefined;
}

/** What the checks of a slab's freelists found. */
export interface ListDamage {
  /** The reports on them, by number: [from, to). */
  readonly from: number;
  readonly to: number;
  /** The objects on the list when it was repaired; undefined where it leads into missing memory. */
  readonly free: ReadonlySet<number> | undefined;
  /** Objects that fell off it. */
  readonly lost: ReadonlySet<number>;
  readonly isCircle: boolean;
  /** The object whose free pointer is wrong. */
  readonly culprit: bigint | undefined;
  /** The CPU whose own freelist is wrong. */
  readonly cpu: number | undefined;
}

/** Objects that a note names. */
const MAX_NAMED = 4;

/** The report at `i` of those on one slab. */
export function remarkOn(
  reports: readonly SlubReport[],
  i: number,
  damage: ListDamage | undefined,
  cache: CheckedCache,
  slab: CheckedSlab,
): SlabReport {
  const report = present(reports[i]);
  const remark = remarkFor(report, i, damage, cache, slab);
  const address = remark.address ?? report.address;
  return {
    ...report,
    address,
    isConsequence: remark.isConsequence ?? false,
    note: remark.note,
    objects: objectsAround(cache, slab, report.kind, address),
  };
}

function remarkFor(
  report: SlubReport,
  i: number,
  damage: ListDamage | undefined,
  cache: CheckedCache,
  slab: CheckedSlab,
): Partial<SlabReport> {
  if (report.kind === 'track') {
    return { note: 'no code lies there; the kernel itself does not check tracks' };
  }
  if (damage === undefined || i < damage.from) return {};
  if (i >= damage.to) {
    return { isConsequence: damage.lost.has(objectAt(cache, slab, report.address)) };
  }
  const isCount = report.kind === 'counters';
  if (isCount && i > damage.from && !damage.isCircle) return { isConsequence: true };
  const address = isCount ? (damage.culprit ?? report.address) : report.address;
  return { address, note: noteOn(damage, cache, slab) };
}

function noteOn(damage: ListDamage, cache: CheckedCache, slab: CheckedSlab): string | undefined {
  const { lost, culprit, isCircle, cpu } = damage;
  const at = culprit === undefined ? '' : ` at ${pointerText(culprit)}`;
  if (isCircle) return `the freelist runs in a circle, closed${at}`;
  if (cpu !== undefined) return `this is the freelist of CPU ${cpu}`;
  if (lost.size === 0) return undefined;
  const address = (object: number): string => pointerText(addressOf(cache, slab, object));
  const named = [...lost].slice(0, MAX_NAMED).map(address).join(', ');
  const more = lost.size > MAX_NAMED ? ` and ${lost.size - MAX_NAMED} more` : '';
  const objects = counted(lost.size, 'free object');
  return `${objects} fell off the freelist${at}: ${named}${more}`;
}

/** What is before padding at the slab's end is its last object. */
function objectsAround(
  cache: CheckedCache,
  slab: CheckedSlab,
  kind: SlubReport['kind'],
  address: bigint,
): ReportObjects {
  const isPadding = kind === 'slab-padding';
  const object = isPadding ? slab.objects - 1 : objectAt(cache, slab, address);
  const at = (index: number): bigint | undefined =>
    object < 0 || index < 0 || index >= slab.objects ? undefined : addressOf(cache, slab, index);
  return { object: at(object), before: at(object - 1), after: at(object + 1) };
}

function addressOf(cache: CheckedCache, slab: CheckedSlab, object: number): bigint {
  return slab.base + BigInt(objectOffset(cache, object));
}
