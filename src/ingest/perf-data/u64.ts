// 64-bit numbers in records, as doubles: exact below 2^53, and larger ones are only ever compared.

export function u64At(view: DataView, at: number, littleEndian: boolean): number {
  const first = view.getUint32(at, littleEndian);
  const second = view.getUint32(at + 4, littleEndian);
  return littleEndian ? second * 4294967296 + first : first * 4294967296 + second;
}
