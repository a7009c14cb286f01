// What sizes in kmalloc events tell of a machine of which no caches were recorded.

import { describe, expect, test } from 'vitest';
import { kmallocEvidence } from '../../../../src/kernel/caches/kmalloc-evidence.ts';
import { EVENT_KIND } from '../../../../src/kernel/events/event-kind.ts';
import { TestTrace } from '../../../helpers/builders.ts';

/** Sizes as `REQ/ALLOC`. */
function evidence(sizes: string, pageSize = 4096): ReturnType<typeof kmallocEvidence> {
  const lines = sizes.split(' ').map((size, i) => `alloc kmalloc O${i} ${size}`);
  const trace = new TestTrace(lines.join('\n'));
  for (const batch of trace.batches()) expect(batch.length).toBeGreaterThan(0);
  return kmallocEvidence(trace.dictionary.calls, pageSize);
}

describe('metadata', () => {
  test.each(['64/392', '60/80', '8/32 8/40', '100/128 4096/4160'])('shows in %s', (sizes) => {
    expect(evidence(sizes).withMetadata).not.toBeNull();
  });

  test.each([
    '64/64 65/96 97/128 129/192 193/256 8192/8192',
    '8193/16384 20000/32768',
    '8/128 130/256', // arm64
    '64/256', // may be a class of another machine
    '24/32 40/48 6/14 64/72', // SLOB
  ])('does not in %s', (sizes) => {
    expect(evidence(sizes).withMetadata).toBeNull();
  });

  test('is told by its first example', () => {
    expect(evidence('60/64 64/392').withMetadata).toEqual({ bytesReq: 64, bytesAlloc: 392 });
  });

  test('is none of what takes whole pages, also of 16 KiB', () => {
    expect(evidence('32769/65536 30000/32768', 16384).withMetadata).toBeNull();
  });
});

describe('the smallest class', () => {
  test.each([
    ['8/8 60/64', 8],
    ['8/16', 16],
    ['8/128 100/128', 128],
    ['65/128', 64], // 96 is no class where 64 is the smallest
    ['21/64 80/128 172/192', 64], // 32-bit ARM
    ['80/128 8/128', 128],
    ['600/1024', 8],
    ['8/64 64/392', 8], // a debug stride by chance
  ])('of %s is %i', (sizes, minimum) => {
    expect(evidence(sizes).minimum).toBe(minimum);
  });
});

test.each([
  ['24/32 40/48 6/14 64/72', true],
  ['8/8 60/64 8192/8192', false],
  ['64/392', false],
])('of %s SLOB is %j', (sizes, isSlob) => {
  expect(evidence(sizes).isSlob).toBe(isSlob);
});

test.each([
  [[0xd0, 0x20], true], // GFP_KERNEL and GFP_ATOMIC of 3.10
  [[0x24000c0], true], // GFP_KERNEL of 4.4
  [[0xcc0, 0xa20], false],
  [[0xcc0, 0x50], false],
  [[0x20], false], // GFP_ATOMIC alone tells nothing
  [[0], false],
])('flags %j are old: %j', (flags, isOld) => {
  const trace = new TestTrace('');
  for (const gfp of flags) {
    trace.dictionary.calls.intern({ kind: EVENT_KIND.kmalloc, bytesReq: 8, bytesAlloc: 8, gfp });
  }
  expect(kmallocEvidence(trace.dictionary.calls, 4096).hasOldFlags).toBe(isOld);
});
