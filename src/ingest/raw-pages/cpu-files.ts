// The files of all CPUs of a recording, found from the one that was named:
// `trace_pipe_raw.cpu0`, `trace_pipe_raw.cpu1.gz`; what a trace-cmd that was killed leaves behind is
// called `trace.dat.cpu0`.

import { readdirSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { describeError, InputError } from '../../base/errors.ts';
import { PACKED_SUFFIX } from '../../base/packing.ts';

export interface CpuFile {
  readonly cpu: number;
  readonly path: string;
}

const NAME = new RegExp(`^(.*\\.)cpu(\\d{1,5})${PACKED_SUFFIX}$`);
/** Of a batch's CPU column. */
const MAX_CPU = 0xffff;

/** True for the name of one CPU's file. */
export function isCpuFileName(path: string): boolean {
  return NAME.test(basename(path));
}

/** The files of all CPUs, by CPU; the named one alone (as CPU 0) where its name says no CPU. */
export function cpuFiles(path: string): CpuFile[] {
  const [, prefix] = NAME.exec(basename(path)) ?? [];
  if (prefix === undefined) return [{ cpu: 0, path }];
  const folder = dirname(path);
  const files = new Map<number, CpuFile>();
  for (const name of namesIn(folder)) {
    const [, ownPrefix, digits] = NAME.exec(name) ?? [];
    const cpu = Number(digits);
    if (ownPrefix !== prefix || cpu > MAX_CPU) continue;
    // Of a file that is there twice, packed and not, the one that was named or the unpacked one.
    const isNamed = name === basename(path);
    if (isNamed || !files.has(cpu)) files.set(cpu, { cpu, path: join(folder, name) });
  }
  return [...files.values()].sort((a, b) => a.cpu - b.cpu);
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder).sort();
  } catch (error) {
    throw new InputError(`${folder}: ${describeError(error)}`, { cause: error });
  }
}
