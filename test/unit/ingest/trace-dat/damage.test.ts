// Damaged, cut and made-up trace.dat files: one clear error, or what can be read with a count of what
// cannot; never more memory or time than the file is large.

import { deflateSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { kfreeRecord, PageBuilder, packed, X86_64 } from '../../../helpers/builders-ring-buffer.ts';
import { type BuiltDat, buildDatV6, buildDatV7 } from '../../../helpers/builders-trace-dat.ts';
import { type PlainEvent, readTraceBytes } from '../../../helpers/read-trace.ts';

const record = (ptr: number): Buffer =>
  kfreeRecord(X86_64, { site: 0x8100_0020n, ptr: BigInt(ptr) });
const page = (stamp: number, ptr = stamp): Buffer =>
  new PageBuilder()
    .record(0, record(ptr))
    .record(1, record(ptr + 1))
    .build(BigInt(stamp));
const pages = (stamps: readonly number[]): Buffer => Buffer.concat(stamps.map((s) => page(s)));
const BUFFERS = [{ name: '', cpus: [pages([100, 200, 300, 400, 500]), pages([150])] }];

const brief = (events: readonly PlainEvent[]): string[] =>
  events.map((e) => `${e.ns} ${e.cpu} ${e.event}`);

const fails = async (bytes: Buffer, message: string | RegExp, hint?: string): Promise<void> => {
  await expect(readTraceBytes(bytes, { format: 'trace-dat' })).rejects.toMatchObject({
    exitCode: 65,
    message: typeof message === 'string' ? message : expect.stringMatching(message),
    ...(hint !== undefined && { hint: expect.stringContaining(hint) }),
  });
};

/** A copy with other bytes behind the named part. */
function changed({ bytes, places }: BuiltDat, name: string, offset: number, patch: Buffer): Buffer {
  const copy = Buffer.from(bytes);
  patch.copy(copy, (places.get(name) ?? Number.NaN) + offset);
  return copy;
}

describe('the head', () => {
  const v6 = buildDatV6({ buffers: BUFFERS });
  const v7 = buildDatV7({ buffers: BUFFERS });
  const u32 = (value: number): Buffer => packed(X86_64, [4, value]);
  const u64 = (value: number | bigint): Buffer => packed(X86_64, [8, value]);

  test('a version, word or page that is not known', async () => {
    const at = (offset: number, text: string): Buffer => {
      const copy = Buffer.from(v6.bytes);
      copy.write(text, offset, 'latin1');
      return copy;
    };
    const where = 'test-input: the file header: ';
    await fails(
      at(10, '8'),
      `${where}version 8 of trace.dat is not known (6 and 7 are)`,
      'convert',
    );
    await fails(at(13, '\x03'), `${where}a long of 3 bytes`, 'copy it again');
    await fails(at(14, '\x01\x01\x01\x01'), `${where}a page of 16843009 bytes`);
    const lz4 = Buffer.from(v7.bytes);
    lz4.write('lz4\0\0\0', 18, 'latin1');
    await fails(lz4, `${where}compression "lz4" is not known (none, zlib and zstd are)`, 'convert');
  });

  test.each([
    ['the page header', 'header', 0, Buffer.from('footer')],
    ['a header_page of 1e15 bytes', 'header', 12, u64(10n ** 15n)],
    ['1e8 event formats', 'ftrace', 0, u32(1e8)],
    ['1e8 systems', 'events', 0, u32(1e8)],
    ['1e8 formats in a system', 'events', 9, u32(1e8)],
    ['a format of 2^63 bytes', 'events', 13, u64(2n ** 63n)],
    ['kallsyms of 4 GB', 'kallsyms', 0, u32(0xffffffff)],
    ['printk formats of 4 GB', 'printk', 0, u32(0xffffffff)],
    ['task names of 10^12 bytes', 'cmdlines', 0, u64(10n ** 12n)],
    ['a million CPUs', 'cpus', 0, u32(1e6)],
    ['another part', 'options', 0, Buffer.from('opinions')],
    ['an option of 4 GB', 'options', 12, u32(0xffffffff)],
  ])('%s', async (_, name, offset, patch) => {
    const bytes = changed(
      buildDatV6({ buffers: BUFFERS, options: [{ id: 9, data: Buffer.from('3.1') }] }),
      name,
      offset,
      patch,
    );
    await fails(bytes, /^test-input: .*(the|of) \w+/, 'copy it again');
  });

  test('the text of a latency tracer', async () => {
    const bytes = changed(v6, 'options', 0, Buffer.from('latency  \0'));
    await fails(bytes, /it holds the text of a latency tracer and no events/, 'trace-cmd record');
  });

  test('a file that ends anywhere in its head', async () => {
    for (const { bytes, places } of [v6, v7]) {
      const end = places.get('buffer ') ?? (places.get('flyrecord') ?? 0) + 10 + 2 * 16;
      for (let length = 12; length < end; length += 31) {
        const message = `^test-input: the file ends after ${length} bytes inside `;
        await fails(bytes.subarray(0, length), new RegExp(message));
      }
    }
  });

  test('a version 6 file that ends before its CPU count is a head alone', async () => {
    const bytes = v6.bytes.subarray(0, v6.places.get('cpus'));
    await fails(
      bytes,
      'test-input: it is only the head of a trace and holds no events',
      'beside it',
    );
  });

  test('options that form a circle', async () => {
    const at = v7.places.get('options') ?? 0;
    const size = v7.bytes.readUInt32LE(at + 8);
    await fails(changed(v7, 'options', 16 + size - 8, u64(at)), /more than \d+ bytes of options/);
  });

  test('data of two CPUs at the same place', async () => {
    const table = v6.places.get('flyrecord') ?? 0;
    const copy = Buffer.from(v6.bytes);
    copy.copy(copy, table + 26, table + 10, table + 26);
    await fails(copy, /the places of the data: the data of CPU 1 at 0x\w+ lie in another's/);
  });

  test('more instances than there can be', async () => {
    const entry = Buffer.concat([u64(v6.places.get('flyrecord') ?? 0), Buffer.from('a\0')]);
    const options = Array.from({ length: 300 }, () => ({ id: 3, data: entry }));
    const { bytes, places } = buildDatV6({ buffers: BUFFERS, options });
    const at = places.get('flyrecord') ?? 0;
    for (let i = 0; i < 300; i++) u64(at).copy(bytes, (places.get('options') ?? 0) + 16 + 16 * i);
    await fails(bytes, /more than 256 buffers/);
  });

  test('a CPU count that cannot be is not believed', async () => {
    const options = [{ id: 8, data: u32(4_000_000_000) }];
    expect((await readTraceBytes(buildDatV6({ buffers: BUFFERS, options }).bytes)).info.cpus).toBe(
      2,
    );
  });

  test('huge pages on thousands of CPUs take no more memory than the file has', async () => {
    const cpus = Array.from({ length: 4000 }, () => Buffer.alloc(0));
    const { bytes: head, places } = buildDatV6({ buffers: [{ name: '', cpus }] });
    const text = 'size:4080;\tsigned:1;';
    const bytes = Buffer.concat([head, Buffer.alloc(4000 * 16)]);
    // The same length with more digits: `signed` is not needed.
    bytes.write('size:9999984;'.padEnd(text.length), bytes.indexOf(text), 'latin1');
    for (let cpu = 0; cpu < 4000; cpu++) {
      const entry = Buffer.concat([u64(head.length + 16 * cpu), u64(16)]);
      entry.copy(bytes, (places.get('flyrecord') ?? 0) + 10 + 16 * cpu);
    }
    const before = process.memoryUsage().arrayBuffers;
    const trace = await readTraceBytes(bytes, { format: 'trace-dat' });
    expect(trace).toMatchObject({ count: 0, stats: { truncated: 4000 } });
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(100 * 2 ** 20);
  });
});

describe('the data', () => {
  test.each([
    ['version 6', buildDatV6({ buffers: BUFFERS })],
    ['version 7', buildDatV7({ buffers: BUFFERS })],
  ])('a damaged page in %s is counted, the others are read', async (_, built) => {
    const bytes = changed(built, 'data  0', 2 * 4096 + 8, packed(X86_64, [8, 0xfff1]));
    const trace = await readTraceBytes(bytes);
    expect(brief(trace.events())).toEqual([
      '100 0 kfree',
      '101 0 kfree',
      '150 1 kfree',
      '151 1 kfree',
      '200 0 kfree',
      '201 0 kfree',
      '400 0 lost',
      '400 0 kfree',
      '401 0 kfree',
      '500 0 kfree',
      '501 0 kfree',
    ]);
    expect(trace.stats).toEqual({ bad_page: 1 });
    const place = (built.places.get('data  0') ?? 0) + 2 * 4096;
    expect(trace.positions['bad_page']).toBe(`byte ${place}`);
  });

  const stamped = (ns: bigint): Buffer => {
    const cpus = [pages([100, 200, 300, 400, 500]), pages([350])];
    const built = buildDatV6({ buffers: [{ name: '', cpus }] });
    return changed(built, 'data  0', 2 * 4096, packed(X86_64, [8, ns]));
  };

  test.each([
    [250n, '250 0,251 0,350 1,351 1,400 0,401 0', undefined],
    [50n, '50 0,51 0,350 1,351 1,400 0,401 0', 'CPU 0, by 151 ns at 0.000 s'],
    [0n, '0 0,1 0,350 1,351 1,400 0,401 0', 'CPU 0, by 201 ns at 0.000 s'],
    [500n, '350 1,351 1,500 0,501 0,400 0,401 0', 'CPU 0, by 101 ns at 0.000 s'],
  ])('a clock that steps back loses no event (the third page at %s)', async (ns, rest, step) => {
    const trace = await readTraceBytes(stamped(ns));
    const events = trace.events().map((e) => `${e.ns} ${e.cpu}`);
    expect(events).toEqual(`100 0,101 0,200 0,201 0,${rest},500 0,501 0`.split(','));
    expect(trace.stats).toEqual(step === undefined ? {} : { backward_steps: 1 });
    expect(trace.positions['backward_steps']).toBe(step);
  });

  test('a time that no clock reaches is damage: the page is passed over', async () => {
    const trace = await readTraceBytes(stamped(2n ** 63n + 300n));
    expect(brief(trace.events())).toEqual(
      '100 0 kfree,101 0 kfree,200 0 kfree,201 0 kfree,350 1 kfree,351 1 kfree,'
        .concat('400 0 lost,400 0 kfree,401 0 kfree,500 0 kfree,501 0 kfree')
        .split(','),
    );
    expect(trace.stats).toEqual({ bad_page: 1 });
  });

  test('a clock may step back inside a page, and before the first event', async () => {
    const back = new PageBuilder()
      .absolute(10_000n)
      .record(0, record(1))
      .absolute(9000n)
      .record(5, record(2));
    const cpus = [Buffer.concat([page(9500), back.build(10_000n), page(8000)]), page(9600)];
    const trace = await readTraceBytes(buildDatV6({ buffers: [{ name: '', cpus }] }).bytes);
    expect(trace.events().map((e) => `${e.ns} ${e.cpu}`)).toEqual(
      '9500 0,9501 0,9600 1,9601 1,10000 0,9005 0,8000 0,8001 0'.split(','),
    );
    expect(trace.stats).toEqual({ backward_steps: 2 });
  });

  test.each([
    ['the page before', [100, 200, 200, 300]],
    ['an earlier page', [100, 200, 300, 100]],
  ])('a page that repeats %s is passed over, and nothing is missing', async (_, stamps) => {
    const cpus = [Buffer.concat(stamps.map((stamp) => page(stamp)))];
    const built = buildDatV6({ buffers: [{ name: '', cpus }] });
    const trace = await readTraceBytes(built.bytes);
    expect(trace.events().map((e) => e.ns)).toEqual([100n, 101n, 200n, 201n, 300n, 301n]);
    expect(trace.stats).toEqual({ bad_page: 1 });
  });

  test('a page at the time of an earlier one is another where its records are others', async () => {
    const cpus = [Buffer.concat([page(100), page(200), page(100, 7)])];
    const trace = await readTraceBytes(buildDatV6({ buffers: [{ name: '', cpus }] }).bytes);
    expect(trace.events().map((e) => e.ns)).toEqual([100n, 101n, 200n, 201n, 100n, 101n]);
    expect(trace.stats).toEqual({ backward_steps: 1 });
  });

  test('a record that contradicts its format is counted, the others are read', async () => {
    const short = packed(X86_64, [2, 551], [1, 0], [1, 0], [4, 1]);
    const builder = new PageBuilder().record(0, record(1)).record(1, short).record(1, record(3));
    const bytes = buildDatV6({ buffers: [{ name: '', cpus: [builder.build(10n)] }] }).bytes;
    const trace = await readTraceBytes(bytes);
    expect(brief(trace.events())).toEqual(['10 0 kfree', '12 0 kfree']);
    expect(trace.stats).toEqual({ bad_record: 1 });
  });

  test('a version 6 file that ends in its data is read up to there', async () => {
    const { bytes, places } = buildDatV6({
      buffers: [{ name: '', cpus: [pages([100, 200, 300])] }],
    });
    const data = places.get('data  0') ?? 0;
    const read = async (length: number) => {
      const trace = await readTraceBytes(bytes.subarray(0, data + length));
      return [brief(trace.events()).join(', '), trace.stats, trace.positions['truncated']];
    };
    const truncated = { truncated: 1 };
    const first = '100 0 kfree, 101 0 kfree';
    expect(await read(3 * 4096)).toEqual([
      `${first}, 200 0 kfree, 201 0 kfree, 300 0 kfree, 301 0 kfree`,
      {},
      undefined,
    ]);
    expect(await read(4096)).toEqual([`${first}, 101 0 lost`, truncated, `byte ${data + 4096}`]);
    expect(await read(4096 + 10)).toEqual([
      `${first}, 101 0 lost`,
      truncated,
      `byte ${data + 4106}`,
    ]);
    expect(await read(4096 + 50)).toEqual([
      `${first}, 200 0 kfree, 200 0 lost`,
      truncated,
      `byte ${data + 4146}`,
    ]);
    expect(await read(0)).toEqual(['', truncated, `byte ${data}`]);
  });
});

describe('packed data', () => {
  // Two pages in a piece: 100 and 200, 300 and 400, 500.
  const built = buildDatV7({ buffers: BUFFERS, compression: 'zlib' });
  const data = built.places.get('data  0') ?? 0;
  const other = ['150 1 kfree', '151 1 kfree'];
  const first = ['100 0 kfree', '101 0 kfree', ...other, '200 0 kfree', '201 0 kfree'];
  const lengthOf = (at: number): number => 8 + built.bytes.readUInt32LE(at);
  const second = data + 4 + lengthOf(data + 4);
  const third = second + lengthOf(second);

  test('a damaged piece is counted, the next one is read', async () => {
    const bytes = Buffer.from(built.bytes);
    bytes.fill(0xff, second + 8, second + 14);
    const trace = await readTraceBytes(bytes);
    expect(brief(trace.events())).toEqual([...first, '500 0 lost', '500 0 kfree', '501 0 kfree']);
    expect(trace.stats).toEqual({ bad_page: 1 });
  });

  test.each([
    ['a piece of 4 GB', 0xffffffff],
    ['a piece that unpacks to 200 MB', 200_000_000],
  ])('%s ends the CPU', async (_, size) => {
    const bytes = Buffer.from(built.bytes);
    packed(X86_64, [4, size]).copy(bytes, second + (size > 1e9 ? 0 : 4));
    const trace = await readTraceBytes(bytes);
    expect(brief(trace.events())).toEqual([...first, '201 0 lost']);
    expect(trace.stats).toEqual({ bad_page: 1 });
  });

  test('a piece that unpacks to more or less than it says', async () => {
    for (const size of [4096, 8191, 3 * 4096]) {
      const bytes = Buffer.from(built.bytes);
      packed(X86_64, [4, size]).copy(bytes, second + 4);
      expect((await readTraceBytes(bytes)).stats).toEqual({ bad_page: 1 });
    }
  });

  test('more pieces are claimed than there are, or fewer', async () => {
    const claim = async (pieces: number) => {
      const bytes = Buffer.from(built.bytes);
      packed(X86_64, [4, pieces]).copy(bytes, data);
      const trace = await readTraceBytes(bytes);
      return [trace.count, trace.stats];
    };
    expect(await claim(3)).toEqual([12, {}]);
    expect(await claim(4)).toEqual([13, { truncated: 1 }]);
    expect(await claim(0xffffffff)).toEqual([13, { truncated: 1 }]);
    expect(await claim(2)).toEqual([11, { bad_page: 1 }]);
  });

  test('pieces need not end where pages do', async () => {
    const all = pages([100, 200, 300, 400, 500]);
    const pieces = [all.subarray(0, 5000), all.subarray(5000, 5001), all.subarray(5001)].map(
      (piece) => {
        const small = deflateSync(piece);
        return Buffer.concat([packed(X86_64, [4, small.length], [4, piece.length]), small]);
      },
    );
    const row = Buffer.concat([packed(X86_64, [4, 3]), ...pieces]);
    const bytes = Buffer.concat([built.bytes, row]);
    const table = built.bytes.indexOf(
      packed(X86_64, [8, data], [8, third + lengthOf(third) - data - 4]),
    );
    packed(X86_64, [8, built.bytes.length], [8, row.length - 4]).copy(bytes, table);
    const trace = await readTraceBytes(bytes);
    expect(trace.stats).toEqual({});
    expect(trace.count).toBe(12);
  });
});

describe('version 7 without its end', () => {
  const option = (text: string) => ({ id: 2, data: Buffer.from(`${text}\0`) });
  const count = (cpu: number, entries: number) =>
    option(`CPU: ${cpu}\nentries: ${entries}\noverrun: 0\nread events: 0\n`);
  const third = pages([150, 250, 350]);
  const first = pages([100, 200, 300, 400, 500]);
  const cpus = [first, Buffer.alloc(0), third];
  /** The second CPU has no data; the first one's clock steps back. */
  const stepping = [pages([100, 200, 150, 400, 500]), Buffer.alloc(0), third];
  const counted = [count(0, 10), count(1, 0), count(2, 6)];
  const plain = buildDatV7({ buffers: [{ name: '', cpus }], options: counted });
  const wholes: [string, BuiltDat][] = [
    ['plain', plain],
    ['stepping', buildDatV7({ buffers: [{ name: '', cpus: stepping }], options: counted })],
    [
      'packed',
      buildDatV7({ buffers: [{ name: '', cpus }], options: counted, compression: 'zlib' }),
    ],
    ['uncounted', buildDatV7({ buffers: [{ name: '', cpus: [first, third] }] })],
  ];
  const recorded = async (bytes: Buffer): Promise<string[][]> => {
    const trace = await readTraceBytes(bytes);
    const events = trace.events().filter((e) => e.event !== 'lost');
    return [0, 1, 2].map((cpu) => events.filter((e) => e.cpu === cpu).map((e) => `${e.ns}`));
  };

  test.each(wholes)(
    'cut anywhere in its data: the first events of each CPU (%s)',
    async (_, built) => {
      const { bytes, places } = built;
      const all = await recorded(bytes);
      const options = places.get('options ') ?? 0;
      let last = 0;
      for (let end = (places.get('data  0') ?? 0) + 64; end <= options; end += 199) {
        const read = await recorded(bytes.subarray(0, end));
        for (const [cpu, times] of read.entries()) {
          expect(times).toEqual(all[cpu]?.slice(0, times.length));
        }
        const events = read.flat().length;
        expect(events).toBeGreaterThanOrEqual(last);
        last = events;
      }
      for (const end of [options, options + 20, bytes.length - 1]) {
        expect(await recorded(bytes.subarray(0, end))).toEqual(all);
        const { stats } = await readTraceBytes(bytes.subarray(0, end));
        expect(stats['truncated']).toBe(1);
      }
    },
  );

  test.each(wholes)(
    'stopped while its data were written: sizes are 0 (%s)',
    async (name, built) => {
      const { places } = built;
      const bytes = Buffer.from(built.bytes.subarray(0, places.get('options ') ?? 0));
      bytes.fill(0, (places.get('buffer ') ?? 0) + 8, (places.get('buffer ') ?? 0) + 16);
      if (name === 'packed') bytes.fill(0, places.get('data  2'), (places.get('data  2') ?? 0) + 4);
      expect(await recorded(bytes)).toEqual(await recorded(built.bytes));
      expect((await readTraceBytes(bytes)).stats['truncated']).toBe(1);
    },
  );

  test('of several instances those whose data are there are read', async () => {
    const built = buildDatV7({
      buffers: [
        { name: '', cpus: [pages([100, 200])] },
        { name: 'inst', cpus: [pages([300, 400])] },
      ],
      options: [count(0, 4), option('\nBuffer: inst\n\n'), count(0, 4)],
    });
    const end = (built.places.get('data inst 0') ?? 0) + 4096 + 60;
    const bytes = built.bytes.subarray(0, end);
    await expect(readTraceBytes(bytes)).rejects.toThrow(
      'several buffers hold events: top (4 events), inst (3 events)',
    );
    const trace = await readTraceBytes(bytes, { buffer: 'inst' });
    expect(brief(trace.events())).toEqual(
      '300 0 kfree,301 0 kfree,400 0 kfree,400 0 lost'.split(','),
    );
  });

  test('cut before its data it holds no events', async () => {
    const { bytes, places } = plain;
    for (const end of [places.get('buffer ') ?? 0, places.get('data  0') ?? 0]) {
      await fails(bytes.subarray(0, end), /holds no events/);
    }
  });
});

test('an instance of version 6 behind the end of the file is passed over', async () => {
  const built = buildDatV6({
    buffers: [
      { name: '', cpus: [pages([100, 200])] },
      { name: 'inst', cpus: [pages([300])] },
    ],
  });
  const bytes = Buffer.from(built.bytes);
  const at = bytes.indexOf('inst\0') - 8;
  bytes.writeBigUInt64LE(BigInt(bytes.length + 4096), at);
  const trace = await readTraceBytes(bytes);
  expect(brief(trace.events()).length).toBe(4);
  expect(trace.stats).toEqual({ truncated: 1 });
});
