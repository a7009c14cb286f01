// Addresses and names as every result gives them.

/** `0x` and 16 hex digits; null stays null. */
export function formatAddress(address: bigint): string;
export function formatAddress(address: bigint | null): string | null;
export function formatAddress(address: bigint | null): string | null {
  return address === null ? null : `0x${address.toString(16).padStart(16, '0')}`;
}

/** Order by code unit, so that every machine sorts alike. */
export function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
