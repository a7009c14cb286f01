// A file → the memory image in it. The form is found by the first bytes, never by the name: .gz is
// unpacked, the flattened form of makedumpfile read through, then each form is asked. A raw image
// says nothing about itself and is what is left, where iomem.txt tells where its memory is.

import { TraceFormatError } from '../../base/errors.ts';
import { readChunks } from '../../base/input-bytes.ts';
import { Findings } from '../findings.ts';
import { elfCoreFormat } from '../image/elf-core.ts';
import { FlattenedFile, isFlattened } from '../image/flattened.ts';
import { ImageFile, type SharedFile } from '../image/image-file.ts';
import type { ImageFormat } from '../image/image-format.ts';
import { kdumpFormat } from '../image/kdump.ts';
import { limeFormat } from '../image/lime.ts';
import type { ImageBytes, ImageNotes } from '../image/physical-image.ts';
import { rawImageFormat } from '../image/raw-image.ts';
import { detectWordText } from '../image/word-lines.ts';
import { readWordText } from '../image/word-text.ts';
import { type IomemRange, parseIomem } from './iomem.ts';
import { PhysicalMemory } from './physical-memory.ts';
import type { PrintedSpace } from './printed-space.ts';

const HEAD_BYTES = 64 * 1024;

const IMAGE_FORMATS: readonly ImageFormat[] = [elfCoreFormat, kdumpFormat, limeFormat];

export interface SnapshotOptions {
  /** Folder for what must be unpacked. */
  readonly tmp?: string;
  /** The text of /proc/iomem, for raw images. */
  readonly iomem?: string;
}

interface SnapshotBase {
  readonly path: string;
  /** In words: "ELF core", "kdump-compressed, flattened". */
  readonly format: string;
  readonly findings: Findings;
  close(): void;
}

/** An image of physical memory. */
export interface PhysicalSnapshot extends SnapshotBase {
  readonly kind: 'physical';
  readonly memory: PhysicalMemory;
  readonly notes: ImageNotes;
  readonly iomem: readonly IomemRange[] | undefined;
  /** What another thread opens the same snapshot with, as long as this one is not closed. */
  readonly shared: SharedSnapshot;
}

/** Words of virtual memory that a debugger printed. */
interface PrintedSnapshot extends SnapshotBase {
  readonly kind: 'printed';
  readonly space: PrintedSpace;
}

export type Snapshot = PhysicalSnapshot | PrintedSnapshot;

/** Plain data for a worker. */
export interface SharedSnapshot {
  readonly file: SharedFile;
  readonly iomem: string | undefined;
}

/**
 * Opens a memory snapshot of any form.
 * @throws TraceFormatError that lists what was tried, InputError, OutputError (no room to unpack)
 */
export async function openSnapshot(path: string, options: SnapshotOptions = {}): Promise<Snapshot> {
  const file = await ImageFile.open(path, options.tmp);
  try {
    return openFile(file, options.iomem);
  } catch (error) {
    file.close();
    throw error;
  }
}

/** True where a file begins as a memory image does; printed words and raw memory do not show it. */
export async function isMemoryImage(path: string): Promise<boolean> {
  for await (const head of readChunks(path, { truncated: false })) {
    return isFlattened(head) || IMAGE_FORMATS.some((format) => format.detect(head) === true);
  }
  return false;
}

/** Opens in a worker what another thread of this process has open; needs no second unpacking. */
export function openSharedSnapshot(shared: SharedSnapshot): PhysicalMemory {
  const snapshot = openFile(ImageFile.adopt(shared.file), shared.iomem);
  if (snapshot.kind !== 'physical') throw new Error('internal error: printed words are not shared');
  return snapshot.memory;
}

function openFile(file: ImageFile, iomemText: string | undefined): Snapshot {
  const { path } = file;
  const findings = new Findings();
  if (file.shared.truncated) findings.add('truncated', `the packed data of ${path}`);
  const flattened = isFlattened(file.slice(0, HEAD_BYTES));
  const bytes: ImageBytes = flattened ? new FlattenedFile(file, findings) : file;
  const head = bytes.slice(0, HEAD_BYTES);
  if (head.length === 0) throw new TraceFormatError(`${path}: the file is empty`);
  const iomem = iomemText === undefined ? undefined : parseIomem(iomemText);
  const close = (): void => file.close();
  const choice = chooseFormat(head, path, iomem !== undefined, flattened);
  if (choice === 'printed') {
    const space = readWordText(bytes, findings);
    return { kind: 'printed', path, format: 'printed words', findings, space, close };
  }
  const { image, notes } = choice.open(bytes, { iomem, findings });
  return {
    kind: 'physical',
    path,
    format: flattened ? `${choice.name}, flattened` : choice.name,
    findings,
    memory: new PhysicalMemory(image),
    notes,
    iomem,
    shared: { file: file.shared, iomem: iomemText },
    close,
  };
}

/** @throws TraceFormatError that lists what was tried */
function chooseFormat(
  head: Buffer,
  path: string,
  hasIomem: boolean,
  flattened: boolean,
): ImageFormat | 'printed' {
  const refusals: string[] = [];
  for (const format of IMAGE_FORMATS) {
    const answer = format.detect(head);
    if (answer === true) return format;
    refusals.push(`${format.name}: ${answer}`);
  }
  const text = flattened ? 'inside the flattened form' : detectWordText(head);
  if (text === true) return 'printed';
  refusals.push(`printed words: ${text}`);
  if (hasIomem) return rawImageFormat;
  refusals.push('raw physical memory: needs iomem.txt beside it');
  throw new TraceFormatError(`${path}: not a memory snapshot that can be read`, {
    hint: `Tried ${refusals.join('; ')}.`,
  });
}
