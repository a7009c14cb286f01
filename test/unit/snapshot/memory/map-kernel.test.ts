// Finding the kernel in an image: VMCOREINFO in a note or in memory, kallsyms of this boot, of another
// one, of another kernel, or none.

import { expect, test } from 'vitest';
import { hiOf, loOf } from '../../../../src/base/address.ts';
import { TraceFormatError } from '../../../../src/base/errors.ts';
import { SymbolTable } from '../../../../src/kernel/symbols/symbols.ts';
import { type KernelImage, openKernel } from '../../../../src/snapshot/kernel/kernel-image.ts';
import { openSnapshot } from '../../../../src/snapshot/memory/open-snapshot.ts';
import { elfCore, lime, PAGE, pageOf, tempFile } from '../../../helpers/image-builders.ts';
import { DIRECT_MAP, KERNEL_TEXT, TestKernel } from '../../../helpers/machine-builder.ts';

const NO_FILES = {
  kallsyms: undefined,
  release: undefined,
  btfPath: undefined,
  structOffsets: undefined,
};

async function open(bytes: Buffer, kallsyms?: string, iomem?: string): Promise<KernelImage> {
  const snapshot = await openSnapshot(tempFile(bytes), iomem === undefined ? {} : { iomem });
  const symbols = kallsyms === undefined ? undefined : new SymbolTable(Buffer.from(kallsyms));
  return openKernel(snapshot, { ...NO_FILES, kallsyms: symbols });
}

function translate({ space }: KernelImage, va: bigint): number {
  return space.translate(hiOf(va), loOf(va));
}

function asLime(kernel: TestKernel): Buffer {
  return lime(kernel.machine.segments().map((s) => ({ start: s.paddr, bytes: s.bytes })));
}

test.each([4, 5] as const)('by the VMCOREINFO note, %d levels', async (levels) => {
  const kernel = new TestKernel('6.1.0', levels);
  const image = await open(kernel.elf());
  expect(image.release).toBe('6.1.0');
  expect(image.symbols.agreement).toBe('unknown');
  expect(translate(image, KERNEL_TEXT + 0x10n)).toBe(0x1000010);
  expect(translate(image, DIRECT_MAP + 0x1234567n)).toBe(0x1234567);
  expect(image.paged?.description.directMap.base).toBe(Number(DIRECT_MAP >> 12n));
  expect([...(image.paged?.description.directMap.to ?? [])]).toEqual([0x2000]);
});

test('a direct map that maps something else is walked there', async () => {
  const kernel = new TestKernel('6.1.0');
  kernel.machine.map(DIRECT_MAP + 0x1c00000n, 0x600000, 0x200000);
  // init_top_pgt was copied; the tables below it are the same ones.
  const image = await open(kernel.elf(), kernel.kallsyms);
  expect(translate(image, DIRECT_MAP + 0x1c00123n)).toBe(0x600123);
  expect(translate(image, DIRECT_MAP + 0x1a00123n)).toBe(0x1a00123);
  expect(image.findings.get('direct_map_broken')).toBe(1);
});

test('by a VMCOREINFO page in memory, where the image has no notes', async () => {
  const kernel = new TestKernel('6.1.0');
  const stale = pageOf(0);
  stale.write('OSRELEASE=5.4.0\nSYMBOL(_stext)=ffffffff99000000\nNUMBER(phys_base)=0\n');
  kernel.machine.pages.set(0x700, stale);
  const page = pageOf(0);
  page.write(kernel.vmcoreinfo);
  kernel.machine.pages.set(0x701, page);
  const image = await open(asLime(kernel));
  expect(image.release).toBe('6.1.0');
  expect(translate(image, KERNEL_TEXT)).toBe(0x1000000);
});

test('by iomem.txt and kallsyms, without any VMCOREINFO', async () => {
  const kernel = new TestKernel('6.1.0');
  const size = 0x2000000;
  const raw = Buffer.alloc(size);
  for (const s of kernel.machine.segments()) s.bytes.copy(raw, s.paddr);
  const iomem = '00000000-01ffffff : System RAM\n  01000000-013fffff : Kernel code\n';
  const image = await open(raw, kernel.kallsyms, iomem);
  expect(image.snapshot.format).toBe('raw physical memory');
  expect(translate(image, KERNEL_TEXT + 0x42n)).toBe(0x1000042);
});

test('by the banner and kallsyms, without VMCOREINFO and iomem.txt', async () => {
  const kernel = new TestKernel('6.1.0');
  const banner = kernel.symbol('linux_banner', 64);
  kernel.machine.putText(banner, 'Linux version 6.1.0 (someone)');
  const image = await open(asLime(kernel), kernel.kallsyms);
  expect(translate(image, KERNEL_TEXT + 0x42n)).toBe(0x1000042);
});

test('nothing to find it by: an error that lists what was tried', async () => {
  const kernel = new TestKernel('6.1.0');
  const error = await open(asLime(kernel)).catch((e) => e);
  expect(error).toBeInstanceOf(TraceFormatError);
  expect(error.hint).toContain('no phys_base');
});

test('page tables that contradict phys_base are not believed', async () => {
  const kernel = new TestKernel('6.1.0');
  kernel.infoLine('NUMBER(phys_base)=4096');
  const error = await open(kernel.elf()).catch((e) => e);
  expect(error).toBeInstanceOf(TraceFormatError);
  expect(error.hint).toMatch(/phys_base of VMCOREINFO = 0x1000, init_top_pgt: /);
});

test('kallsyms of the same boot, of System.map, of another boot, of another kernel', async () => {
  const kernel = new TestKernel('6.1.0');
  const extra = kernel.symbol('slab_caches');
  const moved = (by: bigint): string =>
    kernel.kallsyms.replace(/^ffffffff[0-9a-f]{8}/gm, (a) => (BigInt(`0x${a}`) + by).toString(16));
  const same = await open(kernel.elf(), kernel.kallsyms);
  expect(same.symbols.agreement).toBe('same');
  const other = await open(kernel.elf(), moved(0x600000n));
  expect(other.symbols.agreement).toBe('other-boot');
  expect(other.symbols.addressOf('slab_caches')).toBe(extra);
  kernel.infoLine('KERNELOFFSET=600000');
  const linked = await open(kernel.elf(), moved(-0x600000n));
  expect(linked.symbols.agreement).toBe('link-time');
  expect(linked.symbols.addressOf('slab_caches')).toBe(extra);
  const foreign = await open(
    kernel.elf(),
    kernel.kallsyms.replace(/^\S+( . init_top_pgt)$/m, 'ffffffff81777000$1'),
  );
  expect(foreign.symbols.agreement).toBe('other-kernel');
  expect(foreign.symbols.addressOf('slab_caches')).toBeUndefined();
});

test('addresses that were hidden from whoever copied kallsyms are no symbols', async () => {
  const kernel = new TestKernel('6.1.0');
  kernel.symbol('slab_caches');
  const hidden = kernel.kallsyms.replace(/^[0-9a-f]{16}/gm, '0000000000000000');
  const image = await open(kernel.elf(), hidden);
  expect(image.symbols.agreement).toBe('unknown');
  expect(image.symbols.addressOf('slab_caches')).toBeUndefined();
});

test('an image of arm64 is recognised and refused', async () => {
  const info = pageOf(0);
  info.write('OSRELEASE=6.12.0\nSYMBOL(_stext)=ffff800080010000\nNUMBER(VA_BITS)=48\n');
  const bytes = lime([{ start: 0x40000000, bytes: info }]);
  await expect(open(bytes)).rejects.toThrow(/arm64/);
});

test('an image whose top table was filtered away is an error, not a guess', async () => {
  const kernel = new TestKernel('6.1.0');
  const pgd = /SYMBOL\(init_top_pgt\)=(\w+)/.exec(kernel.vmcoreinfo)?.[1];
  const paddr = kernel.machine.physical(BigInt(`0x${pgd}`));
  kernel.machine.pages.delete(paddr / PAGE);
  const error = await open(kernel.elf()).catch((e) => e);
  expect(error.hint).toContain('the table is not in the image');
});

test('an image without any page is refused', async () => {
  await expect(open(elfCore([]))).rejects.toThrow(TraceFormatError);
});
