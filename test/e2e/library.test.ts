// The package as a library, in a process of its own: what index.ts exports.

import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { BOOT, MAIN, ROOT } from '../helpers/run-cli.ts';

test.skipIf(!existsSync('/proc/self/task'))(
  'traces read at the same time leave one reading thread, and nothing that keeps the process',
  () => {
    const index = join(dirname(dirname(MAIN)), 'index.js');
    const script = `
    import { readdirSync } from 'node:fs';
    import { analyseRun } from ${JSON.stringify(index)};
    const options = { source: ${JSON.stringify(join(ROOT, BOOT))} };
    const counts = [];
    for (let round = 0; round < 3; round++) {
      await Promise.all([analyseRun(options, false), analyseRun(options, false)]);
      await new Promise((resolve) => setTimeout(resolve, 200));
      counts.push(readdirSync('/proc/self/task').length);
    }
    console.log(JSON.stringify(counts));
  `;
    const folder = mkdtempSync(join(tmpdir(), 'slabreplay-library-'));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    const path = join(folder, 'rounds.mjs');
    writeFileSync(path, script);
    const { stdout, status } = spawnSync(process.execPath, [path], {
      encoding: 'utf8',
      timeout: 60_000,
    });
    expect(status).toBe(0);
    const [first, second, third] = JSON.parse(stdout) as number[];
    expect([second, third]).toEqual([first, first]);
  },
);
