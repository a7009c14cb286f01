// Folders of CTF, read through babeltrace2.

import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { expect, onTestFinished, test, vi } from 'vitest';
import { openRun } from '../../../../src/run/open-run.ts';
import { describeWithData, recording } from '../../../helpers/data.ts';
import { readTraceFile } from '../../../helpers/read-trace.ts';
import { describeWithTools, testWithTools } from '../../../helpers/tools.ts';

function temporary(): string {
  const folder = mkdtempSync(join(tmpdir(), 'ctf-test-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  return folder;
}

const METADATA = '/* CTF 1.8 */\ntrace { major = 1; minor = 8; byte_order = le; };\n';

test('without babeltrace2 it is said what is missing', async () => {
  const folder = temporary();
  writeFileSync(join(folder, 'metadata'), METADATA);
  vi.stubEnv('PATH', folder);
  onTestFinished(() => {
    vi.unstubAllEnvs();
  });
  await expect(openRun({ source: folder })).rejects.toMatchObject({
    exitCode: 65,
    message: `${folder}: a CTF trace, which is read through babeltrace2: it is not installed`,
    hint: expect.stringContaining('apt install babeltrace2'),
  });
});

testWithTools(['babeltrace2'], 'a folder that babeltrace2 cannot read', async () => {
  const folder = temporary();
  mkdirSync(join(folder, 'kernel'));
  writeFileSync(join(folder, 'kernel', 'metadata'), '/* CTF 1.8 */\nthis is none\n');
  await expect(openRun({ source: folder })).rejects.toMatchObject({
    exitCode: 65,
    message: expect.stringContaining('babeltrace2 cannot read this CTF trace'),
  });
});

describeWithTools(['babeltrace2', 'perf'], 'what perf data convert writes', () => {
  describeWithData('debian-variants', 'CTF of perf', () => {
    test('has the events of the perf.data', async () => {
      const folder = temporary();
      const data = join(folder, 'g.data');
      writeFileSync(data, gunzipSync(readFileSync(recording('debian-variants/f-perf/g.data.gz'))));
      execFileSync('perf', ['data', 'convert', '--to-ctf', join(folder, 'ctf'), '-i', data], {
        stdio: 'ignore',
      });
      const ctf = await readTraceFile(join(folder, 'ctf', 'metadata'));
      const own = await readTraceFile(data);
      expect(ctf.format).toBe('ctf');
      expect(ctf.stats).toEqual({});
      expect(ctf.info.kernelRelease).toBe('6.1.0-56-amd64');
      const brief = (trace: typeof own): string[] =>
        trace
          .events()
          .map((e) =>
            [
              e.ns,
              e.event,
              e.ptr,
              e.site,
              e.bytesReq,
              e.bytesAlloc,
              e.cpu,
              e.pid,
              e.gfp,
              e.stack,
            ].join(' '),
          )
          .sort();
      expect(brief(ctf)).toEqual(brief(own));
    });
  });
});
