// Kernel logs that were cut, lost lines, or have them twice: reports are found or not, nothing breaks,
// and whatever is said was printed.

import fc from 'fast-check';
import { expect, test } from 'vitest';
import { parseMemoryReports } from '../../src/kernel/memory-reports/parse-memory-reports.ts';
import { SEED } from '../helpers/random-traces.ts';

const LOG = `[    1.000000] Linux version 6.1.0
[   12.000001][  T9] =============================================================================
[   12.000002][  T9] BUG kmalloc-64 (Tainted: G    B  ): Poison overwritten
[   12.000003][  T9] -----------------------------------------------------------------------------
[   12.000004][  T9] 0xffff888001000010-0xffff888001000010 @offset=16. First byte 0x6c instead of 0x6b
[   12.000005][  T9] Allocated in foo+0x10/0x40 [bar] age=3 cpu=0 pid=9
[   12.000006][  T9]  kmem_cache_alloc+0x10/0x20
[   12.000007][  T9] Object 0xffff888001000000 @offset=0 fp=0x0000000000000000
[   13.000001][  T8] BUG: KASAN: slab-use-after-free in drop (fs/foo.c:12 (discriminator 3))
[   13.000002][  T8] Write of size 4 at addr ffff888104c2b128 by task belld/611
[   13.000003][  T8] Allocated by task 590:
[   13.000004][  T8]  kmalloc include/linux/slab.h:1 [inline]
[   13.000005][  T8]  [<ffffffff81578fe9>] ? bell_hang+0x31/0xb0
[   13.000006][  T8] The buggy address belongs to the object at ffff888104c2b100
[   13.000007][  T8]  which belongs to the cache kmalloc-96 of size 96
> 3,12,14000000,-;BUG: KFENCE: memory corruption in f+0x1/0x2
> 3,12,14000001,-;Corrupted memory at 0xffff8c2aa0232020 [ 0xac . . ] (in kfence-#23):
> 3,12,14000002,-;kfence-#23: 0xffff8c2aa0232000-0xffff8c2aa023201f, size=32, cache=kmalloc-32
`;
const LINES = LOG.split('\n');

const ADDRESSES = new Set([
  0xffff888001000000n,
  0xffff888001000010n,
  0xffff888104c2b100n,
  0xffff888104c2b128n,
  0xffff8c2aa0232000n,
  0xffff8c2aa0232020n,
]);

const damaged = fc.oneof(
  fc.nat(LOG.length).map((at) => LOG.slice(at)),
  fc.nat(LOG.length).map((at) => LOG.slice(0, at)),
  fc
    .array(fc.nat(2), { minLength: LINES.length, maxLength: LINES.length })
    .map((times) => LINES.flatMap((line, i) => Array<string>(times[i] ?? 1).fill(line)).join('\n')),
  fc
    .array(fc.nat(LINES.length - 1), { maxLength: 40 })
    .map((order) => order.map((i) => LINES[i]).join('\r\n')),
  fc
    .tuple(fc.nat(LOG.length), fc.string({ unit: 'binary' }))
    .map(([at, noise]) => LOG.slice(0, at) + noise + LOG.slice(at)),
);

test('damaged logs', () => {
  fc.assert(
    fc.property(damaged, (log) => {
      const { reports } = parseMemoryReports(log);
      const isOrdered = reports.every(({ line }, i) => line > (reports[i - 1]?.line ?? 0));
      return isOrdered && reports.length <= LINES.length;
    }),
    { numRuns: 1000, seed: SEED },
  );
});

test('logs without some of their lines, or with some twice, hold no address that was not printed', () => {
  const times = fc.array(fc.nat(2), { minLength: LINES.length, maxLength: LINES.length });
  fc.assert(
    fc.property(times, (counts) => {
      const log = LINES.flatMap((line, i) => Array<string>(counts[i] ?? 1).fill(line)).join('\n');
      return parseMemoryReports(log).reports.every(
        ({ address, allocated }) =>
          (address === null || ADDRESSES.has(address)) &&
          ['foo+0x10', 'bell_hang+0x31', null].includes(allocated?.in ?? null),
      );
    }),
    { numRuns: 500, seed: SEED },
  );
});

test('every line twice gives the same reports', () => {
  const twice = LINES.flatMap((line) => [line, line]).join('\n');
  const bare = (log: string): unknown =>
    parseMemoryReports(log).reports.map(({ tool, title, address, offset }) => [
      tool,
      title,
      address,
      offset,
    ]);
  expect(bare(twice)).toEqual(bare(LOG));
});
