// Texts of tracefs as kernels print them (kernel/trace/trace_events.c, f_show(); ring_buffer.c,
// ring_buffer_print_page_header()).

import { expect, test } from 'vitest';
import {
  accountedByGfp,
  gfpNamesFromPrintFmt,
  parseEventFormat,
} from '../../../../src/ingest/events/event-format.ts';
import { isPageSize, parseHeaderPage } from '../../../../src/ingest/ring-buffer/header-page.ts';
import { headerPage, PPC32, X86_64 } from '../../../helpers/builders-ring-buffer.ts';

const CACHE_FREE = `name: kmem_cache_free
ID: 549
format:
	field:unsigned short common_type;	offset:0;	size:2;	signed:0;
	field:unsigned char common_flags;	offset:2;	size:1;	signed:0;
	field:unsigned char common_preempt_count;	offset:3;	size:1;	signed:0;
	field:int common_pid;	offset:4;	size:4;	signed:1;

	field:unsigned long call_site;	offset:8;	size:8;	signed:0;
	field:const void * ptr;	offset:16;	size:8;	signed:0;
	field:__data_loc char[] name;	offset:24;	size:4;	signed:0;

print fmt: "call_site=%pS ptr=%p name=%s", (void *)REC->call_site, REC->ptr, __get_str(name)
`;

test('a format: its name, number and fields', () => {
  const format = parseEventFormat(CACHE_FREE);
  expect(format).toMatchObject({ name: 'kmem_cache_free', id: 549 });
  expect(format?.printFmt).toContain('call_site=%pS');
  expect([...(format?.fields.keys() ?? [])]).toEqual([
    'common_type',
    'common_flags',
    'common_preempt_count',
    'common_pid',
    'call_site',
    'ptr',
    'name',
  ]);
  expect(format?.fields.get('common_pid')).toEqual({
    name: 'common_pid',
    offset: 4,
    size: 4,
    signed: true,
    location: 'inline',
  });
  expect(format?.fields.get('name')).toMatchObject({ offset: 24, size: 4, location: 'data_loc' });
});

test('declarations of every form', () => {
  const line = (declaration: string): string =>
    `\tfield:${declaration};\toffset:8;\tsize:8;\tsigned:0;\n`;
  const fields = (declaration: string): string[] =>
    [...(parseEventFormat(`name: x\nID: 1\n${line(declaration)}`)?.fields.values() ?? [])].map(
      (field) => `${field.name} ${field.location}`,
    );
  expect(fields('unsigned long caller[8]')).toEqual(['caller inline']);
  expect(fields('__rel_loc char[] name')).toEqual(['name rel_loc']);
  expect(fields('struct rcu_head *head')).toEqual(['head inline']);
  expect(fields('char comm[TASK_COMM_LEN]')).toEqual(['comm inline']);
  expect(fields('')).toEqual([]);
  expect(fields(`${'a'.repeat(1_000_000)}!`)).toEqual([]);
});

test('a field named in the print fmt is none of the event', () => {
  const text = 'name: x\nID: 7\nprint fmt: "\nfield:int y;\toffset:8;\tsize:4;\tsigned:0;"';
  expect(parseEventFormat(text)?.fields.size).toBe(0);
});

test.each(['', 'name: x\n', 'ID: 4\n', 'name: x\nID: 65536\n', 'name: x\nID: -1\n'])(
  '%j is no format',
  (text) => expect(parseEventFormat(text)).toBeUndefined(),
);

test('gfp names: numbers in parentheses, with casts, shifted, or-ed; what ends the list is none', () => {
  const fmt = `"gfp_flags=%s", (REC->gfp_flags) ? __print_flags(REC->gfp_flags, "|",
    {(unsigned long)(((( gfp_t)(0x400u|0x800u)) | (( gfp_t)0x40u))), "GFP_KERNEL"},
    {( unsigned long)(( gfp_t)((((1UL))) << (10))), "__GFP_IO"}, { 0x8000u, "X" },
    { 0, ((void *)0) }) : "none"`;
  expect(gfpNamesFromPrintFmt(fmt.replaceAll('gfp_flags', 'flags'))).toBeNull();
  expect(gfpNamesFromPrintFmt(fmt)).toEqual([
    { mask: 0xc40, name: 'GFP_KERNEL' },
    { mask: 0x400, name: '__GFP_IO' },
    { mask: 0x8000, name: 'X' },
  ]);
});

test('a print fmt made to be searched for ever is not', () => {
  const start = '__print_flags(REC->gfp_flags, "|", ';
  for (const bait of [`{${' '.repeat(100_000)}`, '{ ,'.repeat(50_000), `{${', '.repeat(50_000)}`]) {
    expect(gfpNamesFromPrintFmt(start + bait)).toBeNull();
  }
});

test('accounted= stands for a gfp flag, or for nothing without memory cgroups', () => {
  const fmt = (on: 0 | 1): string =>
    `"accounted=%s", (${on} && (REC->gfp_flags & (( gfp_t)0x400000u))) ? "true" : "false"`;
  expect(accountedByGfp(fmt(1))).toBe(true);
  expect(accountedByGfp(fmt(0))).toBe(false);
  expect(accountedByGfp('"accounted=%s", REC->accounted ? "true" : "false"')).toBeUndefined();
  expect(accountedByGfp('"ptr=%p", REC->ptr')).toBeUndefined();
});

test('the page of a 64-bit and of a 32-bit kernel', () => {
  expect(parseHeaderPage(headerPage(X86_64))).toEqual({ longSize: 8, pageSize: 4096 });
  expect(parseHeaderPage(headerPage(PPC32))).toEqual({ longSize: 4, pageSize: 4096 });
  expect(parseHeaderPage(headerPage({ ...X86_64, pageSize: 65536 }))?.pageSize).toBe(65536);
});

test.each([
  '',
  headerPage(X86_64).replace('commit', 'committed'),
  headerPage(X86_64).replaceAll('offset:8;', 'offset:12;'),
  headerPage(X86_64).replace('size:8;\tsigned:1', 'size:2;\tsigned:1'),
  headerPage(X86_64).replace('size:4080', 'size:4081'),
  headerPage(X86_64).replace('size:4080', 'size:99999999'),
])('a header_page that is not believed (%#)', (text) => {
  expect(parseHeaderPage(text)).toBeUndefined();
});

test.each([
  [512, true],
  [4096, true],
  [2 ** 24, true],
  [0, false],
  [508, false],
  [4097, false],
  [2 ** 24 + 4, false],
  [Number.NaN, false],
])('a page of %d bytes: %s', (bytes, answer) => expect(isPageSize(bytes)).toBe(answer));
