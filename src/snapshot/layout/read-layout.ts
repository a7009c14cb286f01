// Where this kernel's structure layouts come from, best first: a `btf` or `vmlinux` file, BTF in the
// image itself, struct-offsets.txt, the table of known kernels; last the few fields of VMCOREINFO.

import { TraceFormatError } from '../../base/errors.ts';
import { RandomAccessFile } from '../../base/random-access-file.ts';
import { type KernelReader, MissingMemory } from '../kernel/kernel-reader.ts';
import type { KernelSymbols } from '../kernel/kernel-symbols.ts';
import type { VmcoreInfo } from '../kernel/vmcoreinfo.ts';
import { BtfLayout, isBtf } from './btf.ts';
import { readElfSection } from './elf-section.ts';
import { knownLayout } from './known-layouts.ts';
import { PaholeLayout } from './pahole-text.ts';
import { firstOf, type StructLayout } from './struct-layout.ts';

const MAX_BTF_BYTES = 256 * 1024 * 1024;

export interface LayoutFiles {
  /** The path of a `btf` or `vmlinux` file. */
  readonly btfPath: string | undefined;
  /** The text of struct-offsets.txt. */
  readonly structOffsets: string | undefined;
}

export interface LayoutInput {
  readonly reader: KernelReader;
  readonly symbols: KernelSymbols;
  readonly vmcoreinfo: VmcoreInfo | undefined;
  readonly release: string | undefined;
  readonly files: LayoutFiles;
}

/** Every layout there is, asked in turn; undefined where there is none. */
export async function readLayout(input: LayoutInput): Promise<StructLayout | undefined> {
  const { btfPath, structOffsets } = input.files;
  const layouts: StructLayout[] = [];
  if (btfPath !== undefined) layouts.push(await readBtfFile(btfPath));
  const image = imageBtf(input);
  if (image !== undefined) layouts.push(image);
  if (structOffsets !== undefined) {
    const pahole = new PaholeLayout(structOffsets);
    if (!pahole.isEmpty) layouts.push(pahole);
  }
  const known = knownLayout(input.release);
  if (known !== undefined) layouts.push(known);
  if (input.vmcoreinfo !== undefined) layouts.push(vmcoreInfoLayout(input.vmcoreinfo));
  return firstOf(layouts);
}

/** What dump tools need: struct page, list_head and some more. */
function vmcoreInfoLayout(info: VmcoreInfo): StructLayout {
  return {
    source: 'VMCOREINFO',
    field(struct, field) {
      const offset = info.offset(struct, field);
      return offset === undefined ? undefined : { offset, size: 0 };
    },
    sizeOf: (struct) => info.size(struct),
  };
}

/** @throws TraceFormatError where the file has no BTF */
export async function readBtfFile(path: string): Promise<StructLayout> {
  const file = await RandomAccessFile.open(path);
  try {
    const head = file.slice(0, 64);
    const btf = isBtf(head)
      ? file.slice(0, Math.min(file.size, MAX_BTF_BYTES))
      : readElfSection(file, '.BTF');
    if (btf === undefined) {
      throw new TraceFormatError(`${path}: neither BTF nor an ELF file with a .BTF section`, {
        hint: '/sys/kernel/btf/vmlinux is the BTF of the running kernel.',
      });
    }
    return new BtfLayout(btf, path);
  } finally {
    file.close();
  }
}

/** The kernel's own BTF, where kallsyms says where it is and the image holds it whole. */
function imageBtf({ reader, symbols }: LayoutInput): StructLayout | undefined {
  const start = symbols.addressOf('__start_BTF');
  const stop = symbols.addressOf('__stop_BTF');
  if (start === undefined || stop === undefined || stop <= start) return undefined;
  const length = Number(stop - start);
  if (length > MAX_BTF_BYTES) return undefined;
  try {
    return new BtfLayout(reader.bytes(start, length), 'BTF in the image');
  } catch (error) {
    if (error instanceof MissingMemory || error instanceof TraceFormatError) return undefined;
    throw error;
  }
}
