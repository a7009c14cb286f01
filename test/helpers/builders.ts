// Traces from a few readable lines, for tests of everything that comes after the readers:
//
//   [@TIME] [cpuN] [COMM-PID] alloc CACHE OBJECT [REQ[/ALLOC]] [KEY=VALUE …]
//   [@TIME] [cpuN] [COMM-PID] free [CACHE] OBJECT [KEY=VALUE …]
//
//   @1000 cpu1 bash-7 alloc kmalloc-64 A 40 by=open_file+0x10
//   @1500 cpu0 bash-7 free A
//
// TIME is in nanoseconds, without it an event comes 1000 after the one before; `@+5` is 5 after it.
// CPU and task stay as they were until a line names others. A CACHE that begins with kmalloc makes a
// kmalloc event, any other a kmem_cache_alloc; `free A` is a kfree, `free dentry A` a
// kmem_cache_free that names its cache, `free ? A` one that names none.
// OBJECT: a name with an address (a page) of its own, `A+64` that many bytes behind it, `0x…`, NULL
// or ZERO. Sizes: what was asked for, and what it takes where the cache's name does not say it.
// Keys: by=SITE gfp=0x… node=N accounted=yes name=CACHE (in an allocation) stack=SITE;SITE flags=0x…; a SITE is
// a symbol or an address.
// Further events: `bulk_free OBJECT`, `page_alloc PFN [ORDER]`, `page_free PFN [ORDER]`, `lost N`.
// Lines that are empty or begin with # say nothing.

import { ACCOUNTED, type CallFields, Dictionary } from '../../src/kernel/events/dictionary.ts';
import {
  createBatch,
  type EventBatch,
  FLAGS_UNKNOWN,
} from '../../src/kernel/events/event-batch.ts';
import { EVENT_KIND } from '../../src/kernel/events/event-kind.ts';

const FIRST_OBJECT = 0xffff888000000000n;
const OBJECT_DISTANCE = 0x10000n;
const PAGE_BYTES = 4096;

/** Where a trace stands after a line. */
interface Moment {
  ts: number;
  cpu: number;
  comm: string;
  pid: number;
}

interface TestEvent extends Moment {
  readonly call: Partial<CallFields>;
  readonly ptr: bigint;
  readonly stack: readonly string[];
  /** As `EventBatch.flags`. */
  readonly flags: number;
}

/** A trace as the readers would give it. */
export class TestTrace {
  readonly dictionary: Dictionary = new Dictionary();
  readonly events: readonly TestEvent[];
  private readonly objects = new Map<string, bigint>();

  constructor(lines: string) {
    const now: Moment = { ts: 0, cpu: 0, comm: 'task', pid: 1 };
    const events: TestEvent[] = [];
    for (const line of lines.split('\n')) {
      const words = line.trim().split(/\s+/);
      if (words[0] === '' || words[0]?.startsWith('#')) continue;
      now.ts += 1000;
      events.push(this.parse(words, now, line));
    }
    this.events = events;
  }

  /** The address of an object: `A`, `A+64`, `0x…`, NULL, ZERO. */
  address(name: string): bigint {
    if (name === 'NULL') return 0n;
    if (name === 'ZERO') return 0x10n;
    if (name.startsWith('0x')) return BigInt(name);
    const [base = name, offset = '0'] = name.split('+');
    let address = this.objects.get(base);
    if (address === undefined) {
      address = FIRST_OBJECT + BigInt(this.objects.size) * OBJECT_DISTANCE;
      this.objects.set(base, address);
    }
    return address + BigInt(offset);
  }

  /** The events in batches of `size`, each with buffers of its own. */
  *batches(size: number = 16384): Generator<EventBatch> {
    for (let from = 0; from < this.events.length; from += size) {
      const batch = createBatch();
      for (const event of this.events.slice(from, from + size)) this.write(batch, event);
      yield batch;
    }
  }

  private write(batch: EventBatch, event: TestEvent): void {
    const { dictionary } = this;
    const i = batch.length++;
    batch.ts[i] = event.ts;
    batch.call[i] = dictionary.calls.intern(event.call);
    batch.task[i] = dictionary.tasks.intern(event.pid, dictionary.strings.intern(event.comm));
    batch.ptrLo[i] = Number(event.ptr & 0xffffffffn);
    batch.ptrHi[i] = Number(event.ptr >> 32n);
    batch.cpu[i] = event.cpu;
    batch.flags[i] = event.flags;
    const frames = Uint32Array.from(event.stack, (site) => this.site(site));
    batch.stack[i] = dictionary.stacks.intern(frames, frames.length);
  }

  private parse(words: readonly string[], now: Moment, line: string): TestEvent {
    let at = 0;
    for (; at < words.length && moveTo(words[at] as string, now); at++);
    const [verb = '', ...rest] = words.slice(at);
    const options = new Map<string, string>();
    const args = rest.filter((word) => {
      const [key, value] = word.split('=');
      if (value !== undefined) options.set(key as string, value);
      return value === undefined;
    });
    const [call, ptr] = this.event(verb, args, options, line);
    const flags = Number(options.get('flags') ?? FLAGS_UNKNOWN);
    return { ...now, call, ptr, stack: options.get('stack')?.split(';') ?? [], flags };
  }

  private event(
    verb: string,
    args: readonly string[],
    options: ReadonlyMap<string, string>,
    line: string,
  ): [Partial<CallFields>, bigint] {
    const [first = '', second, third] = args;
    switch (verb) {
      case 'alloc':
        return [this.alloc(first, third, options), this.address(second ?? '')];
      case 'free':
        return second === undefined
          ? [this.free('', options), this.address(first)]
          : [this.free(first, options), this.address(second)];
      case 'bulk_free':
        return [{ kind: EVENT_KIND.bulk_free }, this.address(first)];
      case 'page_alloc':
      case 'page_free': {
        const kind = EVENT_KIND[`mm_${verb}`];
        const bytesAlloc = PAGE_BYTES * 2 ** Number(second ?? 0);
        return [{ kind, bytesAlloc }, BigInt(first) * BigInt(PAGE_BYTES)];
      }
      case 'lost':
        return [{ kind: EVENT_KIND.lost, bytesReq: Number(first) }, 0n];
      default:
        throw new Error(`no such line in a test trace: ${line}`);
    }
  }

  private alloc(
    cache: string,
    sizes: string | undefined,
    options: ReadonlyMap<string, string>,
  ): Partial<CallFields> {
    const [req, allocated] = (sizes ?? '').split('/').filter(Boolean).map(Number);
    const bytesReq = req ?? sizeInName(cache) ?? 64;
    const accounted = options.get('accounted');
    const gfp = options.get('gfp');
    return {
      kind: cache.startsWith('kmalloc') ? EVENT_KIND.kmalloc : EVENT_KIND.kmem_cache_alloc,
      site: this.site(options.get('by') ?? `${cache}_user+0x10`),
      bytesReq,
      bytesAlloc: allocated ?? sizeInName(cache) ?? bytesReq,
      gfp: Number(gfp ?? 0xcc0),
      gfpKnown: true,
      node: Number(options.get('node') ?? -1),
      cache: this.dictionary.strings.intern(options.get('name') ?? ''),
      accounted: accounted === undefined ? ACCOUNTED.unknown : accountedOf(accounted),
    };
  }

  private free(cache: string, options: ReadonlyMap<string, string>): Partial<CallFields> {
    return {
      kind: cache === '' ? EVENT_KIND.kfree : EVENT_KIND.kmem_cache_free,
      site: this.site(options.get('by') ?? `${cache === '' ? 'any' : cache}_free+0x20`),
      cache: this.dictionary.strings.intern(cache === '?' ? '' : cache),
    };
  }

  /** The index of a call site. */
  private site(name: string): number {
    const { sites, strings } = this.dictionary;
    if (!name.startsWith('0x')) return sites.internText(strings.intern(name));
    const address = BigInt(name);
    return sites.internAddress(Number(address & 0xffffffffn), Number(address >> 32n));
  }
}

/** Takes a time, CPU or task at the head of a line; false where the event begins. */
function moveTo(word: string, now: Moment): boolean {
  if (word.startsWith('@+')) now.ts += Number(word.slice(2)) - 1000;
  else if (word.startsWith('@')) now.ts = Number(word.slice(1));
  else if (/^cpu\d+$/.test(word)) now.cpu = Number(word.slice(3));
  else {
    const [, comm, pid] = /^(.+)-(\d+)$/.exec(word) ?? [];
    if (comm === undefined) return false;
    now.comm = comm;
    now.pid = Number(pid);
  }
  return true;
}

/** `kmalloc-64` and `kmalloc-cg-1k` say what their objects take. */
function sizeInName(cache: string): number | undefined {
  const [, digits, k] = /^kmalloc-(?:\w+-)?(\d+)(k?)$/.exec(cache) ?? [];
  return digits === undefined ? undefined : Number(digits) * (k === 'k' ? 1024 : 1);
}

function accountedOf(word: string): number {
  return word === 'yes' ? ACCOUNTED.yes : ACCOUNTED.no;
}
