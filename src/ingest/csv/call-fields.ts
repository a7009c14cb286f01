// The fields of a row → an entry of Dictionary.calls (docs/csv.md). Runs once for each distinct call.

import { kmallocAllocatedSize } from '../../kernel/caches/kmalloc-caches.ts';
import {
  ACCOUNTED,
  type Dictionary,
  NODE_ANY,
  NODE_UNKNOWN,
} from '../../kernel/events/dictionary.ts';
import { FLAGS_UNKNOWN } from '../../kernel/events/event-batch.ts';
import {
  EVENT_KIND,
  EVENT_NAMES,
  type EventKind,
  isAlloc,
  isKmalloc,
} from '../../kernel/events/event-kind.ts';
import { type GfpTable, parseGfpFlags } from '../../kernel/events/gfp-flags.ts';
import { parseCount } from '../events/field-text.ts';
import { parseIrqFlags } from '../events/irq-flags.ts';
import { internSite } from '../events/site-text.ts';
import type { RowFields } from './row-calls.ts';

/** More than one recorded write holds; a slab has no more. */
const MAX_WRITE_BYTES = 65536;

export interface CallContext {
  readonly dictionary: Dictionary;
  readonly gfpTable: GfpTable;
  readonly pageSize: number;
}

/** The call that a row describes, or -1 where a field is missing or is no value of its kind. */
export function internRowCall(fields: RowFields, context: CallContext): number {
  const { dictionary, gfpTable } = context;
  const kind = kindOf(fields('event'));
  if (kind === undefined) return -1;
  const { calls, strings } = dictionary;
  if (kind === EVENT_KIND.lost) {
    const bytesReq = parseEmptyCount(fields('data'));
    return bytesReq === undefined ? -1 : calls.intern({ kind, bytesReq });
  }
  const sizes = sizesOf(kind, fields, context.pageSize);
  const node = parseNode(fields('node'));
  const accounted = parseAccounted(fields('accounted'));
  const data = dataOf(kind, fields);
  const cache = fields('cache');
  const needsCache = kind === EVENT_KIND.cache_create || kind === EVENT_KIND.cache_destroy;
  if (sizes === undefined || node === undefined || accounted === undefined) return -1;
  if (data === undefined || (needsCache && cache === '')) return -1;
  const gfpText = fields('gfp_flags');
  const gfp = gfpText === '' ? undefined : parseGfpFlags(gfpText, gfpTable.names, gfpTable.layout);
  return calls.intern({
    kind,
    site: internSite(fields('call_site'), dictionary),
    ...sizes,
    gfp: gfp ?? 0,
    gfpKnown: gfp !== undefined,
    node,
    cache: strings.intern(cache),
    accounted,
    data: strings.intern(data),
  });
}

function kindOf(name: string): EventKind | undefined {
  const kind = Object.values(EVENT_KIND).find((number) => EVENT_NAMES[number] === name);
  return kind === EVENT_KIND.none ? undefined : kind;
}

interface Sizes {
  readonly bytesReq: number;
  readonly bytesAlloc: number;
}

/** A size that is not given follows from the other one. */
function sizesOf(kind: EventKind, fields: RowFields, pageSize: number): Sizes | undefined {
  const req = fields('bytes_req');
  const alloc = fields('bytes_alloc');
  const bytesReq = parseEmptyCount(req === '' && isAlloc(kind) ? alloc : req);
  const bytesAlloc = parseEmptyCount(alloc);
  if (bytesReq === undefined || bytesAlloc === undefined) return;
  const isNeeded = isKmalloc(kind) || kind === EVENT_KIND.cache_create;
  if (isNeeded && req === '' && alloc === '') return;
  if (alloc !== '' || !isAlloc(kind)) return { bytesReq, bytesAlloc };
  const size = isKmalloc(kind) ? kmallocAllocatedSize(bytesReq, pageSize) : bytesReq;
  return { bytesReq, bytesAlloc: size };
}

function parseEmptyCount(text: string): number | undefined {
  return text === '' ? 0 : /\s/.test(text) ? undefined : parseCount(text);
}

function parseNode(text: string): number | undefined {
  if (text === '') return NODE_UNKNOWN;
  const node = /^-?\d{1,4}$/.test(text) ? Number(text) : parseCount(text);
  return node === undefined || node > 0xffff ? undefined : Math.max(node, NODE_ANY);
}

function parseAccounted(text: string): number | undefined {
  if (text === '') return ACCOUNTED.unknown;
  if (/^(?:true|1)$/i.test(text)) return ACCOUNTED.yes;
  return /^(?:false|0)$/i.test(text) ? ACCOUNTED.no : undefined;
}

/** The bytes of a write as hexadecimal digits; the attributes of a cache_create; else as it stands. */
function dataOf(kind: EventKind, fields: RowFields): string | undefined {
  const data = fields('data');
  if (kind === EVENT_KIND.write) {
    const digits = data.replaceAll(' ', '').toLowerCase();
    const isHex = digits.length <= 2 * MAX_WRITE_BYTES && /^(?:[0-9a-f]{2})+$/.test(digits);
    return isHex ? digits : undefined;
  }
  if (kind !== EVENT_KIND.cache_create) return data;
  const flags = fields('flags');
  const isState = parseIrqFlags(flags) !== FLAGS_UNKNOWN;
  return [isState ? '' : flags, data].filter((part) => part !== '').join(',');
}
