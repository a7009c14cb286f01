// Folders of CTF, read through babeltrace2.

import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { expect, onTestFinished, test, vi } from 'vitest';
import { openRun } from '../../../../src/run/open-run.ts';
import { describeWithData, recording } from '../../../helpers/data.ts';
import { LTTNG_METADATA, lttngPacket } from '../../../helpers/lttng-folder.ts';
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

/** Writes a folder as LTTng does; returns the path of its metadata. */
function lttngFolder(
  streams: Readonly<Record<string, Buffer>>,
  metadata: string = LTTNG_METADATA,
): string {
  const folder = join(temporary(), 'kernel');
  mkdirSync(folder);
  writeFileSync(join(folder, 'metadata'), metadata);
  for (const [name, bytes] of Object.entries(streams)) writeFileSync(join(folder, name), bytes);
  return join(folder, 'metadata');
}

const SITE = 0xffffffff81234567n;
const PTR = 0xffff888004c12340n;
const SHELL = { tid: 7, comm: 'sh' };
const STREAMS = {
  channel0_0: Buffer.concat([
    lttngPacket(0, [
      { ...SHELL, name: 'kmem_kmalloc', time: 1000, fields: [SITE, PTR, 60n, 64n, 0xcc0] },
      { ...SHELL, name: 'kmem_cache_free', time: 3000, fields: [SITE, PTR + 256n, 'dentry'] },
      { ...SHELL, name: 'sched_switch', time: 3500, fields: [7] },
    ]),
    lttngPacket(0, [{ ...SHELL, name: 'kmem_kfree', time: 4000, fields: [SITE, PTR] }], {
      sequence: 1,
      discarded: 5,
    }),
  ]),
  channel0_1: lttngPacket(1, [
    {
      tid: 8,
      comm: 'a "b", {c}',
      name: 'kmem_cache_alloc',
      time: 2000,
      fields: [SITE, PTR + 256n, 192n, 192n, 0xdc0],
    },
    {
      tid: 8,
      comm: 'x',
      name: 'kmem_kmalloc_node',
      time: 2500,
      fields: [SITE, PTR + 512n, 8n, 8n, 0xcc0, -1],
    },
  ]),
};

testWithTools(['babeltrace2'], "a folder of LTTng's kernel tracer", async () => {
  const trace = await readTraceFile(lttngFolder(STREAMS));
  expect(trace.info).toMatchObject({
    format: 'ctf',
    kernelRelease: '6.1.0-18-amd64',
    originNs: 1_704_100_000_000_001_000n,
  });
  const row = { site: '0xffffffff81234567', stack: ['0xffffffff81000010'] };
  expect(trace.events()).toMatchObject([
    { ...row, event: 'kmalloc', cpu: 0, pid: 7, comm: 'sh', ptr: PTR, bytesReq: 60, gfp: 0xcc0 },
    { ...row, event: 'kmem_cache_alloc', cpu: 1, pid: 8, bytesAlloc: 192, gfp: 0xdc0 },
    { ...row, event: 'kmalloc_node', cpu: 1, pid: 8, comm: 'x', node: -1, bytesAlloc: 8 },
    { ...row, event: 'kmem_cache_free', cpu: 0, pid: 7, ptr: PTR + 256n, cache: 'dentry' },
    { ...row, event: 'kfree', cpu: 0, pid: 7, ptr: PTR },
  ]);
  expect(trace.stats).toEqual({ other_events: 1, lost_events: 5 });
});

testWithTools(
  ['babeltrace2'],
  'damaged folders: the cause is named as babeltrace2 names it',
  async () => {
    const badText = lttngFolder(
      STREAMS,
      LTTNG_METADATA.replace('uint32_t cpu_id', 'uint99_t cpu_id'),
    );
    await expect(openRun({ source: badText })).rejects.toMatchObject({
      exitCode: 65,
      hint: expect.stringMatching(/^At line \d+ in metadata stream: syntax error/),
    });
    const cut = lttngFolder({ ...STREAMS, channel0_0: STREAMS.channel0_0.subarray(0, 150) });
    await expect(openRun({ source: cut })).rejects.toMatchObject({
      exitCode: 65,
      hint: expect.stringContaining('channel0_0'),
    });
  },
);

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
