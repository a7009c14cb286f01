// A line of CSV → where its fields lie (RFC 4180). Fields in quotes are cut as well, as long as no
// quote stands inside them.

const QUOTE = 0x22;
const COMMA = 0x2c;

export class RowCutter {
  /** Field i is bytes [starts[i], ends[i]), without its quotes. */
  readonly starts: Int32Array;
  readonly ends: Int32Array;
  /** Fields found; one more than there are columns where the row has too many. */
  count = 0;

  constructor(columns: number) {
    this.starts = new Int32Array(columns + 1);
    this.ends = new Int32Array(columns + 1);
  }

  /** Cuts the line [from, to) of `bytes`; false where its quotes are not that simple. */
  cut(bytes: Uint8Array, from: number, to: number): boolean {
    const { starts, ends } = this;
    let count = 0;
    let start = from;
    for (;;) {
      let end = start;
      if (bytes[start] === QUOTE && start < to) {
        end = ++start;
        while (end < to && bytes[end] !== QUOTE) end++;
        if (end === to || (end + 1 < to && bytes[end + 1] !== COMMA)) return false;
        starts[count] = start;
        ends[count++] = end++;
      } else {
        while (end < to && bytes[end] !== COMMA) {
          if (bytes[end] === QUOTE) return false;
          end++;
        }
        starts[count] = start;
        ends[count++] = end;
      }
      if (end === to || count === starts.length) break;
      start = end + 1;
    }
    this.count = count;
    return true;
  }

  /** Puts fields one behind the other, for a row that was cut by other means; returns their bytes. */
  take(fields: readonly string[]): Buffer {
    // A zero byte between them, so that no two rows of different fields have the same bytes.
    const bytes = Buffer.from(`${fields.join('\0')}\0`);
    this.count = Math.min(fields.length, this.starts.length);
    let at = 0;
    for (let i = 0; i < this.count; i++) {
      this.starts[i] = at;
      at += Buffer.byteLength(fields[i] ?? '');
      this.ends[i] = at++;
    }
    return bytes;
  }
}
