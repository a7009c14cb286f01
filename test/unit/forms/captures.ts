// Captures of the kernel's caches, and kmemleak's list, as a SOURCE of `slabinfo` and `leaks`.

import { readKmemleakList } from '../../../src/analysis/leaks/kmemleak-groups.ts';
import { counted } from '../../../src/base/bytes-format.ts';
import { readSlabCapture } from '../../../src/recording/slab-capture.ts';
import type { Examples } from './example.ts';

/** Which command reads it, and as what. */
export function answerOfCapture(path: string): string {
  const list = readKmemleakList(path);
  if (list !== undefined) {
    const bytes = list.groups.reduce((sum, group) => sum + group.bytes, 0);
    const [objects, stacks] = [list.objects.length, list.groups.length];
    return `leaks: ${counted(objects, 'object')}, ${bytes} bytes, ${counted(stacks, 'stack')}`;
  }
  const capture = readSlabCapture(path);
  if (capture === undefined) return 'none';
  const { caches, aliases } = capture.sysfs;
  const what = capture.isSlabinfo ? '/proc/slabinfo' : 'sysfs';
  const names = [...caches.map(({ id }) => id), ...aliases.map(({ name }) => name)];
  return `slabinfo: ${what}, ${names.join(', ')}`;
}

const ATTRIBUTES: Readonly<Record<string, string>> = {
  object_size: '64',
  slab_size: '64',
  objs_per_slab: '64',
  order: '0',
  objects: '640 N0=640',
  total_objects: '640 N0=640',
  objects_partial: '0',
  slabs: '10 N0=10',
  partial: '0',
  cpu_slabs: '2 N0=2',
};

const sysfs = (before: string, between: string): string =>
  Object.entries(ATTRIBUTES)
    .map(([name, value]) => `${before}${name}${between}${value}\n`)
    .join('');

/** A file of a tar archive (POSIX ustar). */
function tarFile(path: string, content: string): Buffer {
  const header = Buffer.alloc(512);
  header.write(path, 0);
  header.write(content.length.toString(8).padStart(11, '0'), 124);
  header.write('0', 156);
  header.write('ustar', 257);
  header.fill(' ', 148, 156);
  const sum = header.reduce((a, b) => a + b, 0);
  header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
  const body = Buffer.alloc(512);
  body.write(content);
  return Buffer.concat([header, body]);
}

const TAR = Buffer.concat([
  ...Object.entries(ATTRIBUTES).map(([name, value]) =>
    tarFile(`sys/kernel/slab/lamp_cache/${name}`, `${value}\n`),
  ),
  Buffer.alloc(1024),
]);

const ROW =
  'lamp_cache           640    640     64   64    1 : tunables    0    0    0 : slabdata     10     10      0\n';
const NAMES =
  '# name            <active_objs> <num_objs> <objsize> <objperslab> <pagesperslab> : tunables <limit> <batchcount> <sharedfactor> : slabdata <active_slabs> <num_slabs> <sharedavail>\n';

const KMEMLEAK = `unreferenced object 0xffff888001230000 (size 64):
  comm "lampd", pid 710, jiffies 4302851558 (age 58.239s)
  hex dump (first 32 bytes):
    00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00  ................
  backtrace:
    [<00000000dae26536>] kmalloc_trace+0x21/0x90
    [<00000000dae26537>] lamp_new+0x23/0x50 [lamp]
`;

export const CAPTURES: Examples = {
  'grep -rH . /sys/kernel/slab': sysfs('/sys/kernel/slab/lamp_cache/', ':'),
  'grep -r . in it, or in a copy': sysfs('./lamp_cache/', ':'),
  'grep -H . */*': sysfs('lamp_cache/', ':'),
  'grep -H . */*, through the links of aliases': `:0000064/aliases:0\nlamp_cache/aliases:0\n${sysfs(':0000064/', ':')}${sysfs('lamp_cache/', ':')}`,
  'path=value': sysfs('/sys/kernel/slab/lamp_cache/', '='),
  'sysfs, quoted in a mail': sysfs('> /sys/kernel/slab/lamp_cache/', ':'),
  'tar of /sys/kernel/slab': TAR,
  'a copy of /sys/kernel/slab (a folder)': {
    files: Object.fromEntries(
      Object.entries(ATTRIBUTES).map(([name, value]) => [`slab/lamp_cache/${name}`, `${value}\n`]),
    ),
  },
  '/proc/slabinfo 2.1': `slabinfo - version: 2.1\n${NAMES}${ROW}`,
  '/proc/slabinfo 2.0, with statistics of SLAB': `slabinfo - version: 2.0 (statistics)\n${ROW.trimEnd()} : globalstat 9 9 1 0 0 0 0 0 : cpustat 1 2 3 4\n`,
  '/proc/slabinfo 1.1':
    'slabinfo - version: 1.1 (SMP)\nlamp_cache  64  118  64  2  2  1 :  252  126\n',
  '/proc/slabinfo 1.0': 'slabinfo - version: 1.0\nlamp_cache  64  118  64  2  2  1\n',
  'lines of /proc/slabinfo, grepped': `/proc/slabinfo:${ROW}`,
  '/proc/slabinfo, broken by a mail program': `slabinfo - version: 2.1\n${ROW.replace(' : slabdata', '\n: slabdata')}`,
  '/sys/kernel/debug/kmemleak': KMEMLEAK,
  '/sys/kernel/debug/kmemleak from 6.8 on': KMEMLEAK.replace(/ \(age.*\)/, '')
    .replace('backtrace:', 'backtrace (crc f1a3425d):')
    .replace(/\[<.*?>\] /g, ''),
  "kmemleak's list, quoted in a mail": KMEMLEAK.replace(/^/gm, '> > '),
};
