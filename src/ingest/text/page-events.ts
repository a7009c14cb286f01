// Lines of mm_page_alloc and mm_page_free → events whose `ptr` is the physical address of the page.
// Frame numbers are decimal until 5.10 and hexadecimal since (include/trace/events/kmem.h):
//
//   mm_page_alloc: page=00000000a5a1e26c pfn=0x8b3c order=1 migratetype=0 gfp_flags=GFP_KERNEL
//   mm_page_free:          pfn=0x8b3c order=0                  (trace-cmd report -R)

import { TWO_32 } from '../../base/address.ts';
import { ByteTable } from '../../base/byte-table.ts';
import type { EventKind } from '../../kernel/events/event-kind.ts';
import { type FieldTexts, MAX_FIELD_BYTES, parseCount, parseFields } from '../events/field-text.ts';
import { HEX_VALUE, PointerText } from '../events/pointer-text.ts';
import { gfpOf, type TextCall } from './call-fields.ts';
import { type EventLine, type LineHandler, OUTCOME, type Outcome } from './event-line.ts';
import type { TextTrace } from './text-trace.ts';

/** More than any kernel's MAX_ORDER: what stands there is no order. */
const MAX_ORDER = 20;
const MAX_TEXTS = 1 << 16;

const PAGE = Buffer.from('page=');
const PFN = Buffer.from('pfn=');
const BLANK = 0x20;
const ZERO = 0x30;
const LETTER_X = 0x78;

export class PageEvents implements LineHandler {
  private readonly trace: TextTrace;
  private readonly kind: EventKind;
  private readonly parse: (text: string) => FieldTexts;
  private readonly pointer = new PointerText();
  /** What stands behind the frame number, and what it means; undefined: no event. */
  private tails = new ByteTable();
  private meanings: (TextCall | undefined)[] = [];
  private pfn = 0;

  constructor(
    trace: TextTrace,
    kind: EventKind,
    parse: (text: string) => FieldTexts = parseFields,
  ) {
    this.trace = trace;
    this.kind = kind;
    this.parse = parse;
  }

  add(line: EventLine): Outcome {
    if (line.to - line.fields > MAX_FIELD_BYTES) return OUTCOME.bad;
    let at = line.fields;
    if (startsWith(line.bytes, at, PAGE)) {
      if (!this.pointer.read(line.bytes, at + PAGE.length)) return this.addAnyOrder(line);
      at = this.pointer.end;
      while (line.bytes[at] === BLANK) at++;
    }
    if (!startsWith(line.bytes, at, PFN)) return this.addAnyOrder(line);
    const end = this.readNumber(line.bytes, at + PFN.length);
    if (end < 0 || end >= line.to || line.bytes[end] !== BLANK) return this.addAnyOrder(line);
    const isNull = at > line.fields && this.pointer.lo === 0 && this.pointer.hi === 0;
    if (isNull) return OUTCOME.none;
    const tail = this.tails.intern(line.bytes, end, line.to);
    if (!(tail in this.meanings)) this.meanings[tail] = this.interpret(line, end);
    if (this.tails.length > MAX_TEXTS) this.forget();
    const meaning = this.meanings[tail];
    if (meaning === undefined) return this.addAnyOrder(line);
    return this.write(line, meaning, this.pfn);
  }

  /** Fields in another order, with words between them, or under no name that we know. */
  private addAnyOrder(line: EventLine): Outcome {
    const fields = this.parse(line.bytes.toString('utf8', line.fields, line.to));
    const frame = /^(?:0x[0-9a-f]+|\d+)(?=\s|$)/i.exec(fields.get('pfn') ?? '')?.[0];
    if (frame === undefined) return OUTCOME.bad;
    // All ones, or no page: the allocation failed.
    if (/^0xf{8,}$/i.test(frame) || Number(frame) > Number.MAX_SAFE_INTEGER) return OUTCOME.none;
    if (/^\((?:null|nil)\)|^(?:0x)?0+(?:\s|$)/.test(fields.get('page') ?? '')) return OUTCOME.none;
    const meaning = this.internCall(fields);
    if (meaning !== undefined) return this.write(line, meaning, Number(frame));
    return fields.has('order') ? OUTCOME.none : OUTCOME.bad;
  }

  private write(line: EventLine, meaning: TextCall, pfn: number): Outcome {
    const address = pfn * this.trace.pageSize;
    if (meaning.notes !== 0) this.trace.countNotes(meaning.notes);
    this.trace.write(line, meaning.call, address >>> 0, Math.floor(address / TWO_32) >>> 0);
    return OUTCOME.event;
  }

  private interpret(line: EventLine, from: number): TextCall | undefined {
    return this.internCall(this.parse(line.bytes.toString('utf8', from, line.to)));
  }

  private internCall(fields: FieldTexts): TextCall | undefined {
    const order = parseCount(fields.get('order'));
    if (order === undefined || order > MAX_ORDER) return;
    const gfp = gfpOf(fields, this.trace.gfp);
    const call = this.trace.dictionary.calls.intern({
      kind: this.kind,
      bytesAlloc: this.trace.pageSize * 2 ** order,
      gfp: gfp.flags ?? 0,
      gfpKnown: gfp.flags !== undefined,
    });
    return { call, notes: gfp.notes };
  }

  /** Reads a decimal or hexadecimal number into `pfn`; returns its end, or -1. */
  private readNumber(bytes: Uint8Array, at: number): number {
    const isHex = bytes[at] === ZERO && bytes[at + 1] === LETTER_X;
    const base = isHex ? 16 : 10;
    const from = isHex ? at + 2 : at;
    let i = from;
    let value = 0;
    for (; i - from < 12; i++) {
      const digit = HEX_VALUE[bytes[i]!]!;
      if (digit >= base) break;
      value = value * base + digit;
    }
    this.pfn = value;
    return i === from ? -1 : i;
  }

  private forget(): void {
    this.tails = new ByteTable();
    this.meanings = [];
  }
}

function startsWith(bytes: Uint8Array, at: number, word: Uint8Array): boolean {
  for (let i = 0; i < word.length; i++) if (bytes[at + i] !== word[i]) return false;
  return true;
}
