// Filters select allocations after pairing over everything: a free follows its allocation, and no
// filter makes an object live that is freed (`--cpu` of one CPU would, if frees were filtered too).

import { expect, test } from 'vitest';
import { BOOT, jsonOf, outputOf, runCli, STACKS } from '../helpers/run-cli.ts';

interface Sums {
  readonly bytesAlloc: number;
  readonly bytesFreed: number;
  readonly liveObjects: number;
  readonly liveBytesAlloc: number;
}

interface Analysis {
  readonly totals: Sums;
  readonly caches: readonly { name: string; allocs: number; live: number }[];
}

const known = new Map<string, Promise<Analysis>>();

/** The analysis of a bundled recording, made once for each set of options. */
function analysis(...args: string[]): Promise<Analysis> {
  const key = args.join(' ');
  const found = known.get(key) ?? jsonOf<Analysis>(['analyze', ...args]);
  known.set(key, found);
  return found;
}

/** Two selections that part the allocations between them add up to all of them, live ones included. */
async function expectParts(source: string, one: string[], other: string[]): Promise<void> {
  const runs = [[], one, other].map((options) => analysis(source, ...options));
  const [{ totals: all }, { totals: a }, { totals: b }] = (await Promise.all(runs)) as [
    Analysis,
    Analysis,
    Analysis,
  ];
  for (const key of ['bytesAlloc', 'bytesFreed', 'liveObjects', 'liveBytesAlloc'] as const) {
    expect(a[key]).toBeGreaterThan(0);
    expect({ [key]: a[key] + b[key] }).toEqual({ [key]: all[key] });
  }
}

test('--cpu parts the allocations, and freed on another CPU is freed', () =>
  expectParts(STACKS, ['--cpu', '0'], ['--cpu', '1']));

test('--cpu on a whole boot', () =>
  expectParts(BOOT, ['--cpu', '0', '--no-replay'], ['--cpu', '1-7', '--no-replay']));

test('--comm and --exclude-comm part the allocations', () =>
  expectParts(STACKS, ['--comm', 'wl'], ['--exclude-comm', 'wl']));

test('--time parts the allocations: what is freed after the window is freed', () =>
  expectParts(STACKS, ['--time', '..204.05'], ['--time', '204.050000001..']));

test('--size parts the allocations', () =>
  expectParts(STACKS, ['--size', '..128'], ['--size', '129..']));

test('--age parts the allocations into short and long lives', () =>
  expectParts(STACKS, ['--age', '-10ms'], ['--age', '+10ms']));

test('--size selects what is asked for, not what is given', async () => {
  const { rows } = await jsonOf<{ rows: { bytesReqEach: number }[] }>([
    ...['frag', STACKS, '--by', 'size', '--size', '100..200'],
  ]);
  expect(rows.length).toBeGreaterThan(3);
  expect(rows.filter(({ bytesReqEach: size }) => size < 100 || size > 200)).toEqual([]);
});

test.each([
  [['--size', 'big'], "option '--size <FROM..TO>' argument 'big' is invalid. expected bytes"],
  [['--size', '9..1'], 'FROM is larger than TO'],
  [['--age', '5s'], 'expected +AGE (at least that old) or -AGE (younger), such as +5s or -100ms'],
  [['--age', '+5s', '--age', '-1s'], 'no object is at least as old'],
])('%j is refused', async (options, message) => {
  const { code, stderr } = await runCli(['analyze', STACKS, ...options]);
  expect(stderr).toContain(message);
  expect(code).toBe(2);
});

test('--age needs events that can be read twice', async () => {
  const { code, stderr } = await runCli(['analyze', '-', '--age', '+1s'], { input: '' });
  expect(stderr).toContain('--age: - can be read only once');
  expect(code).toBe(2);
});

test('--time from the start of the trace is the same window', async () => {
  // The first event is at 204.013665.
  const absolute = await analysis(STACKS, '--time', '204.023665..204.033665');
  const relative = await analysis(STACKS, '--time', '+0.01..+0.02');
  expect(relative).toEqual(absolute);
  expect(absolute.totals.bytesAlloc).toBeGreaterThan(0);
});

test('--pid selects the tasks named', async () => {
  const { rows } = await jsonOf<{ rows: { pid: number; allocs: number }[] }>([
    'frag',
    STACKS,
    '--by',
    'task',
  ]);
  const { rows: two } = await jsonOf<{ rows: { pid: number; allocs: number }[] }>([
    ...['frag', STACKS, '--by', 'task', '--pid', '1021', '--pid', '1030'],
  ]);
  const pids = new Set(two.filter((row) => row.allocs > 0).map((row) => row.pid));
  expect(pids).toEqual(new Set([1021, 1030]));
  for (const row of two) {
    expect(row).toEqual(rows.find((other) => other.pid === row.pid));
  }
});

test('--cache takes globs, several of them', async () => {
  const all = await analysis(STACKS);
  const some = await analysis(STACKS, '--cache', 'kmalloc-?k', '--cache', 'dentry');
  const names = some.caches.map((cache) => cache.name).sort();
  expect(names).toEqual(['dentry', 'kmalloc-1k', 'kmalloc-2k', 'kmalloc-4k', 'kmalloc-8k']);
  for (const cache of some.caches) {
    expect(cache).toEqual(all.caches.find((other) => other.name === cache.name));
  }
});

test('filters join: an allocation must pass all of them', async () => {
  const a = await analysis(STACKS, '--cpu', '0', '--comm', 'wl', '--cache', 'filp');
  const [filp] = a.caches;
  const b = await analysis(STACKS, '--cpu', '0', '--comm', 'wl');
  expect(filp).toEqual(b.caches.find((cache) => cache.name === 'filp'));
  expect(filp?.allocs).toBeGreaterThan(0);
});

test('where nothing is selected, one line says so', async () => {
  const text = await outputOf(['analyze', STACKS, '--time', '0..1']);
  const [head, blank, why] = text.split('\n');
  expect(head).toMatch(/^debian-6.12-stacks /);
  expect([blank, why]).toEqual([
    '',
    'No allocation is selected by --time 0..1; the trace is from 204.013665 s to 204.112868 s.',
  ]);
  expect(text).not.toContain('Next:');
});

test('a window that ends before it begins is a wrong use', async () => {
  const { code, stderr } = await runCli(['analyze', STACKS, '--time', '+2..+1']);
  expect(code).toBe(2);
  expect(stderr).toContain('FROM is later than TO');
});
