// Values between JavaScript and SQLite, whose integers are signed and have 64 bits.

/** Values that bind to a statement. */
export type SqlValue = string | number | bigint | Buffer | null;

const MAX_INTEGER = 2n ** 63n - 1n;

/** A value as SQLite can keep it: of what is larger (sizes that a broken trace claims) the most. */
export function toStorable(value: SqlValue): SqlValue {
  return typeof value === 'bigint' && value > MAX_INTEGER ? MAX_INTEGER : value;
}

/** An unsigned number of 64 bits as the signed one with the same bits. */
export function toSigned(value: bigint): bigint {
  return BigInt.asIntN(64, value);
}

/** The unsigned number of 64 bits that a signed one stands for. */
export function toUnsigned(value: bigint | number): bigint {
  return BigInt.asUintN(64, BigInt(value));
}
