// Lines of kmalloc, kmem_cache_alloc, kfree, kmem_cache_free → events. The pointer is cut out; what
// is left is the text of a call (CallTexts).
//
//   kmalloc: call_site=p9_fid_create+0x22/0x110 [9pnet] ptr=00000000e949f506 bytes_req=88 …
//   kfree:                (free_bprm+0x8f) call_site=free_bprm+0x8f ptr=(nil)

import type { EventKind } from '../../kernel/events/event-kind.ts';
import { type FieldTexts, MAX_FIELD_BYTES, parseFields } from '../events/field-text.ts';
import { SMALL_POINTER } from '../events/pointer-kind.ts';
import { PointerText } from '../events/pointer-text.ts';
import { internCall, type TextCall } from './call-fields.ts';
import type { CallTexts } from './call-texts.ts';
import { type EventLine, type LineHandler, OUTCOME, type Outcome } from './event-line.ts';
import type { TextTrace } from './text-trace.ts';

const POINTER = /(?:^|\s)ptr=/;
const CALL_SITE = /(?:^|\s)call_site=/;
const BLANK = 0x20;

/** How a format writes the fields. */
export interface FieldSyntax {
  /** Finds the name of the pointer's field; the value stands behind the match. */
  readonly pointer: RegExp;
  parse(text: string): FieldTexts;
}

const KERNEL_FIELDS: FieldSyntax = { pointer: POINTER, parse: parseFields };

export class ObjectEvents implements LineHandler {
  private readonly trace: TextTrace;
  private readonly kind: EventKind;
  private readonly syntax: FieldSyntax;
  private readonly calls: CallTexts;
  private readonly pointer = new PointerText();

  /** @param calls where the texts are kept, [line.name, pointer) among them */
  constructor(
    trace: TextTrace,
    kind: EventKind,
    syntax: FieldSyntax = KERNEL_FIELDS,
    calls: CallTexts = trace.calls,
  ) {
    this.trace = trace;
    this.kind = kind;
    this.syntax = syntax;
    this.calls = calls;
  }

  add(line: EventLine): Outcome {
    const { pointer, trace } = this;
    const { bytes, to } = line;
    if (to - line.fields > MAX_FIELD_BYTES) return OUTCOME.bad;
    const text = bytes.toString('latin1', line.fields, to);
    // A probe may bear the name of a tracepoint: `kfree: (kfree+0x0/0x110) ptr=0xffff…`
    if (text.startsWith('(') && !CALL_SITE.test(text)) {
      const name = bytes.toString('latin1', line.name, bytes.indexOf(BLANK, line.name) - 1);
      return trace.probes.handler(name, text)?.add(line) ?? OUTCOME.other;
    }
    const match = this.syntax.pointer.exec(text);
    if (match === null) {
      if (/^[\s}]*$/.test(text)) trace.withoutFields++;
      else if (!text.includes('=')) trace.withoutNames++;
      return OUTCOME.bad;
    }
    const headEnd = line.fields + match.index + match[0].length;
    if (!pointer.read(bytes, headEnd) || pointer.end > to || this.mayBeCut(line))
      return OUTCOME.bad;
    const meaning = this.find(line, headEnd) ?? this.interpret(line, headEnd);
    if (meaning === undefined) return OUTCOME.bad;
    if (meaning.notes !== 0) trace.countNotes(meaning.notes);
    trace.pointers.note(pointer.lo, pointer.hi, pointer.digits, pointer.prefixed, meaning.call);
    trace.write(line, meaning.call, pointer.lo, pointer.hi);
    return OUTCOME.event;
  }

  /** True where a pointer ends the file with fewer digits than a pointer has. */
  private mayBeCut(line: EventLine): boolean {
    const { pointer } = this;
    const { info, pointers } = this.trace;
    if (!line.unterminated || pointer.end !== line.to || pointer.digits === 0) return false;
    const isSmall = pointer.hi === 0 && pointer.lo < SMALL_POINTER;
    const isWide = pointers.wide || info.hashedPointers;
    const missing = pointer.digits < info.pointerBytes * 2;
    return missing && (pointer.prefixed ? !isSmall : isWide);
  }

  private find(line: EventLine, headEnd: number): TextCall | undefined {
    const { calls } = this;
    const head = calls.findHead(line.bytes, line.name, headEnd);
    const entry = head < 0 ? -1 : calls.findTail(head, line.bytes, this.pointer.end);
    if (entry < 0) return;
    return { call: calls.calls[entry] ?? 0, notes: calls.notes[entry] ?? 0 };
  }

  private interpret(line: EventLine, headEnd: number): TextCall | undefined {
    const { trace, pointer } = this;
    const { bytes, to } = line;
    const follower = pointer.end < to ? (bytes[pointer.end] ?? 0) : BLANK;
    if (follower > BLANK && follower !== 0x2c) return; // a comma: babeltrace
    const head = bytes.toString('utf8', line.fields, headEnd);
    const fields = this.syntax.parse(`${head} ${bytes.toString('utf8', pointer.end, to)}`);
    const meaning = internCall(this.kind, fields, trace.gfp, trace.dictionary);
    if (meaning !== undefined && !line.unterminated) {
      this.calls.add(bytes, line.name, headEnd, pointer.end, to, meaning);
    }
    return meaning;
  }
}
