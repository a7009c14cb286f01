import { describe, expect, test } from 'vitest';
import { readTraceBytes } from '../../../helpers/read-trace.ts';

const HEADER =
  'ts,cpu,pid,event,ptr,comm,call_site,bytes_req,bytes_alloc,gfp_flags,node,cache,accounted,flags,stack,data';

/** Reads rows under the header of `export --to csv`. */
function readRows(...rows: string[]) {
  return readTraceBytes(`${[HEADER, ...rows].join('\n')}\n`);
}

const NOTHING = {
  site: '',
  bytesReq: 0,
  bytesAlloc: 0,
  gfp: null,
  node: null,
  cache: '',
  accounted: null,
  pid: null,
  comm: '',
  cpu: 0,
  flags: null,
  stack: [],
};

describe('events', () => {
  test('an allocation with every field', async () => {
    const read = await readRows(
      '12.345678901,3,77,kmalloc,0xffff888001000040,my task,foo+0x12/0x40 [mod],100,128,' +
        'GFP_KERNEL|__GFP_ZERO,1,kmalloc-128,true,d.h2.,foo+0x12/0x40 [mod];0xffffffff81000010,',
    );
    expect(read.format).toBe('csv');
    expect(read.stats).toEqual({});
    expect(read.events()).toEqual([
      {
        ns: 12345678901n,
        event: 'kmalloc',
        site: 'foo+0x12 [mod]',
        bytesReq: 100,
        bytesAlloc: 128,
        gfp: 0xdc0,
        node: 1,
        cache: 'kmalloc-128',
        accounted: true,
        ptr: 0xffff888001000040n,
        pid: 77,
        comm: 'my task',
        cpu: 3,
        flags: 0x209, // irqs off, hardirq, preempt depth 2
        stack: ['foo+0x12 [mod]', '0xffffffff81000010'],
      },
    ]);
  });

  test.each([
    [
      'a write',
      '1,0,9,write,0xffff888001000080,sh,bar+0x1,,,,,,,,,A5 5a',
      'write',
      { data: 'a55a' },
    ],
    [
      'a bulk free',
      '1,0,9,bulk_free,0xffff888001000080,sh,bar+0x1,,,,,skb,,,,',
      'bulk_free',
      { cache: 'skb' },
    ],
    [
      'a check of one cache',
      '1,0,9,validate,,sh,bar+0x1,,,,,skb,,,,',
      'validate',
      { cache: 'skb', ptr: 0n },
    ],
    ['a check of all', '1,0,9,validate,,sh,bar+0x1,,,,,,,,,', 'validate', { ptr: 0n }],
    [
      'a cache destroyed',
      '1,0,9,cache_destroy,,sh,bar+0x1,,,,,skb,,,,',
      'cache_destroy',
      { cache: 'skb', ptr: 0n },
    ],
    [
      'a cache made',
      '1,0,9,cache_create,,sh,bar+0x1,96,,,,skb,,,,"align=64,flags=Z"',
      'cache_create',
      { cache: 'skb', bytesReq: 96, ptr: 0n, data: 'align=64,flags=Z' },
    ],
    [
      'its attributes in flags',
      '1,0,9,cache_create,,sh,bar+0x1,96,,,,skb,,align=64,,flags=Z',
      'cache_create',
      { cache: 'skb', bytesReq: 96, ptr: 0n, data: 'align=64,flags=Z' },
    ],
    [
      'a page',
      '1,0,9,mm_page_alloc,0x1000,sh,bar+0x1,,8192,,,,,,,',
      'mm_page_alloc',
      { bytesAlloc: 8192, ptr: 0x1000n },
    ],
  ])('%s', async (_, row, event, fields) => {
    const read = await readRows(row);
    expect(read.stats).toEqual({});
    expect(read.events()).toEqual([
      {
        ...NOTHING,
        ns: 1_000_000_000n,
        event,
        site: 'bar+0x1',
        pid: 9,
        comm: 'sh',
        ptr: 0xffff888001000080n,
        ...fields,
      },
    ]);
  });

  test('lost events are counted, and stand where they were lost', async () => {
    const read = await readRows('1,1,,lost,,,,,,,,,,,,17', '2,0,,lost,,,,,,,,,,,,');
    expect(read.stats).toEqual({ lost_events: 17, lost_events_unknown: 1 });
    expect(read.events()).toEqual([
      { ...NOTHING, ns: 1_000_000_000n, event: 'lost', cpu: 1, bytesReq: 17, ptr: 0n },
      { ...NOTHING, ns: 2_000_000_000n, event: 'lost', ptr: 0n },
    ]);
  });

  test.each([
    ['a kmalloc takes its size class', 'kmalloc', '100,', 100, 128],
    ['behind the classes whole pages', 'kmalloc', '20000,', 20000, 32768],
    ['another cache what it was asked for', 'kmem_cache_alloc', '100,', 100, 100],
    ['what was asked for is what it takes', 'kmalloc', ',96', 96, 96],
  ])('a size that is not there: %s', async (_, event, sizes, bytesReq, bytesAlloc) => {
    const read = await readRows(`1,0,9,${event},0xffff888001000080,sh,,${sizes},,,,,,,`);
    expect(read.event(0)).toMatchObject({ bytesReq, bytesAlloc });
  });
});

describe('rows that cannot be read are counted with their line', () => {
  const GOOD = '1,0,9,kfree,0xffff888001000080,sh,,,,,,,,,,';
  test.each([
    ['an unknown event', '1,0,9,kmallok,0xffff888001000080,sh,,8,8,,,,,,,'],
    ['none', '1,0,9,none,0xffff888001000080,sh,,8,8,,,,,,,'],
    ['no time', ',0,9,kfree,0xffff888001000080,sh,,,,,,,,,,'],
    ['a word for a time', 'soon,0,9,kfree,0xffff888001000080,sh,,,,,,,,,,'],
    ['two points', '1.2.3,0,9,kfree,0xffff888001000080,sh,,,,,,,,,,'],
    ['a CPU too large', '1,65536,9,kfree,0xffff888001000080,sh,,,,,,,,,,'],
    ['a negative pid', '1,0,-9,kfree,0xffff888001000080,sh,,,,,,,,,,'],
    ['no pointer', '1,0,9,kfree,,sh,,,,,,,,,,'],
    ['a pointer too long', '1,0,9,kfree,0x1ffff888001000080,sh,,,,,,,,,,'],
    ['a pointer with a wrong digit', '1,0,9,kfree,0xffff88800100008g,sh,,,,,,,,,,'],
    ['sizes missing', '1,0,9,kmalloc,0xffff888001000080,sh,,,,,,,,,,'],
    ['a size that is none', '1,0,9,kmalloc,0xffff888001000080,sh,,8x,8,,,,,,,'],
    ['a node that is none', '1,0,9,kmalloc,0xffff888001000080,sh,,8,8,,any,,,,,'],
    ['accounted that is none', '1,0,9,kmalloc,0xffff888001000080,sh,,8,8,,,,maybe,,,'],
    ['a write without bytes', '1,0,9,write,0xffff888001000080,sh,,,,,,,,,,'],
    ['a write of half a byte', '1,0,9,write,0xffff888001000080,sh,,,,,,,,,,abc'],
    [
      'a write that no slab holds',
      `1,0,9,write,0xffff888001000080,sh,,,,,,,,,,${'00'.repeat(65537)}`,
    ],
    ['a nameless cache', '1,0,9,cache_create,,sh,,8,,,,,,,,'],
    ['a cache without a size', '1,0,9,cache_create,,sh,,,,,,skb,,,,'],
    ['too few fields', '1,0,9,kfree,0xffff888001000080'],
    ['too many fields', `${GOOD},`],
    ['a quote inside a field', '1,0,9,kfree,0xffff888001000080,s"h",,,,,,,,,,'],
  ])('%s', async (_, row) => {
    const read = await readRows(GOOD, row, GOOD.replace('1,', '2,'));
    expect(read.count).toBe(2);
    expect(read.stats).toEqual({ bad_row: 1 });
    expect(read.positions).toEqual({ bad_row: 'line 3' });
  });

  test('a quote that is never closed takes sixteen lines, no more', async () => {
    const read = await readRows(
      '1,0,9,kfree,0xffff888001000080,"sh,,,,,,,,,,',
      ...Array(20).fill(GOOD),
    );
    expect(read.stats['bad_row']).toBe(16);
    expect(read.count).toBe(5);
  });
});

describe('quotes', () => {
  test.each([
    [
      'around every field',
      '"1","0","9","kfree","0xffff888001000080","a,b","","","","","","","","","",""',
      'a,b',
    ],
    ['a quote in a name', '1,0,9,kfree,0xffff888001000080,"a""b",,,,,,,,,,', 'a"b'],
    ['a line feed in a name', '1,0,9,kfree,0xffff888001000080,"a\nb",,,,,,,,,,', 'a\nb'],
    ['more than one line feed', '1,0,9,kfree,0xffff888001000080,"\n""a\n",,,,,,,,,,', '\n"a\n'],
  ])('%s', async (_, row, comm) => {
    const read = await readRows(row, '2,0,9,kfree,0xffff888001000080,sh,,,,,,,,,,');
    expect(read.stats).toEqual({});
    expect(read.events().map((e) => [e.comm, e.ptr])).toEqual([
      [comm, 0xffff888001000080n],
      ['sh', 0xffff888001000080n],
    ]);
  });
});

describe('numbers', () => {
  test.each([
    ['0xffff888001000080', 0xffff888001000080n],
    ['0xFFFF888001000080', 0xffff888001000080n],
    ['ffff888001000080', 0xffff888001000080n],
    ['0000000000000010', 0x10n],
    ['18446612682086842496', 18446612682086842496n],
    ['-131391622709120', 2n ** 64n - 131391622709120n],
    ['c1482e40', 0xc1482e40n],
    ['16', 16n],
    ['0x0', 0n],
  ])('the address %s', async (text, ptr) => {
    expect((await readRows(`1,0,9,kfree,${text},,,,,,,,,,,`)).event(0).ptr).toBe(ptr);
  });

  test.each([
    ['1', undefined, 1_000_000_000n],
    ['0.000000001', undefined, 1n],
    ['9007199.254740993', undefined, 9007199254740993n],
    ['1.2345678919', undefined, 1234567891n],
    ['1500.25', 'ms', 1500250000n],
    ['1500.25', 'us', 1500250n],
    ['1500', 'ns', 1500n],
    ['57866188529', 'tick', 57866188529n],
    ['18446744073709551615', 'tick', 18446744073709551615n],
    ['0x10', 'tick', 16n],
  ] as const)('the time %s in %s', async (text, tsUnit, ns) => {
    const row = `ts,cpu,pid,event,ptr\n${text},0,1,kfree,0x0\n`;
    expect((await readTraceBytes(row, { csv: { tsUnit } })).event(0).ns).toBe(ns);
  });

  test('CPU, pid, sizes and gfp_flags in hex', async () => {
    const read = await readRows('1,0x1,0x10,kmalloc,0x0,,,0x20,0x40,0xcc0,0x0,,,,,');
    expect(read.event(0)).toMatchObject({
      cpu: 1,
      pid: 16,
      bytesReq: 32,
      bytesAlloc: 64,
      gfp: 0xcc0,
      node: 0,
    });
  });
});

describe('columns', () => {
  test('in any order, with a byte order mark, comments and Windows line ends', async () => {
    const read = await readTraceBytes(
      '\ufeff# made by hand\r\n\r\nptr,event,data,TS_ns,pid,cpu\r\n0x1000,write,ff,17,5,1\r\n',
    );
    expect(read.stats).toEqual({});
    expect(read.events()).toEqual([
      { ...NOTHING, ns: 17n, event: 'write', ptr: 0x1000n, pid: 5, cpu: 1, data: 'ff' },
    ]);
  });

  test.each([
    ['ts,cpu,pid,event,ptr,colour', /line 1: unknown column "colour"/],
    ['ts,cpu,pid,event', /line 1: no column "ptr"/],
    ['ts,cpu,pid,event,ptr,ptr', /line 1: column "ptr" is there twice/],
  ])('%s is refused', async (header, message) => {
    await expect(readTraceBytes(`${header}\n1,2,3,kfree,5\n`)).rejects.toMatchObject({
      message: expect.stringMatching(message) as string,
      exitCode: 65,
    });
  });

  test('unknown ones are passed over where the user says so', async () => {
    const read = await readTraceBytes('colour,ts,cpu,pid,event,ptr\nred,1,0,3,kfree,0x5\n', {
      csv: { ignoreColumns: true },
    });
    expect(read.event(0)).toMatchObject({ ns: 1_000_000_000n, ptr: 5n });
  });

  test('named by the user; a header line is passed over', async () => {
    const columns = ['event', 'ts', 'cpu', 'pid', 'ptr'];
    for (const header of ['', 'What,When,Cpu,Who,Where\n']) {
      const read = await readTraceBytes(`${header}kfree,1,0,3,0x5\nkfree,soon,0,3,0x5\n`, {
        format: 'csv',
        csv: { columns },
      });
      expect(read.count).toBe(1);
      expect(read.stats).toEqual({ bad_row: 1 });
    }
    await expect(
      readTraceBytes('', { format: 'csv', csv: { columns: ['ts'] } }),
    ).rejects.toMatchObject({
      message: '--columns: no column "cpu"',
      exitCode: 2,
    });
  });

  test('rows that fall apart at the borders of chunks', async () => {
    const text = `${HEADER}\n1,0,9,kfree,0xffff888001000080,"a\nb",,,,,,,,,,\n2,0,9,kfree,0x10,sh,,,,,,,,,,`;
    for (const chunkBytes of [1, 7, 100]) {
      const read = await readTraceBytes(text, { chunkBytes });
      expect(read.events().map((e) => e.comm)).toEqual(['a\nb', 'sh']);
    }
  });
});

test('hashed pointers and those of 32-bit machines show themselves', async () => {
  const row = (ptr: string): string => `1,0,9,kmalloc,${ptr},,,8,8,,,,,,,`;
  expect((await readRows(row('0x00000000e949f506'))).info.hashedPointers).toBe(true);
  expect((await readRows(row('0xc1482e40'))).info).toMatchObject({
    pointerBytes: 4,
    hashedPointers: false,
  });
  expect((await readRows(row('0xffff888001000080'))).info).toMatchObject({
    pointerBytes: 8,
    hashedPointers: false,
  });
});
