// The lines of a stack, which follow the event (or its `<stack trace>` line) → the stack of the event.
// Frames are call sites, innermost first: by address and name, as far as they are printed.

import { ByteTable } from '../../base/byte-table.ts';
import type { Dictionary } from '../../kernel/events/dictionary.ts';
import type { TraceInfo } from '../../kernel/events/trace-info.ts';
import type { BatchWriter } from '../events/batch-writer.ts';
import { internNamed, internSite } from '../events/site-text.ts';
import { parseCallchainFrame } from './callchain-frame.ts';

/** How the frames of a format begin. */
export type FrameStyle = 'arrow' | 'callchain';

const MAX_FRAMES = 1024;
/** Stands for a site in the program. */
const USER_FRAME = -1;
/** Longer ones are no frames of a kernel. */
const MAX_FRAME_BYTES = 2048;

const TAB = 0x09;
const BLANK = 0x20;
const EQUALS = 0x3d;
const GREATER = 0x3e;

//  => sym+0x1/0x2 <ffffffffa48b7109>      options sym-offset and sym-addr
// => kmalloc_trace (ffffffffa48b8b8c)     trace-cmd report
const ARROW_ADDRESS = /[<(]([0-9a-f]{8,16})[>)]\s*$/;
export class StackLines {
  /** True while lines may be frames. */
  isOpen = false;
  private readonly writer: BatchWriter;
  private readonly dictionary: Dictionary;
  private readonly info: TraceInfo;
  private readonly style: FrameStyle;
  private readonly texts = new ByteTable();
  private readonly sites: number[] = [0];
  private readonly frames = new Uint32Array(MAX_FRAMES);
  private used = 0;
  private cpu = 0;
  private wanted = false;
  /** True behind the first frame of the program. */
  private ended = false;

  constructor(writer: BatchWriter, info: TraceInfo, style: FrameStyle) {
    this.writer = writer;
    this.info = info;
    this.dictionary = writer.dictionary;
    this.style = style;
  }

  /** @param wanted false where the frames are not those of an event that was written */
  open(cpu: number, wanted: boolean): void {
    this.close();
    this.isOpen = true;
    this.cpu = cpu;
    this.wanted = wanted;
    this.used = 0;
    this.ended = false;
  }

  /** Takes a line as a frame; false where it is none. */
  take(bytes: Buffer, from: number, to: number): boolean {
    let at = from;
    while (bytes[at] === BLANK || bytes[at] === TAB) at++;
    if (this.style === 'arrow') {
      if (bytes[at] !== EQUALS || bytes[at + 1] !== GREATER) return false;
      at += 2;
      while (bytes[at] === BLANK) at++;
    } else if (at === from || at === to) return false;
    let end = to;
    while (end > at && bytes[end - 1]! <= BLANK) end--;
    const hasRoom = this.used < MAX_FRAMES && !this.ended;
    if (this.wanted && hasRoom && end - at <= MAX_FRAME_BYTES) {
      const site = this.site(bytes, at, end);
      if (site > 0) this.frames[this.used++] = site;
      this.ended = site === USER_FRAME;
    }
    return true;
  }

  /** Adds a frame by its address. */
  push(lo: number, hi: number): void {
    if (this.used < MAX_FRAMES && (lo !== 0 || hi !== 0)) {
      this.frames[this.used++] = this.dictionary.sites.internAddress(lo, hi);
    }
  }

  /** The stack is complete: it goes to the last event of its CPU. */
  close(): void {
    if (this.isOpen && this.wanted && this.used > 0) {
      this.writer.attachStack(this.cpu, this.dictionary.stacks.intern(this.frames, this.used));
    }
    this.isOpen = false;
  }

  private site(bytes: Buffer, from: number, to: number): number {
    const index = this.texts.intern(bytes, from, to);
    const known = this.sites[index];
    if (known !== undefined) return known;
    const site = this.parse(bytes.toString('utf8', from, to));
    this.sites[index] = site;
    return site;
  }

  private parse(text: string): number {
    if (this.style === 'callchain') return this.parseCallchain(text);
    const address = ARROW_ADDRESS.exec(text);
    if (address === null) return internSite(text, this.dictionary);
    return internNamed(address[1] ?? '', text.slice(0, address.index), this.dictionary);
  }

  private parseCallchain(text: string): number {
    const frame = parseCallchainFrame(text, this.info.pointerBytes * 8);
    if (frame === 'user') return USER_FRAME;
    if (frame === undefined) return 0;
    const { name, address } = frame;
    if (address !== undefined) return internNamed(address, name ?? '', this.dictionary);
    return name === undefined ? 0 : internSite(name, this.dictionary);
  }
}
