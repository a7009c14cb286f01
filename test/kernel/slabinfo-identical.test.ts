// The kernel's slabinfo tool was run on each recording's sysfs capture; what we print of that capture
// must be the same bytes (expected/slabinfo.<options>.txt in the recording).

import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import {
  SLABINFO_DEFAULTS as NONE,
  type SlabinfoOptions,
} from '../../src/analysis/slabinfo/options.ts';
import { computeSlabinfo } from '../../src/analysis/slabinfo/slabinfo.ts';
import { parseSlabSysfs } from '../../src/kernel/slab-sysfs.ts';
import { renderSlabinfoText } from '../../src/report/slabinfo-text.ts';
import { recording } from '../helpers/data.ts';

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

/** A file of a recording, plain or packed; undefined where there is neither. */
function textOf(...path: string[]): string | undefined {
  const plain = recording(...path);
  if (existsSync(plain)) return readFileSync(plain, 'utf8');
  const packed = `${plain}.gz`;
  return existsSync(packed) ? gunzipSync(readFileSync(packed)).toString('utf8') : undefined;
}

/** Every recording with a capture and the tool's answers, the ones not named anywhere included. */
function recordings(): string[] {
  if (!existsSync(recording())) return [];
  return readdirSync(recording()).filter(
    (name) =>
      textOf(name, 'slab_sysfs.txt') !== undefined && existsSync(recording(name, 'expected')),
  );
}

const names = recordings();

describe.skipIf(names.length === 0)(
  `slabinfo prints what the kernel's tool printed (${names.length} recordings)`,
  () => {
    test.each(names)('%s', (name) => {
      const sysfs = parseSlabSysfs(
        textOf(name, 'slab_sysfs.txt') ?? '',
        textOf(name, 'slab_sysfs_links.txt'),
      );
      expect(sysfs.badLines).toBe(0);
      const pageSize = Number(textOf(name, 'pagesize.txt') ?? 4096);
      let compared = 0;
      for (const [key, options] of Object.entries(OPTION_SETS)) {
        const expected = textOf(name, 'expected', `slabinfo.${key}.txt`);
        if (expected === undefined) continue;
        compared++;
        const result = computeSlabinfo(sysfs, pageSize, options);
        expect(renderSlabinfoText(result), `slabinfo.${key}.txt`).toBe(expected);
      }
      expect(compared).toBeGreaterThan(0);
    });
  },
);

test.runIf(names.length > 0)('each recording has an answer for every option set we know', () => {
  for (const name of names) {
    const files = readdirSync(recording(name, 'expected')).filter((f) => f.startsWith('slabinfo.'));
    const keys = files.map((f) => f.replace(/^slabinfo\./, '').replace(/\.txt(\.gz)?$/, ''));
    expect(Object.keys(OPTION_SETS).sort(), name).toEqual(keys.sort());
  }
});
