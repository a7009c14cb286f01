// `replay` as a whole on a few events of which everything is known, in this process: the passes, the
// text, the table. What it prints of whole recordings: test/golden/replay-*.txt.

import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import {
  describeChanges,
  parseReplayOptions,
  type ReplayTexts,
} from '../../../../src/commands/replay/replay-options.ts';
import { type Replay, replayRun } from '../../../../src/commands/replay/replay-run.ts';
import { renderReplay, renderReplayCsv } from '../../../../src/commands/replay/replay-text.ts';
import { EVERYTHING } from '../../../../src/pairing/event-filter.ts';

// Two slabs of kmalloc-64, one for each CPU; CPU 1 frees an object of CPU 0's; one page-backed kmalloc.
const EVENTS = `ts,cpu,pid,event,ptr,call_site,bytes_req,bytes_alloc,gfp_flags,node
0.000001,0,1,kmalloc,0xffff888001000000,probe+0x10,60,64,GFP_KERNEL,-1
0.000002,0,1,kmalloc,0xffff888001000040,probe+0x10,60,64,GFP_KERNEL,-1
0.000003,1,1,kmalloc,0xffff888001002000,probe+0x10,60,64,GFP_KERNEL,-1
0.000004,1,1,kfree,0xffff888001000000,remove+0x10,,,,
0.000005,0,1,kmalloc,0xffff888001000080,probe+0x10,60,64,GFP_KERNEL,-1
0.000006,0,1,kmalloc,0xffff888001004000,open+0x20,9000,12288,GFP_KERNEL,-1
`;
const source = join(mkdtempSync(join(tmpdir(), 'slabreplay-replay-')), 'few.csv');
writeFileSync(source, EVENTS);

/** What the recording does not tell: the kernel and its CPUs. */
const RECORDED: ReplayTexts = { kernel: '6.1', cpus: '2' };

function replay(texts: ReplayTexts = {}, at?: string, caches: string[] = []): Promise<Replay> {
  const selection = { ...EVERYTHING, caches };
  return replayRun({ source, selection }, { ...parseReplayOptions({ ...RECORDED, ...texts }), at });
}

const cells = (lines: string): string => lines.replaceAll(/ +/g, ' ');

describe('a replay of a few events', () => {
  test('state and fidelity', async () => {
    const result = await replay();
    expect(result.fidelity).toMatchObject({ allocations: 4, slotMatches: 4, cpuSlabHits: 2 });
    const text = cells(renderReplay(result, 20));
    expect(text).toContain('SLUB as in 6.1, no slub_debug, orders 0-3, 2 CPUs, 1 node');
    expect(text).toContain('At the end: 3 objects in 2 slabs, 8.0 KB');
    expect(text).toContain('\nkmalloc-64 64 0 64 3 2 - 2 0 8.0 KB 100.0 %\n');
    expect(text).toContain('not counted 1 page-backed kmalloc');
    expect(renderReplayCsv(result)).toContain('\nkmalloc-64,64,0,64,3,2,,2,0,8192,100\n');
  });

  test('a slab map: the free objects of a CPU, and those that another one has freed', async () => {
    const result = await replay({}, 'end', ['kmalloc-64']);
    expect(renderReplay(result, 20)).toContain(`kmalloc-64: 2 slabs of 64 objects
  0xffff888001000000  CPU 0 slab          .##${'o'.repeat(61)}
                                          held      3 > 4 > 5 > 6 > 7 > 8 > 9 > 10 > and 53 more
                                          freelist  0
  0xffff888001002000  CPU 1 slab          #${'o'.repeat(63)}
                                          held      1 > 2 > 3 > 4 > 5 > 6 > 7 > 8 > 9 > and 54 more
`);
    expect(renderReplay(result, 1)).toContain('\n... 1 more (--top 0)\n');
  });

  test('another machine: what was said of the recorded one is no change', async () => {
    const result = await replay({ slubDebug: 'Z' });
    expect(result.whatIf?.changes).toEqual(['--slub-debug Z']);
    const text = cells(renderReplay(result, 20));
    // Without CPU slabs one slab does: 192 bytes an object, 21 in a page. 16 KB are page-backed.
    expect(text).toContain('\nkmalloc-64 3 64->192 0 64->21 2->1 3.8 KB -4.0 KB -4.0 KB\n');
    expect(text).toContain('slab memory, end 24 KB 20 KB -4.0 KB 0.83x');
    expect(text).toContain(' end, by the recorded addresses 8.0 KB');
    expect(renderReplayCsv(result)).toContain('\nkmalloc-64,3,64,192,0,0,64,21,2,1,8192,4096,');
  });

  test('nothing moves', async () => {
    const text = renderReplay(await replay({ slubMinObjects: '70', slubMaxOrder: '0' }), 20);
    expect(text).toContain('\nNo cache changes.\n');
  });

  test('larger slabs; a site with its own cache', async () => {
    const larger = await replay({ slubMinOrder: '1' });
    expect(cells(renderReplay(larger, 20))).toContain('\nkmalloc-64 3 64 0->1 64->128 2 ');
    const dedicated = await replay({ dedicated: ['probe+0x10'] });
    const own = dedicated.whatIf?.caches.find(({ baseline }) => baseline === null);
    expect(own).toMatchObject({ objects: 3, changed: { slabSize: 64, slabs: 2 } });
  });
});

test('the options as they were typed', () => {
  const options = parseReplayOptions({
    slubDebug: 'FZ,dentry',
    kernel: '6.12',
    cpus: '8',
    classes: '64, 1k,64',
    dedicated: ['f', 'g'],
  });
  expect(options.change).toMatchObject({ kernel: '6.12', cpus: 8, classes: [64, 1024] });
  expect(describeChanges(options, options.change)).toEqual([
    '--slub-debug FZ,dentry',
    '--kernel 6.12',
    '--cpus 8',
    '--classes 64, 1k,64',
    '--dedicated f',
    '--dedicated g',
  ]);
  expect(describeChanges(options, undefined)).not.toContain('--kernel 6.12');
});

test.each<[ReplayTexts, string]>([
  [{ slabNomerge: true }, '--slab-nomerge: no event tells the objects of merged caches apart'],
  [{ cpus: '1.5' }, '--cpus 1.5: expected a whole number from 1 to 8192'],
  [{ slubMinOrder: '-1' }, '--slub-min-order -1: expected a whole number from 0 to 10'],
  [{ classes: '' }, "--classes : '' is no object size"],
  [{ classes: '8388608' }, "'8388608' is no object size"],
])('%j is refused', (texts, message) => {
  expect(() => parseReplayOptions(texts)).toThrow(message);
});
