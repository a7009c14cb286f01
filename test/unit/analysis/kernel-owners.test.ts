// What is outstanding beside allocinfo.txt and alloc_traces.txt of the recording.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import type { Leaks } from '../../../src/analysis/leaks/leaks-result.ts';
import { DEFAULT_LEAKS, leaksRun } from '../../../src/analysis/leaks/leaks-run.ts';
import { renderOutstanding } from '../../../src/commands/leaks/leaks-outstanding-text.ts';

/** 20 seconds; at the end two objects of lamp_new and one of inlined. */
const EVENTS = `ts,cpu,pid,event,ptr,bytes_req,bytes_alloc,call_site
100.0,0,7,kmalloc,0xffff888004c12340,60,64,lamp_new+0x1a [lamp]
101.0,0,7,kmalloc,0xffff888004c12380,60,64,lamp_new.isra.0+0x2a [lamp]
102.0,0,7,kmalloc,0xffff888004c123c0,60,64,inlined+0x1
103.0,0,7,kmalloc,0xffff888004c12400,60,64,gone+0x1
120.0,0,7,kfree,0xffff888004c12400,,,gone+0x9
`;
const ALLOCINFO = `allocinfo - version: 1.0
         640       10 drivers/lamp.c:7 [lamp] func:lamp_new
          64        1 drivers/lamp.c:9 [lamp] func:lamp_new
         128        2 drivers/lamp.c:9 func:lamp_new
        4096        1 mm/slub.c:1890 func:alloc_slab_page
           0        0 mm/x.c:1 func:unused
`;
const AT = '/sys/kernel/debug/slab/kmalloc-64/alloc_traces:';
/** CONFIG_HZ=100: 20 s are 2000 jiffies. */
const TRACES = `${AT}     11 lamp_new+0x1a/0x60 [lamp] age=1900/5000/9000 pid=7-9
${AT}      5 boot_it+0x1/0x2 age=2100/3000/4000 pid=1
${AT}      1 inlined+0x1/0x2 age=1800 pid=7
`;

async function outstandingWith(files: Readonly<Record<string, string>>): Promise<Leaks> {
  const folder = mkdtempSync(join(tmpdir(), 'kernel-owners-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  writeFileSync(join(folder, 'trace.csv'), EVENTS);
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
  return (await leaksRun({ source: folder }, DEFAULT_LEAKS)).leaks;
}

test('allocinfo by function and module, with what either side lacks', async () => {
  const leaks = await outstandingWith({ 'allocinfo.txt': ALLOCINFO });
  expect(leaks.allocTraces).toBeNull();
  expect(leaks.allocinfo).toEqual([
    {
      function: 'alloc_slab_page',
      module: null,
      places: ['mm/slub.c:1890'],
      kernelBytes: 4096,
      kernelCalls: 1,
      objects: 0,
      bytesAlloc: 0,
    },
    {
      function: 'lamp_new',
      module: 'lamp',
      places: ['drivers/lamp.c:7', 'drivers/lamp.c:9'],
      kernelBytes: 704,
      kernelCalls: 11,
      objects: 2,
      bytesAlloc: 128,
    },
    expect.objectContaining({ function: 'lamp_new', module: null, kernelBytes: 128, objects: 0 }),
    {
      function: 'inlined',
      module: null,
      places: [],
      kernelBytes: null,
      kernelCalls: null,
      objects: 1,
      bytesAlloc: 64,
    },
  ]);
  const text = renderOutstanding(leaks, 20);
  expect(text).toMatch(/ 704 +128 +lamp_new \[lamp\] +drivers\/lamp\.c:7 \+1\n/);
  expect(text).toMatch(/ - +64 +inlined +-\n/);
});

test('owners of objects that are older than the trace', async () => {
  const leaks = await outstandingWith({ 'alloc_traces.txt': TRACES, config: 'CONFIG_HZ=100\n' });
  const brief = leaks.allocTraces?.map((owner) => [
    owner.symbol,
    owner.objects,
    owner.inTrace,
    owner.older,
    owner.youngestSec,
    owner.oldestSec,
  ]);
  expect(brief).toEqual([
    ['lamp_new+0x1a', 11, 2, 9, 19, 90],
    ['boot_it+0x1', 5, 0, 5, 21, 40],
    ['inlined+0x1', 1, 1, 0, 18, 18],
  ]);
  const text = renderOutstanding(leaks, 20);
  expect(text).toContain("Owners by SLUB's alloc_traces: 14 objects are older than the trace");
  expect(text).toMatch(/ 11 +2 +9 +lamp_new\+0x1a \[lamp\] +kmalloc-64 +19\.0 s +90\.0 s +7-9\n/);
});

test('without CONFIG_HZ ages are not known', async () => {
  const leaks = await outstandingWith({ 'alloc_traces.txt': TRACES });
  expect(leaks.allocTraces?.map(({ older, oldestSec }) => [older, oldestSec])).toEqual([
    [null, null],
    [null, null],
    [null, null],
  ]);
  expect(renderOutstanding(leaks, 20)).toContain('only CONFIG_HZ tells');
});

test('lines that are none are named with their file; without the files nothing is said', async () => {
  const leaks = await outstandingWith({
    'allocinfo.txt': `${ALLOCINFO}x\n`,
    'alloc_traces.txt': 'y\n',
  });
  expect(leaks.notes).toEqual([
    expect.stringMatching(/allocinfo\.txt: 1 of its lines cannot be read \(first: line 7\)\.$/),
    expect.stringMatching(/alloc_traces\.txt: 1 of its lines cannot be read \(first: line 1\)\.$/),
  ]);
  const none = await outstandingWith({});
  expect([none.allocinfo, none.allocTraces, none.notes]).toEqual([null, null, []]);
});
