// Advice weighed in whole slabs, on a trace that is small enough to be counted by hand.

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { Fragmentation } from '../../src/commands/frag/fragmentation.ts';
import { jsonOf, temporaryFolder } from '../helpers/run-cli.ts';

/** 64 objects of 129 bytes, one after the other, in slabs of kmalloc-192. */
function trace(): string {
  const rows = Array.from({ length: 64 }, (_, i) => {
    const slab = 0xffff888003000000n + BigInt(Math.floor(i / 21)) * 4096n;
    const ptr = slab + BigInt(i % 21) * 192n;
    return `0.${String(i + 1).padStart(6, '0')},0,7,kmalloc,0x${ptr.toString(16)},129,192,foo_probe+0x10`;
  });
  return `ts,cpu,pid,event,ptr,bytes_req,bytes_alloc,call_site\n${rows.join('\n')}\n`;
}

test('what shrinking and a cache of its own save', async () => {
  const path = join(temporaryFolder(), 'trace.csv');
  writeFileSync(path, trace());
  const { advice } = await jsonOf<Fragmentation>(['frag', path, '--by', 'site']);
  expect(advice).toMatchObject([
    {
      symbol: 'foo_probe+0x10',
      bytesReq: 129,
      classSize: 192,
      shrinkTo: 128,
      shrinkSavesNow: 4096, // 64 * (192 - 128)
      ownCacheSavesNow: 3584, // 64 * (192 - 136)
      // 21 objects of 192 bytes to a page are 4 slabs; 32 of 128 bytes are 2, 30 of 136 bytes are 3
      shrinkSavesSlabs: { now: 8192, atPeak: 8192 },
      ownCacheSavesSlabs: { now: 4096, atPeak: 4096 },
    },
  ]);
  const plain = await jsonOf<Fragmentation>(['frag', path, '--by', 'site', '--no-replay']);
  expect(plain.advice[0]).toMatchObject({ shrinkSavesSlabs: null, ownCacheSavesSlabs: null });
});
