// The fields of an event about an object → an entry of Dictionary.calls. Runs once for each distinct
// call of a trace, so it can afford to be careful. Events: include/trace/events/kmem.h.

import {
  ACCOUNTED,
  type Dictionary,
  NODE_ANY,
  NODE_UNKNOWN,
} from '../../kernel/events/dictionary.ts';
import { type EventKind, isAlloc } from '../../kernel/events/event-kind.ts';
import { type GfpTable, parseGfpFlags } from '../../kernel/events/gfp-flags.ts';
import { type FieldTexts, parseCount } from '../events/field-text.ts';
import { internSite } from '../events/site-text.ts';

/** What is counted each time such a call is met. */
export const NOTE = { emptyCacheName: 1, emptyGfpFlags: 2, unknownGfpName: 4 } as const;

/** A name of its own may look like a short address, but not like a whole one. */
const WHOLE_IP = /^[0-9a-f]{16}$/;
const IP = /^[0-9a-f]{8,16}$/;

export interface TextCall {
  /** Index into `Dictionary.calls`. */
  readonly call: number;
  /** NOTE bits. */
  readonly notes: number;
}

/**
 * The call that an event's fields describe, whatever the order in which they stand.
 * Undefined where one is missing or is no value of its kind.
 */
export function internCall(
  kind: EventKind,
  fields: FieldTexts,
  gfpTable: GfpTable,
  dictionary: Dictionary,
): TextCall | undefined {
  const name = cacheName(fields.get('name'));
  const notes = name === '' ? NOTE.emptyCacheName : 0;
  if (!isAlloc(kind)) {
    const call = dictionary.calls.intern({ kind, ...whereFrom(fields, name, dictionary) });
    return { call, notes };
  }
  const bytesReq = parseCount(fields.get('bytes_req'));
  const bytesAlloc = parseCount(fields.get('bytes_alloc'));
  const gfp = gfpOf(fields, gfpTable);
  const node = parseNode(fields.get('node'));
  const accounted = parseAccounted(fields.get('accounted'));
  if (bytesReq === undefined || bytesAlloc === undefined || !fields.has('gfp_flags')) return;
  if (node === undefined || accounted === undefined) return;
  const call = dictionary.calls.intern({
    kind,
    bytesReq,
    bytesAlloc,
    gfp: gfp.flags ?? 0,
    gfpKnown: gfp.flags !== undefined,
    node,
    accounted,
    ...whereFrom(fields, name, dictionary),
  });
  return { call, notes: notes | gfp.notes };
}

/** The flags of an allocation; undefined where the text does not tell them, with the NOTE that says so. */
export function gfpOf(
  fields: FieldTexts,
  { names, layout }: GfpTable,
): { readonly flags: number | undefined; readonly notes: number } {
  const text = fields.get('gfp_flags');
  const word = /^\S*/.exec(text ?? '')?.[0] ?? '';
  if (word === '') return { flags: undefined, notes: text === undefined ? 0 : NOTE.emptyGfpFlags };
  const flags = parseGfpFlags(word, names, layout);
  return { flags, notes: flags === undefined ? NOTE.unknownGfpName : 0 };
}

function whereFrom(
  fields: FieldTexts,
  name: string | undefined,
  dictionary: Dictionary,
): { site: number; cache: number } {
  return {
    site: internSite(fields.get('call_site') ?? '', dictionary),
    cache: dictionary.strings.intern(name ?? ''),
  };
}

/** The name without what `perf script -F +ip,sym` prints behind it: ` ffffffffa492d4e4 kmem_cache…`. */
function cacheName(text: string | undefined): string | undefined {
  const words = text?.split(/\s+/) ?? [];
  const ip = words.findIndex((word, i) => (i === 0 ? WHOLE_IP : IP).test(word));
  return ip < 0 ? text : words.slice(0, ip).join(' ');
}

/** `-1`, `0xffffffff (-1)`. */
function parseNode(text: string | undefined): number | undefined {
  if (text === undefined) return NODE_UNKNOWN;
  const word = /^(?:-?\d{1,10}|0x[0-9a-f]{1,8})(?=\s|$)/i.exec(text)?.[0];
  return word === undefined ? undefined : Math.max(Number(word) | 0, NODE_ANY);
}

/** `true`, `1`, `(1)` and their opposites. */
function parseAccounted(text: string | undefined): number | undefined {
  if (text === undefined) return ACCOUNTED.unknown;
  if (/^\(?(?:true|1|0x1)(?:\)|\s|$)/.test(text)) return ACCOUNTED.yes;
  return /^\(?(?:false|0|0x0)(?:\)|\s|$)/.test(text) ? ACCOUNTED.no : undefined;
}
