// What a kprobe or kretprobe event tells about memory, by the function it sits on and the names of
// its fields (docs/probes.md). A probe's author chooses both; `--map` names what is called otherwise:
//
//   p:kp/kmalloc_p __kmalloc size=%di:u64 flags=%si:x32     an allocation's arguments
//   r:kp/kmalloc_r __kmalloc ret=$retval:x64                its result
//   p:kp/kfree_p kfree ptr=%di:x64                          a free
//   p:lab/bulkfree0 kmem_cache_free_bulk s=%di:x64 n=%si:u64 p=+0(%dx):x64[64]
//   --map take=alloc,bytes=size,where=ptr                   a probe of another kind

import { UsageError } from '../../base/errors.ts';
import { withKeys } from '../../base/keyed.ts';
import { EVENT_KIND } from '../../kernel/events/event-kind.ts';

/** What a field may be. */
const MEANINGS = [
  'size',
  'flags',
  'cache',
  'node',
  'ptr',
  'ret',
  'site',
  'count',
  'objects',
  'len',
  'value',
] as const;
export type Meaning = (typeof MEANINGS)[number];

/** The number of a meaning, as ProbeValues keeps them. */
export const MEANING: Readonly<Record<Meaning, number>> = withKeys(MEANINGS, (name) =>
  MEANINGS.indexOf(name),
);
export const MEANING_COUNT: number = MEANINGS.length;

const ROLES = ['alloc', 'free', 'bulk_free', 'write', 'none'] as const;
type ProbeRole = (typeof ROLES)[number];

/** Field names that need no `--map`. */
const FIELD_NAMES: Readonly<Record<string, Meaning>> = {
  size: 'size',
  bytes_req: 'size',
  flags: 'flags',
  gfp: 'flags',
  gfp_flags: 'flags',
  cache: 'cache',
  cachep: 'cache',
  s: 'cache',
  node: 'node',
  ptr: 'ptr',
  objp: 'ptr',
  object: 'ptr',
  addr: 'ptr',
  ret: 'ret',
  retval: 'ret',
  call_site: 'site',
  caller: 'site',
  n: 'count',
  nr: 'count',
  p: 'objects',
  len: 'len',
  value: 'value',
};

// mm/slub.c, mm/slab_common.c; those with _noprof from 6.10 on. kmem_cache_alloc_bulk() gives its
// objects back in an array that no probe sees filled.
const ALLOC_FUNCTION = /^(?:__)?(?:kmalloc|kmem_cache_alloc)(?!_bulk)/;
const FREE_FUNCTION = /^(?:kfree|kmem_cache_free)$/;
const BULK_FREE_FUNCTION = /^kmem_cache_free_bulk$/;
const WRITE_EVENT = /^write/;

/** A probe event as its first record shows it. */
export interface ProbeShape {
  /** The event's name, without its group. */
  readonly event: string;
  /** The function it sits on; undefined where only an address is known that no symbol names. */
  readonly func: string | undefined;
  readonly isReturn: boolean;
  readonly fields: readonly string[];
}

export interface ProbeMapping {
  readonly event: string;
  readonly role: ProbeRole;
  readonly fields: ReadonlyMap<string, Meaning>;
}

export interface ProbePlan {
  readonly role: Exclude<ProbeRole, 'none'>;
  readonly isReturn: boolean;
  /** What a field of this name is. */
  readonly meanings: ReadonlyMap<string, Meaning>;
  /** The tracepoint that tells the same, where it is recorded too; EVENT_KIND. */
  readonly kind: number;
  /** True where the user has named the event: then it counts beside tracepoints too. */
  readonly isNamed: boolean;
  /** Which part of a long array its objects are: the number that the event's name ends with. */
  readonly part: number;
}

/** How an event is read; undefined where it is none of ours. */
export function planProbe(
  shape: ProbeShape,
  mappings: readonly ProbeMapping[],
): ProbePlan | undefined {
  const mapping = mappings.find((m) => m.event === shape.event);
  const meanings = new Map<string, Meaning>();
  for (const field of shape.fields) {
    const meaning = mapping?.fields.get(field) ?? FIELD_NAMES[field];
    if (meaning !== undefined) meanings.set(field, meaning);
  }
  const has = new Set(meanings.values());
  const role = mapping?.role ?? roleOf(shape, has);
  if (role === undefined || role === 'none' || !isComplete(role, shape.isReturn, has)) return;
  return {
    role,
    isReturn: shape.isReturn,
    meanings,
    kind: kindOf(role, shape.func, has),
    isNamed: mapping !== undefined,
    part: Number(/\d{0,3}$/.exec(shape.event)?.[0] ?? 0),
  };
}

/** True where the fields are enough for the role; an allocation's may be spread over two events. */
function isComplete(role: ProbeRole, isReturn: boolean, has: ReadonlySet<Meaning>): boolean {
  switch (role) {
    case 'alloc':
      return isReturn ? has.has('ret') : has.has('size') || has.has('cache') || has.has('ptr');
    case 'free':
      return has.has('ptr');
    case 'bulk_free':
      return has.has('count') && has.has('objects');
    case 'write':
      return has.has('ptr') && has.has('value');
    case 'none':
      return true;
  }
}

/** By the function where it is known; else by what the fields can only be. */
function roleOf({ event, func, isReturn }: ProbeShape, has: ReadonlySet<Meaning>): ProbeRole {
  if (WRITE_EVENT.test(event) && has.has('value')) return 'write';
  if (func !== undefined) {
    if (ALLOC_FUNCTION.test(func)) return 'alloc';
    if (isReturn) return 'none';
    if (FREE_FUNCTION.test(func)) return 'free';
    return BULK_FREE_FUNCTION.test(func) ? 'bulk_free' : 'none';
  }
  if (isReturn) return 'alloc';
  if (has.has('objects')) return 'bulk_free';
  return has.has('ptr') ? 'free' : 'alloc';
}

function kindOf(role: ProbeRole, func: string | undefined, has: ReadonlySet<Meaning>): number {
  const isCache = func === undefined ? has.has('cache') : func.startsWith('kmem_cache');
  switch (role) {
    case 'alloc':
      return isCache && !has.has('size') ? EVENT_KIND.kmem_cache_alloc : EVENT_KIND.kmalloc;
    case 'free':
      return isCache ? EVENT_KIND.kmem_cache_free : EVENT_KIND.kfree;
    case 'bulk_free':
      return EVENT_KIND.bulk_free;
    default:
      return EVENT_KIND.write;
  }
}

/**
 * What `--map EVENT=ROLE,FIELD=MEANING,...` says.
 * @throws UsageError where it says nothing that is known
 */
export function parseProbeMapping(text: string): ProbeMapping {
  const [head = '', ...rest] = text.split(',');
  const [event = '', role = ''] = head.split('=');
  const fields = new Map<string, Meaning>();
  for (const part of rest) {
    const [field = '', meaning = ''] = part.split('=');
    if (field === '' || !isMeaning(meaning)) throw badMapping(text, `"${part}"`);
    fields.set(field, meaning);
  }
  if (event === '' || !isRole(role)) throw badMapping(text, `"${head}"`);
  return { event, role, fields };
}

const isMeaning = (word: string): word is Meaning => MEANINGS.some((name) => name === word);
const isRole = (word: string): word is ProbeRole => ROLES.some((name) => name === word);

function badMapping(text: string, part: string): UsageError {
  return new UsageError(`--map ${text}: ${part} is none of EVENT=ROLE,FIELD=MEANING,...`, {
    hint: `Roles: ${ROLES.join(', ')}. Meanings: ${MEANINGS.join(', ')}.`,
  });
}
