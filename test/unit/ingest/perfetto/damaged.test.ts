// Damaged and hostile files: they end in events, counts or a ToolError, soon and in little memory.

import { deflateSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { ToolError } from '../../../../src/base/errors.ts';
import { Damage } from '../../../helpers/damage.ts';
import {
  alloc,
  kernelAddress as at,
  bundle,
  encode,
  free,
  type Message,
  packed,
  perfettoFile,
  schedSwitch,
  systemInfo,
} from '../../../helpers/perfetto-file.ts';
import { readTraceBytes } from '../../../helpers/read-trace.ts';

const COMPACT: Message = [
  [5, 'sh'],
  [1, packed([20, 30])],
  [3, packed([5, 5])],
  [6, packed([0, 0])],
];
const FILE = perfettoFile([
  systemInfo('6.1.0', 'x86_64'),
  bundle(0, [alloc(10, 1, 299, at(64)), free(20, 1, 298, at(64))], { fields: [[4, COMPACT]] }),
  bundle(1, [schedSwitch(15, [1, 'a'], [2, 'b']), free(25, 2, 303, at(8))]),
  [[50, deflateSync(perfettoFile([bundle(0, [free(40, 1, 298, at(1))])]))]],
]);

test('some hundred damages', async () => {
  const errors: unknown[] = [];
  for (let seed = 1; seed <= 400; seed++) {
    const damage = new Damage(seed);
    const bytes = damage.bytes(FILE);
    try {
      await readTraceBytes(bytes, { format: 'perfetto', chunkBytes: damage.pick([3, 4096]) });
    } catch (error) {
      if (!(error instanceof ToolError)) errors.push(error);
    }
  }
  expect(errors).toEqual([]);
});

const LONG = Buffer.from([0xff, 0xff, 0xff, 0xff, 0x0f]);

test.each([
  ['a packet that says it has 4 GiB', Buffer.concat([Buffer.from([0x0a]), LONG])],
  ['a bundle of 4 GiB', perfettoFile([[[1, Buffer.concat([Buffer.from([0x12]), LONG])]]])],
  ['a CPU of 4 billion', perfettoFile([bundle(0xffffffff, [free(1, 1, 298, at(1))])])],
  ['groups in groups', perfettoFile([[[1, Buffer.alloc(100_000, 0x0b)]]])],
  ['what unpacks to 2 GiB', perfettoFile([[[50, bomb()]]])],
  ['no zlib', perfettoFile([[[50, Buffer.from('nothing')]]])],
  ['no zstd', perfettoFile([[[133, Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0xff, 0xff])]]])],
  [
    'names that are not in the table',
    perfettoFile([
      bundle(0, [], {
        fields: [
          [
            4,
            [
              [1, packed([1])],
              [3, packed([1])],
              [6, packed([9])],
            ],
          ],
        ],
      }),
    ]),
  ],
])('%s is counted', async (_what, bytes) => {
  const trace = await readTraceBytes(bytes, { format: 'perfetto' });
  expect(trace.count).toBe(0);
  expect(trace.stats['bad_record']).toBe(1);
});

/** Zeros: 70 MiB as 70 KiB, which is over what is unpacked. */
function bomb(): Buffer {
  return deflateSync(Buffer.alloc(70 * 1024 * 1024), { level: 1 });
}

test('empty packets, unknown fields and events are passed over', async () => {
  const trace = await readTraceBytes(
    perfettoFile([
      [],
      [[900, 'test']],
      bundle(0, [
        [
          [1, 5],
          [2, 1],
          [999, 'x'],
        ],
      ]),
      bundle(0, [
        [
          [1, 6],
          [2, 1],
        ],
      ]),
    ]),
    { format: 'perfetto' },
  );
  expect(trace.stats).toEqual({ other_events: 2 });
  expect(encode([]).length).toBe(0);
});
