// Probe events that nothing tells how to read, and `--map` for events that are not there.

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { UsageError } from '../../../src/base/errors.ts';
import { openRun } from '../../../src/run/open-run.ts';
import { temporaryFolder } from '../../helpers/run-cli.ts';

const PROBES = `
sh-7 [000] ..... 1.000001: take: (pool_get+0x4/0x20) bytes=24 where=0xffff888001000000
sh-7 [000] ..... 1.000003: give: (pool_put+0x0/0x20) where=0xffff888001000000
`;
const KFREE = 'sh-7 [000] ..... 1.5: kfree: call_site=f+0x1/0x2 ptr=ffff888001000000\n';
const TAKE = 'take=alloc,bytes=size,where=ptr';
const GIVE = 'give=free,where=ptr';

async function problem(text: string, ...maps: string[]): Promise<string | undefined> {
  const source = join(temporaryFolder(), 'trace.txt');
  writeFileSync(source, text);
  try {
    await openRun({ source, sidecars: 'none', maps });
    return undefined;
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    return `${error.message.replace(source, 'trace.txt')}\n${error.hint}`;
  }
}

describe('a trace of probes alone', () => {
  test('names them, and the --map that would read them', async () => {
    expect(await problem(PROBES)).toBe(
      'trace.txt: it has probe events (take, give), and nothing tells what they mean\n' +
        `Perhaps: --map ${TAKE} --map ${GIVE} (docs/probes.md)`,
    );
  });

  test('with a --map that leaves out what is needed', async () => {
    expect(await problem(PROBES, 'take=alloc,byte=size', 'give=none')).toContain(
      'Perhaps: --map take',
    );
  });

  test('is read where a --map tells of some of them', async () => {
    expect(await problem(PROBES, TAKE)).toBeUndefined();
  });
});

test('beside tracepoints they need no --map', async () => {
  expect(await problem(PROBES + KFREE)).toBeUndefined();
});

test.each([
  ['tak=alloc,bytes=size', 'Nearest: take.'],
  ['nosuch=free,where=ptr', 'It has take, give.'],
])('--map %s names no event', async (map, hint) => {
  expect(await problem(PROBES, map)).toBe(
    `--map ${map}: trace.txt has no probe event of that name\n${hint}`,
  );
});

test('--map where there are no probes', async () => {
  expect(await problem(KFREE, TAKE)).toContain('\nIt has no probe events.');
});
