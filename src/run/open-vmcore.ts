// The memory snapshot of a source, opened with what lies beside it (symbols, structure layouts): the
// kernel in it. Held against the recording's own words on its boot; a snapshot of another is refused.

import { readdirSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { TraceFormatError, UsageError } from '../base/errors.ts';
import { fileStat } from '../base/file-stat.ts';
import { PACKED_SUFFIX, packedNames } from '../base/packing.ts';
import { releaseFromText } from '../kernel/machine/kernel-version.ts';
import {
  type FoundSource,
  findSource,
  type SidecarChoice,
  sidecarFolders,
} from '../recording/find-source.ts';
import { readSymbols } from '../recording/read-symbols.ts';
import type { SidecarFiles } from '../recording/sidecars.ts';
import { type KernelImage, openKernel } from '../snapshot/kernel/kernel-image.ts';
import {
  matchTrace,
  type SnapshotMatch,
  type TraceEvidence,
} from '../snapshot/kernel/match-trace.ts';
import { openSnapshot } from '../snapshot/memory/open-snapshot.ts';
import { type NoSlubImage, openSlub, type SlubImage } from '../snapshot/slub-walk/walk-slabs.ts';
import type { StoredSnapshot } from '../store/run-database.ts';
import { identifySnapshot } from '../store/snapshot-identity.ts';
import { openSource } from './source.ts';

export interface VmcoreOptions {
  readonly source: string;
  /** `--vmcore`: the snapshot's file; else it is looked for in the source's folder. */
  readonly vmcore?: string | undefined;
  /** As in SourceOptions. */
  readonly sidecars?: SidecarChoice;
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

/** A snapshot's path, or of one that a run database names why it is not used, a sentence. */
export type FoundVmcore = { readonly path: string } | { readonly gone: string };

/**
 * The snapshot of a source, or undefined where it has none: the one that is named, the source itself,
 * the one that a run database remembers, else the one beside the source.
 * @throws UsageError where there are several
 */
export async function findVmcore(options: VmcoreOptions): Promise<FoundVmcore | undefined> {
  const { source, vmcore, sidecars } = options;
  if (vmcore !== undefined) return { path: vmcore };
  const found = findSource(source);
  if (found.kind !== 'folder' && SNAPSHOT_NAME.test(basename(found.path))) {
    return { path: found.path };
  }
  // A folder without events is asked for its snapshot: that is not beside anything.
  if (sidecars === 'none' && found.kind !== 'folder') return undefined;
  const stored = found.kind === 'database' ? await storedVmcore(found.path) : undefined;
  if (stored !== undefined) return stored;
  const folder = folderOf(found);
  const path = folder === undefined ? undefined : snapshotIn(folder);
  return path === undefined ? undefined : { path };
}

/** The snapshot that a run database remembers, where it lay or (moved with it) beside the database. */
async function storedVmcore(database: string): Promise<FoundVmcore | undefined> {
  const { RunDatabase } = await import('../store/run-database.ts');
  const opened = new RunDatabase(database);
  const stored = ((): StoredSnapshot | undefined => {
    try {
      return opened.snapshot();
    } finally {
      opened.close();
    }
  })();
  if (stored === undefined) return undefined;
  const paths = [stored.path, join(dirname(database), basename(stored.path))].filter(isFile);
  const path = paths.find((each) => {
    const { size, digest } = identifySnapshot(each);
    return size === stored.size && digest === stored.digest;
  });
  if (path !== undefined) return { path };
  const why = paths.includes(stored.path)
    ? 'is another file than when the run was ingested'
    : 'is not there any more';
  return { gone: `The snapshot ${stored.path} ${why}: name it with --vmcore FILE.` };
}

function snapshotIn(folder: string): string | undefined {
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
  const { found, sidecars } = await openSource(options);
  // What a run database does not take in lies with the snapshot.
  const folder = found.kind === 'database' ? dirname(path) : found.folder;
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
