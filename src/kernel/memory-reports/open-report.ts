// A report while its lines are read, and what comes of it at the end.

import type { MemoryReport, ReportedObject, ReportedTrack } from './memory-report.ts';
import type { ReportHead } from './report-heads.ts';
import { isCaller, type StackFrame } from './stack-frame.ts';

/** An address as printed. */
export interface Pointer {
  readonly value: bigint;
  readonly digits: number;
}

export class OpenTrack {
  in: string | null = null;
  pid: number | null = null;
  cpu: number | null = null;
  atSec: number | null = null;
  age: number | null = null;
  readonly stack: string[] = [];
  /** True where the report says that it has none. */
  isMissing = false;

  addFrame(frame: StackFrame): void {
    if (frame.isInlined || !frame.isSure || this.stack.length >= MOST_FRAMES) return;
    this.stack.push(frame.symbol);
    if (this.in === null && isCaller(frame)) this.in = frame.symbol;
  }

  finish(): ReportedTrack | null {
    const { pid, cpu, atSec, age, stack } = this;
    // KASAN prints "Freed by task 0: (stack is not available)" of what was never freed.
    if (this.isMissing && this.in === null && (pid ?? 0) === 0) return null;
    return { in: this.in ?? stack.at(-1) ?? null, pid, cpu, atSec, age, stack };
  }
}

interface OpenObject {
  address: Pointer | undefined;
  slabOffset: number | undefined;
  allocated: OpenTrack | undefined;
  freed: OpenTrack | undefined;
}

const MOST_FRAMES = 64;
const POISONED = /^0x(?:6b|5a|a5|cc|bb)+$/;

export class OpenReport {
  readonly tool: MemoryReport['tool'];
  readonly caller: string | null;
  readonly atSec: number | null;
  readonly line: number;
  title: string;
  cache: string | null;
  foundIn: string | null;
  /** The first and the last faulty byte. */
  byte: Pointer | undefined;
  lastByte: Pointer | undefined;
  byteSlabOffset: number | undefined;
  /** What KASAN says of the byte: `4 bytes to the right of`, `64-byte region`. */
  located: { readonly bytes: number; readonly side: string } | undefined;
  regionBytes: number | undefined;
  size: number | null = null;
  access: MemoryReport['access'] = null;
  task: MemoryReport['task'] = null;
  objects: OpenObject[] = [];
  /** Where the frames that follow belong. */
  track: OpenTrack | undefined;
  /** True where an address is printed as `(ptrval)`. */
  isUntold = false;
  /** Lines of the report that were understood, and the last of them. */
  understood = 0;
  lastLine: number;
  /** Every other pointer that was printed: they tell whether pointers are hashed. */
  readonly pointers: Pointer[] = [];

  constructor(head: ReportHead, at: Pick<OpenReport, 'caller' | 'atSec' | 'line'>) {
    this.tool = head.tool;
    this.title = head.title;
    this.cache = head.cache;
    this.foundIn = head.foundIn;
    this.caller = at.caller;
    this.atSec = at.atSec;
    this.line = at.line;
    this.lastLine = at.line;
    if (head.byte !== undefined) this.byte = pointerOf(head.byte);
  }

  /** "Objects remaining in …": tracks stand behind their object, not before it. */
  get listsObjects(): boolean {
    return /^Objects remaining/.test(this.title);
  }

  get hasObject(): boolean {
    return this.objects.some(({ address }) => address !== undefined);
  }

  addObject(address: Pointer | undefined, slabOffset?: number): void {
    const object = this.object();
    if (object.address === undefined && object.slabOffset === undefined) {
      object.address = address;
      object.slabOffset = slabOffset;
    } else if (this.listsObjects) {
      this.objects.push({ address, slabOffset, allocated: undefined, freed: undefined });
    }
  }

  /** Begins the track of an allocation or a free; one that was begun already is kept. */
  openTrack(which: 'allocated' | 'freed'): OpenTrack {
    const object = this.object();
    const track = new OpenTrack();
    object[which] ??= track;
    this.track = track;
    return track;
  }

  /** The last object, to which lines belong. */
  private object(): OpenObject {
    const last = this.objects.at(-1);
    if (last !== undefined) return last;
    const first = {
      address: undefined,
      slabOffset: undefined,
      allocated: undefined,
      freed: undefined,
    };
    this.objects.push(first);
    return first;
  }

  finish(): MemoryReport {
    const first = this.objects[0];
    const inTitle = /(?:0x|, )([0-9a-f]{8,16})\b/.exec(this.title)?.[1];
    const address =
      first?.address ?? (inTitle === undefined ? undefined : pointerOf(inTitle)) ?? this.byte;
    const { tool, title, cache, foundIn, atSec, size, access, task, line } = this;
    return {
      tool,
      title,
      cache,
      address: address?.value ?? null,
      hashed: this.isHashed(address),
      atSec,
      size,
      offset: this.offset(first),
      faultyBytes: this.faultyBytes(),
      allocated: first?.allocated?.finish() ?? null,
      freed: first?.freed?.finish() ?? null,
      foundIn,
      access,
      task,
      objects: this.finishObjects(address),
      line,
    };
  }

  private finishObjects(address: Pointer | undefined): ReportedObject[] {
    if (address === undefined) return [];
    return this.objects.length === 0
      ? [{ address: address.value, allocated: null, freed: null }]
      : this.objects.map((object) => ({
          address: (object.address ?? address).value,
          allocated: object.allocated?.finish() ?? null,
          freed: object.freed?.finish() ?? null,
        }));
  }

  private faultyBytes(): number | null {
    if (this.byte === undefined || this.lastByte === undefined || this.tool !== 'SLUB') return null;
    const bytes = Number(this.lastByte.value - this.byte.value) + 1;
    return bytes > 0 && bytes <= MOST_OFFSET && !this.isHashed(this.byte) ? bytes : null;
  }

  private offset(object: OpenObject | undefined): number | null {
    const { byte, byteSlabOffset, located } = this;
    if (byteSlabOffset !== undefined && object?.slabOffset !== undefined) {
      return byteSlabOffset - object.slabOffset;
    }
    if (byte !== undefined && object?.address !== undefined && !this.isHashed(object.address)) {
      const bytes = Number(untagged(byte.value, object.address.value) - object.address.value);
      if (Math.abs(bytes) <= MOST_OFFSET) return bytes;
    }
    if (located === undefined) return null;
    if (located.side === 'left') return -located.bytes;
    return located.bytes + (located.side === 'right' ? (this.regionBytes ?? this.size ?? 0) : 0);
  }

  /**
   * ptr_to_id() of lib/vsprintf.c keeps 32 of 64 bits. Small addresses that are all aligned are an
   * s390's own.
   */
  private isHashed(address: Pointer | undefined): boolean {
    if (this.isUntold) return true;
    if (this.tool === 'KASAN') return false;
    if (address === undefined) return this.pointers.some(isShort);
    if (address.digits > 8 && address.value >> 32n !== 0n) return false;
    const others = this.pointers.filter(({ value }) => value >= SMALL);
    if (isShort(address)) {
      return others.length < 3 || others.some(({ value }) => (value & 7n) !== 0n);
    }
    return address.digits <= 8 && this.hasObject && (address.value & 3n) !== 0n;
  }
}

const SMALL = 4096n;

/** 16 digits, of which only the lower eight are used. */
function isShort({ value, digits }: Pointer): boolean {
  return digits > 8 && value >> 32n === 0n && value >= SMALL;
}

/** A larger distance is none within one object. */
const MOST_OFFSET = 1 << 26;

export function pointerOf(digits: string): Pointer {
  return { value: BigInt(`0x${digits}`), digits: digits.length };
}

/** A site that poison has overwritten is none. */
export function siteOf(site: string): string | null {
  return POISONED.test(site) ? null : site;
}

/** KASAN's tags stand in the top byte of a pointer (SW_TAGS, HW_TAGS). */
function untagged(byte: bigint, object: bigint): bigint {
  return object >> 56n === 0xffn && byte >> 56n !== 0xffn && byte >> 32n !== 0n
    ? byte | (0xffn << 56n)
    : byte;
}
