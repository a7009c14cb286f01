// The raw text of a mail, quoted-printable (RFC 2045, 6.7), → its text: `=3D` is `=`, a line that ends
// with `=` goes on in the next one. An event's fields show it: `call_site=3Dfoo+0x1`.

const ESCAPED_FIELD = /\b(?:call_site|ptr|bytes_req|bytes_alloc|gfp_flags|inuse|fp)=3D/;
const EQUALS = 0x3d;
const RETURN = 0x0d;
const NEWLINE = 0x0a;
/** Bytes of an escape, or of `=` and the end of a line, with blanks between them. */
const MOST_HELD = 80;

export function isQuotedPrintable(head: Uint8Array): boolean {
  return ESCAPED_FIELD.test(Buffer.from(head).toString('latin1'));
}

/** Decodes chunks of any size. */
export async function* unquoteChunks(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Buffer> {
  let held = Buffer.alloc(0);
  for await (const chunk of chunks) {
    const bytes = Buffer.concat([held, chunk]);
    const end = heldFrom(bytes);
    held = bytes.subarray(end);
    yield unquote(bytes.subarray(0, end));
  }
  if (held.length > 0) yield unquote(held);
}

/** Where an escape begins that may go on in the next chunk. */
function heldFrom(bytes: Buffer): number {
  const at = bytes.lastIndexOf(EQUALS);
  const isShort = at >= 0 && bytes.length - at <= MOST_HELD;
  return isShort &&
    !/^=(?:[0-9A-F]{2}|[^\S\r\n]*\r?\n|[^\s0-9A-F\r])/.test(bytes.toString('latin1', at))
    ? at
    : bytes.length;
}

/** Decodes a piece; what is no escape stays as it stands. */
export function unquote(bytes: Buffer): Buffer {
  const decoded = Buffer.alloc(bytes.length);
  let length = 0;
  for (let at = 0; at < bytes.length; at++) {
    const byte = bytes[at] ?? 0;
    if (byte !== EQUALS) {
      decoded[length++] = byte;
      continue;
    }
    const digits = bytes.toString('latin1', at + 1, at + 3);
    if (/^[0-9A-F]{2}$/.test(digits)) {
      decoded[length++] = Number.parseInt(digits, 16);
      at += 2;
      continue;
    }
    const end = endOfBlanks(bytes, at + 1);
    if (bytes[end] === NEWLINE) at = end;
    else decoded[length++] = byte;
  }
  return decoded.subarray(0, length);
}

function endOfBlanks(bytes: Buffer, from: number): number {
  let at = from;
  while (bytes[at] === 0x20 || bytes[at] === 0x09 || bytes[at] === RETURN) at++;
  return at;
}
