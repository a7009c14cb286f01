// /proc/allocinfo and alloc_traces, as kernels print them, and what is none of them.

import { expect, test } from 'vitest';
import { parseAllocTraces } from '../../../../src/kernel/allocations/alloc-traces.ts';
import { parseAllocinfo } from '../../../../src/kernel/allocations/allocinfo.ts';

test('allocinfo, with its head, in any order, of modules', () => {
  const text = `allocinfo - version: 1.0
#     <size>  <calls> <tag info>
           0        0 init/main.c:1310 func:do_initcalls\x20
    91750400    22400 mm/slub.c:1890 func:alloc_slab_page\x20
        1024        1 drivers/lamp.c:7 [lamp] func:lamp_new\x20
          -8        1 drivers/lamp.c:9 [lamp] func:lamp_old\x20
12345678901234567890 1 a.c:1 func:f
cat: Permission denied
`;
  expect(parseAllocinfo(text)).toEqual({
    rows: [
      {
        bytes: 0,
        calls: 0,
        file: 'init/main.c',
        line: 1310,
        module: null,
        function: 'do_initcalls',
      },
      {
        bytes: 91750400,
        calls: 22400,
        file: 'mm/slub.c',
        line: 1890,
        module: null,
        function: 'alloc_slab_page',
      },
      {
        bytes: 1024,
        calls: 1,
        file: 'drivers/lamp.c',
        line: 7,
        module: 'lamp',
        function: 'lamp_new',
      },
    ],
    badLines: 3,
    firstBad: 6,
  });
});

const AT = '/sys/kernel/debug/slab/';

test('alloc_traces by grep: ages, pids, waste, CPUs, nodes, stacks', () => {
  const text = `${AT}kmalloc-64/alloc_traces:   1311 lamp_list+0x97/0x110 [lamp] waste=5244/4 age=90211/90214/90219 pid=1-77 cpus=0-3,5 nodes=0-1
${AT}kmalloc-64/alloc_traces:        __kmalloc+0x10/0x20
${AT}kmalloc-64/alloc_traces:        lamp_list+0x97/0x110 [lamp]
${AT}kmalloc-64/alloc_traces:      2 <not-available> age=4294937299 pid=0
${AT}kmalloc-64/free_traces:      7 lamp_drop+0x1/0x2 age=5 pid=3 cpus=1
${AT}:0000256/alloc_traces:No data
dentry/alloc_traces:      1 0xffffffffc0001000 age=1/1/2 pid=3
`;
  const { rows, badLines } = parseAllocTraces(text);
  expect(badLines).toBe(0);
  expect(rows).toEqual([
    {
      cache: 'kmalloc-64',
      kind: 'alloc',
      objects: 1311,
      symbol: 'lamp_list+0x97',
      module: 'lamp',
      age: { min: 90211, mean: 90214, max: 90219 },
      firstPid: 1,
      lastPid: 77,
      cpus: '0-3,5',
      nodes: '0-1',
      stack: ['__kmalloc+0x10', 'lamp_list+0x97 [lamp]'],
    },
    expect.objectContaining({
      objects: 2,
      symbol: null,
      age: { min: 4294937299, mean: 4294937299, max: 4294937299 },
      cpus: null,
      stack: [],
    }),
    expect.objectContaining({ kind: 'free', objects: 7 }),
    expect.objectContaining({ cache: 'dentry', symbol: '0xffffffffc0001000' }),
  ]);
});

test('a file without the names of caches, and damaged lines, are counted', () => {
  const bare = '   1311 lamp_list+0x97/0x110 age=5 pid=1\n';
  const bad = `${AT}a/alloc_traces: x lamp_list age=5\n${AT}b/alloc_traces:    frame_of_nobody+0x1/0x2\n`;
  expect(parseAllocTraces(bare + bad)).toEqual({ rows: [], badLines: 3, firstBad: 1 });
});
