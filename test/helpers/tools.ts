// Programs that a test needs and a user's machine may lack: such tests are then skipped, by name.
// Only the PATH is looked at, nothing is run.

import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import { describe, test } from 'vitest';
import { skipByName } from './skip-by-name.ts';

/** True where the program is a file on the PATH that may be run. */
export function isInstalled(program: string): boolean {
  const folders = (process.env['PATH'] ?? '').split(delimiter).filter((folder) => folder !== '');
  return folders.some((folder) => {
    try {
      accessSync(join(folder, program), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

/** `test` where all tools are installed, else one skipped test that says which are not. */
export function testWithTools(
  tools: readonly string[],
  title: string,
  body: () => void | Promise<void>,
): void {
  const missing = tools.filter((tool) => !isInstalled(tool));
  if (missing.length === 0) test(title, body);
  else skipByName(title, `no ${missing.join(', ')} on this machine`);
}

/** `describe` where all tools are installed; else its body does not run, as with recordings. */
export function describeWithTools(tools: readonly string[], title: string, body: () => void): void {
  const missing = tools.filter((tool) => !isInstalled(tool));
  if (missing.length === 0) describe(title, body);
  else skipByName(title, `no ${missing.join(', ')} on this machine`);
}
