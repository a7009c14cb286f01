// The files and links of a tar archive (POSIX.1-1988 ustar, with GNU's long names).

const BLOCK = 512;

export interface TarEntry {
  readonly path: string;
  /** The content of a file; empty for others. */
  readonly bytes: Buffer;
  /** What a symbolic link points to. */
  readonly link: string | undefined;
}

const FILE_TYPES: ReadonlySet<string> = new Set(['0', '\0']);

/** Every file and symbolic link, in the order of the archive; ends where the archive does. */
export function* tarEntries(tar: Buffer): Generator<TarEntry> {
  let longName: string | undefined;
  for (let at = 0; at + BLOCK <= tar.length; ) {
    const header = tar.subarray(at, at + BLOCK);
    if (header[0] === 0) return;
    const size = Number.parseInt(textAt(header, 124, 12).trim() || '0', 8);
    if (!Number.isInteger(size) || size < 0) return;
    const bytes = tar.subarray(at + BLOCK, at + BLOCK + size);
    at += BLOCK + Math.ceil(size / BLOCK) * BLOCK;
    const type = String.fromCharCode(header[156] ?? 0);
    if (type === 'L') {
      longName = textAt(bytes, 0, bytes.length);
      continue;
    }
    const prefix = textAt(header, 257, 5) === 'ustar' ? textAt(header, 345, 155) : '';
    const short = textAt(header, 0, 100);
    const path = longName ?? (prefix === '' ? short : `${prefix}/${short}`);
    longName = undefined;
    if (type === '2') yield { path, bytes: Buffer.alloc(0), link: textAt(header, 157, 100) };
    else if (FILE_TYPES.has(type)) yield { path, bytes, link: undefined };
  }
}

/** Text that ends at a byte 0, or with its field. */
function textAt(bytes: Uint8Array, from: number, length: number): string {
  const field = Buffer.from(bytes.subarray(from, from + length));
  const end = field.indexOf(0);
  return field.toString('utf8', 0, end < 0 ? field.length : end);
}
