// Laws of the text readers: whatever the bytes, they end and throw nothing but a ToolError; how the
// bytes are cut into chunks does not show; and what is rendered as the kernel, trace-cmd or perf
// would print it is read back.

import fc from 'fast-check';
import { expect, test, vi } from 'vitest';
import { ToolError } from '../../src/base/errors.ts';
import { loadFormats } from '../../src/ingest/formats.ts';
import { FastLines } from '../../src/ingest/text/fast-lines.ts';
import { costRatio, cpuMicros } from '../helpers/cpu-cost.ts';
import { SEED } from '../helpers/random-traces.ts';
import { type PlainEvent, readTraceBytes, type TraceRead } from '../helpers/read-trace.ts';

const FORMATS = ['ftrace-text', 'trace-cmd-report', 'perf-script', 'babeltrace'] as const;

const ALLOC =
  'ptr=ffff8c83dfd0ac00 bytes_req=416 bytes_alloc=512 gfp_flags=GFP_KERNEL|__GFP_ZERO node=-1 accounted=false';
const PREFIXED = ALLOC.replace('ptr=', 'ptr=0x');

/** Every kind of line of each format, good ones. */
const SAMPLES: Readonly<Record<(typeof FORMATS)[number], readonly string[]>> = {
  'ftrace-text': [
    '# tracer: nop',
    '# entries-in-buffer/entries-written: 2619/50245   #P:2',
    `            init-1       [000] d..1.     0.429443: kmalloc: call_site=f+0x1/0x2 [m] ${ALLOC}`,
    '          <idle>-0       [001] d.H2.    13.459443: kfree: call_site=f+0x1/0x2 ptr=0000000000000000',
    '            init-1       [001] .....   141.863244: <stack trace>',
    ' => trace_event_raw_event_kmem_cache_free',
    ' => kmem_cache_free+0x1/0x2 <ffffffffa48b7109>',
    'CPU:1 [LOST 9404 EVENTS]',
    '            init-1       [001] .....   141.863245: kmem_cache_free: call_site=f+0x1/0x2 ptr=ffff8c83dfd0ac00 name=filp',
    '    init-1         1..... 22708us+: kfree: call_site=f+0x1/0x2 ptr=0000000075868133',
    '    init-1         0d..1.   123us : kfree: call_site=f+0x1/0x2 ptr=0000000000000000',
    '            init       1   1 0 00000000 00000000 [00cd5d5a] 27.091ms (+0.073ms): kfree: call_site=f+0x1/0x2 ptr=ffff8c83c21184c8',
    '            init-1       [001] .....   141.863246: mm_page_alloc: page=00000000a5a1e26c pfn=0x8b3c order=1 migratetype=0 gfp_flags=GFP_KERNEL',
    '            init-1       [001] .....   141.863247: rcu_invoke_kfree_bulk_callback: rcu bulk=0x00000000a5a1e26c nr_records=3',
    '            init-1       [001] .....   141.863248: sched_switch: prev_comm=sh ==> next_comm=sh',
    'find-4624 [005] ...1. 580781.988361: do_filp_open <-do_sys_openat2',
  ],
  'trace-cmd-report': [
    'cpus=2',
    `inst1:               wl-857   [000]    54.427836: kmalloc:              (f+0x1) call_site=f+0x1 ${PREFIXED}`,
    'inst1:               wl-857   [000]    54.427837: kernel_stack:         <stack trace >',
    '=> trace_event_raw_event_kmalloc (ffffffffa48b7109)',
    'inst1:               wl-857   [000]    54.427838: kernel_stack:          size=1 caller=ARRAY[09, 71, 8b, a4, ff, ff, ff, ff]',
    'inst1: CPU:1 [201 EVENTS DROPPED]',
    'inst1:       wl-857     0.....    54.427836: kfree:                (f+0x1) call_site=f+0x1 ptr=(nil)',
    'inst1:               wl-857   [000]    54.427839: mm_page_free:          pfn=0x8b3c order=1',
  ],
  'perf-script': [
    '# os release : 6.1.0-56-amd64',
    `            perf  1002 [000]   144.249187:          kmem:kmalloc: call_site=f+0x1b ${PREFIXED}`,
    '\tffffffffa48b95b7 __kmalloc_node+0xa7 ([kernel.kallsyms])',
    '\t           83183 [unknown] (/bin/perf)',
    '',
    '            perf  1002/1002  [000]   144.249187862:          1 kmem:kfree: call_site=f+0x1b ptr=(nil) ffffffffa48b95b7 g+0x1',
    '       perf-exec  1075 [001]   153.310812: PERF_RECORD_LOST lost 139',
  ],
  babeltrace: [
    '[10:04:11.123456789] (+0.000001234) host kmem_kmalloc: { cpu_id = 0 }, { procname = "sh", tid = 12, callstack_kernel = [ [0] = 0xFFFFFFFF9D03B5C1 ] }, { call_site = 0xFFFFFFFF8121A2B7, ptr = 0xFFFF8800AECF6F00, bytes_req = 60, bytes_alloc = 64, gfp_flags = 208 }',
    '[10:04:11.123456790] (+0.000001234) host kmem_kfree: { cpu_id = 0 }, { call_site = 0xFFFFFFFF8121A2B7, ptr = 0x0 }',
    '[warning] Tracer discarded 72 events between [10:04:11.1] and [10:04:11.2] in trace.',
  ],
};

/** What reading gave, or the error's name. */
async function outcome(
  bytes: Uint8Array,
  format: string,
  chunkBytes?: number,
): Promise<TraceRead | string> {
  try {
    return await readTraceBytes(bytes, {
      format,
      ...(chunkBytes === undefined ? {} : { chunkBytes }),
    });
  } catch (error) {
    if (error instanceof ToolError) return `${error.name}: ${error.message}`;
    throw error;
  }
}

/** Everything that can be seen of a trace. */
function visible(read: TraceRead | string): unknown {
  if (typeof read === 'string') return read;
  return { info: read.info, stats: read.stats, at: read.positions, events: read.events() };
}

const arbitraryFormat = fc.constantFrom(...FORMATS);

/** Bytes that text is likely to have at a decisive place. */
const arbitraryByte = fc.oneof(
  fc.constantFrom(...Buffer.from(' \n\r\t[](){}=:.,-+0x9af<>|#"\0\xff', 'latin1')),
  fc.integer({ min: 0, max: 255 }),
);

interface Mutation {
  readonly kind: 'set' | 'insert' | 'delete' | 'cut' | 'repeat';
  readonly at: number;
  readonly byte: number;
  readonly length: number;
}

const arbitraryMutation: fc.Arbitrary<Mutation> = fc.record({
  kind: fc.constantFrom('set', 'insert', 'delete', 'cut', 'repeat'),
  at: fc.double({ min: 0, max: 1, noNaN: true }),
  byte: arbitraryByte,
  length: fc.integer({ min: 1, max: 40 }),
});

function mutate(bytes: Buffer, { kind, at, byte, length }: Mutation): Buffer {
  const i = Math.floor(at * bytes.length);
  const parts: Record<Mutation['kind'], () => Buffer[]> = {
    set: () => [bytes.subarray(0, i), Buffer.of(byte), bytes.subarray(i + 1)],
    insert: () => [bytes.subarray(0, i), Buffer.alloc(length, byte), bytes.subarray(i)],
    delete: () => [bytes.subarray(0, i), bytes.subarray(i + length)],
    cut: () => [bytes.subarray(0, i)],
    repeat: () => [bytes, bytes.subarray(i)],
  };
  return Buffer.concat(parts[kind]());
}

const arbitrarySample: fc.Arbitrary<{ format: string; bytes: Buffer }> = arbitraryFormat.chain(
  (format) =>
    fc
      .record({
        lines: fc.array(fc.constantFrom(...SAMPLES[format]), { minLength: 1, maxLength: 30 }),
        mutations: fc.array(arbitraryMutation, { maxLength: 6 }),
      })
      .map(({ lines, mutations }) => ({
        format,
        bytes: mutations.reduce(mutate, Buffer.from(`${lines.join('\n')}\n`, 'latin1')),
      })),
);

test('any bytes give events and counts, or a ToolError', async () => {
  await fc.assert(
    fc.asyncProperty(
      arbitraryFormat,
      fc.array(arbitraryByte, { maxLength: 600 }),
      async (format, bytes) => {
        const read = await outcome(Buffer.from(bytes), format);
        if (typeof read !== 'string') expect(read.count).toBeLessThanOrEqual(bytes.length);
      },
    ),
    { seed: SEED, numRuns: 300 },
  );
});

test('a damaged trace gives events and counts, or a ToolError; chunks do not show', async () => {
  await fc.assert(
    fc.asyncProperty(
      arbitrarySample,
      fc.integer({ min: 1, max: 200 }),
      async ({ format, bytes }, chunkBytes) => {
        const whole = visible(await outcome(bytes, format));
        expect(visible(await outcome(bytes, format, chunkBytes))).toEqual(whole);
        expect(visible(await outcome(bytes, format, 7))).toEqual(whole);
      },
    ),
    { seed: SEED, numRuns: 400 },
  );
});

test('lines that go the fast way give what the careful reader gives', async () => {
  await fc.assert(
    fc.asyncProperty(arbitrarySample, async ({ format, bytes }) => {
      const twice = Buffer.concat([bytes, bytes]);
      const fast = visible(await outcome(twice, format));
      const spy = vi.spyOn(FastLines.prototype, 'run').mockImplementation((from) => from);
      try {
        expect(visible(await outcome(twice, format))).toEqual(fast);
      } finally {
        spy.mockRestore();
      }
    }),
    { seed: SEED, numRuns: 400 },
  );
});

/** Beginnings of lines, and what they may go on with for very long. */
const STARTS = [
  '',
  '  sh-1 [000] ..... 1.0: kmem_cache_free: call_site=f ptr=ffff888000000040 name=a',
  '  sh-1 [000] ..... 1.0: mm_page_free: pfn=0x10 order=0 ',
  '  sh-1 [000] ..... 1.0: kernel_stack: size=9 caller=ARRAY[',
  '  sh-1 [000] ..... 1.0: <stack trace>\n => a',
  'sh 1 [000] 1.000000: kmem:kfree: call_site=f ptr=0x0\n\ta',
  '[10:04:11.123456789] (+0.000001234) host kmem_kfree: { cpu_id = 0 }, { ptr = 0x0, ',
  '# entries-in-buffer/entries-written: ',
];
const FILLERS = [
  ...[' ', 'a', '1', '-', ':', '(', '[', '{', '|', '>', '.', '=', '"', '-1 ', 'kmalloc: ', 'a='],
  ...['a = "', '[0] = ', '[1] ', '+0x1', '1.0: ', '(1) ', 'container = ', '1us', '[mod] ', '\t'],
];

/** Many times the cost of a harmless text of equal size; work that grows as the square of it is thousands. */
const MANY = 50;

/** A text of ordinary lines, at least of that many bytes. */
function harmlessText(format: (typeof FORMATS)[number], bytes: number): Buffer {
  const lines = Buffer.from(`${SAMPLES[format].join('\n')}\n`, 'latin1');
  return Buffer.concat(Array<Buffer>(Math.ceil(bytes / lines.length)).fill(lines));
}

test.each(FORMATS)('%s: long lines made to be slow are not', async (format) => {
  const bytes = 60_000;
  const harmless = harmlessText(format, bytes);
  const micros = await cpuMicros(() => outcome(harmless, format), 20);
  for (const start of STARTS) {
    for (const filler of FILLERS) {
      const line = Buffer.from(`${start}${filler.repeat(bytes / filler.length)} z\n`);
      const ratio = await costRatio(() => outcome(line, format), micros, MANY);
      expect(ratio, `${start} and ${filler}`).toBeLessThan(MANY);
    }
  }
});

test('prefixes and heads made to be slow are not', async () => {
  const formats = await loadFormats();
  const useAll = async (lines: Buffer): Promise<void> => {
    for (const format of formats) format.detect(lines);
    for (const format of FORMATS) await outcome(lines, format);
  };
  const harmless = harmlessText('ftrace-text', 4000);
  const micros = await cpuMicros(() => useAll(harmless), 20);
  for (const first of FILLERS) {
    for (const second of FILLERS) {
      const lines = Buffer.from(`${(first + second).repeat(250)} z\n`.repeat(4));
      const ratio = await costRatio(() => useAll(lines), micros, MANY);
      expect(ratio, `${first} and ${second}`).toBeLessThan(MANY);
    }
  }
});

test('every line of the samples is read', async () => {
  for (const format of FORMATS) {
    const read = await readTraceBytes(`${SAMPLES[format].join('\n')}\n`, { format });
    expect(read.stats['bad_line'], format).toBeUndefined();
    expect(read.count, format).toBeGreaterThan(2);
  }
});

const GFP: Readonly<Record<string, number>> = {
  none: 0,
  GFP_KERNEL: 0xcc0,
  'GFP_KERNEL|__GFP_ZERO': 0xdc0,
  'GFP_ATOMIC|__GFP_NOWARN': 0x2a20,
  'GFP_NOWAIT|__GFP_IO|__GFP_FS|__GFP_NORETRY|__GFP_NOMEMALLOC': 0x908c0,
};

/** One event as it was before it was printed. */
interface Made {
  readonly comm: string;
  readonly pid: number;
  readonly cpu: number;
  readonly flags: readonly [string, number];
  readonly micros: bigint;
  readonly kind: 'kmalloc' | 'kmem_cache_alloc' | 'kfree' | 'kmem_cache_free';
  readonly symbol: string;
  readonly offset: number;
  readonly module: string | undefined;
  readonly ptr: bigint;
  readonly bytesReq: number;
  readonly bytesAlloc: number;
  readonly gfp: string;
  readonly node: number;
  readonly accounted: boolean;
  readonly cache: string;
}

const word = (letters: string, maxLength: number): fc.Arbitrary<string> =>
  fc.string({ unit: fc.constantFrom(...letters), minLength: 1, maxLength });

/** Names of at most 15 bytes, as task_struct.comm; blanks at the ends would be lost in the padding. */
const arbitraryComm = fc
  .string({ unit: fc.constantFrom(...'ab0- /:[]()<>#|.=é日'), minLength: 1, maxLength: 15 })
  .filter((name) => name === name.trim() && Buffer.byteLength(name) <= 15)
  .filter((name) => !/\[\d+\] +.*:/.test(name));

const arbitraryEvent: fc.Arbitrary<Made> = fc.record({
  comm: arbitraryComm,
  pid: fc.integer({ min: 0, max: 4194304 }),
  cpu: fc.integer({ min: 0, max: 1023 }),
  flags: fc.constantFrom<readonly [string, number]>(
    ['.....', 0],
    ['dNh1.', 0x12d],
    ['b.s3a', 0xa390],
  ),
  // Within fifty days of each other: EventBatch.ts is exact up to 104.
  micros: fc.bigInt({ min: 0n, max: 4_000_000_000_000n }),
  kind: fc.constantFrom('kmalloc', 'kmem_cache_alloc', 'kfree', 'kmem_cache_free'),
  symbol: word('abcdef_.', 20).map((name) => `_${name}`),
  offset: fc.nat(0xffff),
  module: fc.option(word('xyz_0', 8), { nil: undefined }),
  ptr: fc.oneof(fc.constant(0n), fc.bigInt({ min: 0xffff800000000000n, max: 0xffffffffffffffffn })),
  bytesReq: fc.nat(1 << 22),
  bytesAlloc: fc.nat(1 << 22),
  gfp: fc.constantFrom(...Object.keys(GFP)),
  node: fc.integer({ min: -1, max: 9 }),
  accounted: fc.boolean(),
  cache: word('abc-_:(', 12),
});

function padTo(text: string, width: number): string {
  return ' '.repeat(Math.max(width - Buffer.byteLength(text), 0)) + text;
}

function time(micros: bigint): string {
  return `${`${micros / 1_000_000n}`.padStart(5)}.${`${micros % 1_000_000n}`.padStart(6, '0')}`;
}

/** The fields as TP_printk() of the event has them. */
function fields(e: Made, site: string, ptr: string): string {
  const where = `call_site=${site} ptr=${ptr}`;
  if (e.kind === 'kfree') return where;
  if (e.kind === 'kmem_cache_free') return `${where} name=${e.cache}`;
  return `${where} bytes_req=${e.bytesReq} bytes_alloc=${e.bytesAlloc} gfp_flags=${e.gfp} node=${e.node} accounted=${e.accounted}`;
}

const at = (e: Made): string => `${e.symbol}+0x${e.offset.toString(16)}`;

const RENDER: Readonly<Record<string, (e: Made) => string>> = {
  'ftrace-text': (e) =>
    `${padTo(e.comm, 16)}-${`${e.pid}`.padEnd(7)} [${`${e.cpu}`.padStart(3, '0')}] ${e.flags[0]} ${time(e.micros)}: ${e.kind}: ` +
    fields(
      e,
      `${at(e)}/0x1f0${e.module === undefined ? '' : ` [${e.module}]`}`,
      e.ptr.toString(16).padStart(16, '0'),
    ),
  'trace-cmd-report': (e) =>
    `${padTo(e.comm, 16)}-${`${e.pid}`.padEnd(5)} [${`${e.cpu}`.padStart(3, '0')}] ${time(e.micros)}: ${`${e.kind}:`.padEnd(21)} (${at(e)}) ` +
    fields(e, at(e), e.ptr === 0n ? '(nil)' : `0x${e.ptr.toString(16)}`),
  'perf-script': (e) =>
    `${padTo(e.comm, 16)} ${`${e.pid}`.padStart(5)} [${`${e.cpu}`.padStart(3, '0')}] ${time(e.micros).padStart(12)}: ${`kmem:${e.kind}`.padStart(21)}: ` +
    fields(e, at(e), e.ptr === 0n ? '(nil)' : `0x${e.ptr.toString(16)}`),
};

function expected(e: Made, format: string): PlainEvent {
  const isAlloc = e.kind === 'kmalloc' || e.kind === 'kmem_cache_alloc';
  const isFtrace = format === 'ftrace-text';
  return {
    ns: e.micros * 1000n,
    event: e.kind,
    site: at(e) + (isFtrace && e.module !== undefined ? ` [${e.module}]` : ''),
    bytesReq: isAlloc ? e.bytesReq : 0,
    bytesAlloc: isAlloc ? e.bytesAlloc : 0,
    gfp: isAlloc ? (GFP[e.gfp] ?? null) : null,
    node: isAlloc ? e.node : null,
    cache: e.kind === 'kmem_cache_free' ? e.cache : '',
    accounted: isAlloc ? e.accounted : null,
    ptr: e.ptr,
    pid: e.pid,
    comm: e.comm,
    cpu: e.cpu,
    flags: isFtrace ? e.flags[1] : null,
    stack: [],
  };
}

test.each(Object.keys(RENDER))('%s: what is rendered is read back', async (format) => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(arbitraryEvent, { minLength: 1, maxLength: 20 }),
      // From a second after the boot on: perf's numbers near 0 would be differences (--deltatime).
      fc.bigInt({ min: 1_000_000n, max: 99_999_999_999_999n }),
      fc.integer({ min: 1, max: 3 }),
      async (some, boot, times) => {
        const made = some.map((e) => ({ ...e, micros: boot + e.micros }));
        // Several times over, so that most lines go the fast way.
        const all = Array.from({ length: times }, () => made).flat();
        const text = all.map((e) => RENDER[format]?.(e) ?? '').join('\n');
        const read = await readTraceBytes(`${text}\n`, { format });
        expect(read.events()).toEqual(all.map((e) => expected(e, format)));
        const repeats = ['backward_steps', 'duplicate_records'];
        expect(Object.keys(read.stats).filter((name) => !repeats.includes(name))).toEqual([]);
      },
    ),
    { seed: SEED, numRuns: 200 },
  );
});
