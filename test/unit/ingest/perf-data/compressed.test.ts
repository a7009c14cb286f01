import { expect, test } from 'vitest';
import {
  type Attr,
  Bytes,
  perfFile,
  perfPipe,
  Records,
  readPerf,
  readPipe,
  USUAL,
} from '../../../helpers/perf-file.ts';

const ATTR: Attr = { sampleType: USUAL, ids: [11] };
const r = new Records(ATTR);
const COMPRESSED = 81;
const COMPRESSED2 = 83;

// A zstd frame by hand (RFC 8878): magic, descriptor 0 (no checksum, no size), window of 64 KiB, blocks.
// A block: 24 bits {last:1, type:2 (0: as it stands, 1: one byte repeated), size:21}, then its bytes.
const FRAME = Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0x00, 0x30]);

function block(type: 0 | 1, size: number, bytes: Uint8Array): Buffer {
  const head = Buffer.alloc(3);
  head.writeUIntLE((size << 3) | (type << 1), 0, 3);
  return Buffer.concat([head, bytes]);
}

/** Cuts a stream of records into COMPRESSED ones, each a part of one zstd stream. */
function pack(stream: Buffer, partBytes: number, type = COMPRESSED): Buffer[] {
  const parts: Buffer[] = [];
  for (let at = 0; at < stream.length; at += partBytes) {
    const part = stream.subarray(at, at + partBytes);
    const packed = Buffer.concat([at === 0 ? FRAME : Buffer.alloc(0), block(0, part.length, part)]);
    if (type === COMPRESSED) {
      parts.push(r.record(type, packed));
    } else {
      const body = new Bytes().u64(packed.length).raw(packed).pad(8);
      parts.push(r.record(type, body.buffer));
    }
  }
  return parts;
}

const events = Array.from({ length: 40 }, (_, i) =>
  r.kfree({ time: BigInt(i + 1), cpu: i % 3 }, { ptr: BigInt(i) }),
);
const PTRS = Array.from({ length: 40 }, (_, i) => i);
const ptrs = (trace: { events(): { ptr: bigint }[] }): number[] =>
  trace.events().map((e) => Number(e.ptr));

test.each([
  [COMPRESSED, 61],
  [COMPRESSED, 88],
  [COMPRESSED, 1000],
  [COMPRESSED2, 61],
  [COMPRESSED2, 1000],
])(
  'record type %i, a stream in parts of %i bytes, which records straddle',
  async (type, partBytes) => {
    const packed = pack(Buffer.concat(events), partBytes, type);
    // FINISHED_ROUND stands between them, not packed, also inside a record that straddles.
    const records = packed.flatMap((part) => [part, r.finishedRound()]);
    const trace = await readPerf(perfFile({ attrs: [ATTR], records }));
    expect(ptrs(trace)).toEqual(PTRS);
    expect(trace.stats).toEqual({});
    const piped = await readPipe(perfPipe({ attrs: [ATTR], records }), 100);
    expect(ptrs(piped)).toEqual(PTRS);
  },
);

test('damaged data end the unpacking, are counted, and what came before is kept', async () => {
  const packed = pack(Buffer.concat(events), 880);
  const damaged = Buffer.from(packed[2] ?? '');
  damaged.writeUIntLE((880 << 3) | (3 << 1), 8, 3); // block type 3 is reserved
  const records = [
    ...packed.slice(0, 2),
    damaged,
    ...packed.slice(3),
    r.kfree({ time: 99n }, { ptr: 77n }),
  ];
  const trace = await readPerf(perfFile({ attrs: [ATTR], records }));
  expect(ptrs(trace)).toEqual([...PTRS.slice(0, 20), 77]);
  expect(trace.stats['bad_record']).toBe(2);
});

test('a stream that ends inside a record is truncated', async () => {
  const records = pack(Buffer.concat(events).subarray(0, 88 * 5 + 40), 300);
  const trace = await readPerf(perfFile({ attrs: [ATTR], records }));
  expect(ptrs(trace)).toEqual([0, 1, 2, 3, 4]);
  expect(trace.stats).toEqual({ truncated: 1 });
});

test('absurd windows and outputs are refused', async () => {
  const event = r.kfree({ time: 99n }, { ptr: 77n });
  const huge = Buffer.from(FRAME);
  huge.writeUInt8(0xff, 5); // a window of some 2^41 bytes
  const window = r.record(COMPRESSED, Buffer.concat([huge, block(0, 8, Buffer.alloc(8))]));
  // 600 blocks of 4 bytes each stand for 128 KiB of one byte: 75 MiB
  const zeros = Array.from({ length: 600 }, () => block(1, 131072, Buffer.of(1)));
  const wide = Buffer.from(FRAME);
  wide.writeUInt8(0x50, 5); // 1 MiB
  const bomb = r.record(COMPRESSED, Buffer.concat([wide, ...zeros]));
  for (const record of [
    window,
    bomb,
    r.record(COMPRESSED, Buffer.alloc(8)),
    r.record(COMPRESSED, Buffer.alloc(0)),
  ]) {
    const trace = await readPerf(perfFile({ attrs: [ATTR], records: [record, event] }));
    expect(trace.stats['bad_record']).toBeGreaterThan(0);
    expect(trace.count).toBeLessThanOrEqual(1);
  }
});

test('packed data inside packed data are not unpacked', async () => {
  const inner = Buffer.concat(pack(Buffer.concat(events), 1000));
  const trace = await readPerf(perfFile({ attrs: [ATTR], records: pack(inner, 2000) }));
  expect(trace.count).toBe(0);
  expect(trace.stats['bad_record']).toBe(4);
});
