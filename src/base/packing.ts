// How a file is packed, by its first bytes: what is unpacked here, and what only another program can
// unpack. Where the marks come from: RFC 1952 (gzip), the .xz file format 1.2, RFC 8878 (zstd), and
// for the others the `magic` files of file(1).

import { TraceFormatError } from './errors.ts';

/** What is unpacked wherever it is met. */
export type Packing = 'gzip' | 'xz' | 'zstd';

const SUFFIXES: readonly string[] = ['.gz', '.xz', '.zst'];

/** The end of a regular expression for a file's name: it may be packed. */
export const PACKED_SUFFIX = '(?:\\.(?:gz|xz|zst))?';

/** Bytes that `packingOf` and `assertUnpacked` look at. */
export const PACKING_HEAD_BYTES = 512;

/** The names under which a file may be: as it is, then packed. */
export function packedNames(name: string): string[] {
  return [name, ...SUFFIXES.map((suffix) => name + suffix)];
}

/** A file's name without the suffix of its packing. */
export function unpackedName(name: string): string {
  return name.replace(/\.(?:gz|xz|zst)$/, '');
}

/** How bytes that begin so are packed; undefined where they are not, or not so that it is read here. */
export function packingOf(head: Uint8Array): Packing | undefined {
  if (isGzip(head)) return 'gzip';
  if (beginsWith(head, [0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00])) return 'xz';
  const isSkippable = ((head[0] ?? 0) & 0xf0) === 0x50 && beginsWith(head, [0x2a, 0x4d, 0x18], 1);
  if (isSkippable || beginsWith(head, [0x28, 0xb5, 0x2f, 0xfd])) return 'zstd';
  return undefined;
}

/** The magic, method 8, no reserved flag (raw data may begin like the magic alone). */
function isGzip(head: Uint8Array): boolean {
  return beginsWith(head, [0x1f, 0x8b, 0x08]) && ((head[3] ?? 0xff) & 0xe0) === 0;
}

interface ForeignPacking {
  readonly title: string;
  /** The program and its options, in front of the file's name. */
  readonly command: string;
  matches(head: Uint8Array): boolean;
}

const FOREIGN: readonly ForeignPacking[] = [
  {
    title: 'packed with bzip2',
    command: 'bunzip2 -k',
    matches: (head) =>
      beginsWith(head, ascii('BZh')) && beginsWith(head, [0x31, 0x41, 0x59, 0x26, 0x53, 0x59], 4),
  },
  {
    title: 'packed with lz4',
    command: 'unlz4 -k',
    // The frame format, and the legacy one of kernel images.
    matches: (head) =>
      beginsWith(head, [0x04, 0x22, 0x4d, 0x18]) || beginsWith(head, [0x02, 0x21, 0x4c, 0x18]),
  },
  {
    title: 'packed with lzop',
    command: 'lzop -d',
    matches: (head) => beginsWith(head, [0x89, 0x4c, 0x5a, 0x4f, 0x00, 0x0d, 0x0a, 0x1a, 0x0a]),
  },
  { title: 'packed with lzma', command: 'unlzma -k', matches: isLzma },
  {
    title: 'packed with compress',
    command: 'gunzip -k',
    // Flags: block mode, 9 to 16 bits, none that is reserved.
    matches: (head) => {
      const flags = head[2] ?? 0;
      const bits = flags & 0x1f;
      return beginsWith(head, [0x1f, 0x9d]) && (flags & 0xe0) === 0x80 && bits >= 9 && bits <= 16;
    },
  },
  {
    title: 'a zip archive',
    command: 'unzip',
    // A file in it, none at all, or a part of an archive.
    matches: (head) =>
      [0x0403, 0x0605, 0x0807].some((kind) =>
        beginsWith(head, [0x50, 0x4b, kind & 0xff, kind >> 8]),
      ),
  },
  {
    title: 'a 7z archive',
    command: '7z x',
    matches: (head) => beginsWith(head, [0x37, 0x7a, 0xbc, 0xaf, 0x27, 0x1c]),
  },
  {
    title: 'a tar archive',
    command: 'tar -xf',
    matches: isTar,
  },
  {
    title: 'a rar archive',
    command: 'unrar x',
    matches: (head) => beginsWith(head, ascii('Rar!\x1a\x07')),
  },
  {
    title: 'a cpio archive',
    command: 'cpio -idF',
    matches: (head) => ['070701', '070702', '070707'].some((mark) => beginsWith(head, ascii(mark))),
  },
  {
    title: 'an ar archive (a Debian package or a library)',
    command: 'ar x',
    matches: (head) => beginsWith(head, ascii('!<arch>\n')),
  },
  {
    title: 'an RPM package',
    command: 'rpm2archive',
    matches: (head) => beginsWith(head, [0xed, 0xab, 0xee, 0xdb]),
  },
];

/** True for the first bytes of a tar archive. */
export function isTar(head: Uint8Array): boolean {
  return beginsWith(head, ascii('ustar'), 257) || isOldTar(head);
}

const TAR_HEADER_BYTES = 512;
const TAR_SUM_AT = 148;
const TAR_SUM_BYTES = 8;

/** The tar of Unix version 7 has no magic; the sum of its header's bytes stands in it, in octal. */
function isOldTar(head: Uint8Array): boolean {
  if (head.length < TAR_HEADER_BYTES || head[0] === 0) return false;
  const end = TAR_SUM_AT + TAR_SUM_BYTES;
  const said = Buffer.from(head.subarray(TAR_SUM_AT, end)).toString('latin1');
  if (!/^ *[0-7]{3,7}[ \0]/.test(said)) return false;
  let sum = TAR_SUM_BYTES * 0x20;
  for (const [at, byte] of head.subarray(0, TAR_HEADER_BYTES).entries()) {
    if (at < TAR_SUM_AT || at >= end) sum += byte;
  }
  return sum === Number.parseInt(said, 8);
}

/** It has no magic: usual properties, a power of two as dictionary, a size that is unknown or believable. */
function isLzma(head: Uint8Array): boolean {
  if (head.length < 13 || head[0] !== 0x5d) return false;
  const bytes = Buffer.from(head.buffer, head.byteOffset, 13);
  const dictionary = bytes.readUInt32LE(1);
  const size = bytes.readBigUInt64LE(5);
  const isPower = dictionary >= 4096 && (dictionary & (dictionary - 1)) === 0;
  return isPower && (size === 0xffff_ffff_ffff_ffffn || size < 1n << 40n);
}

/**
 * @param path names the file in the message; undefined for standard input
 * @throws TraceFormatError where the bytes begin as something that only another program unpacks
 */
export function assertUnpacked(head: Uint8Array, path: string | undefined): void {
  const foreign = FOREIGN.find(({ matches }) => matches(head));
  if (foreign === undefined) return;
  const command = path === undefined ? foreign.command : `${foreign.command} ${path}`;
  throw new TraceFormatError(`${path ?? 'standard input'}: it is ${foreign.title}`, {
    hint: `Unpack it first: \`${command}\`. Only gzip, xz and zstd are unpacked here.`,
  });
}

/** True where `mark` stands at a place of the bytes. */
export function beginsWith(head: Uint8Array, mark: readonly number[], at = 0): boolean {
  return mark.every((byte, i) => head[at + i] === byte);
}

/** The bytes of a text, for `beginsWith`. */
export function ascii(text: string): number[] {
  return [...Buffer.from(text, 'latin1')];
}
