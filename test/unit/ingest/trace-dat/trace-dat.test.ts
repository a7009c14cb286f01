// trace.dat files of versions 6 and 7, built after trace-cmd.dat.v6(5) and trace-cmd.dat.v7(5). That the
// builders make what trace-cmd makes was checked with `trace-cmd report` on their files.

import { describe, expect, test } from 'vitest';
import {
  ARM32,
  cacheFreeRecord,
  kfreeRecord,
  kmallocRecord,
  PageBuilder,
  PPC32,
  packed,
  S390X,
  stackRecord,
  X86_64,
} from '../../../helpers/builders-ring-buffer.ts';
import {
  buildDatV6,
  buildDatV7,
  type DatContents,
  type DatOption,
} from '../../../helpers/builders-trace-dat.ts';
import { type PlainEvent, readTraceBytes } from '../../../helpers/read-trace.ts';

const VERSIONS = {
  'version 6': (contents: DatContents) => buildDatV6(contents).bytes,
  'version 7': (contents: DatContents) => buildDatV7(contents).bytes,
  'version 7, zlib': (contents: DatContents) =>
    buildDatV7({ ...contents, compression: 'zlib' }).bytes,
};
const MACHINES = { X86_64, S390X, PPC32, ARM32 };

const option = (id: number, text: string): DatOption => ({ id, data: Buffer.from(`${text}\0`) });
const CLOCK = option(4, 'local [global] counter');
const UNAME = option(5, 'Linux box 6.1.0-56-amd64 x86_64');

const brief = (events: readonly PlainEvent[]): string[] =>
  events.map((e) => `${e.ns} ${e.cpu} ${e.event} ${e.ptr.toString(16)}`);

/** A page of kfrees: of `ptr`, `ptr + 1` …, one at each of the times, which count from the page's. */
function frees(stamp: bigint, ptr: number, times: readonly number[], machine = X86_64): Buffer {
  const builder = new PageBuilder(machine);
  for (const [i, time] of times.entries()) {
    const delta = time - (times[i - 1] ?? 0);
    builder.record(delta, kfreeRecord(machine, { site: 0x8100_0020n, ptr: BigInt(ptr + i) }));
  }
  return builder.build(stamp);
}

describe.each(Object.entries(VERSIONS))('%s', (name, build) => {
  test.each(Object.entries(MACHINES))('every value of a record, on %s', async (_, machine) => {
    const long = machine.longSize === 8;
    const ptr = long ? 0xffff888012345678n : 0xc0345678n;
    const site = long ? 0xffffffff81000010n : 0xc0000010n;
    const kmalloc = kmallocRecord(machine, {
      site,
      ptr,
      req: 100,
      alloc: 128,
      gfp: 0x400cc0,
      node: 1,
      pid: 7,
      flags: 1,
      preempt: 0x21,
    });
    const pages = new PageBuilder(machine)
      .record(0, kmalloc)
      .longRecord(1, stackRecord(machine, [site, site + 16n]))
      .record(5, cacheFreeRecord(machine, { site, ptr, name: 'dentry', pid: 0 }))
      .build(5_000_000_000n);
    const bytes = build({
      machine,
      cmdlines: '7 a b\n',
      options: [CLOCK, UNAME],
      buffers: [{ name: '', cpus: [Buffer.alloc(0), pages] }],
    });
    const trace = await readTraceBytes(bytes);
    expect(trace.format).toBe('trace-dat');
    expect(trace.stats).toEqual({});
    expect(trace.info).toMatchObject({
      clock: 'global',
      clockUnit: 'ns',
      cpus: 2,
      kernelRelease: '6.1.0-56-amd64',
      pageSize: 4096,
      pointerBytes: machine.longSize,
      hashedPointers: false,
    });
    const siteText = `0x${site.toString(16)}`;
    expect(trace.events()).toEqual([
      {
        ns: 5_000_000_000n,
        event: 'kmalloc',
        site: siteText,
        bytesReq: 100,
        bytesAlloc: 128,
        gfp: 0x400cc0,
        node: 1,
        cache: '',
        accounted: null,
        ptr,
        pid: 7,
        comm: 'a b',
        cpu: 1,
        flags: 0x2101,
        stack: [siteText, `0x${(site + 16n).toString(16)}`],
      },
      expect.objectContaining({
        ns: 5_000_000_006n,
        event: 'kmem_cache_free',
        site: siteText,
        cache: 'dentry',
        ptr,
        pid: 0,
        comm: '<idle>',
        gfp: null,
        stack: [],
      }),
    ]);
  });

  test('the pages of several CPUs, merged by time', async () => {
    const one = Buffer.concat([frees(100n, 1, [0, 10, 20]), frees(200n, 4, [0, 50])]);
    const two = Buffer.concat([frees(105n, 11, [0, 5, 100]), frees(250n, 14, [0])]);
    const three = Buffer.concat(
      [1, 2, 3, 4, 5].map((n) => frees(BigInt(n * 1000), 16 * n, [0, 1])),
    );
    const trace = await readTraceBytes(build({ buffers: [{ name: '', cpus: [one, two, three] }] }));
    expect(brief(trace.events())).toEqual([
      '100 0 kfree 1',
      '105 1 kfree b',
      '110 0 kfree 2',
      '110 1 kfree c',
      '120 0 kfree 3',
      '200 0 kfree 4',
      '205 1 kfree d',
      '250 0 kfree 5',
      '250 1 kfree e',
      ...[1, 2, 3, 4, 5].flatMap((n) => [`${n}000 2 kfree ${n}0`, `${n}001 2 kfree ${n}1`]),
    ]);
  });

  test('lost events stand before the page that tells of them, and are counted once', async () => {
    const record = kfreeRecord(X86_64, { site: 1n, ptr: 2n });
    const page = (stamp: bigint, missed: number): Buffer =>
      new PageBuilder().record(1, record).build(stamp, missed);
    const losses = 'entries: 4\noverrun: 201\ncommit overrun: 0\ndropped events: 0\n';
    const bytes = build({
      options: [option(2, `CPU: 0\n${losses}`)],
      buffers: [{ name: '', cpus: [Buffer.concat([page(10n, 0), page(20n, 201), page(30n, -1)])] }],
    });
    const trace = await readTraceBytes(bytes);
    expect(brief(trace.events())).toEqual([
      '11 0 kfree 2',
      '21 0 lost 0',
      '21 0 kfree 2',
      '31 0 lost 0',
      '31 0 kfree 2',
    ]);
    expect(trace.events().map((e) => e.bytesReq)).toEqual([0, 201, 0, 0, 0]);
    // `overrun` is the sum of what the pages tell (rb_get_reader_page()): it comes not on top.
    expect(trace.stats).toEqual({ lost_events: 201, lost_events_unknown: 1 });
  });

  test('what was lost behind the last page, only the statistics of the CPU tell', async () => {
    const text = (cpu: number): string =>
      `CPU: ${cpu}\nentries: 4\noverrun: 5\ncommit overrun: 1\ndropped events: 7\n`;
    const bytes = build({
      options: [option(2, text(0)), option(2, text(1))],
      buffers: [{ name: '', cpus: [frees(10n, 1, [0, 1]), Buffer.alloc(0)] }],
    });
    const trace = await readTraceBytes(bytes);
    // New events that found no room are behind the last; what was written over is no one knows where.
    expect(brief(trace.events())).toEqual(['10 0 kfree 1', '11 0 kfree 2', '11 0 lost 0']);
    expect(trace.event(2).bytesReq).toBe(7);
    expect(trace.stats).toEqual({ lost_events: 2 * (5 + 1 + 7) });
  });

  test('the statistics of a CPU are those of the buffer that was named before them', async () => {
    const text = (overrun: number): string => `CPU: 0\noverrun: ${overrun}\ndropped events: 0\n`;
    const texts = [text(3), '\nBuffer: in\n\n', text(5)];
    const bytes = build({
      options: texts.map((t) => option(2, t)),
      buffers: [
        { name: '', cpus: [frees(10n, 1, [0])] },
        { name: 'in', cpus: [frees(20n, 2, [0])] },
      ],
    });
    const lost = async (buffer: string) => (await readTraceBytes(bytes, { buffer })).stats;
    expect(await lost('top')).toEqual({ lost_events: 3 });
    expect(await lost('in')).toEqual({ lost_events: 5 });
  });

  test('of several buffers the one with events about slab memory is read', async () => {
    const [a, b] = [frees(100n, 1, [0]), frees(200n, 2, [0])];
    const buffers = [
      { name: '', cpus: [Buffer.alloc(0), Buffer.alloc(0)] },
      { name: 'slab', clock: 'mono', cpus: [a, b] },
    ];
    const options = name === 'version 6' ? [CLOCK] : [];
    const trace = await readTraceBytes(build({ options, buffers }));
    expect(brief(trace.events())).toEqual(['100 0 kfree 1', '200 1 kfree 2']);
    expect(trace.info.cpus).toBe(2);
    if (name !== 'version 6') expect(trace.info.clock).toBe('mono');
  });

  test('where several buffers hold such events, one must be named', async () => {
    const cpus = [frees(100n, 1, [0]), frees(200n, 2, [0, 1])];
    const bytes = build({
      buffers: [
        { name: '', cpus },
        { name: 'in', cpus: [cpus[1] ?? Buffer.alloc(0), Buffer.alloc(0)] },
        { name: 'empty', cpus: [Buffer.alloc(0), Buffer.alloc(0)] },
      ],
    });
    await expect(readTraceBytes(bytes)).rejects.toMatchObject({
      exitCode: 2,
      message: 'test-input: several buffers hold events: top (3 events), in (2 events)',
      hint: 'Choose one with --buffer NAME.',
    });
    await expect(readTraceBytes(bytes, { buffer: 'out' })).rejects.toMatchObject({
      exitCode: 2,
      message: 'test-input: there is no buffer "out"',
      hint: 'Its buffers: top, in, empty.',
    });
    expect((await readTraceBytes(bytes, { buffer: 'top' })).count).toBe(3);
    const named = await readTraceBytes(bytes, { buffer: 'in' });
    expect(brief(named.events())).toEqual(['200 0 kfree 2', '201 0 kfree 3']);
    expect((await readTraceBytes(bytes, { buffer: 'empty' })).count).toBe(0);
  });

  test('only the head of a trace: no buffer', async () => {
    await expect(readTraceBytes(build({ buffers: [] }))).rejects.toMatchObject({
      exitCode: 65,
      message: 'test-input: it is only the head of a trace and holds no events',
    });
  });

  test('no kmem event among the formats', async () => {
    const formats = ['name: sched_switch\nID: 300\nformat:\n'];
    const bytes = build({ formats, buffers: [{ name: '', cpus: [frees(1n, 1, [0])] }] });
    // What the file holds instead is said by every command (nothing-recorded.test.ts).
    const read = await readTraceBytes(bytes);
    expect([read.count, read.stats]).toEqual([0, { other_events: 1 }]);
  });

  test.each([
    ['counter', 'count'],
    ['x86-tsc', 'tick'],
    ['uptime', 'tick'],
    ['mono_raw', 'ns'],
    ['tai', 'ns'],
  ])('the clock %s has the unit %s', async (clock, unit) => {
    const options = [option(4, `local global [${clock}]`)];
    const bytes = build({ options, buffers: [{ name: '', cpus: [frees(7n, 1, [0])] }] });
    const { info } = await readTraceBytes(bytes);
    expect([info.clock, info.clockUnit]).toEqual([clock, unit]);
  });

  test('offsets are added to every time: DATE in microseconds, OFFSET in nanoseconds', async () => {
    const read = async (...options: DatOption[]): Promise<bigint> => {
      const buffers = [{ name: '', cpus: [frees(1_000_000n, 1, [0])] }];
      return (await readTraceBytes(build({ options, buffers }))).event(0).ns;
    };
    expect(await read()).toBe(1_000_000n);
    expect(await read(option(1, '0x10'))).toBe(1_016_000n);
    expect(await read(option(7, '-400000'))).toBe(600_000n);
    expect(await read(option(1, '16'), option(7, '+5'))).toBe(1_016_005n);
    expect(await read(option(7, 'soon'))).toBe(1_000_000n);
    expect(await read(option(7, '9'.repeat(50)))).toBe(1_000_000n);
  });

  test('cycles with their calibration are nanoseconds, as trace-cmd report prints them', async () => {
    const calibration = { id: 14, data: packed(X86_64, [4, 123_456_789], [4, 28], [8, 1000]) };
    const times = [0, 1, 1_000_000, 100_000_000];
    const bytes = build({
      options: [option(4, 'local [x86-tsc]'), calibration],
      buffers: [{ name: '', cpus: [frees(5_000_000_123n, 1, times)] }],
    });
    const trace = await readTraceBytes(bytes);
    expect(trace.info).toMatchObject({ clock: 'x86-tsc', clockUnit: 'ns' });
    const ns = (cycles: bigint): bigint => (cycles * 123_456_789n) >> 28n;
    expect(trace.events().map((e) => e.ns)).toEqual(
      times.map((time) => ns(5_000_000_123n + BigInt(time))),
    );
  });

  test('a recorded trace_clock goes before a file that has no option for it', async () => {
    const bytes = build({ buffers: [{ name: '', clock: 'local', cpus: [frees(7n, 1, [0])] }] });
    const sidecars = { trace_clock: 'local global counter uptime perf [mono] mono_raw\n' };
    expect((await readTraceBytes(bytes, { sidecars })).info.clock).toBe('mono');
  });
});
