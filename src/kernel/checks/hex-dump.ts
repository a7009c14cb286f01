// Bytes as the kernel prints them: lib/hexdump.c print_hex_dump() with 16 bytes a line, addresses and
// letters.
//
// Redzone  ffff8e109c4ecf80: a5 cc cc cc cc cc cc cc                          ........

const ROW = 16;
const LETTERS_COLUMN = 3 * ROW + 1;

/** @param address of the first byte */
export function hexDump(prefix: string, address: bigint, bytes: Uint8Array): string[] {
  const lines: string[] = [];
  for (let at = 0; at < bytes.length; at += ROW) {
    const row = bytes.subarray(at, at + ROW);
    const hex = Array.from(row, (byte) => byte.toString(16).padStart(2, '0')).join(' ');
    const letters = String.fromCharCode(...row.map(printable));
    const where = (address + BigInt(at)).toString(16).padStart(16, '0');
    lines.push(`${prefix}${where}: ${hex.padEnd(LETTERS_COLUMN)}${letters}`);
  }
  return lines;
}

function printable(byte: number): number {
  return byte >= 0x20 && byte < 0x7f ? byte : 0x2e;
}
