// Where the recorded machine shows itself; tests use folders of their own.

import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { InputError } from '../base/errors.ts';

export interface MachineRoots {
  /** The mounted tracefs. */
  readonly tracefs: string;
  readonly proc: string;
  readonly sys: string;
  readonly boot: string;
}

/**
 * This machine's own.
 * @throws InputError where there is no tracefs, or it may not be read
 */
export function findMachineRoots(): MachineRoots {
  const roots = { proc: '/proc', sys: '/sys', boot: '/boot' };
  for (const tracefs of ['/sys/kernel/tracing', '/sys/kernel/debug/tracing']) {
    if (existsSync(join(tracefs, 'trace'))) return { ...roots, tracefs };
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

/** A file's text without the last newline; undefined where it cannot be read. */
export function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, 'latin1').replace(/\n$/, '');
  } catch {
    return undefined;
  }
}
