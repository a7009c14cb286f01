// Inputs that were read to their end and hold nothing of ours: what the error lists.

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { openRun } from '../../../src/run/open-run.ts';
import { temporaryFolder } from '../../helpers/run-cli.ts';

function fileOf(text: string): string {
  const path = join(temporaryFolder(), 'trace.txt');
  writeFileSync(path, text);
  return path;
}

const OTHER = (name: string, i: number): string => `  sh-5 [000] d..2. 1.00000${i}: ${name}: x=1\n`;

describe('a text without kmem events', () => {
  test('lists the events that it has, most first', async () => {
    const lines = ['irq_entry', 'sched_switch', 'sched_switch', 'irq_entry', 'sched_switch'];
    const path = fileOf(`# tracer: nop\n${lines.map(OTHER).join('')}`);
    await expect(openRun({ source: path })).rejects.toMatchObject({
      exitCode: 65,
      message: `${path}: no kmem event was recorded; it holds 3 sched_switch, 2 irq_entry`,
      hint: expect.stringContaining('trace-cmd record -e kmem'),
    });
  });

  test('lists the most frequent of many', async () => {
    const names = Array.from({ length: 15 }, (_, i) => `event${String(i).padStart(2, '0')}`);
    const path = fileOf(`# tracer: nop\n${names.map((name) => OTHER(name, 1)).join('')}`);
    await expect(openRun({ source: path })).rejects.toThrow('1 event11, events of 3 more names');
  });

  test('that is empty but for its header', async () => {
    const path = fileOf('# tracer: nop\n#\n# entries-in-buffer/entries-written: 0/0   #P:2\n');
    await expect(openRun({ source: path })).rejects.toThrow('it holds no event at all');
  });

  test('a page of HTML that is none of systrace is named', async () => {
    const path = fileOf('<!DOCTYPE html>\n<html>\n<p>A page about kmalloc</p>\n</html>\n');
    await expect(openRun({ source: path })).rejects.toThrow('not a trace: it is a page of HTML');
  });
});

test('page events and frees alone are no empty recording', async () => {
  for (const event of [
    'mm_page_free: page=00000000a5a1e26c pfn=0x12 order=0',
    'kfree: call_site=f ptr=0xffff888001230000',
  ]) {
    const { run } = await openRun({ source: fileOf(`  sh-5 [000] d..2. 1.000000: ${event}\n`) });
    expect(run.dictionary.calls.length).toBeGreaterThan(1);
  }
});
