// What the commands print about the bundled recordings, as whole texts that were read before they
// were accepted (`npm test -- -u` writes them again; read the difference). What may not change without
// notice is checked here before: widths, alignment, ASCII.

import { expect, test } from 'vitest';
import { BOOT, outputOf, STACKS } from '../helpers/run-cli.ts';

const LEAKS = 'traces/leak-example';
/** Two objects under slub_debug=FZ, behind the first of which a byte was written. */
const RED_ZONE = 'test/fixtures/red-zone';
const PLANTED_BASE = 'traces/planted-leak/base.json.gz';
const PLANTED_NEW = 'traces/planted-leak/new.json.gz';

/** Name of the golden file, and the command that prints it. */
const CASES: readonly (readonly [string, readonly string[]])[] = [
  ['analyze-boot.txt', ['analyze', BOOT]],
  ['analyze-stacks-kmalloc.txt', ['analyze', STACKS, '--cache', 'kmalloc-*', '--top', '3']],
  ['analyze-stacks.txt', ['analyze', STACKS]],
  ['analyze-stacks.csv', ['analyze', STACKS, '--csv', '--cache', 'kmalloc-cg-*']],
  ['analyze-stacks.json', ['analyze', STACKS, '--json', '--cache', 'kmalloc-8k']],
  ['frag-boot-cache.txt', ['frag', BOOT]],
  ['frag-boot-size-peak.txt', ['frag', BOOT, '--by', 'size', '--at', 'peak', '--top', '10']],
  ['frag-stacks-site.txt', ['frag', STACKS, '--by', 'site', '--top', '10']],
  ['frag-stacks-task.txt', ['frag', STACKS, '--by', 'task', '--top', '10']],
  ['frag-stacks-at.txt', ['frag', STACKS, '--at', '+0.05', '--top', '5']],
  ['frag-stacks-stack.txt', ['frag', STACKS, '--by', 'stack', '--top', '10']],
  ['frag-stacks-task.csv', ['frag', STACKS, '--by', 'task', '--csv']],
  ['frag-stacks.json', ['frag', STACKS, '--json', '--cache', 'kmalloc-8k', '--by', 'site']],
  ['rates-boot.txt', ['rates', BOOT, '--top', '10']],
  ['rates-stacks-site.txt', ['rates', STACKS, '--by', 'site', '--top', '10']],
  ['rates-stacks-series.txt', ['rates', STACKS, '--interval', '0.025', '--series', '--top', '4']],
  ['rates-stacks.csv', ['rates', STACKS, '--csv', '--cache', 'kmalloc-*']],
  ['rates-stacks.json', ['rates', STACKS, '--json', '--series', '--cache', 'kmalloc-8k']],
  ['replay-boot.txt', ['replay', BOOT, '--top', '12']],
  ['replay-stacks-fzpu.txt', ['replay', STACKS, '--slub-debug', 'FZPU', '--top', '12']],
  ['replay-boot-at.txt', ['replay', BOOT, '--at', '5.2', '--cache', 'dentry', '--top', '12']],
  ['compare-planted.txt', ['compare', PLANTED_BASE, '--to', PLANTED_NEW]],
  ['compare-planted.md', ['compare', PLANTED_BASE, '--to', PLANTED_NEW, '--format', 'markdown']],
  ['leaks-example.txt', ['leaks', LEAKS, '--all']],
  ['leaks-example-kmemleak.txt', ['leaks', LEAKS, '--format', 'kmemleak']],
  ['leaks-example-referrers.txt', ['leaks', LEAKS, '--who-points-to', '0xffff888003a40080']],
  [
    'leaks-example-referrers.csv',
    ['leaks', LEAKS, '--who-points-to', '0xffff888003a40080', '--csv'],
  ],
  [
    'leaks-stacks-outstanding.txt',
    ['leaks', STACKS, '--outstanding', '--min-age', '0', '--top', '5'],
  ],
  ['lint-stacks.txt', ['lint', STACKS, '--top', '2']],
  ['lint-double-free.txt', ['lint', 'traces/tutorial/double-free.csv']],
  ['validate-red-zone.txt', ['validate', RED_ZONE]],
  ['validate-red-zone.csv', ['validate', RED_ZONE, '--csv']],
  ['perfkmem-stacks.txt', ['perfkmem', STACKS, '--caller', '-l', '10', '--alloc', '-l', '5']],
];

/** Columns of a mail; perf's tables are wider, as they are in perf. */
const WIDTH = 100;

for (const [name, args] of CASES) {
  test(`slabreplay ${args.join(' ')} prints ${name}`, async () => {
    const text = await outputOf(args);
    expect(text).toMatch(/\n$/);
    expect(text).toMatch(/^[\n -~]*$/);
    expect(text).not.toMatch(/NaN|Infinity|undefined/);
    if (name.endsWith('.txt') && !name.startsWith('perfkmem')) {
      expect(text).not.toMatch(/ $/m);
      const widest = Math.max(...text.split('\n').map((line) => line.length));
      expect(widest).toBeLessThanOrEqual(WIDTH);
    }
    await expect(text).toMatchFileSnapshot(`../golden/${name}`);
  });
}
