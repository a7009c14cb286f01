import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  type PerfKmemQuery,
  type PerfKmemTable,
  PerfKmemTracker,
} from '../../../../src/commands/perfkmem/perf-kmem.ts';
import { Dictionary, NODE_ANY, NODE_UNKNOWN } from '../../../../src/kernel/events/dictionary.ts';
import { createBatch } from '../../../../src/kernel/events/event-batch.ts';
import { EVENT_KIND, type EventKindName } from '../../../../src/kernel/events/event-kind.ts';
import { type EventFilter, Pairing } from '../../../../src/pairing/pairing.ts';

interface TestEvent {
  readonly event: EventKindName;
  readonly ptr: bigint;
  readonly cpu?: number;
  /** Address of the call site. */
  readonly site?: bigint;
  readonly bytesReq?: number;
  readonly bytesAlloc?: number;
  readonly node?: number;
}

const BOTH: PerfKmemQuery = { callerSort: ['frag'], allocSort: ['frag'] };
const A = 0xffff888000001000n;
const B = 0xffff888000002000n;
const SITE_1 = 0xffffffff81000010n;
const SITE_2 = 0xffffffff81000020n;

function alloc(
  ptr: bigint,
  site: bigint,
  bytesReq: number,
  bytesAlloc: number,
  cpu = 0,
): TestEvent {
  return { event: 'kmalloc', ptr, site, bytesReq, bytesAlloc, cpu };
}

function free(ptr: bigint, cpu = 0): TestEvent {
  return { event: 'kfree', ptr, cpu, site: 0xffffffff81999999n };
}

function track(
  events: readonly TestEvent[],
  nodeOfCpu?: readonly number[],
  batchSize = 3,
  filter?: EventFilter,
): PerfKmemTracker {
  const dictionary = new Dictionary();
  const tracker = new PerfKmemTracker(dictionary, nodeOfCpu);
  const pairing = new Pairing(dictionary, filter);
  for (let from = 0; from < events.length; from += batchSize) {
    const batch = createBatch(batchSize);
    for (const e of events.slice(from, from + batchSize)) {
      const i = batch.length++;
      const site = e.site ?? SITE_1;
      batch.ptrLo[i] = Number(e.ptr & 0xffffffffn);
      batch.ptrHi[i] = Number(e.ptr >> 32n);
      batch.cpu[i] = e.cpu ?? 0;
      batch.call[i] = dictionary.calls.intern({
        kind: EVENT_KIND[e.event],
        site: dictionary.sites.internAddress(Number(site & 0xffffffffn), Number(site >> 32n)),
        bytesReq: e.bytesReq ?? 0,
        bytesAlloc: e.bytesAlloc ?? 0,
        node: e.node ?? NODE_ANY,
      });
    }
    tracker.add(batch, pairing.add(batch));
  }
  return tracker;
}

/** Rows as [address, hit, pingpong, bytesReq, bytesAlloc], in printed order. */
function rowsOf(table: PerfKmemTable | null): [bigint, number, number, number, number][] {
  if (table === null) return [];
  const at = (column: ArrayLike<number>, row: number): number => column[row] ?? Number.NaN;
  return [...table.order].map((row) => [
    (BigInt(at(table.addressHi, row)) << 32n) | BigInt(at(table.addressLo, row)),
    at(table.hit, row),
    at(table.pingpong, row),
    at(table.bytesReq, row),
    at(table.bytesAlloc, row),
  ]);
}

describe('totals', () => {
  test('requested, allocated, freed, fragmentation', () => {
    const { summary } = track([
      alloc(A, SITE_1, 60, 64),
      alloc(B, SITE_2, 100, 128),
      free(A),
      alloc(A, SITE_2, 64, 64),
    ]).result(BOTH);
    expect(summary).toEqual({
      bytesReq: 224,
      bytesAlloc: 256,
      bytesFreed: 64,
      internalFragmentationPct: 12.5,
      allocs: 3,
      crossCpuAllocs: 0,
    });
  });

  test('nothing recorded: zeros, empty tables', () => {
    const { summary, callers, ptrs } = track([]).result(BOTH);
    expect(summary).toMatchObject({ bytesReq: 0, allocs: 0, internalFragmentationPct: 0 });
    expect(callers?.order).toHaveLength(0);
    expect(ptrs?.order).toHaveLength(0);
  });

  test('the four allocation events and the two frees count; others do not', () => {
    const events: TestEvent[] = [
      { event: 'kmalloc', ptr: A, bytesAlloc: 8 },
      { event: 'kmalloc_node', ptr: A, bytesAlloc: 16 },
      { event: 'kmem_cache_alloc', ptr: A, bytesAlloc: 32 },
      { event: 'kmem_cache_alloc_node', ptr: A, bytesAlloc: 64 },
      { event: 'kfree', ptr: A },
      { event: 'kmem_cache_free', ptr: A },
      { event: 'bulk_free', ptr: A },
      { event: 'mm_page_alloc', ptr: A, bytesAlloc: 4096 },
      { event: 'mm_page_free', ptr: A },
      { event: 'lost', ptr: 0n, bytesReq: 7 },
    ];
    const { summary, ptrs } = track(events).result(BOTH);
    expect(summary).toMatchObject({ bytesAlloc: 120, bytesFreed: 128, allocs: 4 });
    expect(rowsOf(ptrs)).toEqual([[A, 4, 1, 0, 120]]);
  });

  test('both events of one large kmalloc count', () => {
    const events = [alloc(A, SITE_1, 9000, 16384), alloc(A, SITE_2, 9000, 16384), free(A)];
    const { summary } = track(events).result(BOTH);
    expect(summary).toMatchObject({ bytesReq: 18000, bytesAlloc: 32768, bytesFreed: 16384 });
  });

  test('an allocation that returned NULL counts, and then kfree(NULL) frees it, again and again', () => {
    const before = track([free(0n), free(0n)]).result(BOTH);
    expect(before.summary.bytesFreed).toBe(0);
    const after = track([alloc(0n, SITE_1, 5000, 8192), free(0n), free(0n)]).result(BOTH);
    expect(after.summary).toMatchObject({ allocs: 1, bytesAlloc: 8192, bytesFreed: 16384 });
    expect(rowsOf(after.ptrs)).toEqual([[0n, 1, 1, 5000, 8192]]);
  });

  test('sizes are C ints: above INT_MAX they count as negative', () => {
    const { summary } = track([
      alloc(0n, SITE_1, 3 * 2 ** 30, 2 ** 32),
      alloc(A, SITE_1, 100, 128),
    ]).result(BOTH);
    expect(summary).toMatchObject({ bytesReq: 100 - 2 ** 30, bytesAlloc: 128 });
  });
});

describe('ping-pong', () => {
  test('a free on another CPU counts for the address and for its call site', () => {
    const { callers, ptrs } = track([
      alloc(A, SITE_1, 8, 8, 0),
      free(A, 1),
      alloc(B, SITE_1, 8, 8, 1),
      free(B, 1),
    ]).result(BOTH);
    expect(rowsOf(ptrs)).toEqual([
      [A, 1, 1, 8, 8],
      [B, 1, 0, 8, 8],
    ]);
    expect(rowsOf(callers)).toEqual([[SITE_1, 2, 1, 16, 16]]);
  });

  test('a second free adds the bytes again and is a ping-pong even on the same CPU', () => {
    const { summary, ptrs } = track([alloc(A, SITE_1, 60, 64), free(A), free(A)]).result(BOTH);
    expect(summary.bytesFreed).toBe(128);
    expect(rowsOf(ptrs)).toEqual([[A, 1, 1, 60, 64]]);
  });

  test('an address keeps its last call site, but the bytes of all', () => {
    const { callers, ptrs } = track([
      alloc(A, SITE_1, 60, 64, 0),
      alloc(A, SITE_2, 20, 64, 0),
      free(A, 3),
    ]).result(BOTH);
    expect(rowsOf(ptrs)).toEqual([[A, 2, 1, 80, 128]]);
    expect(rowsOf(callers)).toEqual([
      [SITE_2, 1, 1, 20, 64],
      [SITE_1, 1, 0, 60, 64],
    ]);
  });

  test('a free of an unknown address counts nothing', () => {
    const { summary, ptrs } = track([free(A, 1), alloc(A, SITE_1, 8, 8, 1)]).result(BOTH);
    expect(summary.bytesFreed).toBe(0);
    expect(rowsOf(ptrs)).toEqual([[A, 1, 0, 8, 8]]);
  });

  test('CPU numbers beyond a C short are still told apart', () => {
    const { ptrs } = track([
      alloc(A, SITE_1, 8, 8, 40000),
      free(A, 40000),
      alloc(B, SITE_1, 8, 8, 40000),
      free(B, 1),
    ]).result(BOTH);
    expect(rowsOf(ptrs).map((row) => row[2])).toEqual([0, 1]);
  });
});

describe('cross CPU allocations', () => {
  const onNode = (cpu: number, node: number): TestEvent => ({
    event: 'kmalloc',
    ptr: A,
    cpu,
    node,
  });

  test('are those that ask for another node than their CPU has', () => {
    const events = [
      onNode(0, 0),
      onNode(0, 1),
      onNode(1, 1),
      onNode(1, 0),
      onNode(0, NODE_ANY),
      onNode(1, NODE_UNKNOWN),
    ];
    const { summary } = track(events, [0, 1]).result(BOTH);
    expect(summary).toMatchObject({ crossCpuAllocs: 2, allocs: 6 });
  });

  test('without a map every CPU is on node 0', () => {
    const { summary } = track([onNode(0, 0), onNode(7, 0), onNode(7, 1)]).result(BOTH);
    expect(summary.crossCpuAllocs).toBe(1);
  });
});

describe('order', () => {
  const C = 0xffff888000003000n;
  const events = [
    alloc(C, SITE_2, 48, 64),
    alloc(B, SITE_1, 48, 64),
    alloc(A, SITE_2, 96, 128, 1),
    free(A, 0),
    alloc(B, SITE_1, 48, 64),
  ];
  const sorted = (query: Partial<PerfKmemQuery>): bigint[] => {
    const result = track(events).result({ callerSort: null, allocSort: null, ...query });
    return rowsOf(result.callers ?? result.ptrs).map((row) => row[0]);
  };

  test.each([
    ['frag', [A, B, C]],
    ['hit', [B, A, C]],
    ['bytes', [A, B, C]],
    ['pingpong', [A, B, C]],
    ['ptr', [C, B, A]],
    ['callsite', [A, C, B]],
  ] as const)('%s, descending; equal rows by address, ascending', (key, order) => {
    expect(sorted({ allocSort: [key] })).toEqual(order);
  });

  test('a later key decides between rows that an earlier one leaves equal', () => {
    expect(sorted({ allocSort: ['frag', 'hit', 'bytes'] })).toEqual([B, A, C]);
    expect(sorted({ allocSort: ['callsite', 'ptr'] })).toEqual([C, A, B]);
  });

  test('callers: `ptr` decides nothing', () => {
    expect(sorted({ callerSort: ['callsite'] })).toEqual([SITE_2, SITE_1]);
    expect(sorted({ callerSort: ['bytes'] })).toEqual([SITE_2, SITE_1]);
    expect(sorted({ callerSort: ['hit'] })).toEqual([SITE_1, SITE_2]);
    expect(sorted({ callerSort: ['ptr'] })).toEqual([SITE_1, SITE_2]);
  });

  test('addresses compare as unsigned numbers of 64 bits', () => {
    const ptrs = [0xffff88807fffffffn, 0xffff888080000000n, 0x10n, 0xff11000000000000n];
    const tracker = track(ptrs.map((ptr) => alloc(ptr, SITE_1, 8, 8)));
    const { ptrs: table } = tracker.result({ callerSort: null, allocSort: ['frag'] });
    expect(rowsOf(table).map((row) => row[0])).toEqual([
      0x10n,
      0xff11000000000000n,
      0xffff88807fffffffn,
      0xffff888080000000n,
    ]);
  });

  test('call sites without an address stand after those with one, the first seen first', () => {
    const addressOf = (site: number): bigint | undefined => (site === 2 ? SITE_1 : undefined);
    const events = [1n, 2n, 3n].map((n) => alloc(A, n, 8, 8));
    const { callers } = track(events).result({ callerSort: ['frag'], allocSort: null, addressOf });
    expect([...(callers?.order ?? [])]).toEqual([2, 1, 3]);
    expect(rowsOf(callers).map((row) => row[0])).toEqual([SITE_1, 0n, 0n]);
  });
});

test('a table that is not asked for is not there', () => {
  const result = track([alloc(A, SITE_1, 8, 8)]).result({ callerSort: null, allocSort: null });
  expect(result).toMatchObject({ type: 'perfkmem', callers: null, ptrs: null });
});

test('agrees with a plain model on any events, in batches of any size', () => {
  const event = fc.record({
    event: fc.constantFrom<EventKindName>('kmalloc', 'kmem_cache_alloc', 'kfree'),
    ptr: fc.integer({ min: 0, max: 40 }).map((n) => BigInt(n) * 0x100000008n),
    cpu: fc.integer({ min: 0, max: 2 }),
    site: fc.integer({ min: 1, max: 5 }).map(BigInt),
    bytesReq: fc.integer({ min: 0, max: 100 }),
    bytesAlloc: fc.integer({ min: 0, max: 128 }),
  });
  const model = (events: readonly TestEvent[]): Map<bigint, number[]> => {
    const rows = new Map<bigint, number[]>();
    const cpus = new Map<bigint, number>();
    for (const { event, ptr, cpu = 0, bytesReq = 0, bytesAlloc = 0 } of events) {
      const row = rows.get(ptr) ?? [0, 0, 0, 0];
      const [hit = 0, pingpong = 0, req = 0, sum = 0] = row;
      if (event !== 'kfree') {
        rows.set(ptr, [hit + 1, pingpong, req + bytesReq, sum + bytesAlloc]);
        cpus.set(ptr, cpu);
      } else if (rows.has(ptr)) {
        rows.set(ptr, [hit, pingpong + (cpus.get(ptr) === cpu ? 0 : 1), req, sum]);
        cpus.set(ptr, -1);
      }
    }
    return rows;
  };
  fc.assert(
    fc.property(
      fc.array(event, { maxLength: 300 }),
      fc.integer({ min: 1, max: 50 }),
      (list, size) => {
        const { ptrs } = track(list, [], size).result(BOTH);
        expect(new Map(rowsOf(ptrs).map(([address, ...row]) => [address, row]))).toEqual(
          model(list),
        );
      },
    ),
    { seed: 1 },
  );
});

test('a selection counts allocations, and their frees wherever these are', () => {
  const onCpu0: EventFilter = { selects: (batch, i) => batch.cpu[i] === 0 };
  const events = [
    alloc(A, SITE_1, 100, 128, 0),
    alloc(B, SITE_2, 30, 32, 1),
    free(A, 1),
    free(B, 0),
  ];
  const { summary, callers } = track(events, [], 3, onCpu0).result({
    callerSort: ['hit'],
    allocSort: null,
  });
  expect(summary).toMatchObject({ bytesReq: 100, bytesAlloc: 128, bytesFreed: 128, allocs: 1 });
  expect(rowsOf(callers).map(([, hit, pingpong]) => [hit, pingpong])).toEqual([[1, 1]]);
});
