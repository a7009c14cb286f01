// A memory image, VMCOREINFO, symbols and iomem.txt → the kernel's virtual memory.
// The page tables hang off init_top_pgt, whose physical address follows from phys_base: pa = va -
// __START_KERNEL_map + phys_base (arch/x86/mm/physaddr.c), which holds for [_text, _end) only.
// Every guess is checked: the page tables must say the same of _stext.

import { hiOf, joinHalves, loOf, PAGE_SIZE, pageNumber } from '../../base/address.ts';
import { TraceFormatError } from '../../base/errors.ts';
import type { Findings } from '../findings.ts';
import type { CpuRegisters } from '../image/registers.ts';
import type { KernelSymbols } from '../kernel/kernel-symbols.ts';
import type { VmcoreInfo } from '../kernel/vmcoreinfo.ts';
import { findBanner } from './find-in-image.ts';
import { type IomemRange, kernelCodeStart } from './iomem.ts';
import { ADDRESS_HI, PageTables, type TableRoot } from './page-tables.ts';
import { type DirectMap, listDirectMap, NO_DIRECT_MAP, PagedSpace } from './paged-space.ts';
import type { PhysicalMemory } from './physical-memory.ts';

const START_KERNEL_MAP = 0xffffffff80000000n;
const TOP_TABLES: readonly string[] = ['init_top_pgt', 'swapper_pg_dir', 'init_level4_pgt'];
/** page_offset_base without KASLR, with 4 and 5 levels. */
const PAGE_OFFSETS: Readonly<Record<4 | 5, bigint>> = {
  4: 0xffff888000000000n,
  5: 0xff11000000000000n,
};
const CR4_LA57 = 0x1000n;
/** Memory above this is a device's, not RAM: it does not widen the direct map. */
const MAX_RAM_PAGES: number = 2 ** 46 / PAGE_SIZE;

export interface MapInput {
  readonly path: string;
  readonly memory: PhysicalMemory;
  readonly vmcoreinfo: VmcoreInfo | undefined;
  readonly symbols: KernelSymbols;
  readonly registers: readonly CpuRegisters[];
  readonly iomem: readonly IomemRange[] | undefined;
  readonly findings: Findings;
}

/** @throws TraceFormatError that lists what was tried and how it failed */
export function mapKernel(input: MapInput): PagedSpace {
  const { memory, symbols } = input;
  const tried: string[] = [];
  for (const { physBase, from } of physBases(input)) {
    const base = `phys_base ${from} = 0x${physBase.toString(16)}`;
    for (const name of TOP_TABLES) {
      const table = symbols.addressOf(name);
      if (table === undefined) continue;
      const paddr = kernelPhysical(table, physBase);
      const root = { paddr, levels: levelsOf(input, physBase), maskHi: addressMask(input) };
      const complaint = checkRoot(memory, root, input, physBase);
      if (complaint === undefined) {
        return new PagedSpace(memory, { root, directMap: findDirectMap(input, root, physBase) });
      }
      tried.push(`${base}, ${name}: ${complaint}`);
    }
    if (tried.length === 0) tried.push(`${base}: no symbol of the top page table`);
  }
  if (tried.length === 0) tried.push('no phys_base (no VMCOREINFO, no iomem.txt, no kallsyms.txt)');
  throw new TraceFormatError(`${input.path}: the kernel's page tables were not found`, {
    hint: `Tried ${tried.slice(0, 8).join('; ')}. A kallsyms.txt of the same boot helps.`,
  });
}

function findDirectMap(input: MapInput, root: TableRoot, physBase: bigint): DirectMap {
  const offset = pageOffset(input, root, physBase);
  if (offset === undefined) return NO_DIRECT_MAP;
  const page = pageNumber(hiOf(offset), loOf(offset));
  const tables = new PageTables(input.memory, root);
  return listDirectMap(tables, page, endOfRam(input.memory), input.findings);
}

function* physBases(input: MapInput): Generator<{ physBase: bigint; from: string }> {
  const { vmcoreinfo, symbols, iomem, memory } = input;
  const number = vmcoreinfo?.number('phys_base');
  if (number !== undefined) yield { physBase: number, from: 'of VMCOREINFO' };
  const text = symbols.addressOf('_text') ?? symbols.addressOf('_stext');
  const code = kernelCodeStart(iomem ?? []);
  if (text !== undefined && code !== undefined) {
    yield { physBase: BigInt(code) - (text - START_KERNEL_MAP), from: 'by iomem.txt' };
  }
  const banner = symbols.addressOf('linux_banner');
  if (banner === undefined || banner < START_KERNEL_MAP) return;
  const linkOffset = Number(banner - START_KERNEL_MAP);
  for (const at of findBanner(memory, linkOffset)) {
    yield { physBase: BigInt(at - linkOffset), from: 'by linux_banner' };
  }
}

function kernelPhysical(address: bigint, physBase: bigint): number {
  return Number(address - START_KERNEL_MAP + physBase);
}

/** The 64-bit word of a variable in the kernel's image. */
function kernelWord(input: MapInput, name: string, physBase: bigint): bigint | undefined {
  const address = input.symbols.addressOf(name);
  if (address === undefined) return undefined;
  const paddr = kernelPhysical(address, physBase);
  if (paddr < 0 || paddr % 4 !== 0) return undefined;
  const at = input.memory.word(paddr);
  if (at < 0) return undefined;
  return joinHalves(input.memory.words[at + 1] ?? 0, input.memory.words[at] ?? 0);
}

function levelsOf(input: MapInput, physBase: bigint): 4 | 5 {
  const number = input.vmcoreinfo?.number('pgtable_l5_enabled');
  if (number !== undefined) return number === 0n ? 4 : 5;
  const cr4 = input.registers.find((r) => r.control !== undefined)?.control?.['cr4'];
  if (cr4 !== undefined) return (cr4 & CR4_LA57) === 0n ? 4 : 5;
  const variable = kernelWord(input, '__pgtable_l5_enabled', physBase);
  return variable !== undefined && (variable & 0xffffffffn) === 1n ? 5 : 4;
}

/** The address bits of an entry, without the one that marks encrypted memory. */
function addressMask(input: MapInput): number {
  const sme = input.vmcoreinfo?.number('sme_mask') ?? 0n;
  return (ADDRESS_HI & ~hiOf(BigInt.asUintN(64, sme))) >>> 0;
}

/** Undefined where the tables map _stext to where phys_base puts it, else what they say. */
function checkRoot(
  memory: PhysicalMemory,
  root: TableRoot,
  input: MapInput,
  physBase: bigint,
): string | undefined {
  const text = input.symbols.addressOf('_stext') ?? input.symbols.addressOf('_text');
  if (text === undefined) return 'no symbol _stext to check it with';
  if (root.paddr < 0 || root.paddr % PAGE_SIZE !== 0) return 'no address of a table';
  if (memory.word(root.paddr) < 0) return 'the table is not in the image';
  const frame = new PageTables(memory, root).frameOf(pageNumber(hiOf(text), loOf(text)));
  if (frame === Math.floor(kernelPhysical(text, physBase) / PAGE_SIZE)) return undefined;
  return frame < 0 ? '_stext is not mapped' : `_stext is mapped to page 0x${frame.toString(16)}`;
}

/** Where physical address 0 is mapped: the kernel's variable, else the place without KASLR. */
function pageOffset(input: MapInput, root: TableRoot, physBase: bigint): bigint | undefined {
  const known = kernelWord(input, 'page_offset_base', physBase);
  const tables = new PageTables(input.memory, root);
  for (const offset of [known, PAGE_OFFSETS[root.levels]]) {
    if (offset === undefined || offset % BigInt(PAGE_SIZE) !== 0n) continue;
    const frame = Math.floor(root.paddr / PAGE_SIZE);
    if (tables.frameOf(pageNumber(hiOf(offset), loOf(offset)) + frame) === frame) return offset;
  }
  return largestMapping(tables);
}

/** The direct map is the largest run that maps physical memory in order, at a multiple of 1 GiB. */
function largestMapping(tables: PageTables): bigint | undefined {
  let best: { page: number; frame: number; count: number } | undefined;
  for (const m of tables.mappings(pageNumber(0xff000000, 0), pageNumber(0xffffffff, 0))) {
    if ((m.page - m.frame) % 2 ** 18 === 0 && m.count > (best?.count ?? 0)) best = m;
  }
  return best === undefined ? undefined : BigInt(best.page - best.frame) * BigInt(PAGE_SIZE);
}

function endOfRam(memory: PhysicalMemory): number {
  let end = 0;
  for (const r of memory.ranges()) {
    end = Math.min(MAX_RAM_PAGES, Math.ceil((r.start + r.length) / PAGE_SIZE));
  }
  return end;
}
