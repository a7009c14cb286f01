// What the options that select allocations say, as text → a Selection (docs/filters.md). The command
// line and the library read them alike. Messages say what was expected; who asked names the option.

import { UsageError } from '../base/errors.ts';
import { parseSize } from '../base/sizes.ts';
import type { Cpu } from '../kernel/indices.ts';
import type { Age, AgeRange, Selection, SizeRange, TimeBound } from './event-filter.ts';

const NANO = 1_000_000_000n;

/** Billionths of a second in each unit of `--age`. */
const AGE_UNITS: Readonly<Record<string, bigint>> = {
  ns: 1n,
  us: 1_000n,
  ms: 1_000_000n,
  s: NANO,
  m: 60n * NANO,
  h: 3600n * NANO,
};

/** `12.345` as in the trace, `+1.5` from its first event. @throws UsageError */
export function parseTimeBound(text: string): TimeBound {
  const [, plus, amount] = /^(\+?)(\d{1,20}(?:\.\d{1,9})?)$/.exec(text) ?? [];
  if (amount === undefined) throw new UsageError('expected seconds, such as 12.5 or +1.5');
  return { relative: plus === '+', nano: billionths(amount) };
}

/** `FROM..TO`; either may be empty. @throws UsageError */
export function parseTimeWindow(text: string): Pick<Selection, 'from' | 'to'> {
  const [first, second, ...more] = text.split('..');
  if (first === undefined || second === undefined || more.length > 0)
    throw new UsageError('expected FROM..TO; either may be empty');
  const from = first === '' ? undefined : parseTimeBound(first);
  const to = second === '' ? undefined : parseTimeBound(second);
  if (from && to && from.relative === to.relative && from.nano > to.nano)
    throw new UsageError('FROM is later than TO');
  return { from, to };
}

/** `0,2-5`. @throws UsageError */
export function parseCpus(text: string): number[] {
  const cpus: number[] = [];
  for (const part of text.split(',')) {
    const [, from, to] = /^(\d{1,5})(?:-(\d{1,5}))?$/.exec(part) ?? [];
    if (from === undefined) throw new UsageError('expected a list such as 0,2-5');
    for (let cpu: Cpu = Number(from); cpu <= Number(to ?? from); cpu++) cpus.push(cpu);
  }
  return cpus;
}

/** `128..256`, `4K..`, `..64`, or `192` alone. @throws UsageError */
export function parseSizes(text: string): SizeRange {
  const [first = '', second = first, ...more] = text.split('..');
  const from = first === '' ? 0 : parseSize(first);
  const to = second === '' ? Infinity : parseSize(second);
  const isRange = more.length === 0 && !(first === '' && second === '');
  if (from === undefined || to === undefined || !isRange)
    throw new UsageError('expected bytes, such as 192, 128..256, 4K.. or ..64');
  if (from > to) throw new UsageError('FROM is larger than TO');
  return { from, to };
}

/**
 * `+5s` (that long or longer), `-100ms` (less than that); one of each is a range.
 * @param previous what an earlier option said
 * @throws UsageError
 */
export function parseAge(text: string, previous?: AgeRange): AgeRange {
  const [, sign, amount, unit] =
    /^([+-])(\d{1,15}(?:\.\d{1,9})?)(ns|us|ms|s|m|h)?$/.exec(text) ?? [];
  if (amount === undefined)
    throw new UsageError(
      'expected +AGE (at least that old) or -AGE (younger), such as +5s or -100ms',
    );
  const ofUnit = AGE_UNITS[unit ?? 's'] ?? NANO;
  const age: Age = { nano: (billionths(amount) * ofUnit) / NANO, hasUnit: unit !== undefined };
  const side = sign === '+' ? 'atLeast' : 'below';
  if (previous?.[side] !== undefined) throw new UsageError(`a second ${sign}AGE`);
  const ages = { atLeast: previous?.atLeast, below: previous?.below, [side]: age };
  const { atLeast, below } = ages;
  const isEmpty = atLeast !== undefined && below !== undefined && atLeast.nano >= below.nano;
  if (isEmpty || (side === 'below' && age.nano === 0n))
    throw new UsageError('no object is at least as old as +AGE and younger than -AGE');
  return ages;
}

/** @param amount decimal digits, with nine behind the point at the most */
function billionths(amount: string): bigint {
  const [whole = '', fraction = ''] = amount.split('.');
  return BigInt(whole) * NANO + BigInt(fraction.padEnd(9, '0'));
}
