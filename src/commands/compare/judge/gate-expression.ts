// `cache:kmalloc-*:waste>+5%` → a gate. The grammar, blanks allowed between its parts:
//
//   gate     = [subject ":"] metric comparator limit
//   subject  = "total" | "cache:" glob | "site:" glob        (left out: total)
//   limit    = sign number "%" | sign amount | amount         (a change in per cent, a change, a value)
//   amount   = number [ "B" | "KiB" | "MiB" | "GiB" | "objects" ]
//
// `>` and `>=` say what fails; `<` and `<=` say what must hold. It is read from its end, because a
// glob may hold anything, `:` too.

import { UsageError } from '../../../base/errors.ts';
import { parseSize } from '../../../base/sizes.ts';
import { METRICS, type Metric } from '../figures/metrics.ts';
import type { SubjectKind } from '../figures/subject.ts';

/** Longer ones first: a `>` is the start of `>=` too. */
const COMPARATORS = ['>=', '<=', '>', '<'] as const;
export type Comparator = (typeof COMPARATORS)[number];

interface GateLimit {
  /** `percent`: change against base in per cent; `change`: in the unit; `value`: the new value. */
  readonly of: 'percent' | 'change' | 'value';
  readonly number: number;
  /** Metric `live` only: objects instead of bytes. */
  readonly isObjects: boolean;
}

export interface Gate {
  /** As it was written. */
  readonly spec: string;
  /** Where it was written: `--fail-on`, or the place in a config file. */
  readonly from: string;
  readonly subject: SubjectKind;
  /** What the name must match; '*' for the total. */
  readonly glob: string;
  readonly metric: Metric;
  readonly comparator: Comparator;
  readonly limit: GateLimit;
}

const BYTE_METRICS: readonly Metric[] = ['live', 'peak', 'waste', 'allocBytes'];

/** @throws UsageError with the position of what is wrong */
export function parseGate(spec: string, from: string = '--fail-on'): Gate {
  const fail = (at: number, what: string, hint: string): never => {
    throw new UsageError(`${from} '${spec}': ${what}, at character ${at + 1}`, { hint });
  };
  const sign = Math.max(spec.lastIndexOf('<'), spec.lastIndexOf('>'));
  const comparator = COMPARATORS.find((name) => spec.startsWith(name, sign));
  if (comparator === undefined) {
    const equals = spec.search(/[=!]/);
    const at = equals < 0 ? spec.length : equals;
    return fail(at, 'a comparison is missing', 'One of >, >=, < and <=, then a limit.');
  }
  const left = spec.slice(0, sign);
  const colon = left.lastIndexOf(':');
  const word = left.slice(colon + 1);
  const metricAt = colon + 1 + word.length - word.trimStart().length;
  const metric = METRICS.find((name) => name === word.trim());
  if (metric === undefined) {
    return fail(metricAt, `unknown metric '${word.trim()}'`, `One of ${METRICS.join(', ')}.`);
  }
  const subject = parseSubject(colon < 0 ? 'total' : left.slice(0, colon));
  if (subject === undefined) {
    return fail(0, 'unknown subject', 'One of total, cache:GLOB and site:GLOB.');
  }
  if (subject.glob === '')
    return fail(colon, 'an empty name', 'A name or a glob, such as kmalloc-*.');
  const limitText = spec.slice(sign + comparator.length);
  const limitAt = sign + comparator.length + limitText.length - limitText.trimStart().length;
  const limit = parseLimit(limitText.trim(), metric);
  if (typeof limit === 'string') {
    const amount = BYTE_METRICS.includes(metric) ? '64KiB' : '10';
    return fail(limitAt, limit, `Such as +5%, +${amount}, or ${amount} for the value itself.`);
  }
  return { spec, from, ...subject, metric, comparator, limit };
}

function parseSubject(text: string): Pick<Gate, 'subject' | 'glob'> | undefined {
  if (text.trim() === 'total') return { subject: 'total', glob: '*' };
  const [, kind, glob] = /^\s*(cache|site):(.*)$/s.exec(text) ?? [];
  if (glob === undefined) return undefined;
  return { subject: kind === 'site' ? 'site' : 'cache', glob: glob.trim() };
}

/** The limit, or what is wrong with it. */
function parseLimit(text: string, metric: Metric): GateLimit | string {
  if (text === '') return 'a limit is missing';
  const [, sign = '', amount = ''] = /^([+-]?)\s*(.*)$/.exec(text) ?? [];
  const factor = sign === '-' ? -1 : 1;
  const percent = /^(\d+(?:\.\d+)?)\s*%$/.exec(amount)?.[1];
  if (percent !== undefined) {
    return { of: 'percent', number: factor * Number(percent), isObjects: false };
  }
  const of = sign === '' ? 'value' : 'change';
  const objects = /^(\d+)\s*objects?$/.exec(amount)?.[1];
  if (objects !== undefined) {
    if (metric !== 'live') return `'${metric}' is not counted in objects`;
    return { of, number: factor * Number(objects), isObjects: true };
  }
  const isPlain = /^\d+(?:\.\d+)?$/.test(amount);
  const size = isPlain ? Number(amount) : parseSize(amount);
  if (size === undefined) return `'${text}' is no limit`;
  if (!isPlain && !BYTE_METRICS.includes(metric)) return `'${metric}' is not counted in bytes`;
  return { of, number: factor * size, isObjects: false };
}
