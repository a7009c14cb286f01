// --top N cuts every text table of our own commands, 0 is all of them; JSON and CSV are never cut.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { BOOT, outputOf, runCli, STACKS } from '../helpers/run-cli.ts';

const GATED = ['--no-replay', '--fail-on', 'cache:*:live<+1%'];
/** What a whole boot is to a comparison; read once. */
const folder = mkdtempSync(join(tmpdir(), 'slabreplay-top-'));
const BASELINE = join(folder, 'boot.json');
const COMPARED = ['compare', STACKS, '--to', BASELINE];

beforeAll(() => outputOf(['compare', BOOT, '--no-replay', '--save-baseline', BASELINE]));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function linesAt(args: readonly string[], top: number): Promise<number> {
  // A gate that is crossed is exit 1.
  const { code, stdout } = await runCli([...args, '--top', String(top)]);
  expect(code).toBeLessThan(2);
  return stdout.split('\n').length;
}

// A row more of each table is that many lines more: of each layout the tables that are lists.
test.each([
  [3, 'wasted, held, busiest', ['analyze', STACKS, '--no-replay']],
  [2, 'rows and advice', ['frag', STACKS, '--no-replay', '--by', 'cache']],
  [2, 'rows and advice', ['frag', STACKS, '--no-replay', '--by', 'site']],
  [2, 'rows and advice', ['frag', STACKS, '--no-replay', '--by', 'size']],
  [2, 'rows and advice', ['frag', STACKS, '--no-replay', '--by', 'task']],
  [2, 'rows and advice', ['frag', STACKS, '--no-replay', '--by', 'stack']],
  [2, 'rows in another order and advice', ['frag', STACKS, '--no-replay', '--sort', 'objects']],
  [1, 'rows', ['rates', STACKS]],
  [1, 'rows', ['rates', STACKS, '--by', 'site', '--sort', 'bytes']],
  [2, 'rows of two intervals', ['rates', STACKS, '--series', '--interval', '0.05']],
  [1, 'sites', ['leaks', STACKS, '--outstanding']],
  [1, 'caches', ['replay', STACKS]],
  [1, 'caches', ['replay', STACKS, '--slub-debug', 'FZPU']],
  [2, 'owners, of two lines', ['history', STACKS, '0xffff8d4881ac8000']],
  [3, 'owners, of two lines, and neighbours', ['history', STACKS, '0xffff8d4886f9b840']],
  [5, 'worse and better sites and caches, a gate', [...COMPARED, ...GATED]],
  [5, 'the same as Markdown', [...COMPARED, ...GATED, '--format', 'markdown']],
  [1, 'rows', [...COMPARED, '--no-replay', '--format', 'lkp']],
])('%i more: %s: %j', async (gain, _, args) => {
  const [two, three, all] = [
    await linesAt(args, 2),
    await linesAt(args, 3),
    await linesAt(args, 0),
  ];
  expect(three - two).toBe(gain);
  expect(all).toBeGreaterThan(three);
});

test('lint: findings of each rule, of two lines', async () => {
  const args = ['lint', STACKS, '--no-replay'];
  const [one, two] = [await linesAt(args, 1), await linesAt(args, 2)];
  expect(two - one).toBe(2);
});

test('leaks --all: every object, or as many as are asked for', async () => {
  const args = ['leaks', 'traces/leak-example', '--all', '--min-age', '0'];
  const all = await outputOf(args);
  expect(all).not.toContain('more (--top 0)');
  expect(await outputOf([...args, '--top', '1'])).toMatch(/^\.\.\. \d+ more \(--top 0\)$/m);
  expect(await outputOf([...args, '--top', '0'])).toBe(all);
});

describe('never cut', () => {
  test.each([
    [['analyze', STACKS, '--no-replay']],
    [['frag', STACKS, '--no-replay', '--by', 'site']],
    [['rates', STACKS]],
    [['lint', STACKS, '--no-replay']],
    [['leaks', STACKS, '--outstanding']],
    [['replay', STACKS]],
    [['compare', STACKS, '--to', STACKS, '--no-replay']],
  ])('%j as JSON and CSV', async (args) => {
    for (const layout of ['--json', '--csv']) {
      const whole = await outputOf([...args, layout]);
      expect(await outputOf([...args, layout, '--top', '1'])).toBe(whole);
    }
  });
});
