// Where the fields of an event lie in its records, and what the event means to us: read once from its
// format, so that records are read by offsets.

import { EVENT_KIND } from '../../kernel/events/event-kind.ts';
import type { ByteLayout } from '../ring-buffer/page.ts';
import { RecentCalls } from '../ring-buffer/recent-calls.ts';
import { accountedByGfp, type EventField, type EventFormat } from './event-format.ts';

/** What a record's event means to us. */
export const ROLE = { other: 0, alloc: 1, free: 2, page: 3, bulkCallback: 4, stack: 5 } as const;

/** Where the two halves of a field lie in the record; -1 where there is none. */
export interface FieldHalves {
  readonly lo: number;
  readonly hi: number;
}

export interface EventPlan {
  readonly role: number;
  readonly kind: number;
  /** Bytes that a record must have for every fixed field. */
  readonly minSize: number;
  readonly site: FieldHalves;
  readonly ptr: FieldHalves;
  readonly bytesReq: FieldHalves;
  readonly bytesAlloc: FieldHalves;
  readonly gfp: FieldHalves;
  readonly order: FieldHalves;
  /** Offsets of the common fields. */
  readonly flags: number;
  readonly preempt: number;
  readonly pid: number;
  /** Offsets, -1 where there is no such field. */
  readonly node: number;
  readonly name: number;
  /** What the offset in the name's word counts from: the record, or the end of that word. */
  readonly nameBase: number;
  readonly accountedField: number;
  /** ACCOUNTED of an event without the field: `no` and `yes` by gfp, `unknown` where not printed. */
  readonly accountedByGfp: boolean | undefined;
  readonly caller: number;
  /** The calls of this event that were met last. */
  readonly recent: RecentCalls;
}

const ABSENT: FieldHalves = { lo: -1, hi: -1 };

/** Fields that make up a call, beside `node`, `accounted` and `name`. */
const CALL_NUMBERS = ['call_site', 'bytes_req', 'bytes_alloc', 'gfp_flags', 'nr_records'] as const;

const ROLES: Record<string, { role: number; kind: number; ptr?: string }> = {
  kmalloc: { role: ROLE.alloc, kind: EVENT_KIND.kmalloc },
  kmalloc_node: { role: ROLE.alloc, kind: EVENT_KIND.kmalloc_node },
  kmem_cache_alloc: { role: ROLE.alloc, kind: EVENT_KIND.kmem_cache_alloc },
  kmem_cache_alloc_node: { role: ROLE.alloc, kind: EVENT_KIND.kmem_cache_alloc_node },
  kfree: { role: ROLE.free, kind: EVENT_KIND.kfree },
  kmem_cache_free: { role: ROLE.free, kind: EVENT_KIND.kmem_cache_free },
  mm_page_alloc: { role: ROLE.page, kind: EVENT_KIND.mm_page_alloc, ptr: 'pfn' },
  mm_page_free: { role: ROLE.page, kind: EVENT_KIND.mm_page_free, ptr: 'pfn' },
  rcu_invoke_kfree_bulk_callback: {
    role: ROLE.bulkCallback,
    kind: EVENT_KIND.rcu_invoke_kfree_bulk_callback,
    ptr: 'p',
  },
  kernel_stack: { role: ROLE.stack, kind: EVENT_KIND.none },
};

/** True for events that become events of ours, or stacks of these. */
export function isKnownEvent(name: string): boolean {
  return Object.hasOwn(ROLES, name);
}

/** How records of a format are read; undefined where they are none of ours. */
export function compilePlan(format: EventFormat, layout: ByteLayout): EventPlan | undefined {
  const meaning = isKnownEvent(format.name) ? ROLES[format.name] : undefined;
  if (meaning === undefined) return undefined;
  const { role, kind } = meaning;
  const field = (name: string, ...sizes: number[]): EventField | undefined => {
    const found = format.fields.get(name);
    return found !== undefined && sizes.includes(found.size) ? found : undefined;
  };
  const halves = (name: string): FieldHalves => halvesOf(field(name, 4, 8), layout);
  const offset = (name: string, size: number): number => field(name, size)?.offset ?? -1;
  const isStack = role === ROLE.stack;
  const name = field('name', 4);
  const nameAt = name === undefined || name.location === 'inline' ? -1 : name.offset;
  const nameBase = name?.location === 'rel_loc' ? nameAt + 4 : 0;
  const plan: EventPlan = {
    role,
    kind,
    minSize: minimumSize(format, isStack),
    flags: field('common_flags', 1)?.offset ?? 2,
    preempt: field('common_preempt_count', 1)?.offset ?? 3,
    pid: field('common_pid', 4)?.offset ?? 4,
    site: halves('call_site'),
    ptr: halves(meaning.ptr ?? 'ptr'),
    bytesReq: halves(isStack ? 'size' : role === ROLE.bulkCallback ? 'nr_records' : 'bytes_req'),
    bytesAlloc: halves('bytes_alloc'),
    gfp: halves('gfp_flags'),
    order: halves('order'),
    node: offset('node', 4),
    name: nameAt,
    nameBase,
    accountedField: offset('accounted', 1),
    accountedByGfp: accountedByGfp(format.printFmt),
    caller: format.fields.get('caller')?.offset ?? -1,
    recent: new RecentCalls(
      [
        ...CALL_NUMBERS.map((number) => field(number, 4, 8)),
        field('node', 4),
        field('accounted', 1),
      ],
      nameAt,
      nameBase,
      layout.littleEndian,
    ),
  };
  return isComplete(plan) ? plan : undefined;
}

/** False where the format lacks what we need (a foreign event of the same name). */
function isComplete(plan: EventPlan): boolean {
  if (plan.role === ROLE.stack) return plan.caller >= 0;
  if (plan.ptr.lo < 0) return false;
  if (plan.role === ROLE.page) return plan.order.lo >= 0;
  if (plan.role === ROLE.bulkCallback) return plan.bytesReq.lo >= 0;
  if (plan.site.lo < 0) return false;
  return (
    plan.role === ROLE.free ||
    (plan.bytesReq.lo >= 0 && plan.bytesAlloc.lo >= 0 && plan.gfp.lo >= 0)
  );
}

/** Bytes up to the end of the last field; a stack's callers are as many as there are. */
function minimumSize(format: EventFormat, isStack: boolean): number {
  let end = 8;
  for (const f of format.fields.values()) {
    if (!(isStack && f.name === 'caller')) end = Math.max(end, f.offset + f.size);
  }
  return end;
}

function halvesOf(field: EventField | undefined, layout: ByteLayout): FieldHalves {
  if (field === undefined) return ABSENT;
  if (field.size === 4) return { lo: field.offset, hi: -1 };
  return layout.littleEndian
    ? { lo: field.offset, hi: field.offset + 4 }
    : { lo: field.offset + 4, hi: field.offset };
}
