import { expect, test } from 'vitest';
import { Dictionary } from '../../../src/kernel/events/dictionary.ts';
import { EVENT_KIND } from '../../../src/kernel/events/event-kind.ts';
import { type FoundSymbols, findSymbols } from '../../../src/run/find-symbols.ts';
import { madeSidecars } from '../../helpers/made-sidecars.ts';

const MAP = `ffffffff81000000 T _text
ffffffff81000100 T vm_area_dup
ffffffff81000200 T other
ffffffff82000000 B _end
`;
const NO_SOURCE = { source: '-' };

function dictionaryOf(...addresses: number[]): Dictionary {
  const dictionary = new Dictionary();
  for (const lo of addresses) {
    const site = dictionary.sites.internAddress(lo, 0xffffffff);
    dictionary.calls.intern({ kind: EVENT_KIND.kmem_cache_alloc, site, bytesAlloc: 64 });
  }
  return dictionary;
}

const find = (files: Record<string, string>, ...sites: number[]): Promise<FoundSymbols> =>
  findSymbols(NO_SOURCE, madeSidecars(files), dictionaryOf(...sites));

test('kallsyms is taken as it is', async () => {
  const found = await find({ 'kallsyms.txt': MAP, 'System.map': 'x' }, 0x81000110);
  expect(found.symbols?.resolve(0xffffffff, 0x81000110)?.name).toBe('vm_area_dup');
  expect(found.symbolNotes).toEqual([]);
});

test('System.map where kallsyms has no addresses and few events speak: by what a file states', async () => {
  const hidden = MAP.replaceAll(/^\w+/gm, '0000000000000000');
  const files = { 'kallsyms.txt': hidden, 'System.map': MAP, 'cmdline.txt': 'quiet nokaslr' };
  const found = await find(files, 0x81000110);
  expect(found.symbols?.resolve(0xffffffff, 0x81000110)?.name).toBe('vm_area_dup');
  expect(found.symbolNotes).toEqual([
    'Call sites are named by System.map, moved by 0x0 (from nokaslr in cmdline.txt).',
  ]);
});

test('an offset that nothing tells leaves sites addresses, and a note says so', async () => {
  const found = await find({ 'System.map': MAP, 'cmdline.txt': 'quiet' }, 0xb1000110);
  expect(found.symbols).toBeUndefined();
  expect(found.symbolNotes[0]).toMatch(/^System.map is not used: .* is not known/);
});

test('of many callers none in a known function: another kernel, whatever is stated', async () => {
  const sites = Array.from({ length: 40 }, (_, i) => 0x81100000 + 16 * i);
  const found = await find({ 'System.map': MAP, 'cmdline.txt': 'nokaslr' }, ...sites);
  expect(found.symbols).toBeUndefined();
  expect(found.symbolNotes[0]).toMatch(/^System.map is of another kernel/);
});

test('modules are named where /proc/modules says where they lie', async () => {
  const modules = 'e1000 20480 1 - Live 0xffffffffc041e000\n';
  const found = await find({ 'modules.txt': modules }, 0xc041e010);
  expect(found.modules?.find(0xffffffff, 0xc041e010)?.name).toBe('e1000');
});
