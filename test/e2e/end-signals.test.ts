// Signals that end the program, at the moments at which they could get lost.

import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { expect, test } from 'vitest';
import { ROOT } from '../helpers/run-cli.ts';

const modules = (name: string): string =>
  JSON.stringify(pathToFileURL(join(ROOT, 'dist', name)).href);

test('a signal that comes just before the last one who waits for it is gone still ends the program', () => {
  const program = `
    const { watchEnd } = await import(${modules('cli/end-signals.js')});
    const { onEndSignal } = await import(${modules('base/end-signals.js')});
    watchEnd();
    const off = onEndSignal(() => undefined);
    process.kill(process.pid, 'SIGTERM'); // its listener is called in a later turn of the event loop
    off();
    await new Promise((resolve) => setTimeout(resolve, 1000));
    console.log('the signal is lost');`;
  const { status, stdout } = spawnSync(
    process.execPath,
    ['--input-type=module', '--eval', program],
    { encoding: 'utf8' },
  );
  expect({ status, stdout }).toEqual({ status: 143, stdout: '' });
});
