// Pages as kernel/trace/ring_buffer.c writes them, on machines of either byte order and word size.

import { describe, expect, test } from 'vitest';
import { cutPage, PageRecords, pageTimestamp } from '../../../../src/ingest/ring-buffer/page.ts';
import {
  ARM32,
  type Machine,
  PageBuilder,
  PPC32,
  packed,
  S390X,
  X86_64,
} from '../../../helpers/builders-ring-buffer.ts';

const ORIGIN = { lo: 0, hi: 0 };
/** Bytes before the data of a page. */
const headerOf = (machine: Machine): number => 8 + machine.longSize;

interface Cut {
  /** Time, offset behind the page's header, bytes. */
  readonly records: readonly (readonly [number, number, number])[];
  readonly missed: number;
  readonly intact: boolean;
}

function cut(page: Buffer, machine: Machine = X86_64, origin = ORIGIN): Cut {
  const out = new PageRecords();
  const view = new DataView(page.buffer, page.byteOffset, page.length);
  cutPage(view, 0, machine, origin, out);
  const head = headerOf(machine);
  return {
    records: Array.from({ length: out.length }, (_, i) => [
      out.ts[i] ?? 0,
      (out.offset[i] ?? 0) - head,
      out.size[i] ?? 0,
    ]),
    missed: out.missed,
    intact: out.intact,
  };
}

const MACHINES = { X86_64, S390X, PPC32, ARM32 };
const data = (bytes: number): Buffer => Buffer.alloc(bytes, 7);

describe.each(Object.entries(MACHINES))('%s', (_, machine) => {
  test('records of each length, with the time since the page began', () => {
    const page = new PageBuilder(machine)
      .record(0, data(4))
      .record(10, data(112))
      .longRecord(5, data(116))
      .longRecord(1, data(9))
      .record(0, data(8))
      .build(1000n);
    expect(cut(page, machine)).toEqual({
      records: [
        [1000, 4, 4],
        [1010, 12, 112],
        [1015, 132, 116],
        [1016, 256, 9],
        [1016, 272, 8],
      ],
      missed: 0,
      intact: true,
    });
  });

  test('time extends, discarded records and absolute stamps move the clock', () => {
    const page = new PageBuilder(machine)
      .record(3, data(4))
      .extend(10_000_000_000)
      .record(2, data(4))
      .discarded(100, 12)
      .record(0, data(4))
      .absolute(2n ** 58n + 77n)
      .record(1, data(4))
      .build(2n ** 63n + 5n);
    // The five top bits of an absolute stamp are those of the page's (rb_fix_abs_ts()).
    const origin = { hi: 0x80000000, lo: 0 };
    expect(cut(page, machine, origin).records.map(([ts]) => ts)).toEqual([
      8,
      10_000_000_010,
      10_000_000_110,
      2 ** 58 + 78,
    ]);
  });

  test('times before the origin are negative, others exact up to 2^53', () => {
    const page = new PageBuilder(machine).record(1, data(4)).build(2n ** 40n);
    expect(cut(page, machine, { hi: 256, lo: 5 }).records[0]?.[0]).toBe(-4);
    expect(cut(page, machine, { hi: 0, lo: 0xffffffff }).records[0]?.[0]).toBe(
      2 ** 40 - 2 ** 32 + 2,
    );
  });

  test('how many events were lost stands behind the data', () => {
    const builder = new PageBuilder(machine).record(0, data(4));
    expect(cut(builder.build(0n), machine).missed).toBe(0);
    expect(cut(builder.build(0n, 201), machine)).toMatchObject({ missed: 201, intact: true });
    expect(cut(builder.build(0n, -1), machine)).toMatchObject({ missed: -1, intact: true });
  });

  test('a full page has no room for the number of lost events', () => {
    const room = machine.pageSize - headerOf(machine);
    const page = new PageBuilder(machine).longRecord(0, data(room - 8)).build(0n, -1);
    expect(cut(page, machine)).toEqual({ records: [[0, 8, room - 8]], missed: -1, intact: true });
  });

  test('the time stamp in the header', () => {
    const page = new PageBuilder(machine).build(0x123456789abcdef0n);
    const view = new DataView(page.buffer, page.byteOffset, page.length);
    expect(pageTimestamp(view, 0, machine)).toEqual({ hi: 0x12345678, lo: 0x9abcdef0 });
  });

  test('the rest of a page may be unused', () => {
    const builder = new PageBuilder(machine).record(0, data(4)).unused();
    expect(cut(builder.build(0n), machine)).toMatchObject({ records: [[0, 4, 4]], intact: true });
    const rest = builder.raw(Buffer.alloc(40, 0xff)).build(0n);
    expect(cut(rest, machine)).toMatchObject({ records: [[0, 4, 4]], intact: true });
  });

  test('a page without data', () => {
    expect(cut(new PageBuilder(machine).build(5n), machine)).toEqual({
      records: [],
      missed: 0,
      intact: true,
    });
  });
});

test('a page of a recording: 56 bytes of a kmalloc at 0.429442519 s', () => {
  const start = 'd7c5981900000000' + 'f00f000000000000' + '0e000000' + '2802010100000000';
  const page = Buffer.concat([Buffer.from(start, 'hex'), Buffer.alloc(4096 - 28)]);
  const { records } = cut(page);
  expect(records[0]).toEqual([429_442_519, 4, 56]);
});

describe('damage', () => {
  const first = [0, 4, 4] as const;
  const record = (): PageBuilder => new PageBuilder().record(0, data(4));

  test('a length beyond the page, or with bits that mean nothing', () => {
    const page = record().build(0n);
    for (const commit of [0xff1n, 4096n, 0x10000008n, 0x30000008n, 0x100000008n, 2n ** 63n + 8n]) {
      packed(X86_64, [8, commit]).copy(page, 8);
      expect(cut(page)).toEqual({ records: [], missed: 0, intact: false });
    }
  });

  test.each([
    ['a record that ends behind the data', record().raw(packed(X86_64, [4, 28], [4, 0]))],
    ['a long record that ends behind the data', record().raw(packed(X86_64, [4, 0], [4, 400]))],
    ['a long record without room for its own length', record().raw(packed(X86_64, [4, 0], [4, 3]))],
    [
      'a discarded record that ends behind the data',
      record().raw(packed(X86_64, [4, 61], [4, 44])),
    ],
    ['a discarded record without a length', record().raw(packed(X86_64, [4, 61], [4, 0]))],
    ['a time extend without its second half', record().raw(packed(X86_64, [4, 30]))],
    ['bytes that are no whole word', record().raw(Buffer.alloc(3))],
  ])('%s ends the page; what stands before is kept', (_, builder) => {
    expect(cut(builder.build(0n))).toEqual({ records: [first], missed: 0, intact: false });
  });

  test('a number of lost events beyond 32 bits is not believed', () => {
    const page = record().build(0n, 17);
    packed(X86_64, [8, 2n ** 32n]).copy(page, 16 + 8);
    expect(cut(page).missed).toBe(-1);
    packed(X86_64, [8, 0]).copy(page, 16 + 8);
    expect(cut(page).missed).toBe(-1);
  });

  test('a page that is cut off gives the records that are whole, and is no contradiction', () => {
    const page = record().record(1, data(20)).record(2, data(4)).build(0n, 9);
    const counts = [0, 8, 15, 16, 20, 24, 40, 47, 48, 60].map((bytes) => {
      const { records, intact } = cut(page.subarray(0, bytes));
      expect(intact).toBe(true);
      return records.length;
    });
    expect(counts).toEqual([0, 0, 0, 0, 0, 1, 1, 1, 2, 3]);
  });
});

test('a page with more records than there was room for', () => {
  const machine = { ...X86_64, pageSize: 16384 };
  const builder = new PageBuilder(machine);
  for (let i = 0; i < 2000; i++) builder.record(1, data(4));
  const { records } = cut(builder.build(0n), machine);
  expect(records).toHaveLength(2000);
  expect(records.at(-1)).toEqual([2000, 1999 * 8 + 4, 4]);
});
