// scripts/kfree-rcu-users.js on a made-up source of two kernels, and what the documentation says of the
// list that it made.

import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { KFREE_RCU_USERS } from '../../../../src/kernel/caches/kfree-rcu-users.ts';

const ROOT = join(import.meta.dirname, '..', '..', '..', '..');
const TREES = ['6.1', '6.12'].map((version) => join(ROOT, 'test/fixtures/kernel-source', version));

/** The lines of a list. */
function linesOf(list: string): string[] {
  return list.trim().split('\n');
}

test('the script finds what kfree_rcu(), kvfree_rcu() and callbacks that free in bulk free', () => {
  const script = join(ROOT, 'scripts/kfree-rcu-users.js');
  const made = execFileSync(process.execPath, [script, ...TREES], { encoding: 'utf8' });
  expect(made).toContain('from Linux 6.1.7 and 6.12.3 on ');
  expect(linesOf(made.split('`')[1] ?? '')).toEqual([
    'cache new_route route 6.1',
    'cache route_add route 6.1',
    'kmalloc __arm64_sys_slow slow 6.12',
    'kmalloc __do_sys_slow slow 6.12',
    'kmalloc __x64_sys_slow slow 6.12',
    'kmalloc batch_alloc batch 6.1,6.12',
    'kmalloc new_route metrics 6.1',
    'kmalloc route_add metrics 6.1',
  ]);
});

test('the documentation has the size and the date of the list', () => {
  const source = readFileSync(join(ROOT, 'src/kernel/caches/kfree-rcu-users.ts'), 'utf8');
  const [, kernels, date] = /from Linux (\S+ and \S+) on (\S+):/.exec(source) ?? [];
  const count = linesOf(KFREE_RCU_USERS).length;
  for (const page of ['model-limits.md', 'model-rules.md']) {
    const text = readFileSync(join(ROOT, 'docs', page), 'utf8');
    expect(text, page).toMatch(new RegExp(`${count} entries, made on ${date} `));
    expect(text, page).toContain(kernels);
  }
});
