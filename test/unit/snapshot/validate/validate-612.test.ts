// 6.12 with slub_debug=FZPU: all damage of an object is one report of the kernel's, with a short line
// for each further one; what a kmalloc did not ask for is a red zone, too.

import { expect, test } from 'vitest';
import { objectOffset } from '../../../../src/kernel/checks/checked-slab.ts';
import { initObject, setOrigSize, setupSlab } from '../../../../src/kernel/checks/object-memory.ts';
import { SLAB } from '../../../../src/kernel/slub/slab-flags.ts';
import {
  type SlabValidation,
  validateSlabs,
} from '../../../../src/snapshot/validate/validate-slabs.ts';
import { checkedCache, FZPU } from '../../../helpers/checked-slabs.ts';
import { bswap64, type CacheShape, pageAt, RANDOM, Slub612 } from '../../../helpers/slub-writer.ts';

const FRAME = 0x800;
const BASE = pageAt(FRAME);

/** Bits 0-3 and 7: F, Z, P, SLAB_KMALLOC, U. */
const KERNEL_FLAGS = 0x8f;

/** As slub_caches.tsv of debug-slub-612 has it. */
const KMALLOC_64: CacheShape = {
  name: 'kmalloc-64',
  size: 256,
  objectSize: 64,
  inuse: 72,
  offset: 72,
  align: 64,
  redLeftPad: 64,
  order: 0,
  objects: 16,
  flags: KERNEL_FLAGS,
};
const CHECKED = checkedCache({
  name: 'kmalloc-64',
  release: '6.12',
  objectSize: 64,
  align: 64,
  flags: FZPU | SLAB.KMALLOC,
});

/** Where an object begins. */
function at(object: number): number {
  return objectOffset(CHECKED, object);
}

/** Object 2 is free; of the others 60 bytes were asked for. */
async function validate(damage: (bytes: Buffer) => void): Promise<SlabValidation> {
  const slub = new Slub612();
  const { at: cache, node } = slub.cache(KMALLOC_64);
  slub.slab(cache, KMALLOC_64, FRAME, [2]);
  slub.put64(node + 32n, 1n);
  const bytes = Buffer.alloc(4096);
  setupSlab(CHECKED, bytes);
  for (let object = 0; object < 16; object++) {
    bytes.fill(0, at(object) + 80, at(object) + 144);
    setOrigSize(CHECKED, bytes, at(object), 60);
    initObject(CHECKED, bytes, at(object), object !== 2);
    const pointer = at(object) + 72;
    bytes.writeBigUInt64LE(RANDOM ^ bswap64(BASE + BigInt(pointer)), pointer);
  }
  damage(bytes);
  slub.kernel.machine.poke(FRAME * 4096, bytes);
  slub.finish();
  return validateSlabs(await slub.slub(), undefined);
}

function shown({ reports }: SlabValidation): string[] {
  return reports.map(({ title, address }) => `${title} ${address - BASE}`);
}

test('a sound slab', async () => {
  const validation = await validate(() => undefined);
  expect(shown(validation)).toEqual([]);
  expect(validation).toMatchObject({ slabs: 1, objects: 16, notUnderstood: [] });
  expect(validation.caches[1]).toMatchObject({ allocated: 15 });
});

test('bytes behind the request', async () => {
  const validation = await validate((bytes) => bytes.fill(0x41, at(3) + 61, at(3) + 62));
  expect(shown(validation)).toEqual(['kmalloc Redzone overwritten 832']);
  const lines = validation.reports[0]?.text.split('\n') ?? [];
  expect(lines.slice(0, 3)).toEqual([
    '[kmalloc Redzone overwritten] 0xffff88800080037d-0xffff88800080037d @offset=893. ' +
      'First byte 0x41 instead of 0xcc',
    '='.repeat(77),
    'BUG kmalloc-64: Object corrupt',
  ]);
  expect(lines).toContain(
    'FIX kmalloc-64: Restoring kmalloc Redzone 0xffff88800080037d-0xffff88800080037d=0xcc',
  );
});

test('the second damage of an object has a short line', async () => {
  const validation = await validate((bytes) => {
    bytes.fill(0x41, at(3) - 1, at(3));
    bytes.fill(0x42, at(3) + 64, at(3) + 66);
    bytes.fill(0x43, at(2) + 5, at(2) + 6);
  });
  expect(shown(validation)).toEqual([
    'Poison overwritten 576',
    'Left Redzone overwritten 832',
    'Right Redzone overwritten 832',
  ]);
  expect(validation.reports[2]?.text).toBe(
    '[Right Redzone overwritten] 0xffff888000800380-0xffff888000800381 @offset=896. ' +
      'First byte 0x42 instead of 0xcc\n' +
      'FIX kmalloc-64: Restoring Right Redzone 0xffff888000800380-0xffff888000800381=0xcc',
  );
});
