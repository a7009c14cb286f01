// Laws of `validate`: damage anywhere is found at its bytes and nowhere else; whatever the memory
// holds, the checks come to an end and throw nothing.

import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type SlabValidation, validateSlabs } from '../../src/snapshot/validate/validate-slabs.ts';
import {
  BASE,
  FREE,
  offsetOf,
  poorMachine,
  type SlabHeader,
} from '../helpers/debug-slab-writer.ts';
import { SEED } from '../helpers/random-traces.ts';

async function validate(
  damage: (bytes: Buffer) => void,
  header?: SlabHeader,
): Promise<SlabValidation> {
  return validateSlabs(await poorMachine(damage, header).slub(), undefined);
}

interface Region {
  readonly kind: string;
  readonly from: number;
  readonly to: number;
  readonly byte: number;
}

/** What must hold what in an object of 72 bytes, from its start (check_object(), mm/slub.c of 6.12); tail: from the slab's. */
function regionsOf(object: number): Region[] {
  const isFree = FREE.includes(object);
  const zone = isFree ? 0xbb : 0xcc;
  const start = offsetOf(object);
  const region = (kind: string, from: number, to: number, byte: number): Region => ({
    kind,
    from: start + from,
    to: start + to,
    byte,
  });
  return [
    region('redzone-left', -8, 0, zone),
    region('redzone-right', 72, 80, zone),
    region('object-padding', 152, 160, 0x5a),
    ...(isFree ? [region('poison', 0, 71, 0x6b), region('poison', 71, 72, 0xa5)] : []),
    { kind: 'slab-padding', from: 8064, to: 8192, byte: 0x5a },
  ];
}

test('bytes that are overwritten are found, those bytes and no others', async () => {
  const damage = fc
    .tuple(fc.nat(47), fc.nat(100), fc.nat(100), fc.nat(100), fc.nat(255))
    .map(([object, which, at, length, value]) => {
      const regions = regionsOf(object);
      const region = regions[which % regions.length] as Region;
      const from = region.from + (at % (region.to - region.from));
      const to = from + 1 + (length % (region.to - from));
      return { region, from, to, value: value === region.byte ? value ^ 1 : value };
    });
  await fc.assert(
    fc.asyncProperty(damage, async ({ region, from, to, value }) => {
      const { reports } = await validate((bytes) => bytes.fill(value, from, to));
      const found = reports.map((r) => [r.kind, r.damaged?.first, r.damaged?.last]);
      expect(found).toEqual([[region.kind, BASE + BigInt(from), BASE + BigInt(to - 1)]]);
    }),
    { seed: SEED, numRuns: 100 },
  );
});

test('whatever a slab and its header hold, the checks end, and end alike', async () => {
  const garbage = fc.record({
    writes: fc.array(fc.tuple(fc.nat(8191), fc.uint8Array({ minLength: 1, maxLength: 600 })), {
      maxLength: 8,
    }),
    inuse: fc.nat(65535),
    objects: fc.nat(32767),
    frozen: fc.boolean(),
    freelist: fc.oneof(
      fc.bigInt({ min: 0n, max: (1n << 64n) - 1n }),
      fc.nat(8191).map((at) => BASE + BigInt(at)),
    ),
  });
  await fc.assert(
    fc.asyncProperty(garbage, async ({ writes, ...header }) => {
      const scribble = (bytes: Buffer): void => {
        for (const [at, data] of writes) bytes.set(data.subarray(0, 8192 - at), at);
      };
      const first = await validate(scribble, header);
      const second = await validate(scribble, header);
      expect(first.reports).toEqual(second.reports);
      expect(first.slabs).toBe(1);
      // At most the counts, and seven regions, a pointer and a track for each object.
      expect(first.reports.length).toBeLessThan(10 + 48 * 9);
    }),
    { seed: SEED, numRuns: 100 },
  );
});

test('whatever a kmem_cache holds, the checks end, and throw nothing', async () => {
  const word = fc.oneof(fc.nat(400), fc.nat(70_000), fc.nat(0xffffffff));
  // flags, size, object_size, offset, oo, min, inuse, align, red_left_pad.
  const field = fc.constantFrom(8, 24, 28, 40, 52, 56, 80, 84, 88);
  const changes = fc.array(fc.tuple(field, word), { minLength: 1, maxLength: 4 });
  await fc.assert(
    fc.asyncProperty(changes, async (changed) => {
      const machine = poorMachine((bytes) => bytes.fill(0x41, 512, 2048));
      const address = (await machine.slub()).caches[1]?.address ?? 0n;
      for (const [at, value] of changed) machine.put32(address + BigInt(at), value);
      const slub = await machine.slub();
      const { slabs, objects, objectsUnchecked, notUnderstood } = validateSlabs(slub, undefined);
      expect(slabs).toBeLessThanOrEqual(1);
      expect(objects + objectsUnchecked).toBeLessThanOrEqual(32767);
      expect(notUnderstood.every((name) => name === 'poor')).toBe(true);
    }),
    { seed: SEED, numRuns: 80 },
  );
});
