// The text formats against the binary traces of the same events, recorded from real kernels. Text
// keeps microseconds, rounded; hashed pointers are other numbers for the same objects; the frames of
// tracefs carry no offsets; trace-cmd prints no module. All else is equal.

import { beforeAll, expect, test } from 'vitest';
import { functionOf, SymbolTable, splitSymbol } from '../../src/kernel/symbols/symbols.ts';
import { describeWithData, recordedBytes, recording } from '../helpers/data.ts';
import { type PlainEvent, readTraceFile, type TraceRead } from '../helpers/read-trace.ts';

type SiteNamer = (hi: number, lo: number) => string;

/** Names addresses by the recording's kallsyms, as %pS does without the size. */
function siteNamer(name: string): SiteNamer {
  const symbols = new SymbolTable(recordedBytes(name, 'kallsyms.txt'));
  return (hi, lo) => {
    const found = symbols.resolve(hi, lo);
    if (found === undefined) return `0x${hi.toString(16)}${lo.toString(16).padStart(8, '0')}`;
    const module = found.module === undefined ? '' : ` [${found.module}]`;
    return `${found.name}+0x${found.offset.toString(16)}${module}`;
  };
}

interface Comparison {
  /** What the text does not show, or shows in another way. */
  readonly hashed?: boolean;
  readonly noModules?: boolean;
  readonly noFlags?: boolean;
  /** Bits of flags that this text does not print. */
  readonly hiddenFlags?: number;
  readonly noAccounted?: boolean;
  readonly shortNames?: boolean;
  /** Frames that this text prints at most. */
  readonly maxFrames?: number;
  /** True where microseconds are cut off, not rounded (perf). */
  readonly cutTimes?: boolean;
  /** True where the text says of some events that their task is not known (`:-1`). */
  readonly unknownTasks?: boolean;
}

const isSameTime = (a: bigint, b: bigint, cut = false): boolean =>
  (a + (cut ? 0n : 500n)) / 1000n === b / 1000n;

function isSameComm(a: string, b: string, short = false): boolean {
  return short ? a.startsWith(b.slice(0, 8)) : a === b;
}

const functions = (stack: readonly string[]): string =>
  stack.map((frame) => functionOf(splitSymbol(frame).symbol)).join(';');

const PLAIN_FIELDS = ['event', 'bytesReq', 'bytesAlloc', 'gfp', 'node', 'cache', 'cpu'] as const;

/** Which fields of a text event are not those of the binary one. */
function differing(binary: PlainEvent, text: PlainEvent, how: Comparison): string[] {
  const shown = ~(how.hiddenFlags ?? 0);
  const site = how.noModules ? splitSymbol(binary.site).symbol : binary.site;
  const taskKnown = !how.unknownTasks || text.pid !== null;
  const same = {
    time: isSameTime(binary.ns, text.ns, how.cutTimes),
    site: site === text.site,
    pid: !taskKnown || binary.pid === text.pid,
    comm: !taskKnown || isSameComm(binary.comm, text.comm, how.shortNames),
    accounted: how.noAccounted || binary.accounted === text.accounted,
    flags: how.noFlags || ((binary.flags ?? -1) & shown) === ((text.flags ?? -1) & shown),
    stack: functions(binary.stack.slice(0, how.maxFrames)) === functions(text.stack),
    ptr: how.hashed || binary.ptr === text.ptr,
  };
  return [
    ...PLAIN_FIELDS.filter((field) => binary[field] !== text[field]),
    ...Object.entries(same).flatMap(([field, isSame]) => (isSame ? [] : [field])),
  ];
}

/** Counts the events that differ, by field. */
function compare(binary: TraceRead, text: TraceRead, how: Comparison): Record<string, number> {
  const differences: Record<string, number> = {};
  const hashOf = new Map<bigint, bigint>();
  const addressOf = new Map<bigint, bigint>();
  const count = (field: string): void => {
    differences[field] = (differences[field] ?? 0) + 1;
  };
  const all = binary.events().filter((e) => e.event !== 'lost');
  const others = text.events().filter((e) => e.event !== 'lost');
  if (all.length !== others.length) count('count');
  for (const [i, a] of all.entries()) {
    const b = others[i];
    if (b === undefined) break;
    for (const field of differing(a, b, how)) count(field);
    if (how.hashed !== true) continue;
    // One hash for each address and one address for each hash.
    if ((hashOf.get(a.ptr) ?? b.ptr) !== b.ptr) count('hash');
    if ((addressOf.get(b.ptr) ?? a.ptr) !== a.ptr) count('address');
    hashOf.set(a.ptr, b.ptr);
    addressOf.set(b.ptr, a.ptr);
  }
  return differences;
}

describeWithData('debian-plain', 'trace.txt against trace.dat', () => {
  test('all 814,217 events are equal', async () => {
    const folders = [recording('debian-plain')];
    const nameSite = siteNamer('debian-plain');
    const binary = await readTraceFile(recording('debian-plain', 'trace.dat.gz'), {
      folders,
      nameSite,
    });
    const text = await readTraceFile(recording('debian-plain', 'trace.txt.gz'), {
      folders,
      nameSite,
    });
    expect(text.format).toBe('ftrace-text');
    expect(text.count).toBe(814217);
    expect(text.stats).toEqual({ other_events: 1 }); // tracing_mark_write
    expect(text.info).toMatchObject({
      clock: 'global',
      clockUnit: 'ns',
      cpus: 2,
      hashedPointers: false,
      pointerBytes: 8,
      kernelRelease: '6.1.0-56-amd64',
    });
    expect(compare(binary, text, {})).toEqual({});
  });
});

const VARIANTS = 'debian-variants';

interface Pair {
  readonly binary: string;
  readonly text: string;
  readonly how: Comparison;
  readonly events: number;
}

const REPORT: Comparison = { noModules: true, noFlags: true };
/** trace-cmd prints `.` where bottom halves are off, and `N` with and without preempt-resched. */
const REPORT_L: Comparison = { noModules: true, hiddenFlags: 0x80 | 0x20, shortNames: true };
/** -R prints raw fields: kmalloc has none for `accounted`, a stack eight callers. */
const REPORT_R: Comparison = { ...REPORT, noAccounted: true, maxFrames: 8 };

const PAIRS: readonly Pair[] = [
  ['a-text-hashed/trace', 'a-text-hashed/trace.txt', { hashed: true }, 70942],
  ['a-text-hashed/trace', 'a-text-hashed/trace-cmd-report.txt', REPORT, 70942],
  ['b6-text-overrun/trace', 'b6-text-overrun/trace.txt', { hashed: true }, 2619],
  ['b6-text-overrun/trace', 'b6-text-overrun/trace-cmd-report.txt', REPORT, 2619],
  ['e2-stackoption/trace', 'e2-stackoption/trace.txt', { hashed: true }, 1170],
  ['e2-stackoption/trace', 'e2-stackoption/trace-cmd-report.txt', REPORT, 1170],
  ['d-tracecmd/default', 'd-tracecmd/default.report.txt', REPORT, 52440],
  ['d-tracecmd/default', 'd-tracecmd/default.report-l.txt', REPORT_L, 52440],
  ['d-tracecmd/default', 'd-tracecmd/default.report-R.txt', REPORT_R, 52440],
  ['d-tracecmd/v6', 'd-tracecmd/v6.report.txt', REPORT, 53726],
  ['d-tracecmd/v6', 'd-tracecmd/v6.report-l.txt', REPORT_L, 53726],
  ['d-tracecmd/v6', 'd-tracecmd/v6.report-R.txt', REPORT_R, 53726],
  ['d-tracecmd/v7-zstd', 'd-tracecmd/v7-zstd.report.txt', REPORT, 48813],
  ['d-tracecmd/v7-none', 'd-tracecmd/v7-none.report.txt', REPORT, 48907],
  ['d-tracecmd/v6-stack', 'd-tracecmd/v6-stack.report.txt', REPORT, 452],
  ['d-tracecmd/v6-stack', 'd-tracecmd/v6-stack.report-R.txt', REPORT_R, 452],
  ['d-tracecmd/v6-lost', 'd-tracecmd/v6-lost.report.txt', REPORT, 15499],
  ['d-tracecmd/v6-mono-mixed', 'd-tracecmd/v6-mono-mixed.report.txt', REPORT, 1058],
  ['d-tracecmd/v6-instance', 'd-tracecmd/v6-instance.report.txt', REPORT, 589],
  ['d-tracecmd/v7-instance', 'd-tracecmd/v7-instance.report.txt', REPORT, 990],
].map(([binary, text, how, events]) => ({ binary, text, how, events }) as Pair);

describeWithData(VARIANTS, 'text against the trace.dat it was printed from', () => {
  const folders = [recording(VARIANTS)];
  let nameSite: SiteNamer;
  beforeAll(() => {
    nameSite = siteNamer(VARIANTS);
  });

  test.each(PAIRS)('$text', async ({ binary, text, how, events }) => {
    const a = await readTraceFile(recording(VARIANTS, `${binary}.dat.gz`), { folders, nameSite });
    const b = await readTraceFile(recording(VARIANTS, `${text}.gz`), { folders, nameSite });
    expect(b.events().filter((e) => e.event !== 'lost')).toHaveLength(events);
    expect(b.stats['bad_line']).toBeUndefined();
    expect(compare(a, b, how)).toEqual({});
  });

  test('lost events stand where the binary trace has them', async () => {
    const name = (kind: string): string => recording(VARIANTS, 'd-tracecmd', `v6-lost.${kind}.gz`);
    const [a, b] = [await readTraceFile(name('dat')), await readTraceFile(name('report.txt'))];
    const lost = (e: PlainEvent): boolean => e.event === 'lost';
    expect(b.events().findIndex(lost)).toBe(a.events().findIndex(lost));
    expect(b.events().filter(lost)).toMatchObject([{ cpu: 1, bytesReq: 201 }]);
    expect(b.stats['lost_events']).toBe(201);
  });
});

const PERF: Comparison = { noModules: true, noFlags: true, cutTimes: true };

describeWithData(
  [VARIANTS, 'debian-variants-612'],
  'perf script against the perf.data it was printed from',
  () => {
    const NAMES = [
      ...['plain', 'g', 'z', 'lost', 'kmem'].map((name) => [VARIANTS, name] as const),
      ...['plain', 'g', 'z', 'lost'].map((name) => ['debian-variants-612', name] as const),
    ];
    test.each(NAMES)('%s: %s', async (variants, name) => {
      const nameSite = siteNamer(variants);
      const file = (kind: string): string => recording(variants, 'f-perf', `${name}.${kind}.gz`);
      const options = { nameSite, folders: [recording(variants)] };
      const binary = await readTraceFile(file('data'), options);
      const text = await readTraceFile(file('script.txt'), options);
      expect(text.count).toBeGreaterThan(3000);
      expect(compare(binary, text, { ...PERF, unknownTasks: name === 'plain' })).toEqual({});
      expect(text.events().filter((e) => e.pid === null).length).toBeLessThan(20);
    });
  },
);

/** What is known of the other samples: events, and what is counted. */
const SAMPLES: readonly (readonly [string, number, Record<string, number>, boolean])[] = [
  ['b1-text-noirqinfo/trace.txt', 53516, {}, true],
  ['b2-text-latency/trace.txt', 49795, {}, true],
  ['b3-text-recordtgid/trace.txt', 50390, {}, true],
  [
    'b4-text-nohashptr/trace.txt',
    49613,
    { empty_cache_name: 24448, empty_gfp_flags: 22643 },
    false,
  ],
  [
    'b4-text-nohashptr/trace-optsymaddr.txt',
    49613,
    { empty_cache_name: 24448, empty_gfp_flags: 22643 },
    false,
  ],
  [
    'b4-text-nohashptr/trace-optverbose-latency.txt',
    49613,
    { empty_cache_name: 24448, empty_gfp_flags: 22643 },
    false,
  ],
  ['b5-clocks/trace-boot.txt', 582, {}, true],
  ['b5-clocks/trace-mono.txt', 589, {}, true],
  ['b5-clocks/trace-counter.txt', 581, {}, true],
  ['b5-clocks/trace-uptime.txt', 581, {}, true],
  ['b5-clocks/trace-x86-tsc.txt', 577, {}, true],
  ['c-trace_pipe/trace_pipe.txt', 61471, {}, true],
  ['c-trace_pipe/trace_pipe-lost.txt', 15981, { lost_events: 49166 }, true],
  ['e1-stacktrigger/trace.txt', 3488, {}, true],
  ['g-kprobe/trace.txt', 44727, {}, false], // 22,380 + 2,874 frees, 19,474 calls, one unreturned
  ['f-perf/plain.script.txt', 47950, {}, false],
  ['f-perf/g.script.txt', 3079, {}, false],
  ['f-perf/z.script.txt', 4145, {}, false],
  ['f-perf/lost.script.txt', 8033, {}, false],
  ['f-perf/kmem.script.txt', 45422, {}, false],
];

describeWithData(VARIANTS, 'every other text sample is read whole', () => {
  test.each(SAMPLES)('%s', async (file, events, stats, hashed) => {
    const trace = await readTraceFile(recording(VARIANTS, `${file}.gz`));
    expect(trace.count).toBe(events);
    expect(trace.stats).toEqual(stats);
    expect(trace.info.hashedPointers).toBe(hashed);
  });

  test('verbose latency lines are the lines of the default form', async () => {
    const folder = 'b4-text-nohashptr';
    const plain = await readTraceFile(recording(VARIANTS, folder, 'trace.txt.gz'));
    const verbose = await readTraceFile(
      recording(VARIANTS, folder, 'trace-optverbose-latency.txt.gz'),
    );
    expect(verbose.events()).toEqual(plain.events());
  });

  test.each([
    ['counter', 'count'],
    ['uptime', 'tick'],
    ['x86-tsc', 'tick'],
    ['mono', 'ns'],
    ['boot', 'ns'],
  ])('clock %s counts in %s', async (clock, unit) => {
    const trace = await readTraceFile(recording(VARIANTS, 'b5-clocks', `trace-${clock}.txt.gz`));
    expect(trace.info.clockUnit).toBe(unit);
  });

  test('perf script prints microseconds cut off, --ns all of them', async () => {
    const micros = await readTraceFile(recording(VARIANTS, 'f-perf', 'plain.script.txt.gz'));
    const nanos = await readTraceFile(recording(VARIANTS, 'f-perf', 'plain.script-ns.txt.gz'));
    expect(nanos.count).toBe(20000);
    const cut = nanos.events().map((e) => ({ ...e, ns: (e.ns / 1000n) * 1000n }));
    expect(cut).toEqual(micros.events().slice(0, 20000));
  });

  test('callchains are kept: kmalloc under do_syscall_64', async () => {
    const trace = await readTraceFile(recording(VARIANTS, 'f-perf', 'g.script.txt.gz'), {
      nameSite: siteNamer(VARIANTS),
    });
    expect(trace.events().every((e) => e.stack.length > 0)).toBe(true);
    expect(trace.event(0).stack.slice(0, 4)).toEqual([
      '__kmalloc_node+0xa7',
      'alloc_cpumask_var_node+0x1b',
      '__x64_sys_sched_setaffinity+0x43',
      'do_syscall_64+0x5d',
    ]);
  });

  test('a stack trigger on kmalloc gives its events stacks, others none', async () => {
    const trace = await readTraceFile(recording(VARIANTS, 'e1-stacktrigger', 'trace.txt.gz'));
    const withStack = trace.events().filter((e) => e.stack.length > 0);
    expect(withStack).toHaveLength(561); // lines `<stack trace>` of the file
    expect(new Set(withStack.map((e) => e.event))).toEqual(new Set(['kmalloc']));
  });
});

describeWithData('debian-variants-612', '6.12', () => {
  test('options/fields: every value twice', async () => {
    const trace = await readTraceFile(
      recording('debian-variants-612', 'b4-text-nohashptr', 'trace-optfields.txt.gz'),
    );
    expect(trace.count).toBe(55246);
    expect(trace.stats).toEqual({});
    expect(trace.info.hashedPointers).toBe(false);
    expect(trace.event(0)).toMatchObject({
      event: 'kmem_cache_free',
      site: '0xffffffffada5aa4e',
      ptr: 0xffff8d4895d6e900n,
      cache: 'shared_policy_node',
    });
  });

  test.each([
    ['a-text-hashed/trace.txt', 77170, {}],
    ['e1-stacktrigger/trace.txt', 6445, {}],
    ['f-perf/plain.script.txt', 49402, {}],
    ['f-perf/g.script.txt', 3479, {}],
    ['f-perf/lost.script.txt', 10372, { duplicate_records: 3 }],
    ['f-perf/z.script.txt', 4261, {}],
  ])('%s', async (file, events, stats) => {
    const trace = await readTraceFile(recording('debian-variants-612', `${file}.gz`));
    expect(trace.count).toBe(events);
    expect(trace.stats).toEqual(stats);
  });
});
