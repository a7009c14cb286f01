// A report and who had the object → one sentence: which bytes, how far from the object, and who likely
// wrote them. What the kernel saw itself is certain (KASAN and KFENCE catch the access; a double free
// is one); who damaged what SLUB finds later is a guess, and said to be one.

import type { HistoryEvent, ObjectOwner } from '../../analysis/owners.ts';
import { counted } from '../../base/bytes-format.ts';
import type { MemoryReport, ReportedTrack } from '../../kernel/memory-reports/memory-report.ts';
import type { Candidates } from './candidates.ts';
import type { ReportedHistory } from './history.ts';

type Joined = Pick<
  ReportedHistory,
  'lastOwner' | 'secondFree' | 'objects' | 'neighbours' | 'owners'
> & { readonly candidates: Candidates | null };

interface Verdict {
  readonly certain: string;
  readonly guess?: string | undefined;
}

/** Of a report, by its title; the first that fits. */
const KINDS: readonly (readonly [
  title: RegExp,
  judge: (report: MemoryReport, joined: Joined) => Verdict,
])[] = [
  [/^Objects remaining/, remaining],
  [/already free|double[- ]free/i, freedTwice],
  [/^Slab has \d+ allocated/, freedTooMany],
  [/Invalid object pointer|Attempt to free|invalid[- ]free/i, notAnObject],
  [/Redzone/i, redzone],
  [/padding overwritten/i, padding],
  [/poison/i, writtenAfterFree],
  [/^slab-/, access],
  [/^Free(?:pointer|chain|list)/, freePointer],
  [/^memory corruption/, corruption],
  [/slab cache\.|different cache/, wrongCache],
  [/no slab for object/, notAnObject],
  [
    /\w-out-of-bounds|on stack|null-ptr|wild-|user-|unknown.crash|^invalid (?:read|write)/,
    noObject,
  ],
  [/use[- ]after[- ]free|^out[- ]of[- ]bounds|^invalid-access/, access],
];

export function verdictOf(report: MemoryReport, joined: Joined): string {
  const judge = KINDS.find(([title]) => title.test(report.title))?.[1] ?? ofSlab;
  const only = joined.candidates?.count === 1 ? joined.candidates.owners[0] : undefined;
  const lastOwner = joined.lastOwner ?? (only === undefined ? null : { ...only, offset: 0 });
  const { certain, guess } = judge(report, { ...joined, lastOwner });
  return `Certain: ${certain}${guess === undefined ? '' : `; a guess: ${guess}`}.`;
}

function remaining({ objects, cache }: MemoryReport, { objects: joined }: Joined): Verdict {
  const sites = new Map<string, number>();
  for (const [i, { allocated }] of objects.entries()) {
    const site = allocated?.in ?? joined[i]?.lastOwner?.alloc?.symbol;
    if (site !== undefined && site !== null) sites.set(site, (sites.get(site) ?? 0) + 1);
  }
  const named = Array.from(sites, ([site, count]) => (count === 1 ? site : `${site} (${count})`));
  const from = named.length === 0 ? '' : `, allocated in ${named.join(', ')}`;
  const what =
    objects.length === 0
      ? 'objects were'
      : `${counted(objects.length, 'object')} ${objects.length === 1 ? 'was' : 'were'}`;
  return {
    certain: `${what} still allocated when ${cache ?? 'the cache'} was destroyed${from}`,
    guess: 'whoever allocated them did not free them',
  };
}

function freedTwice(report: MemoryReport, { lastOwner, secondFree }: Joined): Verdict {
  const first = lastOwner?.free ?? null;
  const before =
    first !== null ? eventText(first) : report.freed === null ? null : trackText(report.freed);
  const again = secondFree !== null ? eventText(secondFree) : (report.foundIn ?? null);
  if (before === null) {
    return {
      certain: `an object that was free was freed${again === null ? '' : ` again by ${again}`}`,
    };
  }
  return {
    certain:
      again === null
        ? `${before} freed the object, and it was freed again`
        : `${before} freed the object, and ${again} freed it again`,
  };
}

function freedTooMany({ task }: MemoryReport): Verdict {
  const who = task === null ? '' : ` by ${task.comm}-${task.pid}`;
  return {
    certain: 'more objects of a slab were freed than were allocated',
    guess: `one of them was freed twice, the last time${who === '' ? ' just before the report' : who}`,
  };
}

function notAnObject(report: MemoryReport, { owners, lastOwner }: Joined): Verdict {
  const inside = lastOwner ?? owners.at(-1) ?? null;
  const where = report.address === null ? '' : ` 0x${report.address.toString(16)}`;
  if (inside !== null && inside.offset > 0) {
    return {
      certain: `kfree() or kmem_cache_free() got${where}, which is byte ${inside.offset} of the object of ${ownerText(inside)}, not its start`,
    };
  }
  const offset =
    report.offset !== null && report.offset !== 0 ? `, ${placeOf(report, lastOwner)},` : '';
  return {
    certain: `a free got${where}${offset} which is not the start of an allocated object`,
    guess: 'the pointer was changed, or the object was freed before',
  };
}

function wrongCache({ cache }: MemoryReport, { lastOwner }: Joined): Verdict {
  const own = lastOwner?.alloc == null ? '' : `, which ${eventText(lastOwner.alloc)} allocated,`;
  return {
    certain: `an object of ${cache ?? 'another cache'}${own} was freed into a cache that it is not of`,
  };
}

function redzone(report: MemoryReport, { lastOwner, neighbours }: Joined): Verdict {
  const isLeft = /left/i.test(report.title) || (report.offset ?? 0) < 0;
  const certain =
    report.offset === null
      ? 'bytes of a red zone of the object were overwritten'
      : `${bytesOf(report)} ${placeOf(report, lastOwner)} ${wasOverwritten(report)}`;
  const next = neighbours.find(({ isNext, distance }) => isNext && distance < 0 === isLeft);
  const own = holderText(report, lastOwner);
  const beside = next === undefined ? null : ownerText(next);
  if (isLeft) {
    const before =
      beside === null
        ? 'the owner of the object before it'
        : `the owner of the object before it, ${beside},`;
    return {
      certain,
      guess: `${before} wrote past its end, or its own owner${own === null ? '' : `, ${own},`} before its start`,
    };
  }
  const behind =
    beside === null ? 'that of the object behind it' : `that of the object behind it, ${beside},`;
  return {
    certain,
    guess: `its own owner${own === null ? '' : `, ${own},`} wrote past its end, or ${behind} before its start`,
  };
}

function padding(report: MemoryReport, { lastOwner }: Joined): Verdict {
  if (report.title.startsWith('Padding')) {
    return {
      certain: 'bytes behind the last object of the slab were overwritten',
      guess: 'the owner of the last object, or of memory behind the slab, wrote too far',
    };
  }
  const own = holderText(report, lastOwner);
  return {
    certain: `${bytesOf(report)} ${placeOf(report, lastOwner)} ${wasOverwritten(report)}`,
    guess: `the owner${own === null ? '' : `, ${own},`} wrote far past its end, or that of the object behind it far before its start`,
  };
}

function writtenAfterFree(report: MemoryReport, { lastOwner }: Joined): Verdict {
  const own = holderText(report, lastOwner);
  const freed = freedText(report, lastOwner);
  return {
    certain: `${bytesOf(report)} ${placeOf(report, lastOwner)} ${wasOverwritten(report)} while it was free`,
    guess: `its last owner${own === null ? '' : `, ${own},`} wrote after the free${freed === null ? '' : ` by ${freed}`}`,
  };
}

function freePointer(report: MemoryReport, { lastOwner }: Joined): Verdict {
  const own = holderText(report, lastOwner);
  return {
    certain: 'a pointer of the list of free objects was overwritten',
    guess: `the last owner of the object${own === null ? '' : `, ${own},`} wrote after its free, or a neighbour past its end`,
  };
}

function corruption(report: MemoryReport, { lastOwner }: Joined): Verdict {
  const own = holderText(report, lastOwner);
  const side = (report.offset ?? 0) < 0 ? 'before its start' : 'past its end';
  return {
    certain: `bytes ${placeOf(report, lastOwner)} were overwritten, as the free of the object showed`,
    guess: `its owner${own === null ? '' : `, ${own},`} wrote ${side}`,
  };
}

/** KASAN and KFENCE stop whoever touches what it must not. */
function access(report: MemoryReport, { lastOwner }: Joined): Verdict {
  const { task, foundIn } = report;
  const who = [foundIn, task === null ? null : `(${task.comm}-${task.pid})`].filter(
    (word) => word !== null,
  );
  const own = holderText(report, lastOwner);
  const object = `the object${own === null ? '' : ` of ${own}`}`;
  const isFreed = /use[- ]after[- ]free/.test(report.title);
  const freed = freedText(report, lastOwner);
  const state = isFreed ? `, which ${freed === null ? 'was free' : `${freed} had freed`}` : '';
  const did = report.access === null ? 'touched' : report.access.isWrite ? 'wrote' : 'read';
  const bytes = report.access?.size ?? null;
  const what = bytes === null ? 'memory' : counted(bytes, 'byte');
  const subject = who.length === 0 ? 'somebody' : who.join(' ');
  return { certain: `${subject} ${did} ${what} ${placeOf(report, lastOwner, object)}${state}` };
}

function noObject({ title, foundIn }: MemoryReport): Verdict {
  const where = /stack/.test(title)
    ? 'on a stack'
    : /global/.test(title)
      ? 'in a global variable'
      : /vmalloc/.test(title)
        ? 'in memory of vmalloc()'
        : 'at an address that no object has';
  return { certain: `${foundIn ?? 'somebody'} touched memory ${where}, not in a slab` };
}

function ofSlab(): Verdict {
  return {
    certain:
      'it is about the counters or the list of a whole slab, and nothing tells which object caused it',
  };
}

/** `1 byte`, `8 bytes`, `bytes` */
function bytesOf({ faultyBytes }: MemoryReport): string {
  return faultyBytes === null ? 'bytes' : counted(faultyBytes, 'byte');
}

function wasOverwritten({ faultyBytes }: MemoryReport): string {
  return faultyBytes === 1 ? 'was overwritten' : 'were overwritten';
}

/** `12 bytes behind the end of the object (64 bytes)` */
function placeOf(report: MemoryReport, owner: ObjectOwner | null, object = 'the object'): string {
  const { offset } = report;
  if (offset === null) return `of ${object}`;
  if (offset < 0) return `${counted(-offset, 'byte')} before the start of ${object}`;
  const asked = owner?.bytesReq ?? null;
  const isKmalloc = report.cache?.includes('kmalloc') === true;
  const size = report.size ?? (isKmalloc ? owner?.bytesAlloc : asked) ?? null;
  const end = asked !== null && asked > 0 && (size === null || asked < size) ? asked : size;
  if (end === null || end === 0 || offset < end) return `at byte ${offset} of ${object}`;
  const words = end === asked ? `the ${end} that were asked for` : `its ${end} bytes`;
  return offset === end
    ? `right behind the end of ${object} (${words})`
    : `${counted(offset - end, 'byte')} behind the end of ${object} (${words})`;
}

/** Who had the object: by the trace, else by the log; null where neither tells. */
function holderText(report: MemoryReport, owner: ObjectOwner | null): string | null {
  if (owner?.alloc != null) return eventText(owner.alloc);
  return report.allocated === null ? null : trackText(report.allocated);
}

function freedText(report: MemoryReport, owner: ObjectOwner | null): string | null {
  if (owner?.free != null) return eventText(owner.free);
  return report.freed === null ? null : trackText(report.freed);
}

function ownerText({ alloc, cache }: ObjectOwner): string {
  return alloc === null
    ? `an object of ${cache ?? 'an unknown cache'} from before the trace`
    : eventText(alloc);
}

function eventText({ symbol, site, comm, pid }: HistoryEvent): string {
  return `${symbol ?? site ?? '?'} (${comm}-${pid})`;
}

function trackText({ in: site, pid }: ReportedTrack): string | null {
  if (site === null) return pid === null ? null : `pid ${pid}`;
  return pid === null ? site : `${site} (pid ${pid})`;
}
