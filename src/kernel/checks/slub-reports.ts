// What a check finds becomes SLUB's own text, line for line: mm/slub.c slab_bug(), slab_fix(),
// print_trailer(), print_track(), object_err(), slab_err(), check_bytes_and_report() (6.1.192,
// 6.12.117; 5.10 by what slub.md 6.3 says of it). What the source of the bytes cannot know is left
// out, and a last line names it.
//
// =============================================================================
// BUG kmalloc-64: Right Redzone overwritten
// -----------------------------------------------------------------------------
//
// 0xffff8e109c4ecf80-0xffff8e109c4ecf80 @offset=3968. First byte 0xa5 instead of 0xcc
// Allocated in docase+0x4b4/0xd30 [labbug] age=0 cpu=1 pid=1
// Object 0xffff8e109c4ecf40 @offset=3904 fp=0x0000000000000000
//
// Redzone  ffff8e109c4ecf00: cc cc cc cc cc cc cc cc cc cc cc cc cc cc cc cc  ................
// FIX kmalloc-64: Restoring Right Redzone 0xffff8e109c4ecf80-0xffff8e109c4ecf80=0xcc

import { SLAB } from '../slub/slab-flags.ts';
import {
  type CheckedCache,
  type CheckedSlab,
  hasFlag,
  isNewStyle,
  isValidPointer,
  sizeFromObject,
  UNTOLD_POINTER,
} from './checked-slab.ts';
import { hexDump } from './hex-dump.ts';
import type { SlubReportKind } from './poison.ts';

export interface SlubReport {
  readonly kind: SlubReportKind;
  /** In the kernel's words. */
  readonly title: string;
  readonly cache: string;
  /** The object; of padding behind the objects the first damaged byte, of counters the slab. */
  readonly address: bigint;
  readonly slab: bigint;
  /** The first and the last byte that is not what it has to be; undefined: it is not about bytes. */
  readonly damaged?: { readonly first: bigint; readonly last: bigint };
  readonly text: string;
  /** The event that brought it to light; undefined where no event did (a snapshot). */
  readonly cause?: ReportCause;
}

/** An event, by its place in the columns of a batch. */
export interface ReportCause {
  readonly ts: number;
  readonly cpu: number;
  readonly task: number;
  readonly call: number;
}

/** Who allocated or freed an object (struct track); what is not known is null. */
export interface ObjectTrack {
  /** `symbol+0xoff/0xsize [module]` */
  readonly site: string | null;
  /** In jiffies. */
  readonly age: number | null;
  readonly cpu: number | null;
  readonly pid: number | null;
  /** Frames, the innermost first; null where none were recorded. */
  readonly stack: readonly string[] | null;
}

/** What the reports say beyond the bytes. */
export interface ReportDetails {
  /** Where all this is from: what is left out is "not in the …". */
  readonly source: 'trace' | 'snapshot';
  /** Of an object that was never allocated or freed: undefined. */
  track(slab: CheckedSlab, offset: number, which: 'alloc' | 'free'): ObjectTrack | undefined;
  /** `Tainted: G    B      OE     `, asked for once per report; undefined where it is not known. */
  taint?(): string | undefined;
  /** `Slab 0x… objects=…`; undefined where the address of struct slab is not known. */
  slabLine(slab: CheckedSlab): string | undefined;
}

/** Bytes that are not what they have to be. */
export interface ByteFault {
  readonly kind: SlubReportKind;
  /** `Right Redzone` */
  readonly what: string;
  /** Offsets in the slab: first faulty byte, and behind the last. */
  readonly from: number;
  readonly to: number;
  readonly expected: number;
}

const HEAD = '='.repeat(77);
const RULE = '-'.repeat(77);
/** print_trailer() prints no more of an object. */
const MOST_OBJECT = 4096;

interface OpenReport {
  readonly about: Omit<SlubReport, 'text'>;
  readonly lines: string[];
  readonly leftOut: Set<string>;
}

/** Takes findings in the kernel's order and gives the reports. */
export class SlubReports {
  /** Reports beyond the most that are kept. */
  dropped = 0;
  /** The event that is being checked, asked for when there is a report. */
  causeOf: (() => ReportCause) | undefined;
  private readonly details: ReportDetails;
  private readonly most: number;
  private readonly kept: OpenReport[] = [];
  private last: OpenReport | undefined;

  /** @param most reports that are kept, the first ones; further ones are counted */
  constructor(details: ReportDetails, most: number = Number.POSITIVE_INFINITY) {
    this.details = details;
    this.most = most;
  }

  /** How many there are. */
  get count(): number {
    return this.kept.length + this.dropped;
  }

  /** All of them, the oldest first. */
  reports(): SlubReport[] {
    return this.kept.map((report) => this.finish(report));
  }

  /**
   * Bytes that were overwritten, as they are before they are restored.
   * @param isFirst of a check; since 6.12.117 only that one is printed in full
   */
  bytes(
    cache: CheckedCache,
    slab: CheckedSlab,
    offset: number,
    fault: ByteFault,
    isFirst: boolean,
  ): void {
    const { from, to, what, kind, expected } = fault;
    const title = `${what} overwritten`;
    const range = `${rangeText(slab, from, to)}. First byte ${byteText(slab.bytes[from])} instead of ${byteText(expected)}`;
    const report = this.open(cache, slab, kind, title, slab.base + BigInt(offset), fault);
    if (isNewStyle(cache)) {
      report.lines.push(`[${title}] ${range}`);
      if (isFirst) this.objectCorrupt(report, cache, slab, offset);
    } else {
      this.header(report, cache.name, title);
      report.lines.push(cache.rules.generation === '5.10' ? `INFO: ${range}` : range);
      this.trailer(report, cache, slab, offset);
    }
    this.restored(cache, slab, fault);
  }

  /** Something is wrong with an object, or with a pointer that was taken for one (object_err()). */
  object(
    cache: CheckedCache,
    slab: CheckedSlab,
    address: bigint | undefined,
    kind: SlubReportKind,
    title: string,
  ): void {
    const report = this.open(cache, slab, kind, title, address ?? slab.base);
    this.header(report, cache.name, title);
    if (address !== undefined && address !== 0n && isValidPointer(cache, slab, address)) {
      this.trailer(report, cache, slab, Number(address - slab.base));
      return;
    }
    this.slabLine(report, slab);
    if (address === undefined) report.leftOut.add('the invalid pointer');
    else report.lines.push(`Invalid pointer ${pointerText(address)}`);
    report.leftOut.add('call trace');
  }

  /** Something is wrong with a slab (slab_err()). */
  slab(
    cache: CheckedCache,
    slab: CheckedSlab,
    kind: SlubReportKind,
    title: string,
    address: bigint = slab.base,
  ): void {
    const report = this.open(cache, slab, kind, title.trimEnd(), address);
    this.header(report, cache.name, title);
    this.slabLine(report, slab);
    report.leftOut.add('call trace');
  }

  /** The bytes behind the last object were overwritten (slab_pad_check()). */
  slabPadding(cache: CheckedCache, slab: CheckedSlab, start: number, fault: ByteFault): void {
    const { from, to, kind } = fault;
    const title = 'Padding overwritten';
    const report = this.open(cache, slab, kind, title, slab.base + BigInt(from), fault);
    this.header(report, cache.name, `${title}. ${rangeText(slab, from, to)}`);
    const dump = hexDump('Padding ', slab.base + BigInt(start), slab.bytes.subarray(start));
    if (isNewStyle(cache)) report.lines.push(...dump);
    this.slabLine(report, slab);
    report.leftOut.add('call trace');
    if (!isNewStyle(cache)) report.lines.push(...dump);
    this.restored(cache, slab, fault);
  }

  /** Objects that a cache still has when it is destroyed (list_slab_objects()). */
  remaining(cache: CheckedCache, slab: CheckedSlab, offsets: readonly number[]): void {
    const isNew = isNewStyle(cache);
    const title = isNew
      ? 'Objects remaining on __kmem_cache_shutdown()'
      : `Objects remaining in ${cache.name} on __kmem_cache_shutdown()`;
    const first = slab.base + BigInt(offsets[0] ?? 0);
    const report = this.open(cache, slab, 'remaining-objects', title, first);
    this.header(report, cache.name, title);
    if (!isNew) this.slabLine(report, slab);
    for (const offset of offsets) {
      const line = `Object ${pointerText(slab.base + BigInt(offset))} @offset=${offset}`;
      report.lines.push(info(cache, line));
      this.tracks(report, cache, slab, offset);
    }
    if (isNew) this.slabLine(report, slab);
    report.leftOut.add('call trace');
  }

  /**
   * A warning of one line, which comes with an object's tracks (cache_from_obj()).
   * @param unknown what of the line nobody can tell, in words
   */
  warning(
    cache: CheckedCache,
    slab: CheckedSlab,
    offset: number,
    kind: SlubReportKind,
    title: string,
    unknown: readonly string[],
  ): void {
    const report = this.open(cache, slab, kind, title, slab.base + BigInt(offset));
    report.lines.push(title);
    for (const what of [...unknown, 'the WARNING']) report.leftOut.add(what);
    this.tracks(report, cache, slab, offset);
  }

  /** A line that stands alone. */
  line(about: Omit<SlubReport, 'text'>, line: string, leftOut: readonly string[]): void {
    this.keep({ about, lines: [line], leftOut: new Set(leftOut) });
  }

  /** A further line of the last report. */
  append(line: string): void {
    this.last?.lines.push(line);
  }

  /** Takes back the reports about a slab from the one with the number `first` on. */
  withdraw(first: number, slab: bigint): void {
    const stays = (report: OpenReport, i: number): boolean =>
      i < first || report.about.slab !== slab;
    const staying = this.kept.filter(stays);
    this.kept.splice(0, this.kept.length, ...staying);
  }

  /** What the kernel does about the last report (slab_fix()). */
  fix(cache: CheckedCache, text: string): void {
    this.append(`FIX ${cache.name}: ${text}`);
  }

  private open(
    cache: CheckedCache,
    slab: CheckedSlab,
    kind: SlubReportKind,
    title: string,
    address: bigint,
    fault?: ByteFault,
  ): OpenReport {
    const about = { kind, title, cache: cache.name, address, slab: slab.base };
    const report = { about, lines: [], leftOut: new Set<string>() };
    if (fault === undefined) return this.keep(report);
    const first = slab.base + BigInt(fault.from);
    const damaged = { first, last: slab.base + BigInt(fault.to - 1) };
    return this.keep({ ...report, about: { ...about, damaged } });
  }

  private keep(report: OpenReport): OpenReport {
    this.last = report;
    const cause = this.causeOf?.();
    const caused = cause === undefined ? report : { ...report, about: { ...report.about, cause } };
    if (this.kept.length < this.most) this.kept.push(caused);
    else this.dropped++;
    return report;
  }

  private objectCorrupt(
    report: OpenReport,
    cache: CheckedCache,
    slab: CheckedSlab,
    offset: number,
  ): void {
    this.header(report, cache.name, 'Object corrupt');
    this.trailer(report, cache, slab, offset);
  }

  private header(report: OpenReport, cache: string, reason: string): void {
    const taint = this.details.taint?.();
    if (taint === undefined) report.leftOut.add('taint');
    const name = taint === undefined ? cache : `${cache} (${taint})`;
    report.lines.push(HEAD, ...`BUG ${name}: ${reason}`.split('\n'), RULE, '');
  }

  /** print_trailer() */
  private trailer(
    report: OpenReport,
    cache: CheckedCache,
    slab: CheckedSlab,
    offset: number,
  ): void {
    this.tracks(report, cache, slab, offset);
    this.slabLine(report, slab);
    report.leftOut.add('call trace');
    if (cache.layoutKnown === false) {
      report.leftOut.add('memory of the object');
      return;
    }
    const pointer = slab.freePointer(offset);
    const object = `Object ${pointerText(slab.base + BigInt(offset))} @offset=${offset}`;
    const isTold = pointer !== undefined && pointer !== UNTOLD_POINTER;
    if (!isTold) report.leftOut.add('fp of the object');
    const fp = isTold ? ` fp=${pointerText(pointer)}` : '';
    report.lines.push(info(cache, object + fp), '');
    this.sections(report, cache, slab, offset);
  }

  private sections(
    report: OpenReport,
    cache: CheckedCache,
    slab: CheckedSlab,
    offset: number,
  ): void {
    const { objectSize, layout } = cache.geometry;
    const hasRedZone = hasFlag(cache, SLAB.RED_ZONE);
    const print = (prefix: string, from: number, to: number): void => {
      const bytes = slab.bytes.subarray(offset + from, offset + to);
      report.lines.push(...hexDump(prefix, slab.base + BigInt(offset + from), bytes));
    };
    if (hasRedZone) print('Redzone  ', -layout.redLeftPad, 0);
    else if (offset > 16 && cache.contentsKnown) print('Bytes b4 ', -16, 0);
    if (cache.contentsKnown) print('Object   ', 0, Math.min(objectSize, MOST_OBJECT));
    else report.leftOut.add('contents of the object');
    if (hasRedZone) print('Redzone  ', objectSize, layout.inuse);
    if (cache.contentsKnown || hasFlag(cache, SLAB.POISON)) {
      print('Padding  ', layout.metadataEnd, sizeFromObject(cache));
    } else report.leftOut.add('padding');
  }

  /** print_tracking() */
  private tracks(report: OpenReport, cache: CheckedCache, slab: CheckedSlab, offset: number): void {
    if (!hasFlag(cache, SLAB.STORE_USER)) return;
    for (const which of ['alloc', 'free'] as const) {
      const track = this.details.track(slab, offset, which);
      if (track === undefined) continue;
      const { site, age, stack } = track;
      report.lines.push(info(cache, trackText(which, track)));
      if (site === null) report.leftOut.add('call sites');
      if (age === null) report.leftOut.add('ages');
      if (stack === null) report.leftOut.add('stacks');
      else report.lines.push(...stack.map((frame) => ` ${frame}`));
    }
  }

  private slabLine(report: OpenReport, slab: CheckedSlab): void {
    const line = this.details.slabLine(slab);
    if (line === undefined) report.leftOut.add('the Slab line');
    else report.lines.push(line);
  }

  /** restore_bytes() */
  private restored(cache: CheckedCache, slab: CheckedSlab, fault: ByteFault): void {
    const { from, to, expected } = fault;
    const what = fault.kind === 'slab-padding' ? 'slab padding' : fault.what;
    const name = cache.rules.generation === '5.10' ? '' : `${what} `;
    const range = `${pointerText(slab.base + BigInt(from))}-${pointerText(slab.base + BigInt(to - 1))}`;
    this.fix(cache, `Restoring ${name}${range}=${byteText(expected)}`);
  }

  private finish({ about, lines, leftOut }: OpenReport): SlubReport {
    const named = [...leftOut].join(', ');
    const last = named === '' ? [] : [`[not in the ${this.details.source}: ${named}]`];
    return { ...about, text: [...lines, ...last].join('\n') };
  }
}

/** `Allocated in docase+0x4b4/0xd30 [labbug] age=0 cpu=1 pid=1`, without what is not known. */
function trackText(which: 'alloc' | 'free', { site, age, cpu, pid }: ObjectTrack): string {
  const words = [which === 'alloc' ? 'Allocated' : 'Freed'];
  if (site !== null) words.push(`in ${site}`);
  if (age !== null) words.push(`age=${age}`);
  if (cpu !== null) words.push(`cpu=${cpu}`);
  if (pid !== null) words.push(`pid=${pid}`);
  return words.join(' ');
}

/** `%p` without hashing. */
export function pointerText(address: bigint): string {
  return `0x${address.toString(16).padStart(16, '0')}`;
}

function byteText(byte: number | undefined): string {
  return `0x${(byte ?? 0).toString(16)}`;
}

function rangeText(slab: CheckedSlab, from: number, to: number): string {
  const first = pointerText(slab.base + BigInt(from));
  return `${first}-${pointerText(slab.base + BigInt(to - 1))} @offset=${from}`;
}

function info(cache: CheckedCache, line: string): string {
  return cache.rules.generation === '5.10' ? `INFO: ${line}` : line;
}
