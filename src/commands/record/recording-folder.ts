// The folder that a recording is written to (docs/recording-folder.md).

import { existsSync, mkdirSync, readdirSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describeError, OutputError } from '../../base/errors.ts';
import { PACKED_SUFFIX } from '../../base/packing.ts';
import { writeWhole } from '../../base/partial-file.ts';

/** What would be read with a new recording, or in its place, were it left from an older one. */
const OF_A_RECORDING = new RegExp(
  `^(?:${[
    'trace\\.(?:dat|txt|csv)|perf\\.data|head\\.dat|trace_pipe_raw\\.cpu\\d+',
    'tracing|cpu\\d+\\.stats|saved_cmdlines|trace_clock|trace_options|System\\.map|config',
    '(?:slabinfo|slab_sysfs)(?:\\.before)?\\.txt|slab_sysfs_links\\.txt',
    '(?:kallsyms|modules|module_sections|zoneinfo|pagesize|vmallocinfo|meminfo)\\.txt',
    '(?:iomem|cmdline|version|uname|dmesg|kmemleak|allocinfo|alloc_traces)\\.txt',
  ].join('|')})${PACKED_SUFFIX}$`,
);

export class RecordingFolder {
  private readonly root: string;

  /**
   * Makes the folder.
   * @param force takes one that is not empty, and removes the older recording in it
   * @throws OutputError
   */
  constructor(root: string, force: boolean) {
    this.root = root;
    let names: string[] = [];
    try {
      if (existsSync(root)) names = readdirSync(root);
      else mkdirSync(root, { recursive: true });
      if (force) {
        for (const name of names.splice(0).filter((each) => OF_A_RECORDING.test(each))) {
          rmSync(join(root, name), { recursive: true });
        }
      }
    } catch (error) {
      throw new OutputError(`${root}: cannot be made: ${describeError(error)}`, { cause: error });
    }
    if (names.length > 0) {
      throw new OutputError(`${root}: is there and not empty`, {
        hint: 'Name another folder with -o, or replace the recording in it with --force.',
      });
    }
  }

  path(name: string): string {
    return join(this.root, name);
  }

  /** @throws OutputError where the disk is full or may not be written */
  save(name: string, content: string | Uint8Array): void {
    const path = this.path(name);
    try {
      mkdirSync(dirname(path), { recursive: true });
      writeWhole(
        path,
        typeof content === 'string' ? Buffer.from(content, 'latin1') : content,
        true,
      );
    } catch (error) {
      throw cannotWrite(path, error instanceof OutputError ? error.cause : error);
    }
  }
}

export function cannotWrite(path: string, error: unknown): OutputError {
  return new OutputError(`${path}: cannot be written: ${describeError(error)}`, {
    cause: error,
    hint: 'What was recorded until then is kept. Make room, or record less: --duration, --pid.',
  });
}
