import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import { readSidecarFormats } from '../../../src/ingest/sidecar-formats.ts';
import { FolderSidecars } from '../../../src/recording/sidecar-files.ts';
import { temporaryFolder } from '../../helpers/run-cli.ts';

test('formats of our events and of probes, no others', () => {
  const folder = temporaryFolder();
  const put = (path: string, text: string): void => {
    mkdirSync(dirname(join(folder, 'tracing', path)), { recursive: true });
    writeFileSync(join(folder, 'tracing', path), text);
  };
  for (const [i, event] of [
    'kmem/kfree',
    'sched/sched_switch',
    'kp/out',
    'kprobes/back',
  ].entries()) {
    const name = event.split('/')[1];
    put(`events/${event}/format`, `name: ${name}\nID: ${i + 1}\nformat:\n`);
  }
  put('kprobe_events', 'p:kp/out kfree ptr=%di:x64\nr64:back __kmalloc ret=$retval\np:kp/gone f\n');
  const formats = readSidecarFormats(new FolderSidecars([folder]));
  expect(formats.map(({ name }) => name)).toEqual(['kfree', 'out', 'back']);
});
