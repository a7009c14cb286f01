// A snapshot and what is beside it → a kernel whose memory can be read: virtual addresses,
// symbols, structure layouts.

import { TraceFormatError } from '../../base/errors.ts';
import { SymbolTable } from '../../kernel/symbols/symbols.ts';
import type { Findings } from '../findings.ts';
import { type LayoutFiles, readLayout } from '../layout/read-layout.ts';
import type { StructLayout } from '../layout/struct-layout.ts';
import type { AddressSpace } from '../memory/address-space.ts';
import { findVmcoreInfo } from '../memory/find-in-image.ts';
import { mapKernel } from '../memory/map-kernel.ts';
import {
  openSharedSnapshot,
  type PhysicalSnapshot,
  type SharedSnapshot,
  type Snapshot,
} from '../memory/open-snapshot.ts';
import { PagedSpace, type SpaceDescription } from '../memory/paged-space.ts';
import { readImageSymbols } from './image-symbols.ts';
import { KernelReader } from './kernel-reader.ts';
import { KernelSymbols } from './kernel-symbols.ts';
import { VmcoreInfo } from './vmcoreinfo.ts';

export interface KernelFiles extends LayoutFiles {
  /** kallsyms.txt or System.map. */
  readonly kallsyms: SymbolTable | undefined;
  /** The kernel's release as the recording has it, where the image does not say it. */
  readonly release: string | undefined;
}

export interface KernelImage {
  readonly snapshot: Snapshot;
  readonly space: AddressSpace;
  /** The same, where the snapshot has page tables; what a worker needs is in its description. */
  readonly paged: PagedSpace | undefined;
  readonly reader: KernelReader;
  readonly symbols: KernelSymbols;
  /** The recording's kallsyms, else the kernel's own out of the image (without modules). */
  readonly kallsyms: SymbolTable | undefined;
  readonly vmcoreinfo: VmcoreInfo | undefined;
  /** By the image itself, else by the recording. */
  readonly release: string | undefined;
  /** Undefined where nothing tells how this kernel lays out its structures. */
  readonly layout: StructLayout | undefined;
  readonly findings: Findings;
}

/** Plain data with which a worker reads the same kernel's memory. */
export interface SharedKernel {
  readonly snapshot: SharedSnapshot;
  readonly space: SpaceDescription;
}

/** Undefined for printed words: they are small, one thread is enough. */
export function shareKernel({ snapshot, paged }: KernelImage): SharedKernel | undefined {
  if (snapshot.kind === 'printed' || paged === undefined) return undefined;
  return { snapshot: snapshot.shared, space: paged.description };
}

/** In a worker: the kernel's memory, over the file that the first thread holds open. */
export function openSharedKernel({ snapshot, space }: SharedKernel): PagedSpace {
  return new PagedSpace(openSharedSnapshot(snapshot), space);
}

/** @throws TraceFormatError where the kernel's memory cannot be found in the image */
export async function openKernel(snapshot: Snapshot, files: KernelFiles): Promise<KernelImage> {
  const mapped = snapshot.kind === 'physical' ? mapPhysical(snapshot, files) : undefined;
  const space = snapshot.kind === 'printed' ? snapshot.space : mapped?.paged;
  if (space === undefined) throw new Error('internal error: a snapshot without a space');
  const reader = new KernelReader(space);
  const vmcoreinfo = mapped?.vmcoreinfo;
  const kallsyms = files.kallsyms ?? symbolsOfImage(reader, vmcoreinfo);
  const symbols = new KernelSymbols(kallsyms, vmcoreinfo);
  const release = vmcoreinfo?.release ?? files.release;
  const layout = await readLayout({ reader, symbols, vmcoreinfo, release, files });
  const { findings } = snapshot;
  return {
    snapshot,
    space,
    paged: mapped?.paged,
    reader,
    symbols,
    kallsyms,
    vmcoreinfo,
    release,
    layout,
    findings,
  };
}

function symbolsOfImage(
  reader: KernelReader,
  vmcoreinfo: VmcoreInfo | undefined,
): SymbolTable | undefined {
  const text = vmcoreinfo === undefined ? undefined : readImageSymbols(reader, vmcoreinfo);
  return text === undefined ? undefined : new SymbolTable(text);
}

interface MappedKernel {
  readonly paged: PagedSpace;
  readonly vmcoreinfo: VmcoreInfo | undefined;
}

/** Tries the VMCOREINFO of the notes, else those that are in memory, else none. */
function mapPhysical(snapshot: PhysicalSnapshot, files: KernelFiles): MappedKernel {
  const { path, memory, notes, iomem, findings } = snapshot;
  const own = notes.vmcoreinfo === undefined ? undefined : new VmcoreInfo(notes.vmcoreinfo);
  const candidates: (VmcoreInfo | undefined)[] =
    own?.isUsable === true ? [own] : [...findVmcoreInfo(memory), undefined];
  const failures: unknown[] = [];
  for (const vmcoreinfo of candidates) {
    if (vmcoreinfo?.isArm64 === true) {
      throw new TraceFormatError(`${path}: a memory image of arm64; only x86-64 is supported`);
    }
    const symbols = new KernelSymbols(files.kallsyms, vmcoreinfo);
    const { registers } = notes;
    try {
      const input = { path, memory, vmcoreinfo, symbols, registers, iomem, findings };
      return { paged: mapKernel(input), vmcoreinfo };
    } catch (error) {
      if (!(error instanceof TraceFormatError)) throw error;
      failures.push(error);
    }
  }
  throw failures[0];
}
