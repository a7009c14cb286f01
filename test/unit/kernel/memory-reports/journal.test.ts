// Logs as records: journalctl -o json, -o json-pretty, -o export, dmesg -J.

import { expect, test } from 'vitest';
import { parseMemoryReports } from '../../../../src/kernel/memory-reports/parse-memory-reports.ts';

const MESSAGES = [
  'usb 1-1: new device "x" {y}',
  '[Poison overwritten] 0xffff888001000010-0xffff888001000010 @offset=16. First byte 0x6c instead of 0x6b',
  '=============================================================================',
  'BUG kmalloc-64 (Tainted: G    B  ): Object corrupt',
  '-----------------------------------------------------------------------------',
  'Allocated in lamp_new+0x10/0x40 [lamp] age=3 cpu=0 pid=9',
  ' lamp_new+0x10/0x40 [lamp]',
  'Slab 0xffffea0000048c00 objects=16 used=2 fp=0xffff888001000140 flags=0x200',
  'Object 0xffff888001000000 @offset=0 fp=0x0000000000000000',
];
const BUG = 3;

const record = (message: unknown, i: number): Record<string, unknown> => ({
  __CURSOR: `s=${i}`,
  __REALTIME_TIMESTAMP: '1706277851000000',
  MESSAGE: message,
  _SOURCE_MONOTONIC_TIMESTAMP: `${12_345_678 + i}`,
  _TRANSPORT: 'kernel',
});
const records = MESSAGES.map(record);
const asExport = (message: string, i: number): string =>
  `__CURSOR=s=${i}\n__REALTIME_TIMESTAMP=1706277851000000\n_SOURCE_MONOTONIC_TIMESTAMP=${12_345_678 + i}\n_TRANSPORT=kernel\nMESSAGE=${message}\n\n`;
const dmesg = MESSAGES.map(
  (msg, i) =>
    `{\n         "pri": 3,\n         "time":    ${(12.345678 + i / 1e6).toFixed(6)},\n         "msg": ${JSON.stringify(msg)}\n      }`,
).join(',');

const PRETTY_LINES = 7;
const EXPORT_LINES = 6;

test.each([
  ['json', records.map((r) => `${JSON.stringify(r)}\n`).join(''), BUG + 1],
  ['json-sse', records.map((r) => `data: ${JSON.stringify(r)}\n\n`).join(''), 2 * BUG + 1],
  ['json-seq', records.map((r) => `\x1e${JSON.stringify(r)}\n`).join(''), BUG + 1],
  [
    'json-pretty',
    records.map((r) => `${JSON.stringify(r, null, '\t')}\n`).join(''),
    BUG * PRETTY_LINES + 1,
  ],
  ['an array', JSON.stringify(records), 1],
  [
    'json, a message as bytes',
    MESSAGES.map((m, i) => `${JSON.stringify(record([...Buffer.from(m)], i))}\n`).join(''),
    BUG + 1,
  ],
  ['export', MESSAGES.map(asExport).join(''), BUG * EXPORT_LINES + 5],
  ['dmesg -J', `{\n   "dmesg": [\n      ${dmesg}\n   ]\n}\n`, 3 + BUG * 4],
])('%s', (_, text, line) => {
  expect(parseMemoryReports(text).reports).toMatchObject([
    {
      tool: 'SLUB',
      title: 'Poison overwritten',
      cache: 'kmalloc-64',
      address: 0xffff888001000000n,
      offset: 16,
      atSec: 12.345681,
      allocated: { in: 'lamp_new+0x10', pid: 9 },
      line,
    },
  ]);
});

test('a log cut in a record, and records without a message', () => {
  const cut = records
    .map((r) => `${JSON.stringify(r)}\n`)
    .join('')
    .slice(0, -40);
  const bare = `${JSON.stringify({ MESSAGE: null })}\n{"MESSAGE":7}\n{"x":{"MESSAGE":"y"}}\n`;
  expect(parseMemoryReports(bare + cut).reports).toMatchObject([{ title: 'Poison overwritten' }]);
});

test('a record without a time since boot', () => {
  const text = MESSAGES.map((MESSAGE) => `${JSON.stringify({ MESSAGE })}\n`).join('');
  expect(parseMemoryReports(text).reports).toMatchObject([{ atSec: null, line: BUG + 1 }]);
});
