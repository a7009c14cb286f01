// Nothing of severity error is found where nothing was planted, and what was planted is found.

import { expect, test } from 'vitest';
import { findDefects } from '../../src/analysis/lint/lint-run.ts';
import { describeWithData, recording } from '../helpers/data.ts';

async function errors(name: string): Promise<string[]> {
  const { findings } = await findDefects({ source: recording(name), sidecars: [] }, true);
  return findings.filter(({ severity }) => severity === 'error').map(({ rule }) => rule);
}

for (const name of ['debian-plain-510', 'debian-plain-612', 'debian-bulkprobes']) {
  describeWithData(name, 'a recording without planted bugs', () => {
    test('has no errors', async () => {
      expect(await errors(name)).toEqual([]);
    });
  });
}

describeWithData('debug-slub', 'planted bugs', () => {
  test('the wrong frees among them are errors', async () => {
    expect(new Set(await errors('debug-slub'))).toEqual(
      new Set(['double-free', 'invalid-free', 'wrong-cache']),
    );
  });
});
