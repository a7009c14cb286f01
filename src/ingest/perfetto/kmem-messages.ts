// The messages of the kmem events (protos/perfetto/trace/ftrace/kmem.proto, and their numbers in
// ftrace_event.proto): which field is what. Events that Perfetto has no message for are described in
// the trace itself, or spell their fields' names out (generic.proto); they are known by their names.

import { EVENT_KIND, type EventKind } from '../../kernel/events/event-kind.ts';

/** What a field is, and where its value goes in KmemValues. */
export const FIELD = {
  none: 0,
  call_site: 1,
  ptr: 2,
  bytes_req: 3,
  bytes_alloc: 4,
  gfp_flags: 5,
  node: 6,
  order: 7,
  pfn: 8,
  nr_records: 9,
} as const;

export const FIELD_COUNT = 10;

/** How the message of an event is read. */
export interface KmemMessage {
  readonly kind: EventKind;
  /** FIELD by the field's number. */
  readonly fields: readonly number[];
  /** Bits of the FIELDs that must be there. */
  readonly needs: number;
}

const OBJECT = ['ptr', 'call_site'] as const;
const ALLOC = [...OBJECT, 'bytes_req', 'bytes_alloc', 'gfp_flags'] as const;
const PAGE = ['order', 'pfn'] as const;

/** Events by their names: what they must have. */
const KINDS: Readonly<Record<string, { kind: EventKind; needs: readonly (keyof typeof FIELD)[] }>> =
  {
    kmalloc: { kind: EVENT_KIND.kmalloc, needs: ALLOC },
    kmalloc_node: { kind: EVENT_KIND.kmalloc_node, needs: ALLOC },
    kmem_cache_alloc: { kind: EVENT_KIND.kmem_cache_alloc, needs: ALLOC },
    kmem_cache_alloc_node: { kind: EVENT_KIND.kmem_cache_alloc_node, needs: ALLOC },
    kfree: { kind: EVENT_KIND.kfree, needs: OBJECT },
    kmem_cache_free: { kind: EVENT_KIND.kmem_cache_free, needs: OBJECT },
    mm_page_alloc: { kind: EVENT_KIND.mm_page_alloc, needs: PAGE },
    mm_page_free: { kind: EVENT_KIND.mm_page_free, needs: PAGE },
    rcu_invoke_kfree_bulk_callback: {
      kind: EVENT_KIND.rcu_invoke_kfree_bulk_callback,
      needs: ['nr_records'],
    },
  };

/** How an event of this name is read, given the names of its fields by number; undefined: not at all. */
export function kmemMessage(
  name: string,
  fields: ReadonlyMap<number, string>,
): KmemMessage | undefined {
  const event = Object.hasOwn(KINDS, name) ? KINDS[name] : undefined;
  if (event === undefined) return undefined;
  const roles: number[] = [];
  for (const [number, field] of fields) roles[number] = fieldOf(field);
  const needs = event.needs.reduce((bits, field) => bits | (1 << FIELD[field]), 0);
  return { kind: event.kind, fields: roles, needs };
}

export function fieldOf(name: string): number {
  const fields: Readonly<Record<string, number>> = FIELD;
  return Object.hasOwn(fields, name) ? (fields[name] ?? FIELD.none) : FIELD.none;
}

const ALLOC_FIELDS = 'bytes_alloc bytes_req call_site gfp_flags ptr';
const NODE_FIELDS = 'bytes_alloc bytes_req call_site gfp_flags node ptr';

/** Names and fields of the events that have messages of their own, by number. */
const MESSAGES: readonly (readonly [number, string, string])[] = [
  [298, 'kfree', 'call_site ptr'],
  [299, 'kmalloc', ALLOC_FIELDS],
  [300, 'kmalloc_node', NODE_FIELDS],
  [301, 'kmem_cache_alloc', ALLOC_FIELDS],
  [302, 'kmem_cache_alloc_node', NODE_FIELDS],
  [303, 'kmem_cache_free', 'call_site ptr'],
  [307, 'mm_page_alloc', 'gfp_flags migratetype order page pfn'],
  [310, 'mm_page_free', 'order page pfn'],
];

/** The messages that every trace may have, by number. */
export function knownMessages(): (KmemMessage | undefined)[] {
  const messages: (KmemMessage | undefined)[] = [];
  for (const [number, name, fields] of MESSAGES) {
    const numbered = fields.split(' ').map((field, i) => [i + 1, field] as const);
    messages[number] = kmemMessage(name, new Map(numbered));
  }
  return messages;
}

/** The values of one event, as halves; reused from event to event. */
export class KmemValues {
  readonly lo: Uint32Array = new Uint32Array(FIELD_COUNT);
  readonly hi: Uint32Array = new Uint32Array(FIELD_COUNT);
  /** Bits of the FIELDs that are there. */
  known = 0;

  clear(): void {
    this.known = 0;
  }

  set(field: number, lo: number, hi: number): void {
    this.lo[field] = lo;
    this.hi[field] = hi;
    this.known |= 1 << field;
  }

  has(field: number): boolean {
    return (this.known & (1 << field)) !== 0;
  }

  number(field: number): number {
    return this.hi[field]! * 4294967296 + this.lo[field]!;
  }
}
