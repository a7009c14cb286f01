// Our tables of gfp flag names against the print fmt of each recorded kernel's kmalloc event.

import { beforeAll, expect, test } from 'vitest';
import { gfpNamesFromPrintFmt, parseEventFormat } from '../../src/ingest/events/event-format.ts';
import { formatGfpFlags, gfpNamesOf, parseGfpFlags } from '../../src/kernel/events/gfp-flags.ts';
import type { GfpName } from '../../src/kernel/events/trace-info.ts';
import { describeWithData, recordedText } from '../helpers/data.ts';

function recordedNames(name: string): readonly GfpName[] {
  const text = recordedText(name, 'tracing/events/kmem/kmalloc/format');
  const names = gfpNamesFromPrintFmt(parseEventFormat(text)?.printFmt ?? '');
  if (names === null) throw new Error(`${name}: no gfp names`);
  return names;
}

/** Masks of names in the order in which the kernel tests them. */
const pairs = (names: readonly GfpName[]): string[] =>
  names.map(({ mask, name }) => `${name}=0x${mask.toString(16)}`);

const KERNELS: readonly (readonly [string, string])[] = [
  ['debian-plain-510', '5.10.0-38-amd64'],
  ['debian-plain', '6.1.0-56-amd64'],
  ['debian-plain-612', '6.12.117+deb13-amd64'],
  ['debian-plain-618', '6.18.15+deb14-amd64'],
  ['debian-plain-7x', '7.2.13+deb14-amd64'],
  ['debian-arm64', '6.12.117+deb13-arm64'],
];

for (const [name, release] of KERNELS) {
  describeWithData(name, 'gfp flag names', () => {
    let recorded: readonly GfpName[] = [];
    beforeAll(() => {
      recorded = recordedNames(name);
    });

    test('our table is the one in the kernel’s print fmt', () => {
      const own = gfpNamesOf(release);
      // Bits that the build has switched off (KASAN's, for instance) are in neither or have no mask.
      expect(pairs(own.filter(({ mask }) => mask !== 0))).toEqual(
        pairs(recorded.filter(({ mask }) => mask !== 0)),
      );
    });

    test('every number is printed so that it is read back', () => {
      for (let bit = 0; bit < 32; bit++) {
        for (let other = 0; other < 32; other++) {
          const flags = ((1 << bit) | (1 << other)) >>> 0;
          expect(parseGfpFlags(formatGfpFlags(flags, recorded), recorded)).toBe(flags);
        }
      }
    });
  });
}
