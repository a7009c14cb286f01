// The package as a library, in a process of its own: what index.ts exports.

import { execFile } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { gunzipSync } from 'node:zlib';
import { expect, onTestFinished, test } from 'vitest';
import { MAIN, ROOT, STACKS } from '../helpers/run-cli.ts';

test.skipIf(!existsSync('/proc/self/task'))(
  'traces read at the same time leave one reading thread, and nothing that keeps the process',
  async () => {
    const index = join(dirname(dirname(MAIN)), 'index.js');
    const folder = mkdtempSync(join(tmpdir(), 'slabreplay-library-'));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    // Packed it is too small for a thread.
    const trace = join(folder, 'trace.txt');
    writeFileSync(trace, gunzipSync(readFileSync(join(ROOT, STACKS, 'trace.txt.gz'))));
    const script = `
    import { readdirSync } from 'node:fs';
    import { setTimeout as sleep } from 'node:timers/promises';
    import { openRun } from ${JSON.stringify(index)};
    const overview = async () => {
      const run = await openRun(${JSON.stringify(trace)});
      await run.overview({ replay: false });
      await run.close();
    };
    const threads = () => readdirSync('/proc/self/task').length;
    const round = () => Promise.all([overview(), overview()]);
    await round();
    // Threads that are not kept end within a second or so: the least that is seen are those kept.
    let kept = threads();
    for (let i = 0; i < 20; i++) {
      await sleep(50);
      kept = Math.min(kept, threads());
    }
    for (let i = 0; i < 3; i++) {
      await round();
      for (let tries = 0; threads() > kept && tries < 5000; tries++) await sleep(10);
    }
    console.log(JSON.stringify([kept, threads()]));
  `;
    const path = join(folder, 'rounds.mjs');
    writeFileSync(path, script);
    const { stdout } = await promisify(execFile)(process.execPath, [path]);
    const [kept, atEnd] = JSON.parse(stdout) as number[];
    expect(atEnd).toBe(kept);
  },
);
