// What the texts of options mean that several commands have.

import type { TimeBound } from '../../pairing/event-filter.ts';
import { BadValue } from './specs.ts';

/** A whole number from 0 on. */
export function parseCount(value: string): number {
  if (!/^\d{1,15}$/.test(value)) throw new BadValue('expected a whole number from 0 on');
  return Number(value);
}

/** A number above 0. */
export function parsePositive(value: string): number {
  const number = Number(value);
  if (!(number > 0) || !Number.isFinite(number)) throw new BadValue('expected a number above 0');
  return number;
}

/** `0,2-5` */
export function parseCpus(value: string): number[] {
  const cpus: number[] = [];
  for (const part of value.split(',')) {
    const [, from, to] = /^(\d{1,5})(?:-(\d{1,5}))?$/.exec(part) ?? [];
    if (from === undefined) throw new BadValue('expected a list such as 0,2-5');
    for (let cpu = Number(from); cpu <= Number(to ?? from); cpu++) cpus.push(cpu);
  }
  return cpus;
}

export interface TimeWindow {
  readonly from: TimeBound | undefined;
  readonly to: TimeBound | undefined;
}

/** `FROM..TO`; either side may be empty. */
export function parseTimeWindow(value: string): TimeWindow {
  const dots = value.indexOf('..');
  if (dots < 0) throw new BadValue('expected FROM..TO; either may be empty');
  const side = (text: string): TimeBound | undefined => (text === '' ? undefined : parseTime(text));
  const from = side(value.slice(0, dots));
  const to = side(value.slice(dots + 2));
  if (from && to && from.relative === to.relative && from.nano > to.nano)
    throw new BadValue('FROM is later than TO');
  return { from, to };
}

/** An address as kernel logs print it: 4 to 16 hexadecimal digits, with or without 0x. */
export function parseAddress(text: string): bigint {
  const digits = /^(?:0x)?([0-9a-f]{4,16})$/i.exec(text)?.[1];
  if (digits === undefined) throw new BadValue('expected an address, such as 0xffff888003a40040');
  return BigInt(`0x${digits}`);
}

/** `12.345` as in the trace, `+1.5` from its first event. */
export function parseTime(text: string): TimeBound {
  const [, plus, whole, fraction = ''] = /^(\+?)(\d{1,20})(?:\.(\d{1,9}))?$/.exec(text) ?? [];
  if (whole === undefined) throw new BadValue('expected seconds, such as 12.5 or +1.5');
  return {
    relative: plus === '+',
    nano: BigInt(whole) * 1_000_000_000n + BigInt(fraction.padEnd(9, '0')),
  };
}
