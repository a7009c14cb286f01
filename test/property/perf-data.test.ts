// Laws of the perf.data reader: whatever the bytes, it ends and throws nothing but a ToolError; how the
// bytes of a pipe are cut does not show; and events come out in the order of their times, each once.

import fc from 'fast-check';
import { expect, test, vi } from 'vitest';
import { ToolError } from '../../src/base/errors.ts';
import {
  type Attr,
  perfFile,
  perfPipe,
  Records,
  readPerf,
  readPipe,
  S,
  USUAL,
} from '../helpers/perf-file.ts';
import { SEED } from '../helpers/random-traces.ts';

vi.setConfig({ testTimeout: 60_000 });

const ATTR: Attr = { sampleType: USUAL | S.CALLCHAIN | S.READ, ids: [11, 12], readFormat: 12 };
const SMALL: Attr = { sampleType: S.IDENTIFIER | S.TID | S.TIME, ids: [13] };

/** A file with every kind of record that the reader knows. */
function everything(le: boolean): { attrs: Attr[]; records: Buffer[]; le: boolean } {
  const r = new Records(ATTR, le);
  const read = Buffer.alloc(24, 0);
  read.writeUInt8(1, le ? 0 : 7);
  const chain = [-128n, 0xffffffff81000000n, -512n, 0x1234n];
  const records = [
    r.comm(7, 'init', 0n),
    r.mmap('[kernel.kallsyms]_text', 0xffffffff81000000n, 0x1000000),
    r.mmap('[ext4]', 0xffffffffc0000000n, 0x10000),
    r.idIndex([{ id: 11, cpu: 0 }]),
    ...Array.from({ length: 10 }, (_, i) =>
      r.kmalloc({ time: BigInt(100 + i), tid: 7, read, chain }, { ptr: BigInt(4096 + i) }),
    ),
    r.fork(8, 7, 105n),
    r.finishedRound(),
    r.lost(3, 120n, 1),
    r.kfree({ time: 130n, cpu: 1, read, chain }, { ptr: 4096n }),
    r.comm(8, 'ls', 131n),
    r.finishedRound(),
    r.record(
      81,
      Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0, 0x30, 0x43, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8]),
    ),
    r.record(71, Buffer.alloc(40)),
    r.lostSamples(9, 11),
    r.record(80, Buffer.alloc(24)),
  ];
  return { attrs: [ATTR, SMALL], records, le };
}

/** Reads; a ToolError is an answer, anything else is a failure. */
async function answer(read: () => Promise<{ count: number }>): Promise<number> {
  try {
    return (await read()).count;
  } catch (error) {
    if (error instanceof ToolError) return -1;
    throw error;
  }
}

const HEADS = [Buffer.from('PERFILE2'), Buffer.from('PERFILE2').reverse()];

test('arbitrary bytes behind the magic end in events, counts or a ToolError', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(...HEADS),
      fc.uint8Array({ maxLength: 400 }),
      fc.boolean(),
      async (magic, bytes, pipe) => {
        const size = Buffer.alloc(8);
        size.writeUInt8(pipe ? 16 : 104, magic === HEADS[0] ? 0 : 7);
        const whole = Buffer.concat([magic, size, bytes]);
        await answer(() => (pipe ? readPipe(whole, 64) : readPerf(whole)));
      },
    ),
    { seed: SEED, numRuns: 300 },
  );
});

const mutation = fc.record({
  at: fc.nat(),
  bytes: fc.oneof(
    fc.uint8Array({ minLength: 1, maxLength: 8 }),
    fc.constantFrom(...[0, 0xff].map((fill) => new Uint8Array(8).fill(fill))),
  ),
});

for (const le of [true, false]) {
  const file = perfFile(everything(le));
  const pipe = perfPipe(everything(le));

  test(`mutated files end in events, counts or a ToolError (little endian: ${le})`, async () => {
    expect(await answer(() => readPerf(file))).toBe(13);
    expect(await answer(() => readPipe(pipe))).toBe(13);
    await fc.assert(
      fc.asyncProperty(
        fc.array(mutation, { minLength: 1, maxLength: 4 }),
        fc.boolean(),
        async (mutations, isPipe) => {
          const bytes = Buffer.from(isPipe ? pipe : file);
          for (const { at, bytes: patch } of mutations)
            bytes.set(patch.subarray(0, bytes.length - (at % bytes.length)), at % bytes.length);
          await answer(() => (isPipe ? readPipe(bytes, 100) : readPerf(bytes)));
        },
      ),
      { seed: SEED, numRuns: 600 },
    );
  });

  test(`files that are cut off anywhere are read up to there (little endian: ${le})`, async () => {
    let most = 0;
    for (let length = 0; length <= pipe.length; length += 13) {
      const count = await answer(() => readPipe(pipe.subarray(0, length)));
      expect(count).toBeGreaterThanOrEqual(most === 0 ? -1 : most);
      most = Math.max(most, count);
    }
    for (let length = 8; length <= file.length; length += 13) {
      await answer(() => readPerf(file.subarray(0, length)));
    }
  });
}

test('how a pipe is cut into chunks does not show', async () => {
  const bytes = perfPipe(everything(true));
  const whole = (await readPipe(bytes)).events();
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 1, max: 500 }), async (chunkBytes) => {
      expect((await readPipe(bytes, chunkBytes)).events()).toEqual(whole);
    }),
    { seed: SEED, numRuns: 40 },
  );
});

// Rounds as perf makes them: each CPU's buffer in turn; what is put into one round is later than all
// that was taken out in the round before the last.
test('events come out in the order of their times, each once', async () => {
  const r = new Records({ sampleType: USUAL, ids: [11] });
  const round = fc.array(fc.array(fc.nat({ max: 99 }), { maxLength: 12 }), { maxLength: 4 });
  await fc.assert(
    fc.asyncProperty(fc.array(round, { minLength: 1, maxLength: 8 }), async (rounds) => {
      const records: Buffer[] = [];
      const all: { time: bigint; at: number }[] = [];
      for (const [n, cpus] of rounds.entries()) {
        for (const [cpu, times] of cpus.entries()) {
          for (const offset of times.toSorted((a, b) => a - b)) {
            const time = BigInt(1 + n * 60 + offset);
            records.push(r.kfree({ time, cpu }, { ptr: BigInt(all.length) }));
            all.push({ time, at: all.length });
          }
        }
        records.push(r.finishedRound());
      }
      const trace = await readPerf(
        perfFile({ attrs: [{ sampleType: USUAL, ids: [11] }], records }),
      );
      const sorted = all.toSorted((a, b) =>
        a.time < b.time ? -1 : a.time > b.time ? 1 : a.at - b.at,
      );
      expect(trace.events().map((e) => Number(e.ptr))).toEqual(sorted.map((e) => e.at));
      expect(trace.stats).toEqual({});
    }),
    { seed: SEED, numRuns: 60 },
  );
});
