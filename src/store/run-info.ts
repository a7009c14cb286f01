// What a trace says of itself, to and from the JSON that table `run` keeps of it (key `info`).

import {
  asBool,
  asCount,
  asText,
  type Check,
  checkedList,
  checkedObject,
  nullable,
  oneOf,
  optional,
} from '../base/checked-json.ts';
import type { GfpName, ProbeSeen, Sampling, TraceInfo } from '../kernel/events/trace-info.ts';

/** As JSON; the origin as digits, since JSON has no bigint. */
export function encodeInfo(info: TraceInfo): string {
  return JSON.stringify({ ...info, gfpLayout: undefined, originNs: info.originNs.toString() });
}

/** @throws SyntaxError or TypeError, which names the place, where the text is not what was written */
export function decodeInfo(text: string): TraceInfo {
  return checkedObject(JSON.parse(text), 'info', {
    format: asText,
    clock: nullable(asText),
    clockUnit: oneOf('ns', 'tick', 'count'),
    originNs: asBigInt,
    cpus: nullable(asPositive),
    kernelRelease: nullable(asText),
    pageSize: nullable(asPositive),
    hashedPointers: asBool,
    pointerBytes: asPointerBytes,
    gfpNames: nullable((value, at) => checkedList(value, at, asGfpName)),
    gfpLayout: () => null,
    // Databases of older versions do not have them.
    sampling: optional(nullable(asSampling), null),
    someTasksOnly: optional(asBool, false),
    probes: optional((value, at) => checkedList(value, at, asProbe), []),
  });
}

const asBigInt: Check<bigint> = (value, at) => {
  if (typeof value !== 'string' || !/^-?\d{1,20}$/.test(value)) {
    throw new TypeError(`${at}: not digits`);
  }
  return BigInt(value);
};

const asPositive: Check<number> = (value, at) => {
  if (!Number.isSafeInteger(value) || Number(value) < 1) {
    throw new TypeError(`${at}: not a whole number from 1 on`);
  }
  return Number(value);
};

const asPointerBytes: Check<4 | 8> = (value, at) => {
  if (value !== 4 && value !== 8) throw new TypeError(`${at}: not 4 or 8`);
  return value;
};

const asMask: Check<number> = (value, at) => {
  if (!Number.isInteger(value) || Number(value) < 0 || Number(value) > 0xffffffff) {
    throw new TypeError(`${at}: not a number of 32 bits`);
  }
  return Number(value);
};

const asGfpName: Check<GfpName> = (value, at) =>
  checkedObject(value, at, { mask: asMask, name: asText });

const asSampling: Check<Sampling> = (value, at) =>
  checkedObject(value, at, {
    kind: oneOf('frequency', 'period', 'leader'),
    every: asCount,
    events: (list, place) => checkedList(list, place, asText),
  });

const asProbe: Check<ProbeSeen> = (value, at) =>
  checkedObject(value, at, { event: asText, isRead: asBool, mapping: nullable(asText) });
