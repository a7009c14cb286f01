import { expect, test } from 'vitest';
import { suggestMapping } from '../../../../src/ingest/probes/suggest-mapping.ts';

const shape = (event: string, fields: string[], more = {}) => ({
  event,
  func: undefined,
  isReturn: false,
  fields,
  ...more,
});

test.each([
  ['take', { bytes: '24', where: '0xffff888001000000' }, 'take=alloc,bytes=size,where=ptr'],
  ['give', { where: '0xffff888001000000' }, 'give=free,where=ptr'],
  ['pool_get', { a: '24' }, 'pool_get=alloc,a=size'],
  ['sched', { prio: 'high' }, null],
])('by what the fields hold: %s %j', (event, fields, mapping) => {
  const values = new Map(Object.entries(fields));
  expect(suggestMapping(shape(event, [...values.keys()]), values)).toBe(mapping);
});

test.each([
  [shape('take', ['bytes', 'where']), 'take=alloc,bytes=size,where=ptr'],
  [shape('x', ['mem_addr'], { func: 'pool_put' }), 'x=free,mem_addr=ptr'],
  [shape('__kmalloc__return', ['arg1'], { isReturn: true }), '__kmalloc__return=alloc,arg1=ret'],
  [shape('probe_1', ['a', 'b']), null],
])('by names alone: %j', (probe, mapping) => {
  expect(suggestMapping(probe)).toBe(mapping);
});
