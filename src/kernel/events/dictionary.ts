// What repeats in a trace, kept once: strings, call sites, calls, tasks and stacks, each named by an
// index. A reader fills a dictionary as it reads; the consumer's copy is brought up to date with
// each batch (`changesSince`, `apply`), so the two can live in different threads. Index 0 of each
// table means "none" or "unknown".

import { TWO_32 } from '../../base/address.ts';
import { TupleTable } from '../../base/tuple-table.ts';
import type { Call, Site, Task } from '../indices.ts';
import { StackTable } from './stack-table.ts';

/** Whether an allocation is charged to a memory cgroup. */
export const ACCOUNTED = { unknown: 0, no: 1, yes: 2 } as const;

/** `node` of an event that shows none (before 6.1, or the field was cut off). */
export const NODE_UNKNOWN = -2;
/** NUMA_NO_NODE: no node was asked for. */
export const NODE_ANY = -1;

/** One distinct call: the event and everything about it that is the same each time it is made. */
export interface CallFields {
  readonly kind: number;
  /** Index into `sites`. */
  readonly site: number;
  readonly bytesReq: number;
  readonly bytesAlloc: number;
  /** gfp_flags as the kernel's number. */
  readonly gfp: number;
  /** False where the trace shows no gfp_flags (`gfp_flags=` may be empty). */
  readonly gfpKnown: boolean;
  /** The requested node, NODE_ANY or NODE_UNKNOWN. */
  readonly node: number;
  /** Index into `strings` of the cache's name in the event; 0 where it names none. */
  readonly cache: number;
  readonly accounted: number;
  /** Index into `strings`: bytes of a `write`, attributes of a `cache_create`. */
  readonly data: number;
}

const NONE: CallFields = {
  kind: 0,
  site: 0,
  bytesReq: 0,
  bytesAlloc: 0,
  gfp: 0,
  gfpKnown: false,
  node: NODE_UNKNOWN,
  cache: 0,
  accounted: ACCOUNTED.unknown,
  data: 0,
};

const CALL_WIDTH = 10;

/** Calls, each distinct one once. */
export class CallTable {
  readonly table: TupleTable = new TupleTable(CALL_WIDTH);
  private readonly tuple = new Uint32Array(CALL_WIDTH);

  get length(): number {
    return this.table.length;
  }

  intern(call: Partial<CallFields>): Call {
    const c = { ...NONE, ...call };
    return this.internFields(
      c.kind,
      c.site,
      c.bytesReq,
      c.bytesAlloc,
      c.gfp,
      c.gfpKnown,
      c.node,
      c.cache,
      c.accounted,
      c.data,
    );
  }

  /** As `intern`, without an object: for the readers' inner loops. */
  internFields(
    kind: number,
    site: Site,
    bytesReq: number,
    bytesAlloc: number,
    gfp: number,
    gfpKnown: boolean,
    node: number,
    cache: number,
    accounted: number,
    data: number,
  ): Call {
    const { tuple } = this;
    tuple[0] = kind | (accounted << 8) | (gfpKnown ? 1 << 16 : 0);
    tuple[1] = site;
    tuple[2] = bytesReq;
    tuple[3] = bytesReq / TWO_32;
    tuple[4] = bytesAlloc;
    tuple[5] = bytesAlloc / TWO_32;
    tuple[6] = gfp;
    tuple[7] = node;
    tuple[8] = cache;
    tuple[9] = data;
    return this.table.intern(tuple);
  }

  kind(id: Call): number {
    return this.table.words[id * CALL_WIDTH]! & 0xff;
  }
  accounted(id: Call): number {
    return (this.table.words[id * CALL_WIDTH]! >>> 8) & 0xff;
  }
  gfpKnown(id: Call): boolean {
    return (this.table.words[id * CALL_WIDTH]! & (1 << 16)) !== 0;
  }
  site(id: Call): Site {
    return this.table.words[id * CALL_WIDTH + 1]!;
  }
  bytesReq(id: Call): number {
    const { words } = this.table;
    return words[id * CALL_WIDTH + 2]! + words[id * CALL_WIDTH + 3]! * TWO_32;
  }
  bytesAlloc(id: Call): number {
    const { words } = this.table;
    return words[id * CALL_WIDTH + 4]! + words[id * CALL_WIDTH + 5]! * TWO_32;
  }
  gfp(id: Call): number {
    return this.table.words[id * CALL_WIDTH + 6]!;
  }
  node(id: Call): number {
    return this.table.words[id * CALL_WIDTH + 7]! | 0;
  }
  cache(id: Call): number {
    return this.table.words[id * CALL_WIDTH + 8]!;
  }
  data(id: Call): number {
    return this.table.words[id * CALL_WIDTH + 9]!;
  }

  get(id: Call): CallFields {
    return {
      kind: this.kind(id),
      site: this.site(id),
      bytesReq: this.bytesReq(id),
      bytesAlloc: this.bytesAlloc(id),
      gfp: this.gfp(id),
      gfpKnown: this.gfpKnown(id),
      node: this.node(id),
      cache: this.cache(id),
      accounted: this.accounted(id),
      data: this.data(id),
    };
  }
}

/** Code addresses: known by number (binary traces), by text (`symbol+0x1/0x2 [module]`), or both. */
export class SiteTable {
  readonly table: TupleTable = new TupleTable(3);
  private readonly tuple = new Uint32Array(3);

  get length(): number {
    return this.table.length;
  }

  internAddress(lo: number, hi: number): Site {
    return this.intern(lo, hi, 0);
  }

  /** @param text index into `strings` of the symbol as the trace prints it */
  internText(text: number): Site {
    return this.intern(0, 0, text);
  }

  intern(lo: number, hi: number, text: number): Site {
    this.tuple[0] = lo;
    this.tuple[1] = hi;
    this.tuple[2] = text;
    return this.table.intern(this.tuple);
  }

  /** Halves of the address; both 0 where only the text is known. */
  lo(id: Site): number {
    return this.table.words[id * 3]!;
  }
  hi(id: Site): number {
    return this.table.words[id * 3 + 1]!;
  }
  /** Index into `strings`; 0 where only the address is known. */
  text(id: Site): number {
    return this.table.words[id * 3 + 2]!;
  }
}

/** Tasks: a pid with a name. One pid has several where it called exec. */
export class TaskTable {
  readonly table: TupleTable = new TupleTable(3);
  private readonly tuple = new Uint32Array(3);

  get length(): number {
    return this.table.length;
  }

  /** @param comm index into `strings` */
  intern(pid: number, comm: number): Task {
    this.tuple[0] = pid;
    this.tuple[1] = comm;
    this.tuple[2] = 1; // so that pid 0 without a name is not "unknown"
    return this.table.intern(this.tuple);
  }

  pid(id: Task): number {
    return this.table.words[id * 3]! | 0;
  }
  comm(id: Task): number {
    return this.table.words[id * 3 + 1]!;
  }
}

/** Text that repeats, each once. */
export class StringList {
  readonly values: string[] = [''];
  private readonly ids = new Map<string, number>([['', 0]]);

  get length(): number {
    return this.values.length;
  }

  intern(value: string): number {
    let id = this.ids.get(value);
    if (id === undefined) {
      id = this.values.length;
      this.values.push(value);
      this.ids.set(value, id);
    }
    return id;
  }

  /** The index of a string that was interned, or -1. */
  find(value: string): number {
    return this.ids.get(value) ?? -1;
  }

  get(id: number): string {
    return this.values[id] ?? '';
  }
}

/** How far a consumer has followed a dictionary. */
export interface DictionaryMark {
  readonly strings: number;
  readonly sites: number;
  readonly calls: number;
  readonly tasks: number;
  readonly stacks: number;
}

/** What a dictionary has learned since a mark. */
export interface DictionaryChanges {
  readonly strings: string[];
  readonly sites: Uint32Array<ArrayBuffer>;
  readonly calls: Uint32Array<ArrayBuffer>;
  readonly tasks: Uint32Array<ArrayBuffer>;
  /** As `StackTable.since`. */
  readonly stacks: Uint32Array<ArrayBuffer>;
}

export const EMPTY_DICTIONARY: DictionaryMark = {
  strings: 1,
  sites: 1,
  calls: 1,
  tasks: 1,
  stacks: 1,
};

/** The tables that the indexes in an EventBatch point into. */
export class Dictionary {
  readonly strings: StringList = new StringList();
  readonly sites: SiteTable = new SiteTable();
  readonly calls: CallTable = new CallTable();
  readonly tasks: TaskTable = new TaskTable();
  readonly stacks: StackTable = new StackTable();

  mark(): DictionaryMark {
    return {
      strings: this.strings.length,
      sites: this.sites.length,
      calls: this.calls.length,
      tasks: this.tasks.length,
      stacks: this.stacks.length,
    };
  }

  changesSince(mark: DictionaryMark): DictionaryChanges {
    return {
      strings: this.strings.values.slice(mark.strings),
      sites: this.sites.table.since(mark.sites),
      calls: this.calls.table.since(mark.calls),
      tasks: this.tasks.table.since(mark.tasks),
      stacks: this.stacks.since(mark.stacks),
    };
  }

  apply(changes: DictionaryChanges): void {
    for (const value of changes.strings) this.strings.intern(value);
    this.sites.table.append(changes.sites);
    this.calls.table.append(changes.calls);
    this.tasks.table.append(changes.tasks);
    this.stacks.append(changes.stacks);
  }
}
