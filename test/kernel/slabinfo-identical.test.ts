// The kernel's slabinfo tool was run on each recording's sysfs capture; what we print of that capture
// must be the same bytes (expected/slabinfo.<options>.txt in the recording).

import { readdirSync } from 'node:fs';
import { expect, test } from 'vitest';
import {
  SLABINFO_DEFAULTS as NONE,
  type SlabinfoOptions,
} from '../../src/commands/slabinfo/options.ts';
import { computeSlabinfo } from '../../src/commands/slabinfo/slabinfo.ts';
import { renderSlabinfoText } from '../../src/commands/slabinfo/slabinfo-text.ts';
import { parseSlabSysfs } from '../../src/kernel/caches/slab-sysfs.ts';
import {
  describeEachWith,
  isRecorded,
  recordedText,
  recording,
  textIfRecorded,
} from '../helpers/data.ts';

/** The options behind each name of an expected file. */
const OPTION_SETS: Record<string, SlabinfoOptions> = {
  default: NONE,
  L: { ...NONE, sortLoss: true },
  S: { ...NONE, sortSize: true },
  T: { ...NONE, totals: true },
  X: { ...NONE, extendedTotals: true },
  B: { ...NONE, bytes: true },
  a: { ...NONE, aliases: true },
  D: { ...NONE, activity: true },
  P: { ...NONE, sortPartial: true },
  U: { ...NONE, unreclaimOnly: true },
  z: { ...NONE, zero: true },
  e: { ...NONE, empty: true },
  '1': { ...NONE, singleRef: true },
  l: { ...NONE, list: true },
  'i-L': { ...NONE, inverted: true, sortLoss: true },
  LB: { ...NONE, sortLoss: true, bytes: true },
  LN20: { ...NONE, sortLoss: true, lines: 20 },
  SN5: { ...NONE, sortSize: true, lines: 5 },
  'r-kmalloc-64': { ...NONE, report: true, pattern: 'kmalloc-64' },
  kmalloc: { ...NONE, pattern: 'kmalloc' },
};

/** The tool ends with `Unresolved alias` where a link leads to a cache that is gone; we print on. */
function givesUp(name: string, key: string): boolean {
  return isRecorded(name, 'expected', `slabinfo.${key}.err`);
}

// Every recording with a capture and the tool's answers, also those no test names.
describeEachWith(
  ['slab_sysfs.txt', 'expected'],
  "slabinfo prints what the kernel's tool printed",
  (name) => {
    test('with every option', () => {
      const sysfs = parseSlabSysfs(
        recordedText(name, 'slab_sysfs.txt'),
        textIfRecorded(name, 'slab_sysfs_links.txt'),
      );
      expect(sysfs.badLines).toBe(0);
      const pageSize = Number(textIfRecorded(name, 'pagesize.txt') ?? 4096);
      for (const [key, options] of Object.entries(OPTION_SETS)) {
        if (givesUp(name, key)) continue;
        const result = computeSlabinfo(sysfs, pageSize, options);
        const file = `slabinfo.${key}.txt`;
        expect(renderSlabinfoText(result), file).toBe(recordedText(name, 'expected', file));
      }
    });

    const left = Object.keys(OPTION_SETS).filter((key) => givesUp(name, key));
    if (left.length > 0) test.skip(`not compared, the tool gives up: ${left.join(', ')}`);

    test('there is an answer for every option set we know, and no other', () => {
      const files = readdirSync(recording(name, 'expected')).filter((f) =>
        /^slabinfo\..*\.txt/.test(f),
      );
      const keys = files.map((f) => f.replace(/^slabinfo\./, '').replace(/\.txt(\.gz)?$/, ''));
      expect(keys.sort()).toEqual(Object.keys(OPTION_SETS).sort());
    });
  },
);
