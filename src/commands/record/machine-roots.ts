// Where the recorded machine shows itself.

import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { InputError } from '../../base/errors.ts';

export interface MachineRoots {
  /** The mounted tracefs. */
  readonly tracefs: string;
  readonly proc: string;
  readonly sys: string;
  readonly boot: string;
}

/**
 * @param root where the machine's folders are: in a container, where its host's are mounted
 * @throws InputError where there is no tracefs, or it may not be read
 */
export function findMachineRoots(root: string): MachineRoots {
  const sys = join(root, 'sys');
  for (const folder of ['tracing', 'debug/tracing']) {
    const tracefs = join(sys, 'kernel', folder);
    if (existsSync(join(tracefs, 'instances'))) {
      return { tracefs, sys, proc: join(root, 'proc'), boot: join(root, 'boot') };
    }
  }
  if (process.getuid?.() !== 0) {
    throw new InputError('recording needs root: tracefs cannot be read', {
      hint: 'Run it with sudo.',
    });
  }
  throw new InputError('no tracefs is mounted', {
    hint: 'mount -t tracefs nodev /sys/kernel/tracing (needs a kernel with CONFIG_FTRACE).',
  });
}

/** A file's text as it is; undefined where it cannot be read. */
export function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return undefined;
  }
}
