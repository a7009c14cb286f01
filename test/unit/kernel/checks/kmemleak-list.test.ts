// kmemleak's list as kernels of several ages print it.

import { describe, expect, test } from 'vitest';
import { groupKmemleak } from '../../../../src/analysis/leaks/kmemleak-groups.ts';
import { renderKmemleakList } from '../../../../src/commands/leaks/kmemleak-list-text.ts';
import { parseKmemleakList } from '../../../../src/kernel/checks/kmemleak-list.ts';
import { plainText } from '../../../../src/recording/foreign/foreign-file.ts';
import { describeEachWith, recordedText } from '../../../helpers/data.ts';

const OLD = `unreferenced object 0xffff888001230000 (size 64):
  comm "lamp d", pid 710, jiffies 4302851558 (age 58.239s)
  hex dump (first 32 bytes):
    00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00  ................
  backtrace:
    [<00000000dae26536>] kmalloc_trace+0x21/0x90
    [<00000000dae26537>] lamp_new+0x23/0x50 [lamp]
    [<00000000dae26538>] 0xffffffffc0001000
unreferenced object 0xffff888001240000 (size 64):
  comm "lampd", pid 711, jiffies 4302851000 (age 60.500s)
  backtrace:
    [<00000000dae26536>] kmalloc_trace+0x21/0x90
    [<00000000dae26537>] lamp_new+0x23/0x50 [lamp]
    [<00000000dae26538>] 0xffffffffc0001000
`;

const NEW = `unreferenced percpu object 0x607fd2a0c4d8 (size 16):
  comm "init", pid 1, jiffies 4294674947
  hex dump (first 16 bytes on cpu 0):
    00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00  ................
  backtrace (crc f1a3425d):
    pcpu_alloc_noprof+0x2d1/0x3c0
    lamp_cpu+0x10/0x20
unreferenced object 0xc6d3e8a0 (size 128):
`;

describe('an object', () => {
  test('of a kernel that prints ages and addresses', () => {
    expect(parseKmemleakList(OLD)[0]).toEqual({
      address: '0xffff888001230000',
      isPercpu: false,
      size: 64,
      comm: 'lamp d',
      pid: 710,
      jiffies: 4302851558,
      ageSec: 58.239,
      stack: ['kmalloc_trace+0x21', 'lamp_new+0x23 [lamp]', '0xffffffffc0001000'],
    });
  });

  test('of one that prints neither, and one that was cut', () => {
    const [percpu, cut] = parseKmemleakList(NEW);
    expect(percpu).toMatchObject({ isPercpu: true, size: 16, ageSec: null, jiffies: 4294674947 });
    expect(percpu?.stack).toEqual(['pcpu_alloc_noprof+0x2d1', 'lamp_cpu+0x10']);
    expect(cut).toMatchObject({ address: '0xc6d3e8a0', comm: null, pid: null, stack: [] });
  });

  test('in a mail', () => {
    const quoted = OLD.replace(/^/gm, '> > ').replaceAll('\n', '\r\n');
    expect(parseKmemleakList(plainText(Buffer.from(quoted)))).toEqual(parseKmemleakList(OLD));
  });
});

test('objects of one stack are a group, with their ages from the oldest on', () => {
  const { groups, objects } = groupKmemleak('k.txt', parseKmemleakList(OLD + NEW));
  expect(objects.map(({ size }) => size)).toEqual([64, 64, 128, 16]);
  expect(groups).toMatchObject([
    {
      objects: 2,
      bytes: 128,
      oldestSec: 60.5,
      youngestSec: 58.239,
      firstJiffies: 4302851000,
      lastJiffies: 4302851558,
      tasks: ['lampd-711', 'lamp d-710'],
      example: '0xffff888001240000',
    },
    { objects: 1, bytes: 128, oldestSec: null, tasks: [] },
    { objects: 1, bytes: 16, oldestSec: null, tasks: ['init-1'] },
  ]);
});

test('the text names who allocated, outside of the allocators', () => {
  const text = renderKmemleakList(groupKmemleak('k.txt', parseKmemleakList(OLD + NEW)), 0);
  expect(text).toContain("k.txt   kmemleak's list: 4 objects, 272 B, from 3 stacks");
  expect(text).toMatch(/ 2 +128 +60\.5 s +58\.2 s +lamp_new\+0x23 \[lamp\] +lampd-711 /);
  expect(text).toMatch(/ 1 +16 +- +- +lamp_cpu\+0x10 +init-1 /);
});

describeEachWith(['kmemleak.txt'], "the kernel's list", (name) => {
  test('is read whole', () => {
    const text = recordedText(name, 'kmemleak.txt');
    const objects = parseKmemleakList(text);
    expect(objects.length).toBe(text.match(/^unreferenced object/gm)?.length);
    expect(objects.every(({ stack, comm }) => stack.length > 0 && comm !== null)).toBe(true);
  });
});
