// A kernel of two functions, compiled here where gcc and addr2line are.

import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { locateSites } from '../../../../src/commands/frag/locate-sites.ts';
import { linkedText } from '../../../../src/commands/frag/source-lines.ts';
import { SymbolTable } from '../../../../src/kernel/symbols/symbols.ts';
import type { SiteName } from '../../../../src/run/site-names.ts';
import { describeWithTools } from '../../../helpers/tools.ts';

const LINKED = 0xffffffff81000000n;
const KASLR = 0x14800000n;
const HEADER = `void *__kmalloc(long);
static inline __attribute__((always_inline)) void *kmalloc(long n) {
  return __kmalloc(n);
}
`;
const EXT4 = `#include "../../include/linux/slab.h"
void *last;
__attribute__((noinline)) void *__kmalloc(long n) { last = (void *)n; return last; }
void *ext4_alloc(void) {
  void *p;

  p = kmalloc(192); /* line 7 */
  last = p;
  return p;
}
`;
const E1000 = `#include "../../../include/linux/slab.h"
extern void *last;
void *e1000_probe(void) {
  last = kmalloc(64); /* line 4 */
  return last;
}
`;

const isX64 = process.arch === 'x64'; // whose code the sources' options ask for
const TOOLS = ['gcc', 'addr2line', 'nm', 'objdump'];

describe.runIf(isX64)('on x86-64', () => {
  describeWithTools(TOOLS, 'a vmlinux with debug information', () => {
    const folder = mkdtempSync(join(tmpdir(), 'slabreplay-vmlinux-'));
    const vmlinux = join(folder, 'vmlinux');
    let symbols: SymbolTable;

    beforeAll(() => {
      const sources = {
        'include/linux/slab.h': HEADER,
        'fs/ext4/super.c': EXT4,
        'drivers/net/e1000/main.c': E1000,
      };
      for (const [name, text] of Object.entries(sources)) {
        mkdirSync(dirname(join(folder, name)), { recursive: true });
        writeFileSync(join(folder, name), text);
      }
      const files = Object.keys(sources).filter((name) => name.endsWith('.c'));
      const how = ['-g', '-O1', '-mcmodel=kernel', '-fno-pic', '-no-pie', '-nostdlib', '-static'];
      const link = [`-Wl,-Ttext=0x${LINKED.toString(16)},-e,ext4_alloc,--defsym=_text=${LINKED}`];
      execFileSync('gcc', [...how, ...link, ...files, '-o', vmlinux], { cwd: folder });
      symbols = new SymbolTable(execFileSync('nm', ['-n', vmlinux]), KASLR);
    });
    afterAll(() => rmSync(folder, { recursive: true, force: true }));

    /** The return address of a function's call of __kmalloc(), where KASLR moved it. */
    function siteIn(name: string): SiteName {
      const code = execFileSync('objdump', ['-d', `--disassemble=${name}`, vmlinux]).toString();
      const lines = code.split('\n');
      const call = lines.findIndex((line) => line.includes('call') && line.includes('__kmalloc'));
      const next = BigInt(`0x${lines[call + 1]?.trim().split(':')[0]}`);
      const address = next + KASLR;
      const start = symbols.addressOf(name) ?? 0n;
      return { address, symbol: `${name}+0x${(address - start).toString(16)}`, module: null };
    }

    test('the code begins where it was linked', () => {
      expect(linkedText(vmlinux)).toBe(LINKED);
    });

    test('file and line of the caller, not of what is inlined from a header', async () => {
      const sites = [siteIn('ext4_alloc'), siteIn('e1000_probe')];
      const { lines, notes } = await locateSites(vmlinux, sites, symbols);
      expect(notes).toEqual([]);
      expect([...lines.values()].map(({ file, line }) => `${file}:${line}`)).toEqual([
        'fs/ext4/super.c:7',
        'drivers/net/e1000/main.c:4',
      ]);
    });

    test('a site that the trace prints by name; one in a module has no line', async () => {
      const { symbol } = siteIn('ext4_alloc');
      const named = { address: null, symbol, module: null };
      const inModule = { address: 0xffffffffc0001000n, symbol: 'probe+0x4', module: 'virtio_net' };
      const { lines } = await locateSites(vmlinux, [named, inModule], symbols);
      expect([...lines].map(([label, { file, line }]) => [label, file, line])).toEqual([
        [symbol, 'fs/ext4/super.c', 7],
      ]);
    });

    test('that of another kernel is not used', async () => {
      const site = { ...siteIn('ext4_alloc'), symbol: 'other_function+0x10' };
      const { lines, notes } = await locateSites(vmlinux, [site], symbols);
      expect(lines.size).toBe(0);
      expect(notes[0]).toMatch(/^vmlinux is not used: its functions have other addresses/);
    });

    test('without symbols nothing tells where the kernel lay', async () => {
      const { notes } = await locateSites(vmlinux, [siteIn('ext4_alloc')], undefined);
      expect(notes[0]).toMatch(/where the kernel was in memory is not known/);
    });
  });
});

test('a file that is no vmlinux', () => {
  expect(() => linkedText(join(import.meta.dirname, 'locate-sites.test.ts'))).toThrow(
    /no 64-bit ELF file/,
  );
});
