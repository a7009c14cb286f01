// What the texts of options mean that several commands have.

import { UsageError } from '../../base/errors.ts';

/** A whole number from 0 on. */
export function parseCount(value: string): number {
  if (!/^\d{1,15}$/.test(value)) throw new UsageError('expected a whole number from 0 on');
  return Number(value);
}

/** A number above 0. */
export function parsePositive(value: string): number {
  const number = Number(value);
  if (!(number > 0) || !Number.isFinite(number)) throw new UsageError('expected a number above 0');
  return number;
}

/** An address as kernel logs print it: 4 to 16 hexadecimal digits, with or without 0x. */
export function parseAddress(text: string): bigint {
  const digits = /^(?:0x)?([0-9a-f]{4,16})$/i.exec(text)?.[1];
  if (digits === undefined) throw new UsageError('expected an address, such as 0xffff888003a40040');
  return BigInt(`0x${digits}`);
}
