// `compare --config FILE`: what a project wants judged, as JSON.
//
//   {
//     "threshold": "1%,16KiB",
//     "per": "second",
//     "failOn": ["total:live>+5%"],
//     "budgets": { "site:foo_probe:live": "64KiB", "cache:kmalloc-*:waste": "1MiB" }
//   }
//
// A budget `KEY: LIMIT` is the gate `KEY<=LIMIT`. Every key may be left out; an unknown one is an
// error, because a gate that is spelled wrong must not pass.

import { asText, type Check, checkedList, isObject, recordOf } from '../../../base/checked-json.ts';
import { UsageError } from '../../../base/errors.ts';
import { type Per, parsePer } from '../figures/per.ts';
import { type Gate, parseGate } from './gate-expression.ts';
import { parseThreshold, type Threshold } from './threshold.ts';

export interface CompareConfig {
  readonly threshold: Threshold | undefined;
  readonly per: Per | undefined;
  readonly gates: readonly Gate[];
}

const KEYS = ['threshold', 'per', 'failOn', 'budgets'] as const;

/** @throws UsageError with the place of what is wrong */
export function parseCompareConfig(content: string, path: string): CompareConfig {
  const json = parseJson(content, path);
  const unknown = Object.keys(json).find((key) => !KEYS.some((known) => known === key));
  if (unknown !== undefined) {
    throw new UsageError(`${path}: unknown key '${unknown}'`, {
      hint: `One of ${KEYS.join(', ')}.`,
    });
  }
  const take = <T>(key: (typeof KEYS)[number], check: Check<T>): T | undefined => {
    if (json[key] === undefined) return undefined;
    try {
      return check(json[key], key);
    } catch (error) {
      if (!(error instanceof TypeError)) throw error;
      throw new UsageError(`${path}: ${error.message}`, { cause: error });
    }
  };
  const threshold = take('threshold', asText);
  const per = take('per', asText);
  const failOn = take('failOn', (value, at) => checkedList(value, at, asText)) ?? [];
  const budgets = take('budgets', recordOf(asText)) ?? {};
  return {
    threshold:
      threshold === undefined ? undefined : parseThreshold(threshold, `${path}: threshold`),
    per: per === undefined ? undefined : parsePer(per, `${path}: per`),
    gates: [
      ...failOn.map((spec, i) => parseGate(spec, `${path}: failOn[${i}]`)),
      ...Object.entries(budgets).map(([key, limit]) =>
        parseGate(`${key}<=${limit}`, `${path}: budgets`),
      ),
    ],
  };
}

function parseJson(content: string, path: string): Record<string, unknown> {
  let json: unknown;
  try {
    json = JSON.parse(content.replace(/^\ufeff/, ''));
  } catch (error) {
    const message = error instanceof Error ? error.message.replace(/\s+/g, ' ') : String(error);
    throw new UsageError(`${path}: not JSON: ${message}`, { cause: error });
  }
  if (!isObject(json)) throw new UsageError(`${path}: not a JSON object`);
  return json;
}
