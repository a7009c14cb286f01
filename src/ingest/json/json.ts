// Format `json`: events as objects of JSON, one a line or in an array, with the columns of CSV as keys.

import { EVENT_NAMES } from '../../kernel/events/event-kind.ts';
import type { TraceFormat } from '../format.ts';
import { columnOf, type EventObject, eventOf, parseEventObject } from './event-object.ts';
import { JsonReader } from './json-reader.ts';
import { ObjectCutter } from './object-cutter.ts';

/** Events of others may stand before the first of ours. */
const MOST_LOOKED_AT = 200;

export const jsonFormat: TraceFormat = {
  name: 'json',
  title: 'JSON of events: an object a line, or an array of objects, keys as in CSV',
  carries: 'all that an event has, as csv',

  detect: (head) =>
    objectsIn(head).some(isEvent) ||
    'it holds no JSON object with an event of ours, its time and its ptr',

  open: (input, writer, info) => Promise.resolve(new JsonReader(input, writer, info)),
};

function isEvent(fields: EventObject): boolean {
  const columns = [...fields.keys()].map(columnOf);
  const hasTime = columns.includes('ts') || columns.includes('ts_ns');
  return hasTime && columns.includes('ptr') && EVENT_NAMES.indexOf(eventOf(fields)) > 0;
}

function objectsIn(head: Uint8Array): EventObject[] {
  const objects: EventObject[] = [];
  if (!/^\uFEFF?[\s[]*\{/.test(Buffer.from(head.subarray(0, 4096)).toString('utf8')))
    return objects;
  let looked = 0;
  const cutter = new ObjectCutter({
    object(text) {
      const fields = looked++ < MOST_LOOKED_AT ? parseEventObject(text) : undefined;
      if (fields !== undefined) objects.push(fields);
    },
    broken() {},
  });
  cutter.push(head);
  return objects;
}
