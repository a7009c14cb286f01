// What the package exports: a name that goes away breaks its users.

import { expect, test } from 'vitest';

test('the public names', async () => {
  expect(Object.keys(await import('../../src/index.ts')).sort()).toEqual([
    'InputError',
    'OutputError',
    'StoreError',
    'ToolError',
    'TraceFormatError',
    'UsageError',
    'compare',
    'listFormats',
    'openRun',
  ]);
});
