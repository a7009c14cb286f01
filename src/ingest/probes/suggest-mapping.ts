// A probe event that nothing tells how to read → the `--map` that most likely would, by what its name,
// its function and its fields are called and by what they hold. A proposal: its user knows better.

import type { ProbeShape } from './probe-plan.ts';

const FREES = /free|put|give|release|del|drop|destroy/i;
const ALLOCATES = /alloc|take|get|new|make|create|dup/i;
const POINTER_VALUE = /^0x[0-9a-f]{8,16}$/i;
const POINTER_NAME = /ptr|addr|obj|where|ret|mem|^p$|^arg1$/i;
const SIZE_NAME = /size|len|bytes|count|order/i;

/**
 * `take=alloc,bytes=size,where=ptr`; null where nothing fits.
 * @param values of the fields, where they are at hand
 */
export function suggestMapping(
  { event, func, isReturn, fields }: ProbeShape,
  values: ReadonlyMap<string, string> = new Map(),
): string | null {
  const pointer = fields.find((field) => {
    const value = values.get(field);
    return value === undefined ? POINTER_NAME.test(field) : POINTER_VALUE.test(value);
  });
  const size = fields.find((field) => {
    const value = values.get(field);
    return field !== pointer && (SIZE_NAME.test(field) || /^\d+$/.test(value ?? ''));
  });
  const words = `${event} ${func ?? ''}`;
  if (pointer !== undefined && !isReturn && FREES.test(words))
    return `${event}=free,${pointer}=ptr`;
  if (!isReturn && !ALLOCATES.test(words) && size === undefined) return null;
  if (isReturn) return pointer === undefined ? null : `${event}=alloc,${pointer}=ret`;
  const meanings = [
    ...(size === undefined ? [] : [`${size}=size`]),
    ...(pointer === undefined ? [] : [`${pointer}=ptr`]),
  ];
  return meanings.length === 0 ? null : `${event}=alloc,${meanings.join(',')}`;
}
