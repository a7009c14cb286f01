// From the options of the command line to what `run/` takes.

import { InputError } from '../../base/errors.ts';
import { fileStat } from '../../base/file-stat.ts';
import { fileTarget } from '../../base/output-target.ts';
import type { Selection } from '../../pairing/event-filter.ts';
import type { SourceOptions } from '../../run/source.ts';
import type { Desk } from './command.ts';
import type { FilterValues, RunValues, SiteValues } from './options.ts';

/** What is read of the options of a command that reads a source. */
export interface ReadingValues extends RunValues, Partial<FilterValues>, Partial<SiteValues> {
  readonly force?: boolean;
}

/** @throws InputError for a folder of sidecars that is not there; what `--keep` may throw */
export async function sourceOptions(options: ReadingValues, desk: Desk): Promise<SourceOptions> {
  for (const folder of options.sidecars || []) assertFolder(folder);
  const found: SourceOptions = {
    source: options.source,
    label: options.label,
    inputFormat: options.inputFormat,
    sidecars: options.sidecars === false ? 'none' : options.sidecars,
    buffer: options.buffer,
    csv: {
      columns: options.columns,
      ignoreColumns: options.ignoreColumns === true,
      tsUnit: options.tsUnit,
    },
    maps: options.map,
    tmp: options.tmp,
    selection: selectionOf(options),
    looksThrough: options.lookThrough,
    progress: desk.progress,
  };
  return options.keep === undefined ? found : keepRun(found, options.keep, options.force === true);
}

/** Stores the run first, and goes on with what was stored. */
async function keepRun(
  options: SourceOptions,
  path: string,
  force: boolean,
): Promise<SourceOptions> {
  fileTarget(path, force, '--keep');
  const { keepDatabase } = await import('../../analysis/store-run/ingest-run.ts');
  return keepDatabase(options, path, force);
}

/** A folder that is not there would be passed over without a word. */
function assertFolder(path: string): void {
  if (fileStat(path)?.isDirectory() !== true) throw new InputError(`${path}: no such folder`);
}

function selectionOf(options: Partial<FilterValues>): Selection {
  return {
    caches: options.cache ?? [],
    pids: options.pid ?? [],
    comms: options.comm ?? [],
    excludedComms: options.excludeComm ?? [],
    cpus: options.cpu ?? [],
    from: options.time?.from,
    to: options.time?.to,
    sizes: options.size,
    ages: options.age,
  };
}
