// The description of an event (tracefs `events/*/*/format`, also inside trace.dat and perf.data):
//
//   name: kfree
//   ID: 551
//   format:
//           field:unsigned short common_type;       offset:0;       size:2; signed:0;
//           field:const void * ptr; offset:16;      size:8; signed:0;
//
//   print fmt: "call_site=%pS ptr=%p", (void *)REC->call_site, REC->ptr
//
// Fields are found by name; their place is what the text says (kernel/trace/trace_events.c,
// f_show()).

import { gfpLayoutOfNames, todaysGfp } from '../../kernel/events/gfp-layouts.ts';
import type { GfpName, TraceInfo } from '../../kernel/events/trace-info.ts';
import { evaluateConstant } from '../ring-buffer/constant-expression.ts';

export interface EventField {
  readonly name: string;
  readonly offset: number;
  /** Bytes; 4 for `__data_loc`, whose word says where the data are. */
  readonly size: number;
  readonly signed: boolean;
  /** `__data_loc`: u32 with the offset in the low and the length in the high half. */
  readonly location: 'inline' | 'data_loc' | 'rel_loc';
}

export interface EventFormat {
  readonly name: string;
  readonly id: number;
  readonly fields: ReadonlyMap<string, EventField>;
  /** The lines that describe the fields. */
  readonly fieldText: string;
  readonly printFmt: string;
}

/** Declarations are short; a longer one is not searched for its name. */
const FIELD =
  /^\s*field:(?<declaration>[^;]{0,500});\s*offset:(?<offset>\d+);\s*size:(?<size>\d+);(?:\s*signed:(?<signed>\d+);)?/;

/** The event that a format text describes, or undefined where the text is not one. */
export function parseEventFormat(text: string): EventFormat | undefined {
  const name = /^name:\s*(\S+)/m.exec(text)?.[1];
  const id = /^ID:\s*(\d+)/m.exec(text)?.[1];
  if (name === undefined || id === undefined || Number(id) > 0xffff) return undefined;
  const printAt = text.indexOf('print fmt:');
  const fieldText = printAt < 0 ? text : text.slice(0, printAt);
  // A trace.dat describes some thousand events, of which a handful is looked at.
  let fields: ReadonlyMap<string, EventField> | undefined;
  return {
    name,
    id: Number(id),
    get fields() {
      fields ??= parseFields(fieldText);
      return fields;
    },
    fieldText,
    printFmt: printAt < 0 ? '' : text.slice(printAt + 10),
  };
}

/** The fields that the lines of a text describe, by name. */
export function parseFields(text: string): Map<string, EventField> {
  const fields = new Map<string, EventField>();
  for (const line of text.split('\n')) {
    const field = parseField(line);
    if (field !== undefined) fields.set(field.name, field);
  }
  return fields;
}

function parseField(line: string): EventField | undefined {
  const groups = FIELD.exec(line)?.groups;
  if (groups === undefined) return undefined;
  const declaration = groups['declaration'] ?? '';
  // `unsigned long caller[8]`, `__data_loc char[] name`, `const void * ptr`
  const name = /(\w+)(?:\[[^\]]*\])?\s*$/.exec(declaration)?.[1];
  if (name === undefined) return undefined;
  return {
    name,
    offset: Number(groups['offset']),
    size: Number(groups['size']),
    signed: groups['signed'] === '1',
    location: declaration.includes('__data_loc')
      ? 'data_loc'
      : declaration.includes('__rel_loc')
        ? 'rel_loc'
        : 'inline',
  };
}

/** True for the description of a probe's event (kernel/trace/trace_kprobe.c, trace_fprobe.c). */
export function isProbeFormat(format: EventFormat): boolean {
  // First as text: nearly all formats are of other events, and their fields are never asked for.
  if (!format.fieldText.includes('__probe_')) return false;
  const { fields } = format;
  return fields.has('__probe_ip') || (fields.has('__probe_func') && fields.has('__probe_ret_ip'));
}

/** The gfp names of a kernel, from `__print_flags(REC->gfp_flags, "|", {mask, "name"}, …)`. */
export function gfpNamesFromPrintFmt(printFmt: string): GfpName[] | null {
  const start = printFmt.search(/__print_flags\(\s*REC->gfp_flags/);
  if (start < 0) return null;
  const names: GfpName[] = [];
  for (const [, expression, name] of printFmt
    .slice(start)
    .matchAll(/\{([^{}"]*),\s*"([^"]+)"\s*\}/g)) {
    const mask = evaluateConstant(expression ?? '');
    if (mask !== undefined && name !== undefined) names.push({ mask, name });
  }
  return names.length > 0 ? names : null;
}

/** Takes the names and the layout of gfp flags from a print fmt, where nothing has told them yet. */
export function takeGfpNames(printFmt: string, info: TraceInfo): void {
  const printed = info.gfpNames === null ? gfpNamesFromPrintFmt(printFmt) : null;
  if (printed === null) return;
  const layout = gfpLayoutOfNames(printed);
  info.gfpLayout = layout;
  info.gfpNames = printed.map(({ name, mask }) => ({ name, mask: todaysGfp(mask, layout) }));
}

/**
 * How kmalloc's `accounted=` comes about: it is no field but `(1 && (gfp_flags & __GFP_ACCOUNT))`
 * in the print fmt, 0 instead of 1 where memory cgroups do not account slab memory.
 * Undefined where the event prints no such word (before 6.1).
 */
export function accountedByGfp(printFmt: string): boolean | undefined {
  if (!printFmt.includes('accounted=')) return undefined;
  const condition = /\(\s*(\d+)\s*&&\s*\(REC->gfp_flags/.exec(printFmt)?.[1];
  return condition === undefined ? undefined : condition !== '0';
}
