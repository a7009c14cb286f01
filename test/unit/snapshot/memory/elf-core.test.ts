// ELF cores of every shape that dump tools write: what is read is what stands in the bytes, and what
// was left out is missing.

import { expect, test } from 'vitest';
import { TraceFormatError } from '../../../../src/base/errors.ts';
import {
  openSnapshot,
  type PhysicalSnapshot,
} from '../../../../src/snapshot/memory/open-snapshot.ts';
import {
  type ElfOptions,
  elfCore,
  note,
  pageOf,
  type Segment,
  tempFile,
} from '../../../helpers/image-builders.ts';

async function open(
  segments: readonly Segment[],
  options: ElfOptions = {},
): Promise<PhysicalSnapshot> {
  return physical(tempFile(elfCore(segments, options)));
}

async function physical(path: string): Promise<PhysicalSnapshot> {
  const snapshot = await openSnapshot(path);
  if (snapshot.kind !== 'physical') throw new Error('printed words');
  return snapshot;
}

function read(snapshot: PhysicalSnapshot, paddr: number, length: number): string | undefined {
  const bytes = Buffer.alloc(length);
  return snapshot.memory.read(paddr, bytes) ? bytes.toString('hex') : undefined;
}

test('memory is found by physical address, across segments that touch', async () => {
  const s = await open([
    { paddr: 0x3000, bytes: pageOf(0x33) },
    { paddr: 0x1000, bytes: pageOf(0x11) },
    { paddr: 0x2000, bytes: pageOf(0x22) },
  ]);
  expect(s.format).toBe('ELF core');
  expect([...s.memory.ranges()]).toEqual([{ start: 0x1000, length: 0x3000 }]);
  expect(read(s, 0x1ffe, 4)).toBe('11112222');
  expect(read(s, 0x2ffe, 4)).toBe('22223333');
  expect(read(s, 0x3ffe, 4)).toBeUndefined();
  expect(read(s, 0x0ffe, 4)).toBeUndefined();
});

test('a long read gives the same bytes as short ones', async () => {
  const s = await open([
    { paddr: 0x10000, bytes: Buffer.concat([pageOf(1), pageOf(2), pageOf(3)]) },
    { paddr: 0x13000, bytes: pageOf(4) },
  ]);
  const long = read(s, 0x10800, 0x3000);
  expect(long).toBe(
    '01'.repeat(0x800) + '02'.repeat(4096) + '03'.repeat(4096) + '04'.repeat(0x800),
  );
  expect(read(s, 0x10fff, 3)).toBe('010202');
});

test('memory beyond p_filesz is missing, not zero', async () => {
  const s = await open([{ paddr: 0x1000, bytes: pageOf(0x11), memSize: 0x3000 }]);
  expect(s.memory.presentFrom(0x1000, 0x10000)).toBe(0x1000);
  expect(read(s, 0x2000, 1)).toBeUndefined();
  expect(s.memory.word(0x2000)).toBe(-1);
});

test('a page that a segment cuts through is there as far as the segment goes', async () => {
  const s = await open([{ paddr: 0x9f000 + 0x100, bytes: Buffer.alloc(0x200, 0x77) }]);
  expect(read(s, 0x9f100, 4)).toBe('77777777');
  expect(read(s, 0x9f2fe, 2)).toBe('7777');
  expect(read(s, 0x9f2fe, 3)).toBeUndefined();
  expect(read(s, 0x9f0ff, 1)).toBeUndefined();
});

test.each(['before', 'after'] as const)(
  'more than 65,534 segments: their number is in section header 0 %s the program headers',
  async (extended) => {
    const bytes = Buffer.from([0xab]);
    const segments = Array.from({ length: 65_600 }, (_, i) => ({ paddr: i * 2, bytes }));
    const s = await open(segments, { extended });
    expect(read(s, 65_599 * 2, 1)).toBe('ab');
    expect(read(s, 65_599 * 2 + 1, 1)).toBeUndefined();
    expect([...s.memory.ranges()].length).toBe(65_600);
  },
);

test('with paging a page stands there once for every address it is mapped at', async () => {
  const s = await open([
    { paddr: 0x1000, bytes: pageOf(0x11), vaddr: 0xffff888000001000n },
    { paddr: 0x1000, bytes: pageOf(0x11), vaddr: 0xffffffff81001000n },
    { paddr: 0x1000, bytes: Buffer.concat([pageOf(0x11), pageOf(0x22)]), vaddr: 0x1000n },
  ]);
  expect([...s.memory.ranges()]).toEqual([{ start: 0x1000, length: 0x2000 }]);
  expect(read(s, 0x2000, 2)).toBe('2222');
  expect(s.findings.get('overlapping_segment')).toBe(2);
});

test('notes give VMCOREINFO and the registers of each CPU', async () => {
  const prstatus = Buffer.alloc(0x150);
  prstatus.writeInt32LE(7, 32);
  prstatus.writeBigUInt64LE(0xffffffff81234567n, 112 + 16 * 8);
  prstatus.writeBigUInt64LE(0xffffc90000003f00n, 112 + 19 * 8);
  const qemu = Buffer.alloc(0x1b8);
  qemu.writeUInt32LE(1, 0);
  qemu.writeUInt32LE(0x1b8, 4);
  qemu.writeBigUInt64LE(0x1234000n, 8 + 18 * 8 + 10 * 24 + 24);
  const s = await open([{ paddr: 0, bytes: pageOf(1) }], {
    notes: [
      note('CORE', 1, prstatus),
      note('QEMU', 0, qemu),
      note('VMCOREINFO', 0, Buffer.from('OSRELEASE=6.1.0\nPAGESIZE=4096\n')),
    ],
  });
  expect(s.notes.vmcoreinfo).toBe('OSRELEASE=6.1.0\nPAGESIZE=4096\n');
  const [cpu] = s.notes.registers;
  expect(cpu?.pid).toBe(7);
  expect(cpu?.general['rip']).toBe(0xffffffff81234567n);
  expect(cpu?.general['rsp']).toBe(0xffffc90000003f00n);
  expect(cpu?.control?.['cr3']).toBe(0x1234000n);
});

test('a file that ends early has what is there, and says how much is missing', async () => {
  const whole = elfCore([{ paddr: 0x1000, bytes: Buffer.concat([pageOf(1), pageOf(2)]) }]);
  const s = await physical(tempFile(whole.subarray(0, whole.length - 0x800)));
  expect(s.memory.presentFrom(0x1000, 0x2000)).toBe(0x1800);
  expect(s.findings.list()).toMatchObject([{ name: 'truncated', count: 0x800 }]);
});

test.each<[string, Buffer, RegExp]>([
  ['another machine', elfCore([{ paddr: 0, bytes: pageOf(1) }], { machine: 183 }), /arm64.*x86-64/],
  ['32 bits', elfCore([{ paddr: 0, bytes: pageOf(1) }], { elfClass: 1 }), /32-bit/],
  ['a program', elfCore([{ paddr: 0, bytes: pageOf(1) }], { type: 2 }), /a program and no core/],
  ['no memory', elfCore([]), /without memory/],
  [
    'a process',
    elfCore([{ paddr: 0, bytes: pageOf(1) }], { notes: [note('CORE', 6, Buffer.alloc(8))] }),
    /the core dump of a process/,
  ],
  [
    'a cut header',
    elfCore([{ paddr: 0, bytes: pageOf(1) }]).subarray(0, 100),
    /ends in its headers/,
  ],
  ['nothing', Buffer.alloc(0), /empty/],
])('refused with the reason: %s', async (_, bytes, message) => {
  await expect(openSnapshot(tempFile(bytes))).rejects.toThrow(TraceFormatError);
  await expect(openSnapshot(tempFile(bytes))).rejects.toThrow(message);
});

test('what is of no known form lists what was tried', async () => {
  const error = await openSnapshot(tempFile(Buffer.alloc(100, 0xee))).catch((e) => e);
  expect(error).toBeInstanceOf(TraceFormatError);
  for (const name of ['ELF core', 'kdump', 'LiME', 'printed words', 'iomem.txt']) {
    expect(error.hint).toContain(name);
  }
});
