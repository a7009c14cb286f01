// Sizes as options take them (`16KiB`, `64KB`, `1.5M`, `4096`) and as `compare` prints them. As
// everywhere here a KB is 1024 bytes, so KB, KiB and K are one.

import { formatFixed } from './bytes-format.ts';

const UNITS = ['', 'K', 'M', 'G', 'T'] as const;

/** Bytes of a size; undefined where the text is not one. */
export function parseSize(text: string): number | undefined {
  const [, number, unit] = /^(\d+(?:\.\d+)?)\s*(?:([KMGT])(?:i?B)?|B)?$/i.exec(text) ?? [];
  if (number === undefined) return undefined;
  const power = UNITS.findIndex((name) => name === (unit ?? '').toUpperCase());
  return Number(number) * 1024 ** power;
}

/** `16 KiB`, `1.5 MiB`, `100 B`: in the largest unit of which there is at least one. */
export function formatSize(bytes: number): string {
  let power = 0;
  while (Math.abs(bytes) >= 1024 ** (power + 1) && power < UNITS.length - 1) power++;
  const amount = bytes / 1024 ** power;
  const digits = Number.isInteger(amount) ? 0 : 1;
  return `${formatFixed(amount, digits)} ${power === 0 ? '' : `${UNITS[power]}i`}B`;
}
