// The memory snapshot of a source, opened with what lies beside it (symbols, structure layouts): the
// kernel in it. Held against the recording's own words on its boot; a snapshot of another is refused.

import { readdirSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { TraceFormatError, UsageError } from '../base/errors.ts';
import { fileStat } from '../base/file-stat.ts';
import { PACKED_SUFFIX, packedNames } from '../base/packing.ts';
import { releaseFromText } from '../kernel/kernel-version.ts';
import type { SidecarFiles } from '../kernel/sidecars.ts';
import { type KernelImage, openKernel } from '../snapshot/kernel-image.ts';
import { matchTrace, type SnapshotMatch, type TraceEvidence } from '../snapshot/match-trace.ts';
import { openSnapshot } from '../snapshot/open-snapshot.ts';
import { type NoSlubImage, openSlub, type SlubImage } from '../snapshot/slub-walk/walk-slabs.ts';
import { type FoundSource, findSource, sidecarFolders } from './find-source.ts';
import { openSidecars } from './open-sidecars.ts';
import { readSymbols } from './read-symbols.ts';

export interface VmcoreOptions {
  readonly source: string;
  /** `--vmcore`: the snapshot's file; else it is looked for in the source's folder. */
  readonly vmcore?: string | undefined;
  /** As in SourceOptions. */
  readonly sidecars?: readonly string[] | null | undefined;
  readonly tmp?: string | undefined;
}

/** `close()` the kernel's snapshot when done. */
export interface OpenedVmcore {
  readonly path: string;
  readonly kernel: KernelImage;
  readonly slub: SlubImage | NoSlubImage;
  readonly sidecars: SidecarFiles;
  /** Symbols are the recording's; else the image's own, which agree with it whatever it is of. */
  readonly hasKallsyms: boolean;
  /** What the recording says of its boot. */
  readonly evidence: Omit<TraceEvidence, 'live'>;
}

// vmcore, vmcore.elf.gz, vmcore.kdump-zlib, host.lime; vmcore-dmesg.txt is kdump's log
const SNAPSHOT_NAME = new RegExp(`^(?!.*dmesg)(?:vmcore.*|.*\\.lime${PACKED_SUFFIX})$`);
/** Files with BTF in a recording folder, best first. */
const BTF_FILES = ['btf', 'vmlinux'];

/** The snapshot of a source, or undefined where it has none. */
export function findVmcore({ source, vmcore }: VmcoreOptions): string | undefined {
  if (vmcore !== undefined) return vmcore;
  const found = findSource(source);
  if (found.kind !== 'folder' && SNAPSHOT_NAME.test(basename(found.path))) return found.path;
  const folder = folderOf(found);
  if (folder === undefined) return undefined;
  const names = readdirSync(folder)
    .filter((name) => SNAPSHOT_NAME.test(name) && isFile(join(folder, name)))
    .sort();
  if (names.length > 1) {
    throw new UsageError(`${folder}: several memory snapshots: ${names.join(', ')}`, {
      hint: 'Choose one with --vmcore FILE.',
    });
  }
  return names[0] === undefined ? undefined : join(folder, names[0]);
}

/**
 * Opens a snapshot that `findVmcore` found.
 * @throws TraceFormatError where it is none that can be read, or (with the evidence) of another boot
 */
export async function openVmcore(path: string, options: VmcoreOptions): Promise<OpenedVmcore> {
  const folder = folderOf(findSource(options.source));
  const sidecars = await openSidecars(options.source, options.sidecars);
  const iomem = sidecars.text('iomem.txt');
  const snapshot = await openSnapshot(path, {
    ...(options.tmp === undefined ? {} : { tmp: options.tmp }),
    ...(iomem === undefined ? {} : { iomem }),
  });
  try {
    const version = sidecars.text('version.txt');
    const release =
      releaseFromText(version ?? '') ?? releaseFromText(sidecars.text('uname.txt') ?? '');
    const kallsyms = readSymbols(sidecars)?.table;
    const kernel = await openKernel(snapshot, {
      kallsyms,
      release: release ?? undefined,
      btfPath: btfFile(sidecarFolders(options.sidecars, folder)),
      structOffsets: sidecars.text('struct-offsets.txt'),
    });
    const evidence = { release: release ?? undefined, version };
    assertMatch(path, matchTrace(kernel, undefined, { ...evidence, live: undefined }));
    const hasKallsyms = kallsyms !== undefined;
    return { path, kernel, slub: openSlub(kernel), sidecars, hasKallsyms, evidence };
  } catch (error) {
    snapshot.close();
    throw error;
  }
}

/** @throws TraceFormatError with the evidence where a snapshot is not of the recording's boot */
export function assertMatch(path: string, match: SnapshotMatch): void {
  if (match.verdict !== 'mismatch') return;
  const seen = match.evidence.filter((item) => item.verdict === 'mismatch');
  throw new TraceFormatError(
    `${path}: not a snapshot of this recording: ${seen.map((item) => item.text).join('; ')}`,
    { hint: 'A snapshot alone is read with --no-sidecars, or in a folder of its own.' },
  );
}

function folderOf(found: FoundSource): string | undefined {
  return found.kind === 'database' ? dirname(found.path) : found.folder;
}

function btfFile(folders: readonly string[]): string | undefined {
  const names = BTF_FILES.flatMap(packedNames);
  return folders.flatMap((folder) => names.map((name) => join(folder, name))).find(isFile);
}

function isFile(path: string): boolean {
  return fileStat(path)?.isFile() ?? false;
}
