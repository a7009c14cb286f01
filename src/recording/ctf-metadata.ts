// The file `metadata` of a CTF trace (Common Trace Format 1.8.3, 7): text, or packets of text, which
// begin with 0x75D11D57 in the byte order of the machine.

const PACKET = Buffer.from([0x75, 0xd1, 0x1d, 0x57]);
const PACKET_SWAPPED = Buffer.from(PACKET).reverse();
const TEXT = '/* CTF 1.';

/** True where a file with these first bytes is one. */
export function isCtfMetadata(head: Uint8Array): boolean {
  const start = Buffer.from(head.subarray(0, 64));
  const magic = start.subarray(0, PACKET.length);
  return magic.equals(PACKET) || magic.equals(PACKET_SWAPPED) || start.includes(TEXT);
}
