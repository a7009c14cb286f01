// Whatever stands before a kernel's messages: the report is found, its time is that since boot or none.

import { describe, expect, test } from 'vitest';
import { parseMemoryReports } from '../../../../src/kernel/memory-reports/parse-memory-reports.ts';

const MESSAGES = [
  '=============================================================================',
  'BUG kmalloc-64 (Tainted: G    B  ): Poison overwritten',
  '-----------------------------------------------------------------------------',
  '',
  '0xffff888001000010-0xffff888001000010 @offset=16. First byte 0x6c instead of 0x6b',
  'Allocated in foo+0x10/0x40 [bar] age=3 cpu=0 pid=9',
  ' kmem_cache_alloc+0x10/0x20',
  ' foo+0x10/0x40 [bar]',
  'Freed in drop+0x7/0x40 age=1 cpu=0 pid=10',
  ' drop+0x7/0x40',
  'Slab 0xffffea0000048c00 objects=16 used=2 fp=0xffff888001000140 flags=0x200',
  'Object 0xffff888001000000 @offset=0 fp=0x0000000000000000',
];

/** The parts of a report that every prefix must leave whole. */
const WHOLE = {
  tool: 'SLUB',
  title: 'Poison overwritten',
  cache: 'kmalloc-64',
  address: 0xffff888001000000n,
  hashed: false,
  offset: 16,
  allocated: { in: 'foo+0x10', pid: 9, cpu: 0, age: 3 },
  freed: { in: 'drop+0x7', pid: 10, stack: ['drop+0x7'] },
};

const T = 12.345678;
const PREFIXES: readonly [name: string, prefix: string, atSec: number | null][] = [
  ['none', '', null],
  ['dmesg', '[   12.345678] ', T],
  ['dmesg, one decimal', '[   12.3] ', 12.3],
  ['dmesg, days', '[1234567.345678] ', 1234567.345678],
  ['caller task', '[   12.345678][  T123] ', T],
  ['caller CPU', '[   12.345678][    C1] ', T],
  ['dmesg -r', '<3>[   12.345678] ', T],
  ['dmesg -r, newer', '<3>[   12.345678][  T123] ', T],
  ['dmesg -x', 'kern  :err   : [   12.345678] ', T],
  ['dmesg -x -T', 'kern  :err   : [Mon May  1 12:00:00 2023] ', null],
  ['dmesg -T', '[Mon May  1 12:00:00 2023] ', null],
  ['dmesg -T, caller', '[Mon May  1 12:00:00 2023] [  T123] ', null],
  ['dmesg -d', '[   12.345678 <    0.000003>] ', T],
  ['dmesg -e', '[  +0.000003] ', null],
  ['dmesg --time-format iso', '2023-05-01T12:00:00,123456+02:00 ', null],
  ['/dev/kmsg', '3,1234,12345678,-;', T],
  ['/dev/kmsg, caller', '3,1234,12345678,-,caller=T123;', T],
  ['extended netconsole', '3,1234,12345678,-,caller=C0,release=6.6.1;', T],
  ['syslog', 'May  8 10:39:46 host1 kernel: ', null],
  ['syslog with kernel time', 'May  8 10:39:46 host1 kernel: [   12.345678] ', T],
  ['busybox', 'May  8 10:39:46 host1 kern.err kernel: [   12.345678] ', T],
  ['OpenWrt', 'Mon May  8 10:39:46 2023 kern.err kernel: [   12.345678] ', T],
  ['rsyslog, ISO', '2024-01-26T15:04:11.123456+01:00 host1 kernel: [   12.345678] ', T],
  ['RFC 5424', '<3>1 2024-01-26T15:04:11.123456+01:00 host1 kernel - - - [   12.345678] ', T],
  ['ChromeOS', '2024-01-26T15:04:11.123456Z ERR kernel: [   12.345678] ', T],
  ['journalctl -o short-full', 'Fri 2024-01-26 15:04:11 CET host1 kernel: ', null],
  ['journalctl -o short-unix', '1706277851.123456 host1 kernel: ', null],
  ['journalctl -o short-monotonic', '[   12.345678] host1 kernel: ', T],
  ['journalctl -o short-delta', '[   12.345678 <    0.000003 >] host1 kernel: ', T],
  ['wall', ' kernel:[   12.345678] ', T],
  ['logcat threadtime', '05-01 12:00:00.513     0     0 E         : ', null],
  ['logcat brief', 'E/KERNEL  (  123): [   12.345678] ', T],
  ['samsung', '[   12.345678]  [2:    kworker/2:1:  123] ', T],
  ['mediatek', '[   12.345678] (0)[123:kworker/0:1]', T],
  ['mediatek, older', '[   12.345678]<0>-(3)[0:swapper/3]', T],
  ['amlogic', '[   12.345678@0]d ', T],
  ['mediatek, newer', '[   12.345678] .(0)[123:kworker/0:1]', T],
  ['samsung, newer', '[   12.345678] I[0:      swapper/0:    0] ', T],
  ['LG', '[   12.345678 / 05-01 12:00:00.513] ', T],
  ['logcat with users', '05-01 12:00:00.513  root     0     0 E         : ', null],
  ['journalctl -o verbose', '    MESSAGE=', null],
  ['minicom', '[2023-05-01 12:00:00] [   12.345678] ', T],
  ['spreadtrum', '[   12.345678] c1   123 ', T],
  ['a console server', '[2023-05-01 12:00:00.123] [   12.345678] ', T],
  ['GitHub', '2023-05-01T12:00:00.1234567Z [   12.345678] ', T],
  ['kunit', '[12:00:00] [   12.345678] ', T],
  ['a shell prompt', 'root@box:~# [   12.345678] ', T],
  ['some log collector', 'rack7/u12 console> ', null],
  ['another log collector', 'vm3 | qemu: [   12.345678] ', T],
  ['grep -n', '4711:[   12.345678] ', T],
  ['grep -Hn', 'logs/dmesg.1:4711:[   12.345678] ', T],
  ['mail quotes', '> >> | [   12.345678] ', T],
  ['a patch', '+    [   12.345678] ', T],
  ['a comment', ' * [   12.345678] ', T],
  ['colours', '\x1b[32m[   12.345678] \x1b[0m\x1b[31m', T],
  ['colours without the escape character', '^[[33m[   12.345678]^[[0m ', T],
  ['a tab', '\t', null],
];

const withPrefix = (prefix: string, end = '\n'): string =>
  MESSAGES.map((message) => `${prefix}${message}${end}`).join('');

test.each(PREFIXES)('%s', (_, prefix, atSec) => {
  const { reports } = parseMemoryReports(withPrefix(prefix));
  expect(reports).toMatchObject([{ ...WHOLE, atSec, line: 2 }]);
});

describe('and all lines', () => {
  test.each([
    ['end with a carriage return', withPrefix('[   12.345678] ', '\r\n')],
    ['end with two of them', withPrefix('[   12.345678] ', '\r\r\n')],
    ['begin with one', withPrefix('\r[   12.345678] ')],
    ['are rows of a table', withPrefix('| [   12.345678] ', ' |\n')],
    [
      'are escaped for a page',
      withPrefix('<br>&lt;3&gt;[   12.345678]&nbsp;', '</br>\n').replace('+0x7', '&#43;0x7'),
    ],
    ['end with an escaped line end', withPrefix('2025-04-23T04:38:59Z ', '\\x0a\n')],
    [
      'have the tabs of rsyslog',
      withPrefix('May  8 10:39:46 host1 kernel: ')
        .replaceAll(': foo+', ':#011foo+')
        .replaceAll('  drop', ' #011drop'),
    ],
    [
      'are quoted-printable',
      withPrefix('[   12.345678] ').replaceAll('=', '=3D').replace('pid=3D9', 'p=\nid=3D9'),
    ],
  ])('%s', (_, log) => {
    expect(parseMemoryReports(log).reports).toMatchObject([WHOLE]);
  });
});

test('other CPUs print in between: the caller tells whose line it is', () => {
  const other = (line: string, i: number): string =>
    `[   12.345678][  T7] ${line.replace('0xffff888001', '0xffff888009')}\n[   12.345678][  C3] Object 0xffff88800000${i}000 @offset=8 fp=0x0\n`;
  const log = MESSAGES.map((line, i) => `[   12.345678][  T5] ${line}\n${other(line, i)}`).join('');
  const { reports } = parseMemoryReports(log);
  expect(reports).toMatchObject([
    { ...WHOLE, line: 4 },
    { ...WHOLE, address: 0xffff888009000000n, line: 5 },
  ]);
});

test('without callers, lines of others are passed over', () => {
  const log = MESSAGES.map((line) => `[   12.345678] ${line}\n[   12.345679] usb 1-1: reset\n`);
  expect(parseMemoryReports(log.join('')).reports).toMatchObject([WHOLE]);
});

test('people who write about a report have none', () => {
  const log = `Subject: Re: BUG: KASAN: slab-use-after-free in foo+0x1/0x2
kernel BUG at mm/slub.c:4000!
BUG: unable to handle page fault for address: ffff888003a40f40
I see BUG reports: they are bad.
`;
  expect(parseMemoryReports(log).reports).toEqual([]);
});
