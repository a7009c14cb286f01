// `slabreplay ingest SOURCE -o RUN.db`: events and sidecars into a run database.

import type { Command } from 'commander';
import { counted, formatCount } from '../../base/bytes-format.ts';
import { fileTarget } from '../../base/output-target.ts';
import { addSourceOptions, type SharedOptions, sourceOptions } from '../shared/options.ts';
import { noteWritten } from '../shared/output.ts';

interface IngestOptions extends SharedOptions {
  readonly out: string;
}

export function registerIngest(program: Command): void {
  const command = program
    .command('ingest <source>')
    .description('store a recording as one SQLite file that every command reads')
    .requiredOption('-o, --out <RUN.db>', 'the database to make')
    .option('--force', 'overwrite the file');
  addSourceOptions(command).action(run);
}

async function run(source: string, options: IngestOptions): Promise<void> {
  fileTarget(options.out, options.force === true);
  const { ingestRun } = await import('../../analysis/store-run/ingest-run.ts');
  const shared = await sourceOptions(source, options);
  const { events, notStored } = await ingestRun(shared, options.out, options.force === true);
  if (options.quiet) return;
  const rest =
    notStored === 0
      ? ''
      : `, ${formatCount(notStored)} of them not about slab memory, so not stored`;
  noteWritten(options.out, `${counted(events, 'event')}${rest}`);
}
