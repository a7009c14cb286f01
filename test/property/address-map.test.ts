// AddressMap against a Map of bigints.

import fc from 'fast-check';
import { expect, test } from 'vitest';
import { AddressMap } from '../../src/base/address-map.ts';

// Few addresses, so that they meet: in both halves, aligned and not.
const address = fc.tuple(
  fc.oneof(
    fc.nat(40).map((n) => n * 8),
    fc.constantFrom(1, 7, 0xffffffff, 0x80000000),
  ),
  fc.constantFrom(0, 1, 0xffff8880, 0xff110000, 0xffffffff),
);
const step = fc.record({
  kind: fc.constantFrom('set', 'set', 'delete', 'get'),
  address,
  value: fc.oneof(fc.nat(1000), fc.constant(0xfffffffe)),
});

test('any row of sets, gets and deletes gives what a Map gives', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 400 }), (steps) => {
      const map = new AddressMap(2);
      const model = new Map<string, number>();
      for (const { kind, address: at, value } of steps) {
        const key = at.join();
        const before = model.get(key) ?? -1;
        if (kind === 'get') expect(map.get(...at)).toBe(before);
        else if (kind === 'set') {
          expect(map.set(...at, value)).toBe(before);
          model.set(key, value);
        } else {
          expect(map.delete(...at)).toBe(before);
          model.delete(key);
        }
        expect(map.size).toBe(model.size);
      }
      for (const [key, value] of model) {
        const [lo, hi] = key.split(',').map(Number);
        expect(map.get(lo ?? 0, hi ?? 0)).toBe(value);
      }
    }),
  );
});
