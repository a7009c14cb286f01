// The bundled boot against what its kernel knew: the slabinfo tool's own output on the same sysfs
// capture, and every object that the memory dump held at the instant the trace stopped. The larger
// set of recordings is tested in test/kernel, where it is there.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { BOOT, outputOf, ROOT, temporaryFolder } from '../helpers/run-cli.ts';

const FOLDER = join(ROOT, BOOT);

/** `expected/slabinfo.<name>.txt` was printed by the kernel's tool with these options. */
const SLABINFO: Record<string, string[]> = {
  default: [],
  '1': ['-1'],
  B: ['-B'],
  D: ['-D'],
  L: ['-L'],
  LB: ['-L', '-B'],
  LN20: ['-L', '-N', '20'],
  P: ['-P'],
  S: ['-S'],
  SN5: ['-S', '-N', '5'],
  T: ['-T'],
  U: ['-U'],
  X: ['-X'],
  a: ['-a'],
  e: ['-e'],
  'i-L': ['-i', '-L'],
  kmalloc: ['kmalloc'],
  l: ['-l'],
  'r-kmalloc-64': ['-r', 'kmalloc-64'],
  z: ['-z'],
};

test.each(Object.entries(SLABINFO))(
  'slabinfo %s prints what the tool printed',
  async (name, options) => {
    const expected = readFileSync(join(FOLDER, 'expected', `slabinfo.${name}.txt`), 'utf8');
    expect(await outputOf(['slabinfo', BOOT, ...options])).toBe(expected);
  },
);

interface LiveObject {
  readonly address: string;
  readonly cache: string;
  readonly bytes_alloc: number;
  readonly certain: number;
}

/** The name in /proc/slabinfo of a cache that was merged with others. */
function mergedNames(): Map<string, string> {
  const links = readFileSync(join(FOLDER, 'slab_sysfs_links.txt'), 'utf8');
  const names = new Map<string, string>();
  for (const line of links.split('\n')) {
    const [, alias, id] = /([^/ ]+) -> .*?([^/]+)$/.exec(line) ?? [];
    if (alias !== undefined && id !== undefined) names.set(alias, id);
  }
  return names;
}

test('what is called live is what the kernel held', async () => {
  const db = join(temporaryFolder(), 'run.db');
  await outputOf(['ingest', BOOT, '-o', db]);
  const query = 'SELECT address, cache, bytes_alloc, certain FROM live_object';
  const all = JSON.parse(await outputOf(['sql', db, query, '--json'])) as LiveObject[];
  // Page-backed kmalloc lies in no slab; the dump's list is of slabs.
  const live = all.filter((row) => row.cache !== 'kmalloc-large');

  const held = new Map<string, string>();
  const traced = new Set<string>();
  const truth = gunzipSync(readFileSync(join(FOLDER, 'truth_live.tsv.gz'))).toString('utf8');
  for (const line of truth.split('\n').slice(1)) {
    const [address = '', cache = '', inTrace] = line.split('\t');
    if (address === '') continue;
    held.set(`0x${address}`, cache);
    if (inTrace === '1') traced.add(`0x${address}`);
  }
  expect(traced.size).toBeGreaterThan(100_000);

  const certain = live.filter((row) => row.certain === 1);
  const right = live.filter((row) => held.has(row.address));
  const merged = mergedNames();
  const canonical = (name = ''): string => merged.get(name) ?? name;
  const named = right.filter((row) => canonical(row.cache) === canonical(held.get(row.address)));
  const share = (part: number, whole: number): number => (100 * part) / whole;

  const rightAndCertain = certain.filter((row) => held.has(row.address)).length;
  expect(share(rightAndCertain, certain.length)).toBeGreaterThanOrEqual(99.95);
  expect(share(right.length, live.length)).toBeGreaterThanOrEqual(98.7);
  const found = right.filter((row) => traced.has(row.address)).length;
  expect(share(found, traced.size)).toBeGreaterThanOrEqual(99.8);
  expect(share(named.length, right.length)).toBeGreaterThanOrEqual(99.9);
  expect(share(certain.length, live.length)).toBeGreaterThanOrEqual(90);
});
