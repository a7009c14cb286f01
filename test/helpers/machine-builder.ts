// A small machine written into memory by hand, for tests: physical pages, x86-64 page tables over
// them, and just enough kernel (symbols, VMCOREINFO) to be found. Independent of the code under test:
// it keeps its own list of what is mapped where.

import { SymbolTable } from '../../src/kernel/symbols/symbols.ts';
import { type KernelImage, openKernel } from '../../src/snapshot/kernel/kernel-image.ts';
import { openSnapshot } from '../../src/snapshot/memory/open-snapshot.ts';
import { elfCore, note, PAGE, type Segment, tempFile } from './image-builders.ts';

export const DIRECT_MAP = 0xffff888000000000n;
export const VMEMMAP = 0xffffea0000000000n;
export const KERNEL_TEXT = 0xffffffff81000000n;
/** Where the kernel's image lies in physical memory, and how much there is of that. */
const KERNEL_PADDR = 0x1000000;
const MEMORY_BYTES = 0x2000000;
const LARGE = 0x200000;
const HUGE = 0x40000000;
const VMEMMAP_PADDR = 0x1e00000;

export class Machine {
  readonly levels: 4 | 5;
  readonly root: number;
  readonly pages = new Map<number, Buffer>();
  private readonly mapped: { va: bigint; paddr: number; size: number }[] = [];
  private nextTable = 0x200000;

  constructor(levels: 4 | 5 = 4) {
    this.levels = levels;
    this.root = this.table();
  }

  /** The page of a physical address, made where it was missing. */
  page(paddr: number): Buffer {
    const number = Math.floor(paddr / PAGE);
    const page = this.pages.get(number) ?? Buffer.alloc(PAGE);
    this.pages.set(number, page);
    return page;
  }

  poke(paddr: number, bytes: Buffer): void {
    for (const [i, byte] of bytes.entries()) this.page(paddr + i)[(paddr + i) % PAGE] = byte;
  }

  poke64(paddr: number, value: bigint): void {
    const bytes = Buffer.alloc(8);
    bytes.writeBigUInt64LE(BigInt.asUintN(64, value));
    this.poke(paddr, bytes);
  }

  /** Writes at a virtual address that was mapped before. */
  put64(va: bigint, value: bigint): void {
    this.poke64(this.physical(va), value);
  }

  put32(va: bigint, value: number): void {
    const bytes = Buffer.alloc(4);
    bytes.writeUInt32LE(value >>> 0);
    this.poke(this.physical(va), bytes);
  }

  putText(va: bigint, text: string): void {
    this.poke(this.physical(va), Buffer.from(`${text}\0`, 'latin1'));
  }

  physical(va: bigint): number {
    const m = this.mapped.find((x) => va >= x.va && va < x.va + BigInt(x.size));
    if (m === undefined) throw new Error(`0x${va.toString(16)} was not mapped`);
    return m.paddr + Number(va - m.va);
  }

  /** Maps one page of 4 KiB, 2 MiB or 1 GiB. */
  map(va: bigint, paddr: number, size = PAGE): void {
    this.mapped.push({ va, paddr, size });
    const last = size === HUGE ? 3 : size === LARGE ? 2 : 1;
    let table = this.root;
    for (let level: number = this.levels; level > last; level--) {
      const entry = this.entry(table, va, level);
      const page = this.page(entry);
      let word = page.readBigUInt64LE(entry % PAGE);
      if (word === 0n) {
        word = BigInt(this.table()) | 0x67n;
        this.poke64(entry, word);
      }
      table = Number(word & 0x000ffffffffff000n);
    }
    // Bit 63 is NX, bit 8 global, bit 7 a large page: none of the address.
    const flags = 0x8000000000000163n | (last > 1 ? 0x80n : 0n);
    this.poke64(this.entry(table, va, last), BigInt(paddr) | flags);
  }

  entry(table: number, va: bigint, level: number): number {
    return table + Number((va >> BigInt(12 + 9 * (level - 1))) & 511n) * 8;
  }

  segments(): Segment[] {
    return [...this.pages].map(([number, bytes]) => ({ paddr: number * PAGE, bytes }));
  }

  private table(): number {
    const at = this.nextTable;
    this.nextTable += PAGE;
    this.page(at);
    return at;
  }
}

/** A machine with the mappings that every kernel has, and its symbols. */
export class TestKernel {
  readonly machine: Machine;
  private readonly symbols: [string, bigint][] = [];
  private readonly info: string[] = [];
  private nextData = KERNEL_TEXT + 0x100000n;

  constructor(release: string, levels: 4 | 5 = 4) {
    const machine = new Machine(levels);
    this.machine = machine;
    for (let p = 0; p < MEMORY_BYTES; p += LARGE) machine.map(DIRECT_MAP + BigInt(p), p, LARGE);
    for (let p = 0; p < 0x600000; p += LARGE) {
      machine.map(KERNEL_TEXT + BigInt(p), KERNEL_PADDR + p, LARGE);
    }
    machine.map(VMEMMAP, VMEMMAP_PADDR, LARGE);
    machine.page(KERNEL_PADDR);
    machine.page(MEMORY_BYTES - PAGE);
    // The top table lies in the kernel's image.
    const pgd = this.symbol('init_top_pgt', PAGE);
    const root = machine.pages.get(machine.root / PAGE) ?? Buffer.alloc(PAGE);
    machine.poke(machine.physical(pgd), root);
    this.symbolAt('_text', KERNEL_TEXT);
    this.symbolAt('_stext', KERNEL_TEXT);
    this.variable('page_offset_base', DIRECT_MAP);
    this.variable('vmemmap_base', VMEMMAP);
    this.info.push(
      `OSRELEASE=${release}`,
      'PAGESIZE=4096',
      `SYMBOL(_stext)=${KERNEL_TEXT.toString(16)}`,
      `SYMBOL(init_top_pgt)=${pgd.toString(16)}`,
      // pa = va - 0xffffffff80000000 + phys_base
      `NUMBER(phys_base)=${BigInt(KERNEL_PADDR) - 0x1000000n}`,
      `NUMBER(pgtable_l5_enabled)=${levels === 5 ? 1 : 0}`,
      'KERNELOFFSET=0',
      'SIZE(page)=64',
      'OFFSET(page.flags)=0',
      'OFFSET(page._mapcount)=48',
    );
  }

  infoLine(line: string): void {
    this.info.push(line);
  }

  /** Room for a variable of the kernel, with a symbol. */
  symbol(name: string, bytes = 8): bigint {
    const at = this.room(bytes);
    this.symbolAt(name, at);
    return at;
  }

  symbolAt(name: string, address: bigint): void {
    this.symbols.push([name, address]);
  }

  variable(name: string, value: bigint): bigint {
    const at = this.symbol(name);
    this.machine.put64(at, value);
    return at;
  }

  /** Room in the kernel's data, at a multiple of its (page) size. */
  room(bytes: number): bigint {
    const align = BigInt(bytes >= PAGE ? PAGE : 64);
    const at = ((this.nextData + align - 1n) / align) * align;
    this.nextData = at + BigInt(bytes);
    // Reading a structure reads all of it: its pages must be there.
    for (let i = 0; i < bytes; i += 64) this.machine.put64(at + BigInt(i), 0n);
    return at;
  }

  get kallsyms(): string {
    return this.symbols.map(([name, at]) => `${hex(at)} D ${name}\n`).join('');
  }

  get vmcoreinfo(): string {
    return `${this.info.join('\n')}\n`;
  }

  elf(): Buffer {
    const notes = [note('VMCOREINFO', 0, Buffer.from(this.vmcoreinfo))];
    return elfCore(this.machine.segments(), { notes });
  }

  /** @param structOffsets pahole's text, where the release has no built-in layout */
  async open(structOffsets?: string): Promise<KernelImage> {
    const snapshot = await openSnapshot(tempFile(this.elf()));
    return openKernel(snapshot, {
      kallsyms: new SymbolTable(Buffer.from(this.kallsyms)),
      release: undefined,
      btfPath: undefined,
      structOffsets,
    });
  }
}

function hex(address: bigint): string {
  return address.toString(16).padStart(16, '0');
}
