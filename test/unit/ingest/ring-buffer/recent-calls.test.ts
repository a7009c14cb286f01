import { expect, test } from 'vitest';
import { RecentCalls } from '../../../../src/ingest/ring-buffer/recent-calls.ts';

/** A record of 40 bytes: u64 at 8, u32 at 16, u8 at 21, the word of a name at 24, its text behind. */
function record(long: bigint, word: number, byte: number, name = '', padding = 0): DataView {
  const bytes = Buffer.alloc(96, padding);
  bytes.writeBigUInt64LE(long, 8);
  bytes.writeUInt32LE(word, 16);
  bytes.writeUInt8(byte, 21);
  bytes.writeUInt32LE((name.length + 1) * 65536 + 28, 24);
  bytes.write(`${name}\0`, 28, 'latin1');
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
}

const FIELDS = [
  { offset: 8, size: 8 },
  { offset: 16, size: 4 },
  undefined,
  { offset: 21, size: 1 },
];
const withName = (): RecentCalls => new RecentCalls(FIELDS, 24, 0, true);
const withoutName = (): RecentCalls => new RecentCalls(FIELDS, -1, 0, true);

test('a record whose fields were met before has the call of then', () => {
  const recent = withoutName();
  const seen = record(0xffffffff81000010n, 100, 1);
  expect(recent.find(seen, 0, 40)).toBe(-1);
  recent.remember(7);
  expect(recent.find(seen, 0, 40)).toBe(7);
  expect(recent.find(record(0xffffffff81000010n, 100, 1, '', 0xa5), 0, 40)).toBe(7); // other padding
});

test('a record that differs in one bit of a field is another', () => {
  const recent = withName();
  recent.find(record(5n, 100, 1, 'dentry'), 0, 40);
  recent.remember(7);
  for (const other of [
    record(4n, 100, 1, 'dentry'),
    record(5n | (1n << 63n), 100, 1, 'dentry'),
    record(5n, 101, 1, 'dentry'),
    record(5n, 100, 0, 'dentry'),
    record(5n, 100, 1, 'dentrx'),
    record(5n, 100, 1, 'dentry2'),
  ]) {
    expect(recent.find(other, 0, 40)).toBe(-1);
  }
  expect(recent.find(record(5n, 100, 1, 'dentry', 0xff), 0, 40)).toBe(7);
});

test('what stands where it lies does not matter', () => {
  const recent = withName();
  recent.find(record(5n, 100, 1, 'filp'), 0, 40);
  recent.remember(3);
  const shifted = Buffer.alloc(128);
  const view = record(5n, 100, 1, 'filp');
  for (let i = 0; i < view.byteLength; i++) shifted.writeUInt8(view.getUint8(i), i + 13);
  expect(recent.find(new DataView(shifted.buffer, shifted.byteOffset, 128), 13, 40)).toBe(3);
});

test('names that are empty, long or lie outside are interpreted each time', () => {
  const recent = withName();
  const long = 'x'.repeat(60);
  for (const [view, size] of [
    [record(5n, 100, 1, ''), 40],
    [record(5n, 100, 1, long), 96],
    [record(5n, 100, 1, 'dentry'), 34],
  ] as const) {
    expect(recent.find(view, 0, size)).toBe(-1);
    recent.remember(9);
    expect(recent.find(view, 0, size)).toBe(-1);
  }
});

test('a record too short for the fields', () => {
  const recent = withoutName();
  expect(recent.find(record(5n, 100, 1), 0, 16)).toBe(-1);
  recent.remember(9);
  expect(recent.find(record(5n, 100, 1), 0, 24)).toBe(-1);
});

test('of many calls each is found again or forgotten, never mistaken', () => {
  const recent = withoutName();
  const records = Array.from({ length: 20_000 }, (_, i) => record(BigInt(i) * 16n, i % 7, i % 2));
  const isMistaken = (view: DataView, i: number): boolean =>
    ![-1, i].includes(recent.find(view, 0, 40));
  let mistaken = 0;
  let forgotten = 0;
  for (const [i, view] of records.entries()) {
    if (isMistaken(view, i)) mistaken++;
    recent.remember(i);
    if (recent.find(view, 0, 40) !== i) forgotten++;
  }
  for (const [i, view] of records.entries()) if (isMistaken(view, i)) mistaken++;
  expect([mistaken, forgotten]).toEqual([0, 0]);
});
