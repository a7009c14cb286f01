// Each text belongs to one format, found by its first lines.

import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { detectFormat, loadFormats } from '../../../../src/ingest/formats.ts';
import { openInput } from '../../../../src/ingest/open-input.ts';
import { describeWithData, recording } from '../../../helpers/data.ts';

const TEXT_FORMATS = (await loadFormats()).filter((f) =>
  ['ftrace-text', 'trace-cmd-report', 'perf-script', 'babeltrace'].includes(f.name),
);

/** The formats that take these bytes for their own. */
function claimants(head: Uint8Array): string[] {
  return TEXT_FORMATS.filter((f) => f.detect(head) === true).map((f) => f.name);
}

async function headOf(path: string): Promise<Uint8Array> {
  const { input } = await openInput({
    path,
    format: undefined,
    sidecarFolders: [],
    buffer: undefined,
    tmp: undefined,
  });
  for await (const _ of input.chunks({ truncated: false })) break;
  return input.head;
}

/** What the files of the recordings are, by their names there. */
const BY_NAME: readonly (readonly [RegExp, readonly string[]])[] = [
  [/hist/, []],
  [/report/, ['trace-cmd-report']],
  [/script/, ['perf-script']],
  [/trace.*\.txt\.gz$/, ['ftrace-text']],
];

for (const name of ['debian-variants', 'debian-variants-612']) {
  describeWithData(name, 'every text sample has one format', () => {
    test('by its first lines', async () => {
      const files = readdirSync(recording(name), { recursive: true, encoding: 'utf8' }).filter(
        (f) => /(?:^|\/)(?:trace|.*(?:report|script|hist))[^/]*\.txt\.gz$/.test(f),
      );
      expect(files.length).toBeGreaterThan(5);
      for (const file of files) {
        const want = BY_NAME.find(([pattern]) => pattern.test(file))?.[1];
        expect(claimants(await headOf(join(recording(name), file))), file).toEqual(want);
      }
    });
  });
}

describe('a piece without header', () => {
  test.each([
    ['ftrace-text', ' sh-1 [000] ..... 1.0: kfree: call_site=f+0x1/0x2 ptr=ffff888000000040'],
    ['ftrace-text', ' sh-1 [000] ..... 1.0: kfree: call_site=f+0x1/0x2 ptr=(null)'],
    ['ftrace-text', 'find-4624 [005] ...1. 580781.988361: do_filp_open <-do_sys_openat2'],
    ['ftrace-text', 'CPU:1 [LOST 9404 EVENTS]'],
    ['ftrace-text', '1 1 13458850736 type: 553'],
    ['trace-cmd-report', ' sh-1 [000] 1.0: kfree: call_site=f+0x1 ptr=(nil)'],
    ['trace-cmd-report', ' sh-1 [000] 1.0: kfree:                (f+0x1) call_site=f+0x1 ptr=ffff'],
    ['trace-cmd-report', 'cpus=8'],
    ['trace-cmd-report', 'CPU:1 [201 EVENTS DROPPED]'],
    ['perf-script', 'sh 1 [000] 1.000000: kmem:kfree: call_site=f+0x1 ptr=(nil)'],
    ['perf-script', '# captured on    : Sat Nov 21 03:22:24 2026'],
    [
      'babeltrace',
      '[10:04:11.123456789] (+0.000001234) host kmem_kfree: { cpu_id = 0 }, { ptr = 0x0 }',
    ],
    [
      'babeltrace',
      '[10:04:11.123456789] (+?.?????????) host sched_switch: { cpu_id = 0 }, { a = 0 }',
    ],
  ])('%s: %s', (format, line) => {
    const before = 'Hi all,\n\nI see this:\n\n';
    expect(claimants(Buffer.from(`${before}${line}\n`))).toEqual([format]);
    expect(claimants(Buffer.from(line))).toEqual([format]);
  });
});

test.each([
  ['', 'the file is empty'],
  ['Hello world\n', 'no line of it looks like an event'],
  ['{"formatVersion":1}', 'no line of it looks like an event'],
  [
    '[   14.697037] BUG kmalloc-64 (Tainted: G): Right Redzone overwritten\n',
    'no line of it looks like an event',
  ],
  ['1.5,0,1,kfree,0x10\n', 'no line of it looks like an event'],
  ['ELF\0\0\0', 'it holds zero bytes, so it is not text'],
  ['\u00ff\u00fe \0', 'it is UTF-16 text; convert it: iconv -f UTF-16 -t UTF-8'],
  ['# event histogram\n#\n', 'no line of it looks like an event'],
  [
    'kfree: call_site=f+0x1/0x2 ptr=ffff888000000040\n',
    'its events have no time (options/context-info off, or perf script -F)',
  ],
])('%j is refused: %s', async (text, reason) => {
  const head = Buffer.from(text, 'latin1');
  for (const format of TEXT_FORMATS) expect(format.detect(head)).toBe(reason);
  await expect(detectFormat(head, 'x')).rejects.toThrow(/^x: /);
});

test('a text of one format tells the others whose it is', () => {
  const head = Buffer.from('cpus=2\n');
  const answers = TEXT_FORMATS.map((f) => f.detect(head));
  expect(answers.filter((a) => a === true)).toHaveLength(1);
  expect(answers.filter((a) => a === 'its lines are those of trace-cmd-report')).toHaveLength(3);
});
