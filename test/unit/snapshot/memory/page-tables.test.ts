// Page tables written by hand: 4 and 5 levels, pages of three sizes, and tables that make no sense.

import { describe, expect, test } from 'vitest';
import { hiOf, joinHalves, loOf } from '../../../../src/base/address.ts';
import { Findings } from '../../../../src/snapshot/findings.ts';
import type { AddressSpace, MappedRun } from '../../../../src/snapshot/memory/address-space.ts';
import { openSnapshot } from '../../../../src/snapshot/memory/open-snapshot.ts';
import { PageTables } from '../../../../src/snapshot/memory/page-tables.ts';
import { NO_DIRECT_MAP, PagedSpace } from '../../../../src/snapshot/memory/paged-space.ts';
import { elfCore, pageOf, tempFile } from '../../../helpers/image-builders.ts';
import { Machine } from '../../../helpers/machine-builder.ts';

const VMALLOC = 0xffffc90000000000n;

async function spaceOf(machine: Machine): Promise<PagedSpace> {
  const snapshot = await openSnapshot(tempFile(elfCore(machine.segments())));
  if (snapshot.kind !== 'physical') throw new Error('printed words');
  const root = { paddr: machine.root, levels: machine.levels, maskHi: 0xfffff };
  return new PagedSpace(snapshot.memory, { root, directMap: NO_DIRECT_MAP });
}

function translate(space: AddressSpace, va: bigint): number {
  return space.translate(hiOf(va), loOf(va));
}

function readHex(space: AddressSpace, va: bigint, length: number): string | undefined {
  const bytes = Buffer.alloc(length);
  return space.read(hiOf(va), loOf(va), bytes) ? bytes.toString('hex') : undefined;
}

function plain(run: MappedRun): [bigint, number, number] {
  return [joinHalves(run.hi, run.lo), run.length, run.paddr];
}

describe.each([4, 5] as const)('%d levels', (levels) => {
  const high = levels === 5 ? 0xff11000000000000n : 0xffff888000000000n;

  test('pages of 4 KiB, 2 MiB and 1 GiB are translated', async () => {
    const machine = new Machine(levels);
    machine.map(VMALLOC, 0x5000);
    machine.map(VMALLOC + 0x1000n, 0x9000);
    machine.map(high, 0x400000, 0x200000);
    machine.map(high + 0x40000000n, 0x80000000, 0x40000000);
    const space = await spaceOf(machine);
    expect(translate(space, VMALLOC + 0x123n)).toBe(0x5123);
    expect(translate(space, VMALLOC + 0x1fffn)).toBe(0x9fff);
    expect(translate(space, VMALLOC + 0x2000n)).toBe(-1);
    expect(translate(space, high + 0x12345n)).toBe(0x412345);
    expect(translate(space, high + 0x40000000n + 0x3abcdef8n)).toBe(0xbabcdef8);
  });

  test('reads cross from page to page; what is not mapped or not there is missing', async () => {
    const machine = new Machine(levels);
    machine.map(VMALLOC, 0x500000);
    machine.map(VMALLOC + 0x1000n, 0x900000);
    machine.map(VMALLOC + 0x2000n, 0xa00000);
    machine.pages.set(0x500, pageOf(0x55));
    machine.pages.set(0x900, pageOf(0x99));
    const space = await spaceOf(machine);
    expect(readHex(space, VMALLOC + 0xffen, 4)).toBe('55559999');
    expect(readHex(space, VMALLOC, 0x2000)).toBe('55'.repeat(4096) + '99'.repeat(4096));
    expect(readHex(space, VMALLOC + 0x1ffen, 4)).toBeUndefined();
    expect(readHex(space, VMALLOC + 0x3000n, 1)).toBeUndefined();
    expect([...space.runs(hiOf(VMALLOC), loOf(VMALLOC) + 0x10, 0x1ff0)].map(plain)).toEqual([
      [VMALLOC + 0x10n, 0xff0, 0x500010],
      [VMALLOC + 0x1000n, 0x1000, 0x900000],
    ]);
    expect([...space.runs(hiOf(VMALLOC), loOf(VMALLOC) + 0xff8, 0x10)].map(plain)).toEqual([
      [VMALLOC + 0xff8n, 8, 0x500ff8],
      [VMALLOC + 0x1000n, 8, 0x900000],
    ]);
  });
});

test('neighbours in both memories are one run', async () => {
  const machine = new Machine();
  for (let i = 0; i < 4; i++) {
    machine.map(VMALLOC + BigInt(i * 0x1000), 0x500000 + i * 0x1000);
    machine.pages.set(0x500 + i, pageOf(i));
  }
  const space = await spaceOf(machine);
  expect([...space.kernelRuns()].map(plain)).toEqual([[VMALLOC, 0x4000, 0x500000]]);
});

test('an address that is not canonical is not mapped', async () => {
  const machine = new Machine();
  machine.map(VMALLOC, 0x5000);
  const space = await spaceOf(machine);
  expect(translate(space, VMALLOC & 0x0000ffffffffffffn)).toBe(-1);
  expect(translate(space, VMALLOC & 0x00ffffffffffffffn)).toBe(-1);
});

test('tables that lead back to themselves end, and are counted', async () => {
  const machine = new Machine();
  machine.map(VMALLOC, 0x500000);
  machine.pages.set(0x500, pageOf(5));
  // A second entry of the top table leads to the top table itself.
  machine.poke64(machine.entry(machine.root, 0xffffd00000000000n, 4), BigInt(machine.root) | 0x67n);
  const snapshot = await openSnapshot(tempFile(elfCore(machine.segments())));
  if (snapshot.kind !== 'physical') throw new Error('printed words');
  const root = { paddr: machine.root, levels: 4, maskHi: 0xfffff } as const;
  const findings = new Findings();
  const tables = new PageTables(snapshot.memory, root);
  const mappings = [...tables.mappings(2 ** 51, 2 ** 52, findings)];
  expect(mappings).toEqual([{ page: 0xffffc90000000, frame: 0x500, count: 1 }]);
  expect(findings.list()).toMatchObject([{ name: 'table_revisited', count: 1 }]);
});

test('tables that are missing or map 512 GiB at once are passed over and counted', async () => {
  const machine = new Machine();
  machine.map(VMALLOC, 0x500000);
  machine.pages.set(0x500, pageOf(5));
  machine.poke64(machine.entry(machine.root, 0xffffd00000000000n, 4), 0xdead000n | 0x67n);
  machine.poke64(machine.entry(machine.root, 0xffffe00000000000n, 4), 0xe7n);
  const snapshot = await openSnapshot(tempFile(elfCore(machine.segments())));
  if (snapshot.kind !== 'physical') throw new Error('printed words');
  const root = { paddr: machine.root, levels: 4, maskHi: 0xfffff } as const;
  const findings = new Findings();
  const tables = new PageTables(snapshot.memory, root);
  expect([...tables.mappings(2 ** 51, 2 ** 52, findings)]).toHaveLength(1);
  expect(tables.frameOf(0xffffe00000000)).toBe(-1);
  expect(tables.frameOf(0xffffd00000000)).toBe(-1);
  expect(findings.get('table_missing')).toBe(1);
  expect(findings.get('table_nonsense')).toBe(1);
});

test('memory encryption puts a bit into the entries that is no address', async () => {
  const machine = new Machine();
  machine.map(VMALLOC, 0x500000);
  machine.pages.set(0x500, pageOf(5));
  for (const [number, page] of machine.pages) {
    if (number < 0x200 || number >= 0x210) continue;
    for (let at = 0; at < 4096; at += 8) {
      const word = page.readBigUInt64LE(at);
      if (word !== 0n) page.writeBigUInt64LE(word | (1n << 47n), at);
    }
  }
  const snapshot = await openSnapshot(tempFile(elfCore(machine.segments())));
  if (snapshot.kind !== 'physical') throw new Error('printed words');
  const root = { paddr: machine.root, levels: 4, maskHi: 0xf7fff } as const;
  expect(new PageTables(snapshot.memory, root).frameOf(0xffffc90000000)).toBe(0x500);
});
