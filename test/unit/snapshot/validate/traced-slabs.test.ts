// Slabs that are known by a trace only, in memory that a debugger printed.

import { expect, test } from 'vitest';
import { openKernel } from '../../../../src/snapshot/kernel/kernel-image.ts';
import { openSnapshot } from '../../../../src/snapshot/memory/open-snapshot.ts';
import {
  type TracedValidation,
  validateTraced,
} from '../../../../src/snapshot/validate/traced-slabs.ts';
import {
  BASE,
  CHECKED,
  FREE,
  poorSlab,
  printedWords,
  SLAB_BYTES,
} from '../../../helpers/debug-slab-writer.ts';
import { tempFile } from '../../../helpers/image-builders.ts';

async function validate(
  damage: (bytes: Buffer) => void,
  without?: (offset: number) => boolean,
  isRecorded = true,
): Promise<TracedValidation> {
  const bytes = poorSlab(FREE, BASE);
  damage(bytes);
  const words = printedWords(bytes, BASE, without);
  const kernel = await openKernel(await openSnapshot(tempFile(Buffer.from(words))), {
    kallsyms: undefined,
    release: '6.1.0',
    btfPath: undefined,
    structOffsets: undefined,
  });
  const slab = { cache: CHECKED, base: BASE, size: SLAB_BYTES, objects: 48, isRecorded };
  return validateTraced(kernel, [slab, { ...slab, base: BASE + 0x100000n }]);
}

function shown({ reports }: TracedValidation): string[] {
  return reports.map(({ kind, address, damaged }) => {
    return `${kind} ${address - BASE} ${(damaged?.first ?? 0n) - BASE}`;
  });
}

test('free and allocated objects are told by their red zones', async () => {
  const validation = await validate(() => undefined);
  expect(shown(validation)).toEqual([]);
  expect(validation).toMatchObject({ slabs: 1, objects: 48, objectsUnchecked: 48, slabsGone: 0 });
});

test('red zones, poison and padding are checked', async () => {
  const validation = await validate((bytes) => {
    bytes.fill(0x41, 841, 842);
    bytes.fill(0x41, 516, 517);
    bytes.fill(0x41, 1007, 1008);
    bytes.fill(0x41, 8100, 8101);
  });
  expect(shown(validation)).toEqual([
    'slab-padding 8100 8100',
    'poison 512 516',
    'redzone-left 848 841',
    'object-padding 848 1007',
  ]);
  const text = validation.reports[1]?.text ?? '';
  expect(text).toMatch(/^Object 0xffff888000800200 @offset=512$/m);
  expect(text).toMatch(/^\[not in the snapshot: .*fp of the object/m);
});

test('the end of a slab whose size is computed is not', async () => {
  const validation = await validate((bytes) => bytes.fill(0x41, 8100, 8101), undefined, false);
  expect(shown(validation)).toEqual([]);
});

test('the objects that were printed are checked, the others are not', async () => {
  // Objects 0 to 4 and the padding of the slab are missing.
  const validation = await validate(
    (bytes) => {
      bytes.fill(0x41, 841, 842);
      bytes.fill(0x41, 180, 181);
    },
    (offset) => offset < 832 || offset >= 8064,
  );
  expect(shown(validation)).toEqual(['redzone-left 848 841']);
  expect(validation).toMatchObject({ slabs: 1, objects: 43, objectsUnchecked: 53 });
});

test('memory that is something else by now is no damage', async () => {
  const validation = await validate((bytes) => {
    for (let at = 0; at < bytes.length; at++) bytes[at] = (at * 7) & 0xff;
  });
  expect(shown(validation)).toEqual([]);
  expect(validation).toMatchObject({ slabs: 0, objects: 0, slabsGone: 1 });
});
